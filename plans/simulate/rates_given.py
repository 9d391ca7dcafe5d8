"""Rates as a file or a request gives them."""

from typing import Annotated, Self

from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from domain.taxonomy import Channel
from plans.schema.scalars import Channel as ChannelWord
from plans.simulate.rates import (
    BUILT_IN,
    DELAY_MAX_S,
    ChannelRates,
    Delay,
    Delays,
    Rates,
    inconsistencies,
)

Share = Annotated[float, Field(ge=0, le=1)]


class _Given(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class DelayGiven(_Given):
    """A log-normal time, in seconds."""

    median_s: float = Field(ge=0, le=DELAY_MAX_S)
    sigma: float = Field(ge=0, le=5)


class ChannelGiven(_Given):
    """Shares of one channel; what is not given stays built in."""

    refused: Share | None = None
    bounce: Share | None = None
    open: Share | None = None
    click: Share | None = None
    reply: Share | None = None
    auto_reply: Share | None = None
    unsubscribe: Share | None = None
    spam: Share | None = None
    accept: Share | None = None
    meeting: Share | None = None


class DelaysGiven(_Given):
    """Times of reactions; what is not given stays built in."""

    bounce: DelayGiven | None = None
    open: DelayGiven | None = None
    click: DelayGiven | None = None
    reply: DelayGiven | None = None
    auto_reply: DelayGiven | None = None
    unsubscribe: DelayGiven | None = None
    spam: DelayGiven | None = None
    accept: DelayGiven | None = None
    meeting: DelayGiven | None = None
    custom: DelayGiven | None = None
    task: DelayGiven | None = None
    webhook: DelayGiven | None = None


class RatesGiven(_Given):
    """Rates as a file or a request has them; what is not given stays built in."""

    channels: dict[ChannelWord, ChannelGiven] = {}
    delays: DelaysGiven = DelaysGiven()
    task_done: Share | None = None
    task_skipped: Share | None = None
    webhook_ok: Share | None = None
    links: dict[Annotated[str, Field(max_length=255)], Share] = Field({}, max_length=100)
    custom: dict[Annotated[str, Field(pattern=r"^x_[a-z0-9_]{1,40}$")], Share] = Field(
        {}, max_length=100
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = inconsistencies(rates_from(self))
        if faults:
            raise ValueError("; ".join(faults))
        return self


def rates_from(given: RatesGiven, prior: Rates = BUILT_IN) -> Rates:
    """The rates of a file or request over the given ones."""
    channels = dict(prior.channels)
    for word, shares in given.channels.items():
        channel = Channel(word)
        channels[channel] = replace(channels.get(channel, ChannelRates()), **_told(shares))
    delays = {
        name: Delay(delay.median_s, delay.sigma)
        for name in Delays.__struct_fields__
        if (delay := getattr(given.delays, name)) is not None
    }
    own = {
        name: value
        for name, value in _told(given).items()
        if name in ("task_done", "task_skipped", "webhook_ok", "links", "custom")
    }
    return replace(prior, channels=channels, delays=replace(prior.delays, **delays), **own)


def _told(given: BaseModel) -> dict[str, object]:
    return given.model_dump(exclude_unset=True, exclude_none=True)

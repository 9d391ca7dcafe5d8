"""Which limits a message counts against, how many each allows, and how evenly it is used."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from domain.accounts import Rules, Weekend
from domain.limits import Counter, counter
from domain.taxonomy import CapName
from domain.timing.zones import local
from handlers.ports import Bucket, Due

_SATURDAY = 5
HOUR_S = 3600.0
BURST_S = 900.0
"""Of an hour's limit, as much as comes together in this time may be used at once."""
SPAN_S: Mapping[CapName, float] = {
    CapName.SENDER_MINUTE: 60.0,
    CapName.SENDER_HOUR: HOUR_S,
    CapName.DOMAIN_HOUR: HOUR_S,
    CapName.TENANT_HOUR: HOUR_S,
    CapName.GLOBAL_HOUR: HOUR_S,
}
"""The limits of a running time; the others are of a day."""


class Limit(msgspec.Struct, frozen=True):
    """One limit that a message counts against; `zone` says when a day is over."""

    counter: Counter
    most: int
    zone: str

    @property
    def step(self) -> timedelta:
        """How far apart two messages are that use the limit evenly; nothing for a whole day."""
        span = SPAN_S.get(self.counter.name)
        return timedelta(seconds=span / self.most) if span and self.most > 0 else timedelta()

    def bucket(self, used: int) -> Bucket:
        """The same limit as a bucket that fills evenly; it begins with what is left of it."""
        name, key = self.counter.name, self.counter.key
        span = SPAN_S[name]
        most = max(self.most, 0)
        capacity = max(most * min(BURST_S / span, 1.0), 1.0)
        seed = min(capacity, max(most - used, 0))
        return Bucket(name=name, key=key, capacity=capacity, per_s=most / span, seed=seed)


def limits_of(due: Due, rules: Rules, now: datetime) -> list[Limit]:
    """Every durable limit that this message counts against, the narrowest first."""
    return [
        Limit(counter(name, key, now, zone), most, zone)
        for name, key, most, zone in _named(due, rules, now)
    ]


def _named(due: Due, rules: Rules, now: datetime) -> Iterator[tuple[CapName, str, int, str]]:
    if due.account is not None:
        zone = due.account.settings.zone or rules.zone
        caps = due.account.caps(rules)
        yield CapName.SENDER_MINUTE, due.sender, caps.minute, "UTC"
        yield CapName.SENDER_HOUR, due.sender, caps.hour, "UTC"
        if caps.day is not None:
            yield CapName.SENDER_DAY, due.sender, of_day(caps.day, rules, now), zone
        if due.account.warmup_max is not None:
            most = of_day(due.account.warmup_max, rules, now)
            yield CapName.WARMUP_DAY, due.sender, most, zone
    most = of_day(due.campaign_day_max, rules, now)
    yield CapName.CAMPAIGN_DAY, str(due.campaign_id), most, rules.zone
    yield CapName.DOMAIN_HOUR, due.recipient.domain_key, rules.domain_hour_max, "UTC"
    yield CapName.TENANT_HOUR, "", rules.tenant_hour_max, "UTC"


def of_day(most: int, rules: Rules, now: datetime) -> int:
    """A day's limit; a tenant may do with less of it at weekends."""
    reduced = rules.weekend is Weekend.REDUCED and local(now, rules.zone).weekday() >= _SATURDAY
    return most * rules.weekend_percent // 100 if reduced else most

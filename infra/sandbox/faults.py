"""Faults a request may meet, drawn by seed, switched on and off while the sandbox runs."""

from enum import StrEnum
from typing import Annotated

import msgspec

from infra.sandbox.dice import Dice
from infra.sandbox.mail_send import MailSend


class Mode(StrEnum):
    """What happens to a valid request; *after* means that the mail was accepted all the same."""

    ACCEPT = "accept"
    BAD_REQUEST = "400"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    TOO_LARGE = "413"
    RATE_LIMITED = "429"
    ERROR_BEFORE = "5xx_before"
    ERROR_AFTER = "5xx_after"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    SILENCE_BEFORE = "silence_before"
    SILENCE_AFTER = "silence_after"
    LOSE_EVENTS = "lose_events"  # not about requests: this share of webhook events never leaves


ACCEPTED_ALL_THE_SAME = frozenset(
    {Mode.ACCEPT, Mode.ERROR_AFTER, Mode.RESET_AFTER, Mode.SILENCE_AFTER}
)

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mode for a share of the requests, or of those to one recipient domain."""

    mode: Mode
    share: Share = 1.0
    domain: str = ""


class FaultOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole set of faults from now on."""

    faults: list[Fault]


class Faults:
    """The faults in force."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._seen: dict[str, int] = {}
        self.in_force: list[Fault] = []

    @property
    def lost_share(self) -> float:
        """The share of webhook events that are lost."""
        lost = (fault.share for fault in self.in_force if fault.mode is Mode.LOSE_EVENTS)
        return max(lost, default=0.0)

    def mode_for(self, request: MailSend) -> Mode:
        """The fate of a request; the same for the n-th request of a message in each run."""
        turn = self._seen[request.message] = self._seen.get(request.message, 0) + 1
        drawn = Dice(self._seed, "fault", request.message, turn).throw()
        domains = {
            address.email.rpartition("@")[2].lower()
            for one in request.personalizations
            for address in one.recipients()
        }
        for fault in self.in_force:
            if fault.mode is Mode.LOSE_EVENTS or (fault.domain and fault.domain not in domains):
                continue
            if drawn < fault.share:
                return fault.mode
            drawn -= fault.share
        return Mode.ACCEPT


def read_order(raw: bytes) -> list[Fault]:
    """`{"faults": [...]}` or a single fault; `accept` alone ends all faults."""
    try:
        return msgspec.json.decode(raw, type=FaultOrder).faults
    except msgspec.ValidationError:
        return [msgspec.json.decode(raw, type=Fault)]

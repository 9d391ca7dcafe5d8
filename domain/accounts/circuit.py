"""When a provider that fails is left alone, and when it is tried again (trust.md 1.4)."""

from datetime import datetime, timedelta

import msgspec

from domain.accounts.account import Account, in_service
from domain.accounts.facts import CircuitClosed, CircuitOpened, SenderEvent
from domain.accounts.words import CircuitCause, ClosedBy

WINDOW = timedelta(seconds=60)
DOUBTS_MAX = 5
NOT_SENT_MAX = 10
OPEN_FIRST_S, OPEN_MAX_S = 30.0, 900.0
DOUBLINGS_MAX = 5
JITTERED = 0.2
"""The part of the time that chance may take off, so that senders do not all probe at once."""


class Failures(msgspec.Struct, frozen=True, gc=False):
    """Answers of the last 60 seconds that say nothing left, or nothing for sure."""

    ambiguous: int = 0
    not_sent: int = 0


class AnswerCounts(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a provider answered to some calls for one sender.

    `not_sent` is without 429 and without calls that were not made; `account_refused` are answers
    that refuse the account itself: 401, 403 and redirects.
    """

    accepted: int = 0
    refused: int = 0
    ambiguous: int = 0
    not_sent: int = 0
    account_refused: int = 0

    @property
    def failed(self) -> bool:
        """Whether anything in it may open a circuit."""
        return bool(self.ambiguous or self.not_sent or self.account_refused)

    @property
    def settled(self) -> bool:
        """Whether the provider took or refused a message, so that it works."""
        return bool(self.accepted or self.refused)


def judge_answers(
    state: Account, *, heard: AnswerCounts, window: Failures, jitter: float, at: datetime
) -> list[SenderEvent]:
    """Open or close the circuit by these answers; `window` counts them and those before them.

    While it is open, late answers of earlier calls change nothing; once it is half open, the
    answer to the probe does. `jitter` is drawn from 0 to 1.
    """
    circuit = state.circuit
    if not state.stands or circuit.needs_operator:
        return []
    if heard.account_refused:
        return [_opened(state, CircuitCause.ACCOUNT_REFUSED, jitter, at)]
    if circuit.until is None:
        cause = _too_many(window) if heard.failed else None
        return [] if cause is None else [_opened(state, cause, jitter, at)]
    if at < circuit.until:
        return []
    if heard.failed:
        return [_opened(state, CircuitCause.PROBE, jitter, at)]
    return [CircuitClosed(by=ClosedBy.ANSWER, at=at)] if heard.settled else []


def close_circuit(state: Account, *, by: ClosedBy, at: datetime) -> list[SenderEvent]:
    """Close it by a person's order, or since the provider knows our credentials again."""
    in_service(state)
    return [CircuitClosed(by=by, at=at)] if state.circuit.is_open else []


def open_s(opens: int, jitter: float) -> float:
    """How long an opening lasts: 30 s, doubled for each in a row up to 15 min, less some chance."""
    whole: float = min(OPEN_FIRST_S * 2 ** min(opens - 1, DOUBLINGS_MAX), OPEN_MAX_S)
    return whole * (1 - JITTERED * jitter)


def _too_many(window: Failures) -> CircuitCause | None:
    if window.ambiguous >= DOUBTS_MAX:
        return CircuitCause.DOUBTS
    return CircuitCause.NOT_SENT if window.not_sent >= NOT_SENT_MAX else None


def _opened(state: Account, cause: CircuitCause, jitter: float, at: datetime) -> CircuitOpened:
    opens = state.circuit.opens + 1
    return CircuitOpened(
        cause=cause,
        opens=opens,
        until=at + timedelta(seconds=open_s(opens, jitter)),
        at=at,
        needs_operator=cause is CircuitCause.ACCOUNT_REFUSED,
    )

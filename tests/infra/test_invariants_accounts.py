"""When which zone was in force and what stood still, as the log of accounts tells it."""

from datetime import UTC, datetime, timedelta

from domain.accounts import AccountSettings, CircuitCause, ClosedBy, PauseReason, SenderEvent
from domain.accounts.facts import (
    CapLifted,
    CapReached,
    CircuitClosed,
    CircuitOpened,
    RulesChanged,
    SenderConfigured,
    SenderDeleted,
    SenderPaused,
    SenderRegistered,
    SenderResumed,
    SendingPaused,
    SendingResumed,
)
from domain.taxonomy import CapName
from infra.invariants.account_times import EVER, NEVER, Span, closed_times, zone_times
from infra.invariants.account_turns import cap_faults, caps_standing, circuit_faults

T0 = datetime(2026, 9, 7, 9, tzinfo=UTC)


def at(hours: int) -> datetime:
    return T0 + timedelta(hours=hours)


def registered(zone: str = "", *, hours: int = 0) -> SenderRegistered:
    return SenderRegistered(sender="sam", settings=AccountSettings(zone=zone), at=at(hours))


def opened(opens: int) -> CircuitOpened:
    return CircuitOpened(cause=CircuitCause.PROBE, opens=opens, until=at(1), at=T0)


def reached(cap: CapName = CapName.SENDER_HOUR) -> CapReached:
    return CapReached(cap=cap, key="sam", used=5, limit=5, until=at(1), at=T0)


def lifted(cap: CapName = CapName.SENDER_HOUR) -> CapLifted:
    return CapLifted(cap=cap, key="sam", at=at(1))


CLOSED = CircuitClosed(by=ClosedBy.ANSWER, at=T0)


def test_a_tenant_that_never_gave_a_zone_has_utc() -> None:
    assert zone_times([], []) == [Span("", "UTC", EVER, NEVER)]


def test_a_sender_without_a_zone_has_that_of_its_tenant_while_it_has_none() -> None:
    rules = [RulesChanged(changed={"zone": "Europe/Lisbon"}, at=at(2))]
    own = SenderConfigured(settings=AccountSettings(zone="Asia/Tokyo"), at=at(3))
    facts: list[SenderEvent] = [registered(hours=1), own]
    of_sam = [span for span in zone_times(rules, [facts]) if span.sender == "sam"]
    assert of_sam == [
        Span("sam", "UTC", at(1), at(2)),
        Span("sam", "Europe/Lisbon", at(2), at(3)),
        Span("sam", "Asia/Tokyo", at(3), NEVER),
    ]


def test_a_rule_that_changes_no_zone_ends_no_zone() -> None:
    rules = [RulesChanged(changed={"health_min": 40}, at=at(2))]
    assert zone_times(rules, []) == [Span("", "UTC", EVER, NEVER)]


def test_each_reason_of_a_pause_has_a_time_of_its_own() -> None:
    facts: list[SenderEvent] = [
        registered(),
        SenderPaused(reason=PauseReason.BOUNCES, at=at(1)),
        SenderPaused(reason=PauseReason.OPERATOR, at=at(2)),
        SenderResumed(reasons=(PauseReason.BOUNCES,), at=at(3)),
    ]
    assert closed_times([], [facts]) == [
        Span("sam", "its sender was paused (bounces)", at(1), at(3)),
        Span("sam", "its sender was paused (operator)", at(2), NEVER),
    ]


def test_a_tenant_stands_still_from_its_pause_to_its_resume() -> None:
    sending = [
        SendingPaused(reason=PauseReason.OPERATOR, at=at(1)),
        SendingResumed(at=at(2)),
    ]
    assert closed_times(sending, []) == [Span("", "the tenant was paused", at(1), at(2))]


def test_a_sender_that_comes_again_is_no_longer_deleted() -> None:
    facts: list[SenderEvent] = [registered(), SenderDeleted(at=at(1)), registered(hours=4)]
    assert closed_times([], [facts]) == [Span("sam", "its sender was deleted", at(1), at(4))]


def test_a_probe_that_fails_opens_the_circuit_once_more() -> None:
    assert list(circuit_faults([opened(1), opened(2), CLOSED, opened(1)])) == []


def test_openings_count_from_the_last_closing() -> None:
    assert list(circuit_faults([opened(1), CLOSED, opened(2)])) == [
        "fact 3 is opening 2 of its circuit, after 0"
    ]
    assert list(circuit_faults([CLOSED])) == ["fact 1 closes a circuit that was not open"]


def test_limits_take_turns_each_by_itself() -> None:
    day = CapName.SENDER_DAY
    assert list(cap_faults([reached(), reached(day), lifted(), lifted(day), reached()])) == []
    assert list(cap_faults([reached(), reached(day), reached()])) == [
        "fact 3 reaches sender_hour again, which was not lifted"
    ]
    assert caps_standing([reached(), reached(day), lifted()]) == [reached(day)]

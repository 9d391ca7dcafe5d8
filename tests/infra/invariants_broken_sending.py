"""Ways to break what is promised of sending, and of the log of accounts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from domain.accounts import CircuitCause, ClosedBy, PauseReason
from domain.accounts.facts import (
    CapLifted,
    CapReached,
    CircuitClosed,
    CircuitOpened,
    SenderDisconnected,
    SenderEvent,
    SenderPaused,
    SendingPaused,
)
from domain.taxonomy import CapName
from tests.infra.invariants_broken import Break, spoilt, sql
from tests.infra.invariants_stage import Stage

EARLY = timedelta(minutes=5)
LATER = timedelta(hours=1)
ATTEMPTS = """
UPDATE {s}.events SET state = convert_to(regexp_replace(
       convert_from(state, 'UTF8'), %(old)s, %(new)s), 'UTF8')
 WHERE topic = %(topic)s AND convert_from(state, 'UTF8') ~ %(old)s
"""


def in_all(topic: str, old: str, new: str) -> Break:
    """Other words in every fact of a topic."""
    return sql(ATTEMPTS, topic=topic, old=old, new=new)


def cap_seen(name: str, used: int, most: int = 10_000) -> Break:
    """All claims saw this of a limit."""
    return in_all("send_attempt_started", rf'\["{name}",\d+,\d+\]', f'["{name}",{used},{most}]')


def seen(name: str, field: str, value: str) -> Break:
    """A claim saw something else as well."""
    return spoilt(name, "send_attempt_started", '"seen":{', f'"seen":{{"{field}":{value},')


def same_person(stage: Stage) -> None:
    """Two contacts of two campaigns turn out to be one person."""
    told = stage.sql(
        "UPDATE {s}.outreach SET identity = (SELECT min(identity) FROM {s}.outreach"
        " WHERE stream_id = %(waiting)s) WHERE stream_id = %(revised)s"
    )
    assert told == 1


def tenant_paused(stage: Stage) -> None:
    at = stage.attempted("waiting") - EARLY
    stage.order_sending(SendingPaused(reason=PauseReason.OPERATOR, at=at))


def sender_paused(stage: Stage) -> None:
    at = stage.attempted("waiting") - EARLY
    stage.order_sender(SenderPaused(reason=PauseReason.COMPLAINTS, at=at))


def sender_disconnected(stage: Stage) -> None:
    stage.order_sender(SenderDisconnected(at=stage.attempted("waiting") - EARLY))


def of_sender(*make: Callable[[Any], SenderEvent]) -> Break:
    """Facts of the sender, dated now."""
    return lambda stage: stage.order_sender(*(one(stage.house.clock.now()) for one in make))


def opened(opens: int) -> Callable[[Any], SenderEvent]:
    return lambda at: CircuitOpened(cause=CircuitCause.PROBE, opens=opens, until=at + LATER, at=at)


def reached(at: Any) -> SenderEvent:
    cap = CapName.SENDER_HOUR
    return CapReached(cap=cap, key="sam", used=5, limit=5, until=at + LATER, at=at)


def reached_long_ago(at: Any) -> SenderEvent:
    return reached(at - 2 * LATER)


CASES: dict[str, tuple[str, Break, str, set[str]]] = {
    "a claim at a full limit": (
        "I15",
        cap_seen("tenant_hour", 10_000),
        "tenant_hour had 10000 of 10000 used",
        set(),
    ),
    "more calls of a sender in a minute than claims saw": (
        "I15",
        cap_seen("sender_minute", 0),
        "sender_minute of sam was seen as 0 used, the log has",
        set(),
    ),
    "more calls of a tenant in an hour than claims saw": (
        "I15",
        cap_seen("tenant_hour", 0),
        "tenant_hour was seen as 0 used, the log has",
        set(),
    ),
    "more calls of a campaign in a day than claims saw": (
        "I15",
        cap_seen("campaign_day", 0),
        "was seen as 0 used, the log has",
        set(),
    ),
    "more calls to a mailbox provider than claims saw": (
        "I15",
        cap_seen("domain_hour", 0),
        "domain_hour of gmail.com was seen as 0 used, the log has 1",
        set(),
    ),
    "two campaigns at one person": (
        "I16",
        same_person,
        "had written to the same person 0 days before",
        set(),
    ),
    "a claim that saw another campaign": (
        "I16",
        seen("waiting", "contacted_at", '"2026-09-07T05:00:00Z"'),
        "another campaign was seen to have written",
        set(),
    ),
    "an attempt at a weekend": (
        "I14",
        seen("waiting", "weekend_until", '"2030-01-07T00:00:00Z"'),
        "started though gate 'weekend' said weekend",
        set(),
    ),
    "an attempt in hours that the law closes": (
        "I14",
        seen("waiting", "region_until", '"2030-01-07T00:00:00Z"'),
        "started though gate 'region_hours' said region_hours",
        set(),
    ),
    "an attempt to a suppressed address": (
        "I13",
        seen("waiting", "suppressed", '"unsubscribed"'),
        "started though gate 'suppression' said suppressed",
        set(),
    ),
    "attempts while the tenant is paused": (
        "I13",
        tenant_paused,
        "started while the tenant was paused",
        set(),
    ),
    "attempts while the sender is paused": (
        "I13",
        sender_paused,
        "started while its sender was paused (complaints)",
        set(),
    ),
    "attempts while the sender is disconnected": (
        "I13",
        sender_disconnected,
        "started while its sender was disconnected",
        set(),
    ),
    "a mail without its opt-out": (
        "I17",
        seen("waiting", "opt_out", "false"),
        "started though gate 'mail' said mail_incomplete",
        set(),
    ),
    "a hole in the log of accounts": (
        "I20",
        sql("UPDATE {s}.account_events SET originator_version = 77 WHERE originator_version = 2"),
        "version 77 after 1",
        set(),
    ),
    "a circuit that opens for the third time at once": (
        "I20",
        of_sender(opened(3)),
        "is opening 3 of its circuit, after 0",
        set(),
    ),
    "a circuit that closes and was not open": (
        "I20",
        of_sender(lambda at: CircuitClosed(by=ClosedBy.ANSWER, at=at)),
        "closes a circuit that was not open",
        set(),
    ),
    "a limit that is reached twice": (
        "I20",
        of_sender(reached, reached),
        "reaches sender_hour again, which was not lifted",
        set(),
    ),
    "a limit that is lifted and was not reached": (
        "I20",
        of_sender(lambda at: CapLifted(cap=CapName.SENDER_HOUR, key="sam", at=at)),
        "lifts sender_hour, which was not reached",
        set(),
    ),
    "a limit that nobody lifts": (
        "I18",
        of_sender(reached_long_ago),
        "sender_hour sam was reached, its window was over",
        set(),
    ),
    "an account that is not as its facts say": (
        "I23",
        sql("UPDATE {s}.sender_accounts SET health = 10, circuit_opens = 3"),
        "health is 10, folded 100; circuit_opens is 3, folded 0",
        set(),
    ),
    "an account of no facts": (
        "I23",
        sql(
            "INSERT INTO {s}.sender_accounts (sender, stream_id, profile)"
            " VALUES ('kim', gen_random_uuid(), 'bulk')"
        ),
        "not from the log",
        set(),
    ),
    "rules that nobody gave": (
        "I23",
        sql("UPDATE {s}.sending_rules SET health_min = 5"),
        "sending_rules: health_min is 5, folded 30",
        set(),
    ),
    "a fact about an account that cannot be read": (
        "I28",
        sql("UPDATE {s}.account_events SET state = 'no json' WHERE topic = 'sender_verified'"),
        "sender_verified",
        {"I23"},
    ),
}

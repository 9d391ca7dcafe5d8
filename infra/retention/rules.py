"""Every table of ours, and whether its rows are ever forgotten: one table of rules, one of reasons.

A table that grows and stands in neither fails the build.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import LiteralString

import msgspec

from infra.retention.periods import Periods

DAY = timedelta(days=1)


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of a table are too old, and how a batch of them goes.

    `rows` stands behind FROM, with the table as `t`; `%(before)s` in it is now less the period, by
    the clock that wrote the rows: the database's, or that of the plans, which may run faster.
    """

    table: str
    kept: Callable[[Periods], timedelta]
    rows: LiteralString
    by_plans: bool = False
    how: LiteralString = ""
    """What is done to a batch where its rows do not simply go."""


def _raw(periods: Periods) -> timedelta:
    return periods.raw


def _texts(periods: Periods) -> timedelta:
    return periods.texts


def _day(_: Periods) -> timedelta:
    return DAY


RULES: tuple[Rule, ...] = (
    Rule(
        # what is not settled yet, or is still tried, is never forgotten, whatever its age
        table="webhook_inbox",
        kept=_raw,
        rows="{s}.webhook_inbox t WHERE t.received_at < %(before)s"
        " AND t.state NOT IN ('new', 'claimed')"
        " AND (t.state <> 'orphan' OR t.reason = 'given_up')",
    ),
    Rule(
        table="webhook_deliveries_rest",
        kept=_raw,
        rows="{s}.webhook_deliveries_rest t WHERE t.received_at < %(before)s",
    ),
    Rule(
        # a mail that may still leave stays, and so do those of a course that goes on: a later mail
        # may reply to them, and a lost one may be ordered once more; the links go with their mail
        table="bodies",
        kept=_texts,
        rows="{s}.bodies t WHERE t.created_at < %(before)s"
        " AND NOT EXISTS (SELECT FROM {s}.send_queue q"
        " LEFT JOIN {s}.contact_campaigns c USING (stream_id)"
        " WHERE q.message_id = t.message_id AND (c.ended_at IS NULL"
        " OR q.state IN ('PLANNED', 'QUEUED', 'SENDING', 'UNKNOWN')))",
        how="""
WITH old AS MATERIALIZED (
    SELECT t.message_id FROM {rows} LIMIT %(limit)s FOR UPDATE OF t SKIP LOCKED),
     links AS (DELETE FROM {s}.links l USING old WHERE l.message_id = old.message_id)
DELETE FROM {s}.bodies b USING old WHERE b.message_id = old.message_id
""",
    ),
    Rule(
        table="replies",
        kept=_texts,
        rows="{s}.replies t WHERE t.received_at < %(before)s",
    ),
    Rule(
        # that somebody was told stays, for a fact says so; what he was told goes
        table="notices",
        kept=_texts,
        by_plans=True,
        rows="{s}.notices t WHERE t.text <> '' AND t.created_at < %(before)s",
        how="""
UPDATE {s}.notices SET text = '' WHERE notice_id = ANY(ARRAY(
       SELECT t.notice_id FROM {rows} LIMIT %(limit)s FOR UPDATE OF t SKIP LOCKED))
""",
    ),
    Rule(
        # words of machines; the reasons of people are kept as long as the facts that they explain
        table="notes",
        kept=_texts,
        rows="{s}.notes t WHERE t.created_at < %(before)s"
        " AND t.kind IN ('provider_answer', 'render_failed', 'update_refused', 'signal_data')",
    ),
    Rule(
        # longer than any rule of the tenant asks for; then nobody may ask any more
        table="outreach",
        kept=_texts,
        by_plans=True,
        rows="{s}.outreach t WHERE t.at < %(before)s"
        " AND t.at < %(now)s - (SELECT max(r.apart_days) FROM {s}.sending_rules r)"
        " * interval '24 hours'",
    ),
    Rule(
        # the verdict on an address that no contact has any more
        table="address_checks",
        kept=_texts,
        by_plans=True,
        rows="{s}.address_checks t WHERE t.due_at IS NULL AND t.checked_at < %(before)s"
        " AND NOT EXISTS (SELECT FROM {s}.contacts c WHERE c.email_hmac = t.address_hmac)",
    ),
    Rule(
        table="lanes",
        kept=_day,
        by_plans=True,
        rows="{s}.lanes t WHERE t.until < %(before)s",
    ),
    Rule(
        table="idempotency_keys",
        kept=_day,
        rows="{s}.idempotency_keys t WHERE t.created_at < %(before)s",
    ),
)
"""What is forgotten row by row; `webhook_deliveries` goes by partition (partitions.py)."""

_LOG = "the log of facts, or what it cannot be read without: never forgotten"
_PLANS = "what the log was decided by; of a contact that is erased, its own go"
_HISTORY = "a projection of the log, as long as the log is; a rebuild would bring it back"
_WORK = "rows go when the work is done"
_SETUP = "what the tenant has set up"
_PERSON = "goes with its contact, by erasure only"
_EVIDENCE = "evidence that a person agreed or said no; it must outlive everything else"

STAYS: Mapping[str, str] = {
    "events": _LOG,
    "account_events": _LOG,
    "admin_events": _LOG,
    "audit_checkpoints": "proof of what the logs were; a few a minute at most",
    "streams": _LOG,
    "plans": _PLANS,
    "plan_contacts": _PLANS,
    "plan_reports": _PLANS,
    "migrations": "a row a file",
    "tracking": "a row a projection",
    "projection_poison": "until a rebuild has taken the fact in",
    "send_queue": _HISTORY + "; reports are matched with it",
    "contact_campaigns": _HISTORY,
    "activity_feed": _HISTORY,
    "metrics_hourly": _HISTORY,
    "metrics_daily": _HISTORY,
    "passages": _HISTORY,
    "tasks": _HISTORY,
    "assignees": "names in plans, which stay",
    "timers": _WORK,
    "errands": _WORK,
    "wakings": _WORK,
    "webhook_deliveries": "a week at a time, by dropping its partition",
    "webhook_deliveries_first": "a partition",
    "links": "with the mail they are in",
    "usage": "what no limit needs goes by the sweep `counts`",
    "circuit_answers": "a minute of each sender; what is older goes with the next answer",
    "contacts": _PERSON,
    "erasures": "ids of whom was erased: nobody may bring them back",
    "contact_exports": "evidence of who was given what",
    "former_addresses": _PERSON,
    "consents": _EVIDENCE,
    "suppressions": _EVIDENCE,
    "suppression_pulls": "a row a list",
    "campaigns": _SETUP,
    "senders": _SETUP,
    "sender_accounts": _SETUP,
    "sending_rules": _SETUP,
    "endpoints": _SETUP,
}
"""Tables of a tenant that no rule is about, and why."""

CONTROL_STAYS: Mapping[str, str] = {
    "migrations": "a row a file",
    "tenants": _SETUP,
    "api_keys": "who had access stays known",
    "webhook_keys": _SETUP,
    "users": "who could sign in stays known: orders in the log name them by id",
    "sessions": "those that are over are forgotten whenever somebody signs in",
    "sending": "one row",
    "usage": "what the limit of all does not need goes by the sweep `counts`",
    "heartbeats": "a row a name of a process; those silent for a week are forgotten",
}
"""The same of the control schema."""

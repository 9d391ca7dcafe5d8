"""What a demo came to: read from the tables and from the provider's own book, checked, told."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any

import msgspec

from domain.ids import StreamId, schema_of
from handlers.timeline import Timeline, timeline
from infra.demo.drive import TENANT, Told
from infra.demo.stage import Stage
from infra.invariants import Finding, check
from infra.log import Log
from infra.sandbox.ledger import Ledger
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures that `--json` prints, and beside them what the printed report shows."""

    contacts: int
    enrolled: int
    refused: int
    events: int
    messages: Mapping[str, int]
    signals: Mapping[str, int]
    outcomes: Mapping[str, int]
    tasks: Mapping[str, int] = {}
    endpoint_calls: Mapping[str, int] = {}
    notices: int = 0
    revisions: Mapping[str, int] = {}
    duplicates: int
    invariants: Mapping[str, int]
    latency_ms: Mapping[str, float | None]
    simulated_days: float
    wall_seconds: float
    console_url: str
    findings: Sequence[Finding] = ()
    funnel: Mapping[str, int] = {}
    calendar: Sequence[tuple[datetime, int]] = ()
    refusals: Sequence[Mapping[str, Any]] = ()
    story: Timeline | None = None
    hero: str = ""

    def to_json(self) -> dict[str, Any]:
        """What `demo --json` prints."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        for name in ("findings", "funnel", "calendar", "refusals", "story", "hero"):
            del built[name]
        return built

    @property
    def holds(self) -> bool:
        """Whether every invariant holds and no message was accepted twice."""
        return self.duplicates == 0 and not any(self.invariants.values())


def figures(stage: Stage, database: Database, told: Told, began: float) -> Figures:
    """Read, count and check everything, now that nobody writes any more."""
    accepts = _accepts(stage)
    now = stage.simulated(database.now())
    findings = check(database, TENANT, clock_now=now, accepts=accepts, clock_factor=stage.factor)
    with database.tenant_tx(TENANT) as curs:
        tx, sql = transaction(curs), Statements(schema_of(TENANT))
        counts = {name: sql.rows(tx, text) for name, text in _COUNTS.items()}
        story = sql.rows(tx, _STORY)
    states = {str(row[0]): int(row[1]) for row in counts["messages"]}
    latency = counts["latency"][0]
    return Figures(
        contacts=told.contacts,
        enrolled=told.enrolled,
        refused=told.refused,
        events=counts["events"][0][0],
        messages={
            name: states.get(state, 0)
            for name, state in {
                "accepted": "ACCEPTED",
                "failed": "FAILED",
                "unknown": "UNKNOWN",
                "cancelled": "CANCELLED",
            }.items()
        }
        | {"skipped": counts["skipped"][0][0]},
        signals=_table(counts["signals"]),
        outcomes=_table(counts["outcomes"]),
        tasks=dict.fromkeys(_TASK_STATES, 0) | _table(counts["tasks"]),
        endpoint_calls=dict(zip(_CALL_NAMES, counts["calls"][0], strict=True)),
        notices=counts["notices"][0][0],
        revisions=dict(sorted(told.revisions.items())),
        duplicates=sum(times - 1 for times in accepts.values() if times > 1),
        invariants={finding.id: finding.broken for finding in findings if not finding.skipped},
        latency_ms={
            "webhook_to_next_step_p50": latency[0],
            "webhook_to_next_step_p95": latency[1],
        },
        simulated_days=round(told.days, 2),
        wall_seconds=round(monotonic() - began, 1),
        console_url=stage.web_url,
        findings=findings,
        funnel=dict(zip(_FUNNEL_NAMES, counts["funnel"][0], strict=True)),
        calendar=[(row[0], row[1]) for row in counts["calendar"]],
        refusals=told.refusals,
        story=_told(database, story),
        hero=str(story[0][1]) if story else "",
    )


def _accepts(stage: Stage) -> Mapping[str, int]:
    """How often the provider accepted each message: its own count, from its own book."""
    accepted, _ = Ledger(stage.accepts_path).take_loaded()
    return Counter(one.message for one in accepted)


def _table(rows: Sequence[Row]) -> dict[str, int]:
    return {str(row[0]): int(row[1]) for row in rows}


def _told(database: Database, story: Sequence[Row]) -> Timeline | None:
    if not story:
        return None
    return timeline(Log(database, TENANT).history, StreamId(story[0][0]), None)


_FUNNEL_NAMES = ("enrolled", "sent to", "delivered", "opened", "clicked", "replied")
_TASK_STATES = ("done", "skipped", "withdrawn", "open")
_CALL_NAMES = ("ok", "failed", "open", "tries")
_COUNTS = {
    "events": "SELECT count(*) FROM {s}.events",
    "messages": "SELECT state, count(*) FROM {s}.send_queue GROUP BY 1 ORDER BY 1",
    "skipped": """SELECT count(*) FROM {s}.send_queue WHERE state = 'CANCELLED' AND reason IN
        ('suppressed', 'no_identity', 'send_if', 'past', 'expired', 'policy', 'operator')""",
    "signals": """SELECT split_part(kind, '.', 2), count(*) FROM {s}.activity_feed
        WHERE kind LIKE 'signal.%%' GROUP BY 1 ORDER BY 1""",
    "outcomes": """SELECT outcome, count(*) FROM {s}.contact_campaigns
        WHERE outcome IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1""",
    "tasks": "SELECT state, count(*) FROM {s}.tasks GROUP BY 1 ORDER BY 1",
    "calls": """SELECT count(*) FILTER (WHERE call ->> 'ok' = 'true'),
               count(*) FILTER (WHERE coalesce(call ->> 'ok', 'false') = 'false'),
               (SELECT count(*) FROM {s}.errands WHERE kind = 'webhook'),
               coalesce(sum((call ->> 'attempts')::int), 0)
          FROM (SELECT convert_from(state, 'UTF8')::jsonb -> 'f' AS call FROM {s}.events
                 WHERE topic = 'webhook_resolved') t""",
    "notices": "SELECT count(*) FROM {s}.notices",
    "latency": """SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 1)::float8,
               round(percentile_cont(0.95) WITHIN GROUP (ORDER BY ms)::numeric, 1)::float8
          FROM (SELECT extract(epoch FROM settled_at - received_at) * 1000 AS ms
                  FROM {s}.webhook_inbox WHERE state = 'recorded' AND tries = 1) t""",
    "funnel": """SELECT (SELECT count(*) FROM {s}.contact_campaigns),
               count(DISTINCT stream_id) FILTER (WHERE kind = 'message.accepted'),
               count(DISTINCT stream_id) FILTER (WHERE kind = 'signal.delivered'),
               count(DISTINCT stream_id) FILTER (WHERE kind = 'signal.opened'),
               count(DISTINCT stream_id) FILTER (WHERE kind = 'signal.clicked'),
               count(DISTINCT stream_id) FILTER (WHERE kind = 'signal.replied')
          FROM {s}.activity_feed""",
    "calendar": """SELECT date_trunc('day', accepted_at), count(*) FROM {s}.send_queue
        WHERE state = 'ACCEPTED' GROUP BY 1 ORDER BY 1""",
}

# The contact-campaign in which most kinds of things happened and somebody answered, if anybody did.
_STORY = """
SELECT f.stream_id, concat_ws(' ', c.first_name, c.last_name) || coalesce(', ' || c.company, '')
  FROM {s}.activity_feed f JOIN {s}.contacts c USING (contact_id)
 GROUP BY f.stream_id, c.first_name, c.last_name, c.company
 ORDER BY bool_or(f.kind = 'signal.clicked') DESC, bool_or(f.kind = 'signal.replied') DESC,
          count(DISTINCT f.kind) DESC, count(*), f.stream_id LIMIT 1
"""

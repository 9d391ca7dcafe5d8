"""Streams read in batches, folded, with their plans: for what SQL cannot judge."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec

from domain.campaign import INITIAL, Campaign, evolve
from domain.events import PlanRevised
from domain.ids import ContactId, StreamId
from domain.plan import Plan
from domain.recorded import Recorded
from infra.codec import UnreadableEvent, decode
from infra.invariants.finding import Finding
from infra.invariants.snapshot import Snapshot
from plans.compile import compile_plan

BATCH = 500

Document = Mapping[str, Any]

_LOOKED_AT = "CREATE TEMPORARY TABLE looked_at (stream_id uuid PRIMARY KEY)"
_COUNT = "SELECT count(*) FROM {s}.streams"
_CHOOSE = """
INSERT INTO pg_temp.looked_at
(SELECT stream_id FROM {s}.streams WHERE stream_id >= %(from)s ORDER BY stream_id LIMIT %(limit)s)
UNION ALL
(SELECT stream_id FROM {s}.streams WHERE stream_id < %(from)s ORDER BY stream_id LIMIT %(limit)s)
LIMIT %(limit)s
"""
_NEXT = """
SELECT l.stream_id, s.contact_id, s.campaign_id, s.plan_hash, p.document
  FROM pg_temp.looked_at l JOIN {s}.streams s USING (stream_id)
  LEFT JOIN {s}.plans p USING (plan_hash)
 WHERE l.stream_id > %(after)s ORDER BY l.stream_id LIMIT %(limit)s
"""
_EVENTS = """
SELECT originator_id, originator_version, notification_id, topic, state FROM {s}.events
 WHERE originator_id = ANY(%(streams)s) ORDER BY originator_id, originator_version
"""


class KeptPlan(msgspec.Struct, frozen=True):
    """A plan as the vault has it; `plan` is None where it cannot be compiled."""

    hash: str
    document: bytes
    plan: Plan | None
    fault: str = ""


class Stream(msgspec.Struct):
    """One stream from its first fact to its last; `fault` is set where one cannot be read."""

    id: StreamId
    contact_id: ContactId
    plan: KeptPlan | None
    facts: list[Recorded]
    state: Campaign = INITIAL
    fault: str = ""

    @property
    def under_plan(self) -> list[Recorded]:
        """The facts since the plan in force is in force; those before went by another one."""
        for index in reversed(range(len(self.facts))):
            if isinstance(self.facts[index].fact, PlanRevised):
                return self.facts[index + 1 :]
        return self.facts


class Look(Protocol):
    """Judges invariants on streams, batch by batch."""

    def take(self, taken: Snapshot, batch: Sequence[Stream]) -> None:
        """Look at some streams."""
        ...

    def findings(self, taken: Snapshot, note: str) -> list[Finding]:
        """What was found in all of them; `note` tells where they are only a part."""
        ...


def choose(taken: Snapshot, streams_max: int, now: datetime) -> tuple[int, int]:
    """Choose the streams to look at: all, or a part that is another one each hour; (chosen, all).

    The ids are hashes, so the streams that follow on any place are a fair sample.
    """
    taken.run(_LOOKED_AT)
    total = taken.number(_COUNT)
    hour = uuid5(NAMESPACE_OID, now.isoformat(timespec="hours"))
    start = hour if total > streams_max else UUID(int=0)
    taken.run(_CHOOSE, {"from": start, "limit": streams_max})
    return min(total, streams_max), total


def batches(taken: Snapshot) -> Iterator[list[Stream]]:
    """The chosen streams in the order of their ids, some hundred at a time."""
    after = UUID(int=0)
    while rows := taken.rows(_NEXT, {"after": after, "limit": BATCH}):
        yield _folded(taken, rows)
        after = rows[-1][0]


def _folded(taken: Snapshot, rows: Sequence[Sequence[Any]]) -> list[Stream]:
    plans = {row[3]: _kept(row[3], row[4]) for row in rows}
    owners = {row[0]: row for row in rows}
    streams = {
        row[0]: Stream(StreamId(row[0]), ContactId(row[1]), plans[row[3]], []) for row in rows
    }
    for stream, version, position, topic, state in taken.rows(_EVENTS, {"streams": list(streams)}):
        one = streams[stream]
        try:
            body = decode(topic, state)
        except UnreadableEvent as error:
            one.fault = one.fault or f"version {version}: {error}"
            continue
        one.facts.append(
            Recorded(
                tenant=taken.tenant,
                stream=one.id,
                version=version,
                position=position,
                fact=body.fact,
                at=body.at,
                cause=body.cause,
                correlation=body.correlation,
                campaign_id=owners[stream][2],
                contact_id=one.contact_id,
            )
        )
        one.state = evolve(one.state, body.fact)
    return list(streams.values())


def _kept(plan_hash: str, document: bytes | None) -> KeptPlan | None:
    if document is None:
        return None
    try:
        plan = compile_plan(json.loads(document), plan_hash)
    except Exception as error:  # noqa: BLE001  # whatever a spoilt document can do to the compiler
        return KeptPlan(plan_hash, document, None, f"{type(error).__name__}: {error}")
    return KeptPlan(plan_hash, document, plan)

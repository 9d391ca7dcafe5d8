"""What must be so when a run is over: everything has ended, has a reason, and was counted."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from domain.campaign import Campaign
from domain.events import SendAttemptReturned, SendAttemptStarted, SignalRecorded, topic_of
from domain.ids import MessageId, StreamId
from domain.lifecycle import Stage
from domain.taxonomy import MessageState as S
from projections.send_queue import NEVER
from projections.timers import EXPIRY
from tests.simulation.memory_database import Row
from tests.simulation.scenes import EPOCH, Scene
from tests.simulation.watch import SETTLES, Watch
from tests.simulation.world import Violation, World

LATE = timedelta(minutes=5)
"""How long a due message may still wait when nothing fails any more (I18)."""
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def check_safety(world: World, watch: Watch, scene: Scene) -> None:
    """What holds at any moment, too costly for each step."""
    if world.memory.broken:
        raise Violation(f"I12: {world.memory.broken[0]}")
    _versions(world)
    _outcomes(world)
    _windows(world, watch, scene)
    _told_once(world)


def check_liveness(world: World, watch: Watch, scene: Scene) -> None:
    """What holds when faults have stopped and time has passed."""
    check_safety(world, watch, scene)
    rows = world.memory.committed_rows("send_queue")
    _sums(watch, rows.values())
    for row in rows.values():
        _settled(world, row)
    for stream, loaded in world.memory.loaded.items():
        _timers(world, stream, loaded.state)
    _inbox(world)


def _versions(world: World) -> None:
    """I20: versions without a gap, and nothing of the log is missing from its stream."""
    for stream, entries in world.memory.streams.items():
        if [entry.originator_version for entry in entries] != list(range(1, len(entries) + 1)):
            raise Violation(f"I20: {stream} has a gap")
    if sum(map(len, world.memory.streams.values())) != len(world.memory.log):
        raise Violation("I20: the log and its streams differ")


def _outcomes(world: World) -> None:
    """I10: one MessageAccepted for what is accepted, one outcome for each attempt that ended."""
    for entries in world.memory.streams.values():
        topics = Counter(
            (fact.message_id, fact.attempt, topic_of(fact))
            for entry in entries
            for fact in [entry.body.fact]
            if isinstance(fact, SETTLES)
        )
        for (message_id, attempt, topic), times in topics.items():
            if times > 1:
                raise Violation(f"I10: {topic} {times} times for {message_id}, {attempt}")
    for row in world.memory.committed_rows("send_queue").values():
        accepts = _accepted(world, row)
        if (row["state"] == S.ACCEPTED) != bool(accepts) or len(accepts) > 1:
            raise Violation(f"I10: {row['message_id']} is {row['state']}, accepted as {accepts}")


def _accepted(world: World, row: Row) -> list[int]:
    entries = world.memory.streams[row["stream_id"]]
    return [
        entry.body.fact.attempt
        for entry in entries
        if topic_of(entry.body.fact) == "message_accepted"
        and entry.body.fact.message_id == row["message_id"]  # type: ignore[union-attr]  # by topic
    ]


def _told_once(world: World) -> None:
    """I25: one fact for each thing that happened, however often it was reported."""
    facts = Counter(
        (fact.message_id, int((fact.at - EPOCH).total_seconds()))
        for entries in world.memory.streams.values()
        for entry in entries
        for fact in [entry.body.fact]
        if isinstance(fact, SignalRecorded) and not fact.derived
    )
    for place, times in facts.items():
        if times > world.outside.occurred[place]:  # type: ignore[index]  # a message and a second
            raise Violation(f"I25: {times} facts at {place}")


def _windows(world: World, watch: Watch, scene: Scene) -> None:
    """I15: in no window of its length was more begun than the limit says."""
    begun = sorted(_begun(world))
    _sliding(begun, MINUTE, scene.minute_max, "sender_minute")
    _sliding(begun, HOUR, scene.hour_max, "sender_hour")
    for name, most in (("day", scene.day_max),):
        for day, count in Counter(at.date() for at in begun).items():
            if most is not None and count > most:
                raise Violation(f"I15: {count} on {day}, the limit of a {name} is {most}")
    by_campaign = Counter(
        (world.memory.loaded[watch.messages[mid].stream].state.campaign_id, at.date())
        for mid, at in _begun_by_message(world)
    )
    if any(count > scene.campaign_day_max for count in by_campaign.values()):
        raise Violation(f"I15: {by_campaign}, the daily limit is {scene.campaign_day_max}")


def _begun(world: World) -> list[datetime]:
    return [at for _, at in _begun_by_message(world)]


def _begun_by_message(world: World) -> Iterable[tuple[MessageId, datetime]]:
    """Attempts that were not given back, when they began by the clock that counts them."""
    for entries in world.memory.streams.values():
        facts = [entry.body.fact for entry in entries]
        back = {
            (fact.message_id, fact.attempt)
            for fact in facts
            if isinstance(fact, SendAttemptReturned)
        }
        for fact in facts:
            if not isinstance(fact, SendAttemptStarted):
                continue
            if (fact.message_id, fact.attempt) not in back:
                yield fact.message_id, fact.at


def _sliding(begun: list[datetime], span: timedelta, most: int, name: str) -> None:
    for first, last in zip(begun, begun[most:], strict=False):
        if last - first < span:
            raise Violation(f"I15: {most + 1} within {last - first}, {name} is {most}")


# --- liveness -------------------------------------------------------------------------------------


def _sums(watch: Watch, rows: Iterable[Row]) -> None:
    """I11: nothing vanishes."""
    states = Counter(row["state"] for row in rows)
    if states != Counter(seen.state for seen in watch.messages.values()):
        raise Violation(f"I11: {states}, and {len(watch.messages)} were planned")


def _settled(world: World, row: Row) -> None:
    """I18 and I19: it ended, or it waits for a reason that a person can read."""
    state = row["state"]
    if state in (S.SENDING, S.UNKNOWN):
        raise Violation(f"I18: {row['message_id']} is {state} for ever")
    waits = state in (S.PLANNED, S.QUEUED)
    if waits and row["not_before"] < NEVER and row["not_before"] <= world.now() - LATE:
        raise Violation(f"I18: {row['message_id']} is due since {row['not_before']}: {row}")
    if state in (S.CANCELLED, S.FAILED, S.PRESUMED_LOST) and not row["reason"]:
        raise Violation(f"I19: {row['message_id']} is {state} without a reason")


def _timers(world: World, stream: StreamId, state: Campaign) -> None:
    """A contact-campaign that goes on has the timer that ends it (I7, I18)."""
    own = [
        row for row in world.memory.committed_rows("timers").values() if row["stream_id"] == stream
    ]
    if state.ended and own:
        raise Violation(f"I7: {stream} has ended and has timers: {own}")
    kinds = {row["kind"] for row in own}
    if state.stage is Stage.ACTIVE and EXPIRY not in kinds:
        raise Violation(f"I18: nothing ends {stream}")
    if any(row["due_at"] < world.now() - LATE for row in own):
        raise Violation(f"I18: a due timer of {stream} was not fired")


def _inbox(world: World) -> None:
    """I27: what was kept is processed, a repeat, an orphan or parked."""
    for row in world.memory.committed_rows("inbox").values():
        if row["state"] in ("new", "claimed"):
            raise Violation(f"I27: report {row['inbox_id']} is {row['state']} for ever")

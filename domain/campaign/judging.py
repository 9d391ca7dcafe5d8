"""Who is behind an open or a click, judged anew when later facts tell (providers.md 6)."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain.campaign.matching import known_about, silenced, timers_from
from domain.campaign.settling import settle
from domain.campaign.sighted import heard_at
from domain.campaign.state import Campaign, Message, Phase, Sighting
from domain.campaign.walk import Walk
from domain.events import Event, SignalJudged, TimerSet
from domain.lifecycle import Stage
from domain.plan import Grounds


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict of today on a report that may have been recorded, named by its key."""

    key: str
    machine: bool
    reader: str
    evidence: str


def judge_again(
    state: Campaign, grounds: Grounds, *, judged: Sequence[Judged], now: datetime
) -> Sequence[Event]:
    """Record verdicts that are others than before, and follow the plan where that frees a signal.

    Transitions that were taken stay; the same verdicts again are no news.
    """
    verdicts = {one.key: one for one in judged if one.key in state.keys}
    if not verdicts:
        return []
    walk = Walk(state, grounds, now)
    for message in state.messages.values():
        for sighting, verdict in _changed(message, grounds, verdicts):
            _say(walk, message, sighting, verdict)
    return walk.facts


def _changed(
    message: Message, grounds: Grounds, verdicts: dict[str, Judged]
) -> Iterator[tuple[Sighting, Judged]]:
    """Sightings whose verdict is another one; an open that a click implied goes with its click."""
    implied: list[Sighting] = []
    for sighting in message.sightings:
        if sighting.derived:
            implied.append(sighting)
            continue
        verdict = verdicts.get(sighting.key)
        if verdict is not None and _differs(sighting, verdict, grounds):
            yield from ((one, verdict) for one in implied if one.no == sighting.no - 1)
            yield sighting, verdict


def _differs(sighting: Sighting, verdict: Judged, grounds: Grounds) -> bool:
    """Releases before 0.3 recorded no reader: there only a change of sides counts."""
    other_reader = bool(sighting.reader) and sighting.reader != verdict.reader
    return other_reader or sighting.machine != _by_machine(verdict, grounds)


def _by_machine(verdict: Judged, grounds: Grounds) -> bool:
    return verdict.machine and not grounds.policy.machine_events_count


def _say(walk: Walk, message: Message, sighting: Sighting, verdict: Judged) -> None:
    machine = _by_machine(verdict, walk.grounds)
    now_at = walk.state.messages[message.id]
    timers = _freed(walk, message, sighting) if machine and not sighting.machine else ()
    walk.say(
        SignalJudged(
            signal_no=sighting.no,
            signal=sighting.signal,
            at=walk.now,
            heard_at=sighting.at,
            message_id=message.id,
            machine=machine,
            reader=verdict.reader,
            was_machine=sighting.machine,
            was_reader=sighting.reader,
            key=sighting.key,
            derived=sighting.derived,
            evidence=verdict.evidence,
            counted_at=_counted_at(now_at, sighting, machine=machine),
            node=message.node,
            variant=message.variant,
            sender=message.sender,
            domain=message.domain,
            place=walk.state.node if timers else None,
            visit=walk.state.visit if timers else 0,
            timers=timers,
            paused=walk.state.stage == Stage.PAUSED,
        )
    )
    if sighting.machine and not machine and walk.state.stage == Stage.ACTIVE:
        settle(walk, {sighting.no})


def _counted_at(message: Message, sighting: Sighting, *, machine: bool) -> datetime | None:
    """Where the count of the message as opened or clicked is taken back, or made now."""
    if machine == sighting.machine:
        return None
    same = [one for one in message.sightings if one.signal == sighting.signal]
    by_people = [one for one in same if not one.machine and one.no != sighting.no]
    if by_people:
        return None
    if not machine:
        return sighting.at
    return next((one.at for one in same if one.counted), None)


def _freed(walk: Walk, message: Message, sighting: Sighting) -> tuple[TimerSet, ...]:
    """Timers of the present node that only this sighting kept from firing."""
    state, plan = walk.state, walk.grounds.plan
    waits = state.phase == Phase.WATCH and not state.fell and not state.ended
    if not waits or state.t0 is None or state.anchor != message.id:
        return ()
    others = _without(state, message, sighting)
    armed = {timer.index for timer in state.timers}
    known = known_about(others, state.anchor)
    missing = [
        timer
        for timer in timers_from(plan, state.node, state.t0, known)
        if timer.index not in armed
    ]
    kept = [one for one in state.timers if silenced(state, one) and not silenced(others, one)]
    return tuple(sorted((*kept, *missing), key=lambda timer: timer.index))


def _without(state: Campaign, message: Message, sighting: Sighting) -> Campaign:
    """The state as if this had not been heard."""
    heard = heard_at(state.messages[message.id], sighting.signal, without=sighting.no)
    changed = replace(state.messages[message.id], heard_at=heard)
    return replace(state, messages={**state.messages, message.id: changed})

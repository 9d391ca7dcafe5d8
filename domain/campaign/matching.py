"""Which transition a signal or a timer takes (plan-dsl.md 7.3), and what guards may know."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from domain.campaign.state import Campaign, Heard
from domain.events import TimerSet
from domain.guards import holds
from domain.ids import MessageId, NodeId
from domain.plan import WATCHING, Grounds, Guard, Plan, Transition
from domain.taxonomy import SILENCED_BY, Signal
from domain.timing import Duration, add, matches_offset

WITHOUT_SUBJECT = (Signal.TASK_DONE, Signal.TASK_SKIPPED)


def transitions_at(plan: Plan, node: NodeId) -> tuple[Transition, ...]:
    """The ways out of a node that waits; none for a node that does not."""
    found = plan.nodes.get(node)
    return found.transitions if isinstance(found, WATCHING) else ()


def match(state: Campaign, grounds: Grounds, heard: Heard) -> int | None:
    """The first transition of the present node, in document order, that this signal takes."""
    for index, transition in enumerate(transitions_at(grounds.plan, state.node)):
        if transition.on == heard.signal and _fits(state, grounds, transition, heard):
            return index
    return None


def match_word(state: Campaign, grounds: Grounds, word: str) -> int | None:
    """The first transition on what became of the node's own message: it happens at offset 0."""
    for index, transition in enumerate(transitions_at(grounds.plan, state.node)):
        at_once = transition.after is None or transition.after.nominal_s == 0
        if transition.on == word and at_once and guard_holds(state, grounds, transition.when):
            return index
    return None


def in_order(latched: Iterable[Heard]) -> list[Heard]:
    """Signals by the time they happened, those of one instant as they came."""
    return sorted(latched, key=lambda heard: (heard.at, heard.no))


def held_up(state: Campaign, grounds: Grounds, heard: Heard, now: datetime) -> bool:
    """Whether a timer dated before this signal has yet to have its turn: it goes first (A7).

    A timer with a guard has had its turn when its grace is over, since a false guard drops it
    without a trace; any other timer stays armed until it is taken or silenced.
    """
    return any(
        timer.due_at < heard.at
        and not silenced(state, timer)
        and (is_unguarded(state, grounds, timer) or not is_graced(grounds, timer, now))
        for timer in state.timers
    )


def is_unguarded(state: Campaign, grounds: Grounds, timer: TimerSet) -> bool:
    """Whether a timer of the present node fires whatever the data say."""
    return transitions_at(grounds.plan, state.node)[timer.index].when is None


def is_graced(grounds: Grounds, timer: TimerSet, now: datetime) -> bool:
    """Whether late reports have had their time before this timer."""
    return timer.due_at + timedelta(seconds=grounds.policy.timer_grace_s) <= now


def _fits(state: Campaign, grounds: Grounds, transition: Transition, heard: Heard) -> bool:
    return (
        _about(state, transition, heard)
        and _in_time(state, grounds.plan.zone, transition, heard.at)
        and (transition.url_tag is None or transition.url_tag in heard.url_tags)
        and guard_holds(state, grounds, transition.when)
    )


def _about(state: Campaign, transition: Transition, heard: Heard) -> bool:
    """A signal about no message, such as a booked meeting, is about no earlier message either."""
    if heard.signal in WITHOUT_SUBJECT or heard.signal.startswith("x_"):
        return True
    if transition.about == "any":
        return True
    if transition.about == "anchor":
        return heard.message_id in (None, state.anchor)
    message = state.messages.get(heard.message_id) if heard.message_id else None
    return message is not None and message.node == transition.about


def _in_time(state: Campaign, zone: str, transition: Transition, at: datetime) -> bool:
    """Both bounds inclusive; a signal older than the node's clock counts as at its start."""
    if state.t0 is None:
        return False
    return matches_offset(at, state.t0, transition.after or Duration(), transition.within, zone)


def timers_from(
    plan: Plan, node: NodeId, t0: datetime, known: Mapping[str, datetime]
) -> tuple[TimerSet, ...]:
    """The timers of a node whose clock starts at t0; what a known fact silences is not armed."""
    armed = []
    for index, transition in enumerate(transitions_at(plan, node)):
        if transition.synthetic is None or transition.after is None:
            continue
        due_at = add(t0, transition.after, plan.zone)
        silencer = SILENCED_BY.get(transition.synthetic)
        if silencer is None or silencer not in known or known[silencer] > due_at:
            armed.append(TimerSet(index, transition.synthetic, due_at))
    return tuple(armed)


def silenced(state: Campaign, timer: TimerSet) -> bool:
    """Whether a human fact about the anchor, dated at or before the timer, keeps it from firing."""
    silencer = SILENCED_BY.get(timer.kind)
    heard_at = known_about(state, state.anchor).get(silencer) if silencer else None
    return heard_at is not None and heard_at <= timer.due_at


def known_about(state: Campaign, message_id: MessageId | None) -> Mapping[str, datetime]:
    """The human signals about a message, with the first instant of each."""
    message = state.messages.get(message_id) if message_id else None
    return message.heard_at if message else {}


def guard_holds(state: Campaign, grounds: Grounds, guard: Guard | None) -> bool:
    """Whether a guard is true on what is known now."""
    if guard is None:
        return True
    asked = [condition.field for condition in (*guard.all, *guard.any)]
    return holds(guard, {field: _value(state, grounds, field) for field in asked})


def _value(state: Campaign, grounds: Grounds, field: str) -> object:
    """A field that a guard reads: contact and company as given, state and facts as known."""
    if field == "state.sends":
        return state.sends
    if field.startswith("state.visits."):
        return state.visits.get(NodeId(field.removeprefix("state.visits.")), 0)
    if field.startswith("facts."):
        node, _, signal = field.removeprefix("facts.").rpartition(".")
        latest = state.latest(NodeId(node))
        return True if latest is not None and signal in latest.heard_at else None
    return grounds.values.get(field)

"""What can happen at a watching node, given what is known: timers, horizon, dead ways (11.3).

Where two durations differ in their calendar days, a change of the clock may move one against the
other by an hour; what is claimed here holds on every day of the year.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from math import inf

import msgspec

from domain.plan import Send, Wait
from domain.taxonomy import SILENCED_BY, Signal, Synthetic
from domain.timing import Duration
from plans.verify.timed.outline import (
    CLICKED,
    FACT_BITS,
    OPENED,
    OWN_WORDS,
    UNSENT,
    Spot,
    Way,
)
from plans.verify.timed.spans import DAY_S, SHIFT_S, least_s

NO_TIMER = "no timer is sure to fire"
ALL_SILENCED = "these events silence every timer and match no transition"
_SURE = (Synthetic.TIMEOUT, Synthetic.NO_REPLY)
CAUSES = ("fact", "late", "shadowed")
"""Why a transition can never be taken; the first of them is told when they differ."""

Interval = tuple[Duration, Duration | None]
Stretch = tuple[float, float]


class Escape(msgspec.Struct, frozen=True):
    """An event that moves nothing: it silences the timer `avoids`, or precedes one that does."""

    event: str
    at_s: int
    avoids: str | None = None


class Stuck(msgspec.Struct, frozen=True):
    """Why a node can wait for ever."""

    reason: str
    escapes: tuple[Escape, ...] = ()


class Lane(msgspec.Struct, frozen=True, gc=False):
    """A way that can be taken, and when: seconds from t0, for one `unsent` from the entry.

    `sure` is never undercut, whatever the clocks do; `shifted` tells that `high` has room for them.
    """

    way: Way
    low: int
    sure: int
    high: int
    shifted: bool
    unsent: bool


class View(msgspec.Struct, frozen=True):
    """A watching node with known facts: whether it idles, why ways are dead, and the others."""

    horizon_s: int
    stuck: Stuck | None
    dead: tuple[str, ...]
    lanes: tuple[Lane, ...]


class Horizon(msgspec.Struct, frozen=True):
    """When a node is left at the latest: at each of `ends`, or at the last of them.

    `at_once` is a send that goes on as soon as its message has left; `stuck` says why there is no
    such time.
    """

    ends: tuple[Way, ...] = ()
    surely: bool = True
    at_once: bool = False
    stuck: Stuck | None = None

    def passed_by(self, way: Way) -> bool:
        """Whether the node was certainly left before this way can be taken."""
        if self.at_once:
            return way.on not in OWN_WORDS
        if not self.ends:
            return False
        choose = any if self.surely else all
        return choose([_comes_first(end, way) for end in self.ends])


def view(spot: Spot, known: int, endless_s: int, *, standing: bool = False) -> View:
    """The node when these facts are known; `standing` when its timers may have been due before."""
    horizon = _horizon(spot, known)
    dead = [_dead(spot, way, known, horizon, standing=standing) for way in spot.ways]
    latest = _latest(horizon, endless_s)
    lanes = [
        _lane(spot, way, horizon, latest)
        for way, cause in zip(spot.ways, dead, strict=True)
        if not cause and not _empty(way) and not (standing and way.on in UNSENT)
    ]
    return View(latest.nominal_s, horizon.stuck, tuple(dead), tuple(lanes))


def surely_at_most(one: Duration, other: Duration) -> bool:
    """Whether the first is over when the second is, on every day of the year."""
    if one.days == other.days:
        return one.seconds <= other.seconds
    return one.nominal_s == 0 or other.nominal_s - one.nominal_s >= SHIFT_S


def _surely_before(one: Duration, other: Duration) -> bool:
    """The same with a second between them."""
    if one.days == other.days:
        return one.seconds < other.seconds
    return other.nominal_s - one.nominal_s > SHIFT_S


# --- the horizon ----------------------------------------------------------------------------------


def _horizon(spot: Spot, known: int) -> Horizon:
    if isinstance(spot.node, Send) and any(map(_leaves_at_once, spot.ways)):
        return Horizon(at_once=True)
    timers = [
        way for way in spot.ways if way.synthetic and way.when is None and not way.silencer & known
    ]
    sure = [way for way in timers if way.synthetic in _SURE]
    if sure:
        return Horizon(ends=tuple(sure))
    if not timers:
        return Horizon(stuck=Stuck(NO_TIMER))
    escapes = [_escapes(spot, way, known) for way in timers]
    if all(escapes):
        return Horizon(stuck=Stuck(ALL_SILENCED, tuple(chain.from_iterable(escapes))))
    return Horizon(ends=tuple(timers), surely=False)


def _leaves_at_once(way: Way) -> bool:
    return way.on == Signal.SENT and way.when is None and way.after.nominal_s == 0


def _latest(horizon: Horizon, endless_s: int) -> Duration:
    if horizon.stuck:
        return Duration(seconds=endless_s)
    if not horizon.ends:
        return Duration()
    if len(horizon.ends) == 1:
        return horizon.ends[0].after
    choose = min if horizon.surely else max
    return choose((way.after for way in horizon.ends), key=lambda after: after.nominal_s)


def _escapes(spot: Spot, timer: Way, known: int) -> tuple[Escape, ...]:
    """How the timer is silenced; on a day of 24 hours, if that is possible."""
    found = _gap(spot, timer, known, SHIFT_S)
    return (_gap(spot, timer, known, 0) or found) if found else ()


def _gap(spot: Spot, timer: Way, known: int, margin_s: int) -> tuple[Escape, ...]:
    """The first instant at which the event may come and match nothing; before a click, the open."""
    assert timer.synthetic is not None
    cover = _covered(spot, timer.silencer, timer.after, margin_s)
    implies = timer.silencer == CLICKED and not known & OPENED
    opened = _covered(spot, OPENED, timer.after, margin_s) if implies else []
    before: tuple[Escape, ...] = ()
    for instant in _instants(timer.after.nominal_s, cover + opened):
        free = bool(before) or not _inside(instant, opened)
        if free and not _inside(instant, cover):
            return (*before, Escape(SILENCED_BY[timer.synthetic], instant, timer.on))
        if free and implies and not before:
            before = (Escape(Signal.OPENED, instant),)
    return ()


def _instants(end_s: int, cover: Sequence[Stretch]) -> list[int]:
    """The only instants that need a look: both ends, and just outside what is covered."""
    edges = [max(0, int(low) - 1) for low, _ in cover]
    edges += [min(end_s, int(high) + 1) for _, high in cover if high < inf]
    return sorted({0, end_s, *(instant for instant in edges if instant <= end_s)})


def _inside(instant: int, cover: Sequence[Stretch]) -> bool:
    return any(low <= instant <= high for low, high in cover)


def _covered(spot: Spot, fact: int, end: Duration, margin_s: int) -> list[Stretch]:
    """When this event certainly leaves the node, counted like the end that it is held against.

    The margin is what a change of the clock may move calendar days against hours.
    """
    intervals = sorted(
        ((way.after, way.within) for way in spot.ways if _covers(spot, way, fact)),
        key=lambda interval: interval[0].nominal_s,
    )
    return [_held_against(end, interval, margin_s) for interval in _joined(intervals)]


def _covers(spot: Spot, way: Way, fact: int) -> bool:
    anchor = spot.node.about if isinstance(spot.node, Wait) else spot.id
    return FACT_BITS.get(way.on) == fact and way.plain and way.about in ("anchor", "any", anchor)


def _joined(intervals: Sequence[Interval]) -> Iterator[Interval]:
    """Intervals that follow each other without a second between them are one."""
    held: Interval | None = None
    for begin, until in intervals:
        if held is None:
            held = begin, until
        elif held[1] is None:
            break
        elif _touch(held[1], begin) and (until is None or surely_at_most(held[1], until)):
            held = held[0], until
        else:
            yield held
            held = begin, until
    if held is not None:
        yield held


def _touch(until: Duration, begin: Duration) -> bool:
    return surely_at_most(begin, Duration(until.days, until.seconds + 1))


def _held_against(end: Duration, interval: Interval, margin_s: int) -> Stretch:
    begin, until = interval
    low = begin.nominal_s + (margin_s if begin.nominal_s and begin.days != end.days else 0)
    if until is None:
        return low, inf
    return low, until.nominal_s - (margin_s if until.days != end.days else 0)


# --- what is dead, and what is not ----------------------------------------------------------------


def _dead(spot: Spot, way: Way, known: int, horizon: Horizon, *, standing: bool) -> str:
    if way.silencer & known:
        return "fact"
    own = isinstance(spot.node, Send) and way.on in OWN_WORDS
    if own and way.after.nominal_s:
        return "late"
    if horizon.passed_by(way) and not own and not (standing and way.synthetic):
        return "late"
    for other in () if way.synthetic else spot.ways[: way.index]:
        if other.on == way.on and _shadows(other, way, horizon):
            return "shadowed"
    return ""


def _comes_first(end: Way, way: Way) -> bool:
    """Whether the timer `end` always goes before this way: a real event of the same time wins."""
    if way.synthetic and end.index < way.index and end.after == way.after:
        return True
    return _surely_before(end.after, way.after)


def _shadows(other: Way, way: Way, horizon: Horizon) -> bool:
    """Whether an earlier way on the same event takes all that this one could."""
    if not other.plain or (other.about, way.about) != ("anchor", "anchor"):
        return False
    if not surely_at_most(other.after, way.after):
        return False
    return other.within is None or any(
        surely_at_most(end, other.within) for end in _ends(way, horizon)
    )


def _ends(way: Way, horizon: Horizon) -> Iterator[Duration]:
    """Times after which this event is too late for this way."""
    if way.within is not None:
        yield way.within
    if horizon.surely:
        yield from (end.after for end in horizon.ends)


def _empty(way: Way) -> bool:
    """A way that ends before it begins; stage 4 refuses it. A timer knows no `within`."""
    if way.synthetic or way.within is None:
        return False
    return way.within.nominal_s < way.after.nominal_s


def _lane(spot: Spot, way: Way, horizon: Horizon, latest: Duration) -> Lane:
    if isinstance(spot.node, Send) and way.on in OWN_WORDS:
        return Lane(way, 0, 0, 0, shifted=False, unsent=way.on in UNSENT)
    high = way.after if way.synthetic else latest
    if horizon.stuck and way.within and not way.synthetic:
        # only here: where a timer ends the wait, a report may come as late as that
        high = min(way.within, latest, key=lambda end: end.nominal_s)
    low, high_s = way.after.nominal_s, high.nominal_s
    shifted = bool(way.after.days or high.days) or high_s >= DAY_S
    return Lane(
        way=way,
        low=low,
        sure=least_s(way.after),
        high=max(low, high_s) + (SHIFT_S if shifted else 0),
        shifted=shifted,
        unsent=False,
    )

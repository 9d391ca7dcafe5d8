"""The numbers once more, from the facts alone, in the plainest way.

Nothing here is SQL or a sum that was kept. It follows docs/explanation/metrics.md and shares no
code with the projection.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from domain.events import (
    CampaignStarted,
    Completed,
    Exited,
    MessageAccepted,
    MessageCancelled,
    MessageFailed,
    MessagePresumedLost,
    NodeEntered,
    PlanAccepted,
    SignalJudged,
    SignalRecorded,
)
from domain.recorded import Recorded
from projections.metrics import COUNTERS

ONCE = {
    "delivered": "delivered",
    "replied": "replies",
    "auto_replied": "auto_replies",
    "bounced": "bounces",
    "spam_reported": "complaints",
    "unsubscribed": "unsubscribes",
}
SEEN = {"opened": "opens", "clicked": "clicks"}
OF_MESSAGE: dict[Any, str] = {
    MessageAccepted: "accepted",
    MessageCancelled: "cancelled",
    MessageFailed: "failed",
    MessagePresumedLost: "presumed_lost",
}
OF_COURSE: dict[Any, str] = {
    PlanAccepted: "enrolled",
    CampaignStarted: "started",
    Completed: "completed",
    Exited: "exited",
}


class Counted(NamedTuple):
    """One thing that counts."""

    counter: str
    at: datetime
    campaign: Any
    node: str = ""
    variant: str = ""
    sender: str = ""
    domain: str = ""


def counted(history: Sequence[Recorded]) -> Iterator[Counted]:
    """Everything that counts in one stream."""
    for one in history:
        fact: Any = one.fact
        if type(fact) in OF_COURSE:
            yield Counted(OF_COURSE[type(fact)], fact.at, one.campaign_id)
        elif isinstance(fact, NodeEntered) and fact.message_id:
            yield _placed("planned", fact.at, one, fact, domain="")
        elif isinstance(fact, MessageCancelled):
            yield _placed("cancelled", fact.at, one, fact, domain="")
        elif type(fact) in OF_MESSAGE:
            yield _placed(OF_MESSAGE[type(fact)], fact.at, one, fact)
    yield from _heard(history)
    for word, name in SEEN.items():
        yield from _seen(history, word, name)


def _heard(history: Sequence[Recorded]) -> Iterator[Counted]:
    """Every deferral, and of the other reports the first about a message."""
    told: set[tuple[Any, str]] = set()
    for one in history:
        fact = one.fact
        if not isinstance(fact, SignalRecorded):
            continue
        if fact.signal == "deferred":
            yield _placed("deferrals", fact.at, one, fact)
        elif fact.signal in ONCE and (fact.message_id, fact.signal) not in told:
            told.add((fact.message_id, fact.signal))
            yield _placed(ONCE[fact.signal], fact.at, one, fact)


def _seen(history: Sequence[Recorded], word: str, name: str) -> Iterator[Counted]:
    """Opens or clicks: each report for what it is taken at last, each message once for a person."""
    stand = set()
    for one, fact, last in _reports(history, word):
        if not fact.derived:
            yield _placed(f"machine_{name}" if last.machine else name, fact.at, one, fact)
        if not last.machine:
            stand.add(fact.message_id)
            if last.reader == "unknown" and not fact.derived:
                yield _placed(f"unknown_{name}", fact.at, one, fact)
    once = _once(history, word, f"unique_{name}")
    assert set(once) == stand, "what counts is what a person opened or clicked"
    yield from once.values()


def _once(history: Sequence[Recorded], word: str, counter: str) -> Mapping[Any, Counted]:
    """Where a message counts: where its first report by a person came, until a later fact takes
    that back or says so of another one.
    """
    found: dict[Any, Counted] = {}
    for one in history:
        fact = one.fact
        if isinstance(fact, SignalRecorded) and fact.signal == word and not fact.machine:
            found.setdefault(fact.message_id, _placed(counter, fact.at, one, fact))
        elif isinstance(fact, SignalJudged) and fact.signal == word and fact.counted_at:
            found.pop(fact.message_id, None)
            if not fact.machine:
                found[fact.message_id] = _placed(counter, fact.counted_at, one, fact)
    return found


def _reports(
    history: Sequence[Recorded], word: str
) -> Iterator[tuple[Recorded, SignalRecorded, SignalRecorded | SignalJudged]]:
    """Each report of a word, with the last fact that says who was behind it."""
    judged = {one.fact.signal_no: one.fact for one in history if isinstance(one.fact, SignalJudged)}
    numbered = (one for one in history if isinstance(one.fact, SignalRecorded))
    for number, one in enumerate(numbered):
        assert isinstance(one.fact, SignalRecorded)
        if one.fact.signal == word:
            yield one, one.fact, judged.get(number, one.fact)


def _placed(counter: str, at: datetime, one: Recorded, fact: Any, **changed: str) -> Counted:
    if getattr(fact, "node", None) is None:
        return Counted(counter, at, one.campaign_id)
    places = {name: getattr(fact, name, "") for name in ("node", "variant", "sender", "domain")}
    return Counted(counter, at, one.campaign_id, **places | changed)


def grouped(rows: Sequence[Counted], key: Callable[[Counted], Any]) -> dict[Any, dict[str, int]]:
    """Counters of each group, those of 0 too."""
    found: dict[Any, Counter[str]] = {}
    for row in rows:
        found.setdefault(key(row), Counter())[row.counter] += 1
    return {group: {name: sums[name] for name in COUNTERS} for group, sums in found.items()}


def bucket(at: datetime, interval: str) -> datetime:
    """When the hour, day, week or month began, in UTC."""
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    return {
        "hour": hour,
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
    }[interval]


class Message(NamedTuple):
    """A message that was accepted, and when a person first answered it."""

    contact: Any
    campaign: Any
    accepted_at: datetime
    answered_at: datetime | None


def messages(history: Sequence[Recorded]) -> Iterator[Message]:
    """Accepted messages of one stream."""
    answers: dict[Any, datetime] = {}
    for one in history:
        fact = one.fact
        if isinstance(fact, SignalRecorded) and fact.signal == "replied" and fact.message_id:
            answers[fact.message_id] = min(fact.at, answers.get(fact.message_id, fact.at))
    for one in history:
        if isinstance(one.fact, MessageAccepted):
            answered = answers.get(one.fact.message_id)
            yield Message(one.contact_id, one.campaign_id, one.fact.at, answered)


def totals(rows: Sequence[Counted]) -> Mapping[str, int]:
    """All counters together."""
    return grouped(rows, lambda _: None).get(None, dict.fromkeys(COUNTERS, 0))

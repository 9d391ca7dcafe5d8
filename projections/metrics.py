"""Counters per hour and per day (UTC) of the time of the fact; each amount is counted once in each.

Rows about messages have node, variant, sender and domain; `domain` is '' until a message was
rendered (planned, cancelled). Counters of the contact-campaign itself stand in the row whose four
dimensions are ''. So the total of a campaign is the sum over its rows, and over its days.

`opens` and `clicks` count every report. `unique_opens` and `unique_clicks` count messages; a
message whose open only follows from a click or a reply is in `unique_opens` and not in `opens`.
Machines have counters of their own and are in none of these. `unknown_opens` and `unknown_clicks`
are those reports among `opens` and `clicks` of which nobody can tell who was behind them. A verdict
that is changed later moves what was counted, in the buckets where it was counted. `delivered`,
`replies`, `auto_replies`, `bounces`, `complaints` and `unsubscribes` count messages, `deferrals`
every report.

A missing row says "nothing happened"; whether opens are measured at all is a setting, and who shows
these numbers gives null, not 0, where it is off.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

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
from domain.taxonomy import Signal
from projections.projection import Add, Change, Projection, Table, topics

DIMENSIONS = ("node", "variant", "sender", "domain")
COUNTERS = (
    "enrolled",
    "started",
    "completed",
    "exited",
    "planned",
    "accepted",
    "failed",
    "cancelled",
    "presumed_lost",
    "delivered",
    "opens",
    "unique_opens",
    "machine_opens",
    "unknown_opens",
    "clicks",
    "unique_clicks",
    "machine_clicks",
    "unknown_clicks",
    "replies",
    "auto_replies",
    "bounces",
    "deferrals",
    "complaints",
    "unsubscribes",
)


def _table(name: str) -> Table:
    return Table(
        name,
        key=("campaign_id", "bucket", *DIMENSIONS),
        columns={"campaign_id": "uuid", "bucket": "timestamptz"}
        | dict.fromkeys(DIMENSIONS, "text")
        | dict.fromkeys(COUNTERS, "bigint"),
    )


HOURLY = _table("metrics_hourly")
DAILY = _table("metrics_daily")

ONCE_A_MESSAGE = {
    Signal.DELIVERED: "delivered",
    Signal.REPLIED: "replies",
    Signal.AUTO_REPLIED: "auto_replies",
    Signal.BOUNCED: "bounces",
    Signal.SPAM_REPORTED: "complaints",
    Signal.UNSUBSCRIBED: "unsubscribes",
}
UNKNOWN = "unknown"
"""The verdict on a report that a person or a program may have made."""
EVERY_REPORT = {Signal.OPENED: "opens", Signal.CLICKED: "clicks", Signal.DEFERRED: "deferrals"}

_MessageFact = (
    NodeEntered | MessageAccepted | MessageCancelled | MessageFailed | MessagePresumedLost
)
_OF_MESSAGE: dict[type[_MessageFact], str] = {
    NodeEntered: "planned",
    MessageAccepted: "accepted",
    MessageCancelled: "cancelled",
    MessageFailed: "failed",
    MessagePresumedLost: "presumed_lost",
}


def changes(recorded: Recorded) -> Iterator[Change]:  # noqa: C901  # a total match over the facts
    """The same amounts into the hour and the day of the fact."""
    match recorded.fact:
        case PlanAccepted(at=at):
            yield from _count(recorded, at, ("", "", "", ""), {"enrolled": 1})
        case CampaignStarted(at=at):
            yield from _count(recorded, at, ("", "", "", ""), {"started": 1})
        case Completed(at=at):
            yield from _count(recorded, at, ("", "", "", ""), {"completed": 1})
        case Exited(at=at):
            yield from _count(recorded, at, ("", "", "", ""), {"exited": 1})
        case NodeEntered(message_id=None):
            pass
        case (
            NodeEntered()
            | MessageAccepted()
            | MessageCancelled()
            | MessageFailed()
            | MessagePresumedLost()
        ) as fact:
            yield from _count(recorded, fact.at, _dimensions(fact), {_OF_MESSAGE[type(fact)]: 1})
        case SignalRecorded() as fact:
            if amounts := _amounts(fact):
                yield from _count(recorded, fact.at, _dimensions(fact), amounts)
        case SignalJudged() as fact:
            yield from _moved(recorded, fact)
        case _:
            pass


def _moved(recorded: Recorded, fact: SignalJudged) -> Iterator[Add]:
    """A report from one side to the other; its message as opened or clicked where that changes."""
    kind = EVERY_REPORT[Signal(fact.signal)]
    before = _sides(kind, machine=fact.was_machine, reader=fact.was_reader)
    after = _sides(kind, machine=fact.machine, reader=fact.reader)
    amounts = {name: (name in after) - (name in before) for name in sorted(before ^ after)}
    if amounts and not fact.derived:
        yield from _count(recorded, fact.heard_at, _dimensions(fact), amounts)
    if fact.counted_at is not None:
        unique = {f"unique_{kind}": -1 if fact.machine else 1}
        yield from _count(recorded, fact.counted_at, _dimensions(fact), unique)


def _sides(kind: str, *, machine: bool, reader: str) -> set[str]:
    """The counters that a report is in, `unique_` apart."""
    if machine:
        return {f"machine_{kind}"}
    return {kind, f"unknown_{kind}"} if reader == UNKNOWN else {kind}


def _dimensions(fact: _MessageFact | SignalRecorded | SignalJudged) -> tuple[str, str, str, str]:
    match fact:
        case SignalRecorded(node=None):
            return "", "", "", ""
        case NodeEntered() | MessageCancelled():
            return fact.node, fact.variant, fact.sender, ""
        case _:
            return fact.node or "", fact.variant, fact.sender, fact.domain


def _amounts(fact: SignalRecorded) -> dict[str, int]:
    """A reply about no message counts as it comes: there is nothing that it could repeat."""
    once = fact.first or fact.message_id is None
    match fact.signal:
        case Signal.OPENED | Signal.CLICKED if fact.machine:
            return {} if fact.derived else {f"machine_{EVERY_REPORT[Signal(fact.signal)]}": 1}
        case Signal.OPENED | Signal.CLICKED:
            total = EVERY_REPORT[Signal(fact.signal)]
            amounts = {
                total: not fact.derived,
                f"unique_{total}": fact.first,
                f"unknown_{total}": fact.reader == UNKNOWN and not fact.derived,
            }
            return {name: 1 for name, counts in amounts.items() if counts}
        case Signal.DEFERRED:
            return {EVERY_REPORT[Signal.DEFERRED]: 1}
        case signal if signal in ONCE_A_MESSAGE and once:
            return {ONCE_A_MESSAGE[Signal(signal)]: 1}
        case _:
            return {}


def _count(
    recorded: Recorded,
    at: datetime,
    dimensions: tuple[str, str, str, str],
    amounts: dict[str, int],
) -> Iterator[Add]:
    node, variant, sender, domain = dimensions
    for table, bucket in zip((HOURLY, DAILY), _buckets(at.timestamp() // 3600), strict=True):
        key = {
            "campaign_id": recorded.campaign_id,
            "bucket": bucket,
            "node": node,
            "variant": variant,
            "sender": sender,
            "domain": domain,
        }
        yield Add(table, key, amounts)


@lru_cache(maxsize=1_024)
def _buckets(hour: float) -> tuple[datetime, datetime]:
    """The beginnings of an hour since 1970 and of its day, in UTC."""
    begins = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
    return begins, begins.replace(hour=0)


METRICS = Projection(
    "metrics",
    (HOURLY, DAILY),
    topics(
        PlanAccepted,
        CampaignStarted,
        NodeEntered,
        SignalRecorded,
        SignalJudged,
        MessageCancelled,
        MessageAccepted,
        MessageFailed,
        MessagePresumedLost,
        Completed,
        Exited,
    ),
    changes,
    ordered=False,
)

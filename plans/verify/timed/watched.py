"""Whether what is awaited can happen to the message that is watched (plan-dsl.md 3 and 11.2)."""

import re
from collections.abc import Iterable, Iterator, Mapping

from domain.plan import Send, Task, Wait
from domain.taxonomy import SILENCED_BY, Channel, Signal, Synthetic
from plans.pointer import pointer
from plans.schema import models
from plans.schema.parts import Message
from plans.verify.report import Issue, issue
from plans.verify.timed.explore import Explored
from plans.verify.timed.outline import Spot, Way
from plans.verify.timed.states import anchor_of

EVENTS_OF: Mapping[Channel, tuple[str, ...]] = {
    Channel.EMAIL: (
        Signal.SENT,
        Signal.DELIVERED,
        Signal.OPENED,
        Signal.CLICKED,
        Signal.REPLIED,
        Signal.AUTO_REPLIED,
        Signal.BOUNCED,
        Signal.DEFERRED,
        Signal.SPAM_REPORTED,
        Signal.UNSUBSCRIBED,
    ),
    Channel.SMS: (
        Signal.SENT,
        Signal.DELIVERED,
        Signal.CLICKED,
        Signal.REPLIED,
        Signal.BOUNCED,
        Signal.UNSUBSCRIBED,
    ),
    Channel.LINKEDIN_INVITE: (Signal.SENT, Signal.INVITE_ACCEPTED, Signal.REPLIED),
    Channel.LINKEDIN_MESSAGE: (Signal.SENT, Signal.REPLIED),
}
"""What can happen to a message of a channel."""
EVERYWHERE = (
    Signal.SEND_FAILED,
    Signal.SEND_SKIPPED,
    Signal.MEETING_BOOKED,
    Synthetic.TIMEOUT,
)
OF_TASKS = (Signal.TASK_DONE, Signal.TASK_SKIPPED)
OF_WEBHOOKS = (Signal.WEBHOOK_OK, Signal.WEBHOOK_FAILED)
"""Refused on any transition, and that in stage 4."""
_CLICKS = frozenset(map(str, (Signal.CLICKED, Synthetic.NO_CLICK)))
_OPENS = frozenset(map(str, (Signal.OPENED, Synthetic.NO_OPEN)))
_SEEN = _CLICKS | _OPENS
"""What can only be seen of a message that has a link, or a pixel."""
LINK = re.compile(r"https?://|href\s*=", re.IGNORECASE)
LINK_NAME = re.compile(r"url|link", re.IGNORECASE)

Anchors = Mapping[int, Mapping[int, int]]
"""For each watching node the sends it may watch, -1 for none, each with the first such state."""


def watched(explored: Explored, plan: models.Plan, anchors: Anchors) -> Iterator[Issue]:
    """Events that cannot happen, and messages that cannot cause them."""
    for number in sorted(anchors):
        spot = explored.outline.spots[number]
        for way in spot.ways:
            found = _problem(explored, plan, spot, way, anchors[number])
            if found is not None:
                yield found


def anchors_of(explored: Explored) -> Anchors:
    """What each explored watching node may watch, in the order in which it was found."""
    anchors: dict[int, dict[int, int]] = {}
    for state, spot in enumerate(explored.spots):
        if spot.watches:
            own = spot.span is not None
            anchor = spot.number if own else anchor_of(explored.states[state])
            anchors.setdefault(spot.number, {}).setdefault(anchor, state)
    return anchors


def _problem(
    explored: Explored, plan: models.Plan, spot: Spot, way: Way, anchors: Mapping[int, int]
) -> Issue | None:
    if way.on in EVERYWHERE or way.on in OF_WEBHOOKS or way.on.startswith("x_"):
        return None
    if _is_misplaced(spot, way.on):
        return _misplaced(_path(spot, way), spot, way.on)
    if way.on in OF_TASKS:
        return None
    if -1 in anchors and _needs_anchor(spot, way):
        return _without_anchor(_path(spot, way), spot, way.on, explored.path_to(anchors[-1]))
    subjects = [explored.outline.spots[each] for each in _subjects(explored, way, anchors)]
    event = SILENCED_BY[way.synthetic] if way.synthetic else way.on
    channels = [each.node.channel for each in subjects if isinstance(each.node, Send)]
    if not any(event in EVENTS_OF[channel] for channel in dict.fromkeys(channels)):
        return _impossible(_path(spot, way), spot, way.on, channels)
    if way.on not in _SEEN:
        return None
    return _unseen(spot, way, _messages(plan, subjects))


def _path(spot: Spot, way: Way) -> str:
    return pointer("nodes", spot.number, "transitions", way.index, "on")


def _is_misplaced(spot: Spot, word: str) -> bool:
    if word in OF_TASKS:
        return not isinstance(spot.node, Task)
    return word == Signal.SENT and not isinstance(spot.node, Send)


def _needs_anchor(spot: Spot, way: Way) -> bool:
    """An event about any message needs one as well, unless others than the subject were sent."""
    named = isinstance(spot.node, Wait) and spot.node.about is not None
    return way.about == "anchor" or (way.about == "any" and not named)


def _subjects(explored: Explored, way: Way, anchors: Mapping[int, int]) -> list[int]:
    """The sends whose message the event may be about."""
    spots = explored.outline.spots
    if way.about == "anchor":
        return [anchor for anchor in anchors if anchor >= 0]
    if way.about == "any":
        return [spot.number for spot in spots if isinstance(spot.node, Send)]
    return [spot.number for spot in spots if spot.id == way.about]


def _messages(plan: models.Plan, subjects: Iterable[Spot]) -> list[Message]:
    found: list[Message] = []
    for spot in subjects:
        node = plan.nodes[spot.number]
        if isinstance(node, models.Send):
            found += [node.message] if node.message else []
            found += [variant.message for variant in node.variants]
    return found


def _unseen(spot: Spot, way: Way, messages: list[Message]) -> Issue | None:
    """A click without a link, or a reaction that is not tracked."""
    word, clicks = way.on, way.on in _CLICKS
    if clicks and not any(_has_link(message) for message in messages):
        return issue(
            "E_NO_LINK",
            _path(spot, way),
            f'"{spot.id}" awaits a click, but the watched message has no link',
            node=spot.id,
            got=word,
            suggestion="put a link into the message, or wait for a reply instead",
        )
    opens = word in _OPENS
    off = (clicks and not any(message.track_clicks for message in messages)) or (
        opens and not any(message.track_opens for message in messages)
    )
    if not off:
        return None
    field = "trackClicks" if clicks else "trackOpens"
    return issue(
        "E_TRACKING_OFF",
        _path(spot, way),
        f'"{spot.id}" awaits {word}, but {field} is false in the message',
        node=spot.id,
        got=word,
        suggestion=f"set {field} to true, or wait for a reply instead",
    )


def _has_link(message: Message) -> bool:
    text = (message.html or "") + (message.text or "")
    return bool(LINK.search(text)) or any(map(LINK_NAME.search, _variables(text)))


def _variables(text: str) -> Iterator[str]:
    """What stands in double braces; one pattern for it would take cubic time over hostile text."""
    for before in text.split("}}")[:-1]:
        yield before.rpartition("}")[2].partition("{{")[2]


def _misplaced(path: str, spot: Spot, word: str) -> Issue:
    of_task = word in OF_TASKS
    owner = "a task node hears of its task" if of_task else "the send node hears of its own message"
    return issue(
        "E_EVENT_CHANNEL",
        path,
        f'{word} cannot happen at "{spot.id}": only {owner}',
        node=spot.id,
        got=word,
    )


def _impossible(path: str, spot: Spot, word: str, channels: Iterable[Channel]) -> Issue:
    named = list(dict.fromkeys(map(str, channels)))
    expected = [event for event in _possible(channels) if event != Signal.SENT]
    return issue(
        "E_EVENT_CHANNEL",
        path,
        f'{word} cannot happen at "{spot.id}": the watched message goes by {" or ".join(named)}',
        node=spot.id,
        expected=expected,
        got=word,
        suggestion="wait for no_reply, or for a timeout",
    )


def _possible(channels: Iterable[Channel]) -> list[str]:
    return list(dict.fromkeys(str(event) for channel in channels for event in EVENTS_OF[channel]))


def _without_anchor(path: str, spot: Spot, word: str, way_there: list[str]) -> Issue:
    return issue(
        "E_NO_ANCHOR",
        path,
        f'"{spot.id}" awaits {word}, but a path leads there on which the '
        "message it would watch was not sent",
        node=spot.id,
        got=word,
        suggestion="wait for a timeout here, or come here only after the send",
        witness={"path": way_there},
    )

"""Coming to a node: what each kind of node says, and whether the token goes on at once."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from domain.campaign import placing
from domain.campaign.matching import guard_holds, known_about, timers_from
from domain.campaign.saying import Next, Said
from domain.events import (
    Completed,
    ContactUpdateRequested,
    NodeEntered,
    NotificationRequested,
    TaskCreated,
    WebhookRequested,
)
from domain.ids import dedupe_key, errand_id, message_id
from domain.plan import (
    Branch,
    Node,
    Notify,
    Send,
    Split,
    Stop,
    Task,
    Update,
    Wait,
    Webhook,
)
from domain.taxonomy import CancelReason
from domain.timing import add

GIVE_UP_AFTER = timedelta(hours=1)
"""A registered endpoint that could not be called for so long is not called (plan-dsl.md 7.4)."""


def entered(said: Said, node: Node, visit: int, at: datetime) -> Next:
    """Come to a node; where the token goes on to at once, if it does."""
    return _ENTER[type(node)](said, node, visit, at)


def _plan_message(said: Said, node: Send, visit: int, at: datetime) -> Next:
    subject = said.grounds.subject
    key = dedupe_key(subject, node.id, node.channel, said.state.run, visit)
    due_at = placing.due(said.state, said.grounds, node, base=at, key=key)
    mid = message_id(said.grounds.stream, node.id, visit)
    experiment = (node.experiment or node.id) if node.variants else ""
    arm = said.arm(experiment, node.variants) if node.variants else -1
    said.say(
        NodeEntered(
            node=node.id,
            visit=visit,
            at=at,
            choice=arm,
            message_id=mid,
            channel=node.channel,
            due_at=due_at or at,
            expires_at=(due_at or at) + placing.EXPIRES_AFTER,
            dedupe_key=key,
            variant=node.variants[arm].id if node.variants else "",
            sender=node.sender,
            anchor=said.state.anchor,
            experiment=experiment,
        )
    )
    past = node.schedule.at is not None and node.schedule.at < at
    if past and node.if_past == "skip":
        said.say(said.cancelled(mid, CancelReason.PAST, at))
    elif due_at is None:
        said.say(said.failed(mid, "no_window", at))
    return said.fallen(at)


def _watch(said: Said, node: Wait, visit: int, at: datetime) -> Next:
    anchor = said.state.anchor
    if node.about is not None:
        latest = said.state.latest(node.about)
        anchor = latest.id if latest else None
    known = known_about(said.state, anchor)
    timers = timers_from(said.grounds.plan, node.id, at, known)
    said.say(NodeEntered(node=node.id, visit=visit, at=at, anchor=anchor, timers=timers))
    return said.offered()


def _choose(said: Said, node: Branch, visit: int, at: datetime) -> Next:
    choice = next(
        (
            index
            for index, (guard, _) in enumerate(node.cases)
            if guard_holds(said.state, said.grounds, guard)
        ),
        len(node.cases),
    )
    said.pass_by(node.id, visit, at, choice=choice)
    to = node.cases[choice][1] if choice < len(node.cases) else node.otherwise
    return to, at


def _draw(said: Said, node: Split, visit: int, at: datetime) -> Next:
    experiment = node.experiment or node.id
    choice = said.arm(experiment, node.arms)
    said.pass_by(
        node.id, visit, at, choice=choice, variant=node.arms[choice].id, experiment=experiment
    )
    return node.ways[choice], at


def _assign(said: Said, node: Task, visit: int, at: datetime) -> Next:
    state, plan = said.state, said.grounds.plan
    timers = timers_from(plan, node.id, at, known_about(state, state.anchor))
    task = TaskCreated(
        task_id=errand_id(said.grounds.stream, node.id, visit),
        node=node.id,
        visit=visit,
        kind=node.kind,
        due_at=add(at, node.due, plan.zone),
        at=at,
    )
    said.pass_by(node.id, visit, at, timers=timers)
    said.say(task)
    return said.offered()


def _call(said: Said, node: Webhook, visit: int, at: datetime) -> Next:
    waits = node.on_error is not None
    request = WebhookRequested(
        call_id=errand_id(said.grounds.stream, node.id, visit),
        node=node.id,
        visit=visit,
        endpoint=node.endpoint,
        waits=waits,
        give_up_at=at + GIVE_UP_AFTER,
        at=at,
    )
    said.pass_by(node.id, visit, at)
    said.say(request)
    return None if waits else (node.next, at)


def _update(said: Said, node: Update, visit: int, at: datetime) -> Next:
    update = errand_id(said.grounds.stream, node.id, visit)
    said.pass_by(node.id, visit, at)
    said.say(ContactUpdateRequested(update_id=update, node=node.id, visit=visit, at=at))
    said.grounds = replace(said.grounds, values=_values_after(node, said.grounds.values))
    return node.next, at


def _notify(said: Said, node: Notify, visit: int, at: datetime) -> Next:
    notice = errand_id(said.grounds.stream, node.id, visit)
    said.pass_by(node.id, visit, at)
    said.say(NotificationRequested(notice_id=notice, node=node.id, visit=visit, at=at))
    return node.next, at


def _values_after(node: Update, values: Mapping[str, object]) -> Mapping[str, object]:
    """What guards further on at the same instant read: the change itself is made later."""
    after = {**values, **dict(node.assigned)}
    if node.add_tags or node.remove_tags:
        before = values.get("contact.tags")
        kept = before if isinstance(before, list | tuple) else ()
        tags = [tag for tag in kept if tag not in node.remove_tags]
        after["contact.tags"] = [*tags, *(tag for tag in node.add_tags if tag not in tags)]
    return after


def _stop(said: Said, node: Stop, visit: int, at: datetime) -> Next:  # noqa: ARG001  # one shape for all kinds
    for message in said.state.unsent:  # what a person ordered again has no plan to go on with
        said.say(said.cancelled(message.id, CancelReason.ENDED, at))
    said.say(Completed(node=node.id, outcome=node.outcome, at=at))
    return None


_ENTER: Mapping[type[Node], Callable[[Said, Any, int, datetime], Next]] = {
    Send: _plan_message,
    Wait: _watch,
    Branch: _choose,
    Split: _draw,
    Task: _assign,
    Webhook: _call,
    Update: _update,
    Notify: _notify,
    Stop: _stop,
}

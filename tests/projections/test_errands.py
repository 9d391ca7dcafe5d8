from datetime import timedelta

from domain import events
from domain.ids import NodeId, errand_id
from domain.taxonomy import TaskEnd, TaskKind
from projections import errands, tasks
from projections.activity_feed import ACTIVITY_FEED
from projections.errands import ERRANDS
from projections.projection import Clear, Move, Put
from projections.tasks import TASKS
from tests.projections.facts_given import AT, CAMPAIGN, CONTACT, STREAM, recorded

NODE = NodeId("crm")
ERRAND = errand_id(STREAM, NODE, 2)
HOUR = timedelta(hours=1)
COMMON = {
    "errand_id": ERRAND,
    "stream_id": STREAM,
    "version": 7,
    "node": NODE,
    "visit": 2,
    "requested_at": AT,
}
CALLED = events.WebhookRequested(
    call_id=ERRAND, node=NODE, visit=2, endpoint="crm", waits=True, give_up_at=AT + HOUR, at=AT
)
CREATED = events.TaskCreated(
    task_id=ERRAND, node=NODE, visit=2, kind=TaskKind.CALL, due_at=AT + HOUR, at=AT
)


def resolved(*, ok: bool) -> events.WebhookResolved:
    return events.WebhookResolved(
        call_id=ERRAND,
        node=NODE,
        visit=2,
        ok=ok,
        reason="" if ok else "http_500",
        attempts=3,
        at=AT,
    )


def test_a_change_and_a_notice_are_due_at_once_and_wait_for_no_fact() -> None:
    update = events.ContactUpdateRequested(update_id=ERRAND, node=NODE, visit=2, at=AT)
    notice = events.NotificationRequested(notice_id=ERRAND, node=NODE, visit=2, at=AT)
    for fact, kind in ((update, "update"), (notice, "notify")):
        row = {**COMMON, "kind": kind}
        assert list(ERRANDS.changes(recorded(fact, 7))) == [Put(errands.TABLE, row)]


def test_a_call_is_due_until_its_outcome_is_known() -> None:
    row = {**COMMON, "kind": "webhook", "endpoint": "crm", "give_up_at": AT + HOUR}
    assert list(ERRANDS.changes(recorded(CALLED, 7))) == [Put(errands.TABLE, row)]
    gone = [Clear(errands.TABLE, {"stream_id": STREAM, "errand_id": ERRAND})]
    for ok in (True, False):
        assert list(ERRANDS.changes(recorded(resolved(ok=ok)))) == gone


def test_a_task_is_open_and_then_as_it_ended() -> None:
    row = {
        "task_id": ERRAND,
        "stream_id": STREAM,
        "campaign_id": CAMPAIGN,
        "contact_id": CONTACT,
        "version": 7,
        "kind": "call",
        "node": NODE,
        "visit": 2,
        "due_at": AT + HOUR,
        "created_at": AT,
        "state": "open",
    }
    assert list(TASKS.changes(recorded(CREATED, 7))) == [Put(tasks.TABLE, row)]
    for end in TaskEnd:
        fact = events.TaskResolved(task_id=ERRAND, node=NODE, visit=2, end=end, at=AT)
        move = Move(
            tasks.TABLE,
            {"task_id": ERRAND},
            {"state": ("open",)},
            {"state": end, "ended_at": AT},
        )
        assert list(TASKS.changes(recorded(fact))) == [move]


def test_the_feed_shows_what_was_asked_and_what_came_of_it() -> None:
    done = events.TaskResolved(task_id=ERRAND, node=NODE, visit=2, end=TaskEnd.DONE, at=AT)
    shown = {}
    for fact in (CALLED, resolved(ok=True), resolved(ok=False), CREATED, done):
        (change,) = ACTIVITY_FEED.changes(recorded(fact))
        assert isinstance(change, Put)
        shown[change.row["kind"]] = change.row["detail"]
    assert shown == {
        "webhook.requested": "crm",
        "webhook.ok": "",
        "webhook.failed": "http_500",
        "task.created": "call",
        "task.done": "",
    }

"""What a revision moves: the plan in force, the node, the timers, the message that waits."""

from datetime import timedelta

from msgspec.structs import replace

from domain.ids import NodeId, timer_id
from domain.taxonomy import MessageState
from projections import contact_campaigns, send_queue, streams, timers
from projections.contact_campaigns import CONTACT_CAMPAIGNS
from projections.projection import Clear, Move, Put
from projections.send_queue import SEND_QUEUE
from projections.streams import STREAMS
from projections.timers import TIMERS
from tests.projections.facts_given import AT, LATER, M1, STREAM, recorded, revised

NODE = NodeId("renamed")
DAY = timedelta(days=1)
WATCHING = revised("sha256:old", "sha256:new", NODE, AT)
WAITING = revised("sha256:old", "sha256:new", NODE, AT, message=M1)


def test_the_stream_follows_the_plan_in_force_and_only_from_the_one_before() -> None:
    expected = Move(
        streams.TABLE,
        {"stream_id": STREAM},
        {"plan_hash": ("sha256:old",)},
        {"plan_hash": "sha256:new"},
    )
    assert list(STREAMS.changes(recorded(WATCHING))) == [expected]
    row = {"plan_hash": "sha256:new", "node": NODE, "changed_at": AT}
    moved = Move(contact_campaigns.TABLE, {"stream_id": STREAM}, {}, row)
    assert list(CONTACT_CAMPAIGNS.changes(recorded(WATCHING))) == [moved]


def test_timers_are_set_anew_and_so_is_the_end() -> None:
    cleared, end, silence = TIMERS.changes(recorded(WATCHING))
    assert cleared == Clear(timers.TABLE, {"stream_id": STREAM, "scope": "node"})
    assert isinstance(end, Put)
    assert (end.row["kind"], end.row["due_at"]) == ("expiry", AT + 30 * DAY)
    assert isinstance(silence, Put)
    assert silence.row["timer_id"] == timer_id(STREAM, NODE, 1, 0)
    assert (silence.row["node"], silence.row["due_at"]) == (NODE, LATER)
    assert len(list(TIMERS.changes(recorded(replace(WATCHING, expires_at=None))))) == 2


def test_a_message_that_waits_is_planned_again_whatever_it_was() -> None:
    (move,) = SEND_QUEUE.changes(recorded(WAITING))
    assert isinstance(move, Move)
    assert move.key == {"message_id": M1}
    assert move.expect == {"state": (MessageState.PLANNED, MessageState.QUEUED)}
    assert move.row == {
        "node": NODE,
        "variant": "b",
        "sender": "",
        "state": MessageState.PLANNED,
        "due_at": AT,
        "not_before": AT,
        "expires_at": AT + 3 * DAY,
        "hold_reason": None,
        "body_mac": None,
    }
    assert move.table is send_queue.TABLE
    assert list(SEND_QUEUE.changes(recorded(WATCHING))) == []

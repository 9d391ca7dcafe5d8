"""How often contacts came to a node, and by which way they left it."""

from domain.events import Completed, NodeEntered, TransitionTaken, WebhookResolved
from domain.ids import NodeId, errand_id, message_id
from domain.taxonomy import Channel, Outcome
from projections.passages import changes
from projections.projection import Add
from tests.projections.facts_given import AT, STREAM, recorded

HERE, THERE = NodeId("here"), NodeId("there")


def counted(*facts: object) -> list[tuple[str, str, str]]:
    found = [change for fact in facts for change in changes(recorded(fact))]  # type: ignore[arg-type]  # facts
    assert all(isinstance(change, Add) and change.amounts == {"times": 1} for change in found)
    return [(one.key["node"], one.key["way"], one.key["target"]) for one in found]  # type: ignore[union-attr]  # as asserted


def test_a_node_is_counted_when_it_is_come_to_and_when_it_is_left() -> None:
    entered = NodeEntered(node=HERE, visit=1, at=AT)
    taken = TransitionTaken(node=HERE, visit=1, index=3, on="clicked", to=THERE, at=AT)
    assert counted(entered, taken) == [("here", "", ""), ("here", "transitions/3", "there")]


def test_the_choice_of_a_branch_is_a_way_and_the_variant_of_a_mail_is_none() -> None:
    chosen = NodeEntered(node=HERE, visit=1, at=AT, choice=1)
    mail = NodeEntered(
        node=HERE,
        visit=1,
        at=AT,
        choice=1,
        message_id=message_id(STREAM, HERE, 1),
        channel=Channel.EMAIL,
    )
    assert counted(chosen) == [("here", "", ""), ("here", "choice/1", "")]
    assert counted(mail) == [("here", "", "")]


def test_an_answered_call_is_a_way_by_its_outcome() -> None:
    call = errand_id(STREAM, HERE, 1)
    answered = [
        WebhookResolved(call_id=call, node=HERE, visit=1, ok=ok, reason="", attempts=1, at=AT)
        for ok in (True, False)
    ]
    assert counted(*answered) == [("here", "ok", ""), ("here", "failed", "")]


def test_a_stop_is_come_to_by_completing() -> None:
    assert counted(Completed(node=THERE, outcome=Outcome.COMPLETED, at=AT)) == [("there", "", "")]

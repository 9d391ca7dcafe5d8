"""How often contacts of a campaign came to a node and by which way they left it.

Contacts may have plans of their own: nodes are told apart by their ids, ways by place and target.
`way` is '' for coming to the node, else transitions/3, choice/1 (of a branch or split), ok or
failed (of an endpoint that was called).
"""

from collections.abc import Iterator

from domain.events import Completed, NodeEntered, TransitionTaken, WebhookResolved
from domain.ids import NodeId
from domain.recorded import Recorded
from projections.projection import Add, Change, Projection, Table, topics

TABLE = Table(
    "passages",
    key=("campaign_id", "node", "way", "target"),
    columns={
        "campaign_id": "uuid",
        "node": "text",
        "way": "text",
        "target": "text",
        "times": "bigint",
    },
)


def changes(recorded: Recorded) -> Iterator[Change]:
    """One more for the node, and one for the way out of it."""
    match recorded.fact:
        case NodeEntered(node=node, choice=choice, message_id=message_id):
            yield _one(recorded, node)
            if choice >= 0 and message_id is None:
                yield _one(recorded, node, f"choice/{choice}")
        case TransitionTaken(node=node, index=index, to=to):
            yield _one(recorded, node, f"transitions/{index}", to)
        case Completed(node=node):
            yield _one(recorded, node)
        case WebhookResolved(node=node, ok=ok):
            yield _one(recorded, node, "ok" if ok else "failed")
        case _:
            pass


def _one(recorded: Recorded, node: NodeId, way: str = "", target: str = "") -> Add:
    key = {"campaign_id": recorded.campaign_id, "node": node, "way": way, "target": target}
    return Add(TABLE, key, {"times": 1})


PASSAGES = Projection(
    "passages",
    (TABLE,),
    topics(NodeEntered, TransitionTaken, WebhookResolved, Completed),
    changes,
    ordered=False,
)

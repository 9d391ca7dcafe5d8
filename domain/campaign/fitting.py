"""Whether another plan may follow here: a node to stand at, and what was sent is history."""

from collections.abc import Sequence

import msgspec

from domain.campaign.state import Campaign
from domain.errors import RevisionRefused
from domain.events import Proof
from domain.ids import NodeId
from domain.lifecycle import Stage
from domain.plan import Plan
from domain.taxonomy import MessageState

_NOT_STARTED = (Stage.DRAFT, Stage.SCHEDULED)
_NEVER_LEFT = (
    MessageState.PLANNED,
    MessageState.QUEUED,
    MessageState.CANCELLED,
    MessageState.FAILED,
)


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """A proven plan that is to replace the one with the hash `if_hash`."""

    plan: Plan
    if_hash: str
    author: str
    mapping: tuple[tuple[NodeId, NodeId], ...] = ()
    resume_at: NodeId | None = None
    diff: tuple[str, ...] = ()
    proof: Proof | None = None


def standing_at(state: Campaign, mapping: Sequence[tuple[NodeId, NodeId]]) -> NodeId:
    """The node of the new plan that stands for the present one."""
    return dict(mapping).get(state.node, state.node)


def must_fit(state: Campaign, old: Plan, revision: Revision) -> None:
    """Refuse a plan that does not fit where the contact-campaign stands, or what it has sent."""
    nodes = revision.plan.nodes
    if len({new for _, new in revision.mapping}) < len(revision.mapping):
        raise RevisionRefused("E_REVISION_NODE", "/map", "two nodes cannot become one")
    renamed = {old for old, _ in revision.mapping}
    sent_by = {message.node for message in state.messages.values()} - renamed
    taken = [new for old, new in revision.mapping if new != old and new in sent_by]
    if taken:
        why = f"{taken[0]!r} has sent already; give it a new id too"
        raise RevisionRefused("E_REVISION_NODE", "/map", why)
    missing = [new for _, new in revision.mapping if new not in nodes]
    if missing:
        raise RevisionRefused("E_REVISION_NODE", "/map", f"the new plan has no node {missing[0]!r}")
    _must_stand(state, old, revision)
    places = {node: index for index, node in enumerate(nodes)}
    for message in state.messages.values():
        node = dict(revision.mapping).get(message.node, message.node)
        now = nodes.get(node)
        other = now is not None and getattr(now, "channel", None) != message.channel
        if other and message.state not in _NEVER_LEFT:
            why = f"{node!r} has sent on {message.channel}; give the new node another id"
            raise RevisionRefused("E_REVISION_CHANNEL", f"/nodes/{places[node]}/channel", why)


def _must_stand(state: Campaign, old: Plan, revision: Revision) -> None:
    """There must be a node to go on from."""
    nodes, resume_at = revision.plan.nodes, revision.resume_at
    if resume_at is not None:
        if resume_at not in nodes or state.stage in _NOT_STARTED:
            why = "names no node to go on from; an unstarted plan begins at its start"
            raise RevisionRefused("E_REVISION_NODE", "/resumeAt", why)
        return
    if state.stage in _NOT_STARTED:
        return
    before, after = old.nodes[state.node], nodes.get(standing_at(state, revision.mapping))
    same = type(after) is type(before) and (
        getattr(after, "channel", None) == getattr(before, "channel", None)
    )
    if not same:
        why = f"it stands at {state.node!r}; map it to a node of the same kind, or give resumeAt"
        raise RevisionRefused("E_REVISION_NODE", "/map", why)

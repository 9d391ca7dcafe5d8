"""Where a running contact-campaign stands, when another plan is checked for it (plan-dsl.md 10)."""

from collections.abc import Mapping

import msgspec

from domain.ids import NodeId


class Resume(msgspec.Struct, frozen=True, kw_only=True):
    """The place from which the timed check starts; limits count from the campaign's start.

    `visits`, `anchor` and `heard` use the ids of the new plan. `known` are the human facts about
    the anchor, `heard` those about the latest message of other send nodes. `enter` says that the
    node is entered anew, else the token stands there: after its message when it is the anchor.
    """

    node: NodeId
    visits: Mapping[NodeId, int] = {}
    anchor: NodeId | None = None
    known: frozenset[str] = frozenset()
    heard: Mapping[NodeId, frozenset[str]] = {}
    sends: int = 0
    elapsed_s: int = 0
    enter: bool = False

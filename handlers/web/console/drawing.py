"""Plans as they are drawn on pages: with the counts of a campaign, or the place of one contact."""

from collections.abc import Collection, Sequence
from html import escape

import msgspec
from markupsafe import Markup
from pydantic import ValidationError

from handlers.passages import Passage, counted
from handlers.web.console.visits import Visit
from plans.graph import NOTHING, svg
from plans.schema.models import Plan


class Place(msgspec.Struct, frozen=True):
    """How many came to a node, and how many of them have not left it."""

    node: str
    came: int
    here: int


def campaign_drawing(visit: Visit, plan_hash: str, passages: Sequence[Passage]) -> Markup | None:
    """A plan with how many went which way; None where the vault has it no more."""
    plan = plan_of(visit, plan_hash)
    return None if plan is None else _safe(svg(plan, counted(NOTHING, plan, passages)))


def journey_drawing(
    visit: Visit, plan_hash: str, here: str, been: Collection[str]
) -> Markup | None:
    """A plan with where a contact is and where it has been."""
    plan = plan_of(visit, plan_hash)
    if plan is None:
        return None
    text = svg(plan)
    for node in plan.nodes:
        word = "here" if node.id == here else "been" if node.id in been else ""
        if word:
            name = f'data-node="{escape(node.id)}"'
            text = text.replace(f'class="node {node.type}" {name}', f'class="node {word}" {name}')
    return _safe(text)


def plan_of(visit: Visit, plan_hash: str) -> Plan | None:
    """A canonical plan of the vault."""
    document = visit.tenant.ports.vault.documents([plan_hash]).get(plan_hash)
    if document is None:
        return None
    try:
        return Plan.model_validate(document)
    except ValidationError:  # of a release whose plans looked otherwise
        return None


def places(passages: Sequence[Passage]) -> Sequence[Place]:
    """Each node with how many came, and how many of them are still there."""
    came = {one.node: one.times for one in passages if not one.way}
    left: dict[str, int] = {}
    for one in passages:
        if one.way:
            left[one.node] = left.get(one.node, 0) + one.times
    return [Place(node, times, max(0, times - left.get(node, 0))) for node, times in came.items()]


def _safe(drawing: str) -> Markup:
    """The drawing is ours, and every text in it is escaped by `plans.graph`."""
    return Markup(drawing)  # noqa: S704  # see above

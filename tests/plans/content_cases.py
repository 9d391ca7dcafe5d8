"""Stage 4 alone, on a plan that passed the stages before it."""

from collections.abc import Container
from typing import Any

from domain.ids import NodeId
from plans.canonical import canonical_document
from plans.compile import compile_plan
from plans.context import ContactContext, TenantPolicy
from plans.normalise import normalise
from plans.verify.content import content
from plans.verify.graph_checks import graph_checks
from plans.verify.references import references
from plans.verify.report import Issue
from plans.verify.shape import shape
from tests.plans.plan_cases import DATA, Json, read

Found = list[tuple[str, str]]


def contact(name: str = "contact") -> ContactContext:
    return ContactContext.model_validate(read(DATA / "contexts" / f"{name}.context.json"))


CONTACT = contact()


def stage_4(
    document: Json,
    context: ContactContext | None = CONTACT,
    policy: TenantPolicy | None = None,
    reachable: Container[NodeId] | None = None,
) -> list[Issue]:
    """What stage 4 alone says of a document that the stages before it let pass."""
    plan, faults = shape(normalise(document).document, policy)
    assert plan is not None, list(faults)
    if reachable is None:
        assert [*references(plan), *graph_checks(plan)] == []
    compiled = compile_plan(canonical_document(plan), "sha256:test")
    return list(content(plan, context, policy, compiled=compiled, reachable=reachable))


def issues(document: Json, **given: Any) -> Found:
    """Codes and pointers of stage 4, in the order in which they are found."""
    return [(each.code, each.path) for each in stage_4(document, **given)]


def only(document: Json, **given: Any) -> Issue:
    """The one issue that stage 4 finds."""
    (found,) = stage_4(document, **given)
    return found

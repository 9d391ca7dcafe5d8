"""Stage 4: what reachable nodes say, to whom, when and by which ways on (plan-dsl.md 11.2).

`content(plan, context, policy, compiled=..., reachable=...)` yields the issues of the stage for a
plan that passed stages 1 to 3; `compiled` is `plans.compile.compile_plan` of it. By default every
node is looked at, since stage 3 refuses those that cannot be reached; a revision passes what
`plans.verify.graph_checks.reachable_from` finds from its resume node. Without a context, variables
and identity go unchecked.

Transitions on `webhook_ok` and `webhook_failed` are refused here, wherever they stand
(E_EVENT_CHANNEL); stage 5 leaves these two words out.
"""

from collections.abc import Callable, Container, Iterable, Iterator
from itertools import chain, islice

from domain.ids import NodeId
from domain.plan import Plan as CompiledPlan
from plans.context import ContactContext, TenantPolicy
from plans.pointer import pointer
from plans.schema.models import Plan, Send
from plans.verify.content.draws import draws
from plans.verify.content.identity import identity
from plans.verify.content.messages import messages
from plans.verify.content.schedules import schedules
from plans.verify.content.settings import settings
from plans.verify.content.texts import texts, texts_of
from plans.verify.content.ways import ways
from plans.verify.content.windows import windows
from plans.verify.report import ISSUES_MAX, Issue

ForContact = Callable[[ContactContext | None], Iterator[Issue]]
"""The issues of a plan for one contact."""


def content(
    plan: Plan,
    context: ContactContext | None = None,
    policy: TenantPolicy | None = None,
    *,
    compiled: CompiledPlan,
    reachable: Container[NodeId] | None = None,
) -> Iterator[Issue]:
    """Every problem of the content: one subject after another, each in document order."""
    return content_of(plan, policy, compiled=compiled, reachable=reachable)(context)


def content_of(
    plan: Plan,
    policy: TenantPolicy | None,
    *,
    compiled: CompiledPlan,
    reachable: Container[NodeId] | None = None,
) -> ForContact:
    """The same for one contact after another: what no contact changes is looked at once."""
    places = [
        (pointer("nodes", index), node)
        for index, node in enumerate(plan.nodes)
        if reachable is None or node.id in reachable
    ]
    sends = [(at, node) for at, node in places if isinstance(node, Send)]
    running = [(at, compiled.nodes[node.id]) for at, node in places]
    before = _most(
        settings(plan, compiled, policy),
        schedules(plan, sends),
        windows(plan, compiled, sends),
        ways(compiled, running),
        draws(places),
    )
    said, written = _most(messages(sends)), texts_of(sends)

    def issues(context: ContactContext | None) -> Iterator[Issue]:
        return chain(before, identity(sends, context, policy), said, texts(written, context))

    return issues


def _most(*found: Iterable[Issue]) -> list[Issue]:
    """As many as a report can tell, and one that shows there are more."""
    return list(islice(chain(*found), ISSUES_MAX + 1))

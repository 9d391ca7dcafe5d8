"""The check of a plan: one stage after another, until a stage finds an error."""

from collections.abc import Callable, Container, Iterable, Iterator
from datetime import date
from functools import cached_property
from itertools import chain, islice
from typing import NamedTuple

import msgspec

from domain.plan import Plan as CompiledPlan
from plans.canonical import CanonicalDocument, canonical_document, plan_hash
from plans.compile import compile_plan
from plans.context import ContactContext, TenantPolicy
from plans.normalise import normalise
from plans.schema.models import Plan
from plans.verify.content import content
from plans.verify.graph_checks import graph_checks
from plans.verify.references import references
from plans.verify.report import Findings, Issue, Note, Report, in_order, issue
from plans.verify.resume import Resume
from plans.verify.shape import shape
from plans.verify.timed import timed

ISSUES_MAX = 100
"""Issues that one stage reports; a hostile plan must not make the report grow without end."""


class Subject:
    """What the stages look at; what several of them need is made once."""

    def __init__(
        self,
        plan: Plan,
        document: CanonicalDocument,
        *,
        context: ContactContext | None,
        policy: TenantPolicy | None,
        resume: Resume | None,
    ) -> None:
        self.plan = plan
        self.document = document
        self.context = context
        self.policy = policy
        self.resume = resume

    @cached_property
    def hash(self) -> str:
        """The name of the plan."""
        return plan_hash(self.document)

    @cached_property
    def compiled(self) -> CompiledPlan:
        """The plan as it runs; to be asked for only once its references are known to hold."""
        calendars = self.policy.calendars if self.policy else {}
        days = [day for name in self.plan.holidays.calendars for day in calendars.get(name, ())]
        return compile_plan(self.document, self.hash, map(date.fromisoformat, days))


class Checked(msgspec.Struct, frozen=True):
    """The report, and the plan as far as it has a canonical form; `runnable` once accepted."""

    report: Report
    document: CanonicalDocument | None = None
    plan: Plan | None = None
    runnable: CompiledPlan | None = None


class Stage(NamedTuple):
    """A part of the check, and the codes that keep it from running; by default all errors."""

    find: Callable[[Subject], Findings]
    unless: Container[str] | None = None

    def runs_after(self, found: Iterable[Issue]) -> bool:
        """Whether it runs when the stages before it have found this."""
        if self.unless is None:
            return all(each.severity != "error" for each in found)
        return all(each.code not in self.unless for each in found)


def _references(subject: Subject) -> Findings:
    found = references(subject.plan)
    resume = subject.resume
    if resume is None or any(node.id == resume.node for node in subject.plan.nodes):
        return Findings(_first(found))
    missing = f'no node has the id "{resume.node}" to go on from'
    return Findings(_first(chain([issue("E_REVISION_NODE", "/resumeAt", missing)], found)))


def _graph(subject: Subject) -> Findings:
    resumed_at = subject.resume.node if subject.resume else None
    return Findings(_first(graph_checks(subject.plan, resumed_at)))


def _content(subject: Subject) -> Findings:
    return Findings(
        _first(content(subject.plan, subject.context, subject.policy, compiled=subject.compiled))
    )


def _timed(subject: Subject) -> Findings:
    found = timed(subject.plan, subject.compiled, subject.policy, subject.resume)
    return Findings(_first(iter(found.issues)), found.facts)


STAGES: tuple[Stage, ...] = (
    Stage(_references),
    Stage(_graph),
    Stage(_content),
    Stage(_timed, unless=("E_MESSAGE_MISSING", "E_MESSAGE_AND_VARIANTS", "E_WINDOW_EMPTY")),
)
"""The stages behind the shape, in order; the last two report together."""


def check(
    document: object,
    context: ContactContext | None = None,
    policy: TenantPolicy | None = None,
    resume: Resume | None = None,
) -> Checked:
    """Whether a submitted plan is accepted, and why not. Pure: same input, same report.

    With `resume` the plan is checked for a contact-campaign that runs and stands there.
    """
    normalised = normalise(document)
    plan, problems = shape(normalised.document, policy)
    issues = _first(problems)
    if plan is None:
        return Checked(_report(normalised.notes, Findings(issues)))
    canonical = canonical_document(plan)
    subject = Subject(plan, canonical, context=context, policy=policy, resume=resume)
    report = _report(normalised.notes, _run(subject), subject.hash)
    return Checked(report, canonical, plan, subject.compiled if report.ok else None)


def _run(subject: Subject) -> Findings:
    found: tuple[Issue, ...] = ()
    facts = None
    for stage in STAGES:
        if not stage.runs_after(found):
            break
        findings = stage.find(subject)
        found, facts = found + findings.issues, findings.facts
    return Findings(found, facts)


def _report(notes: tuple[Note, ...], findings: Findings, name: str | None = None) -> Report:
    return Report(
        ok=all(each.severity != "error" for each in findings.issues),
        plan_hash=name,
        normalized=notes,
        issues=in_order(findings.issues),
        facts=findings.facts,
    )


def _first(issues: Iterator[Issue]) -> tuple[Issue, ...]:
    """The first issues; when there are more, the last one says so."""
    told = tuple(islice(issues, ISSUES_MAX))
    if next(issues, None) is None:
        return told
    return (*told, issue("E_VALUE", "", f"more than {ISSUES_MAX} problems; mend these first"))

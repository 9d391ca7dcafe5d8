"""The check of a plan: one stage after another, until a stage finds an error."""

from collections.abc import Callable, Iterator
from itertools import islice

import msgspec

from plans.canonical import CanonicalDocument, canonical_document, plan_hash
from plans.context import ContactContext, TenantPolicy
from plans.normalise import normalise
from plans.schema.models import Plan
from plans.verify.graph_checks import graph_checks
from plans.verify.references import references
from plans.verify.report import Findings, Issue, Note, Report, in_order, issue
from plans.verify.shape import shape

ISSUES_MAX = 100
"""Issues that one stage reports; a hostile plan must not make the report grow without end."""


class Subject(msgspec.Struct, frozen=True):
    """What a stage looks at."""

    plan: Plan
    context: ContactContext | None = None
    policy: TenantPolicy | None = None


class Checked(msgspec.Struct, frozen=True):
    """The report, and the plan in its canonical form as far as it has one."""

    report: Report
    document: CanonicalDocument | None = None
    plan: Plan | None = None


Stage = Callable[[Subject], Findings]


def _references(subject: Subject) -> Findings:
    return Findings(_first(references(subject.plan)))


def _graph(subject: Subject) -> Findings:
    return Findings(_first(graph_checks(subject.plan)))


STAGES: tuple[Stage, ...] = (_references, _graph)
"""The stages behind the shape, in order; one runs only when those before found no error."""


def check(
    document: object, context: ContactContext | None = None, policy: TenantPolicy | None = None
) -> Checked:
    """Whether a submitted plan is accepted, and why not. Pure: same input, same report."""
    normalised = normalise(document)
    plan, problems = shape(normalised.document, policy)
    issues = _first(problems)
    if plan is None:
        return Checked(_report(normalised.notes, Findings(issues)))
    canonical = canonical_document(plan)
    findings = _run(Subject(plan, context, policy))
    return Checked(_report(normalised.notes, findings, plan_hash(canonical)), canonical, plan)


def _run(subject: Subject) -> Findings:
    found: tuple[Issue, ...] = ()
    facts = None
    for stage in STAGES:
        findings = stage(subject)
        found, facts = found + findings.issues, findings.facts
        if any(each.severity == "error" for each in findings.issues):
            break
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

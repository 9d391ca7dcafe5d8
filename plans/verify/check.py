"""The check of a plan: one stage after another, until a stage finds an error."""

from collections.abc import Callable, Container, Iterable, Iterator
from datetime import date
from functools import cached_property
from itertools import chain, islice
from operator import is_
from typing import NamedTuple

import msgspec

from domain.plan import Plan as CompiledPlan
from plans.canonical import CanonicalDocument, canonical_document, canonical_json, hash_of
from plans.context import ContactContext, TenantPolicy
from plans.normalise import normalise
from plans.schema.models import Plan
from plans.verify.content import content_of
from plans.verify.graph_checks import graph_checks
from plans.verify.references import references
from plans.verify.report import ISSUES_MAX, Findings, Issue, Note, Report, in_order, issue
from plans.verify.resume import Resume
from plans.verify.shape import shape
from plans.verify.timed import timed
from plans.verify.timed.course import Course, course_of

CourseOf = Callable[
    [CanonicalDocument, tuple[date, ...], TenantPolicy | None, Resume | None], Course
]
Look = Callable[[ContactContext | None], Findings]
"""What a stage finds for one contact after another."""


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
        course: CourseOf = course_of,
    ) -> None:
        self._course_of = course
        self.plan = plan
        self.document = document
        self.context = context
        self.policy = policy
        self.resume = resume

    @cached_property
    def canonical(self) -> bytes:
        """The document as its canonical bytes."""
        return canonical_json(self.document)

    @cached_property
    def hash(self) -> str:
        """The name of the plan."""
        return hash_of(self.canonical)

    @cached_property
    def course(self) -> Course:
        """The course of the plan; to be asked for only once its references are known to hold."""
        calendars = self.policy.calendars if self.policy else {}
        days = [day for name in self.plan.holidays.calendars for day in calendars.get(name, ())]
        closed = tuple(map(date.fromisoformat, days))
        return self._course_of(self.document, closed, self.policy, self.resume)

    @cached_property
    def compiled(self) -> CompiledPlan:
        """The plan as it runs."""
        return msgspec.structs.replace(self.course.compiled, hash=self.hash)


class Checked(msgspec.Struct, frozen=True):
    """The report, and the plan as far as it has a canonical form; `runnable` once accepted."""

    report: Report
    document: CanonicalDocument | None = None
    plan: Plan | None = None
    runnable: CompiledPlan | None = None
    canonical: bytes = b""


class Stage(NamedTuple):
    """A part of the check, and the codes that keep it from running; by default all errors.

    A stage that looks at the contact has `look`: the same in two steps, of which the first is for
    all contacts.
    """

    find: Callable[[Subject], Findings]
    unless: Container[str] | None = None
    look: Callable[[Subject], Look] | None = None

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
    return _content_of(subject)(subject.context)


def _content_of(subject: Subject) -> Look:
    issues = content_of(subject.plan, subject.policy, compiled=subject.compiled)
    return lambda context: Findings(_first(issues(context)))


def _timed(subject: Subject) -> Findings:
    found = timed(subject.plan, subject.course)
    return Findings(_first(iter(found.issues)), found.facts)


STAGES: tuple[Stage, ...] = (
    Stage(_references),
    Stage(_graph),
    Stage(_content, look=_content_of),
    Stage(_timed, unless=("E_MESSAGE_MISSING", "E_MESSAGE_AND_VARIANTS", "E_WINDOW_EMPTY")),
)
"""The stages behind the shape, in order; the last two report together."""


class Examination:
    """The check of one document for one contact after another; the first pays for all.

    It is the same check each time: only `content_of` and the templates look at the contact.
    """

    def __init__(
        self,
        document: object,
        policy: TenantPolicy | None,
        resume: Resume | None = None,
        course: CourseOf = course_of,
    ) -> None:
        normalised = normalise(document)
        plan, problems = shape(normalised.document, policy, sound=normalised.sound)
        self._notes = normalised.notes
        self._of_shape = Findings(_first(problems))
        self._subject: Subject | None = None
        self._looks: dict[Stage, Look] = {}
        self._accepted: tuple[Findings, Checked] | None = None
        if plan is not None:
            self._subject = Subject(
                plan,
                canonical_document(plan),
                context=None,
                policy=policy,
                resume=resume,
                course=course,
            )

    def of(self, context: ContactContext | None) -> Checked:
        """Whether the plan is accepted for this contact, and why not."""
        if self._subject is None:
            return Checked(_report(self._notes, self._of_shape))
        found = self._run(self._subject, context)
        if self._accepted is not None and _is_same(found, self._accepted[0]):
            return self._accepted[1]
        checked = self._checked(self._subject, found)
        if checked.report.ok:
            self._accepted = found, checked
        return checked

    def _checked(self, subject: Subject, found: Findings) -> Checked:
        report = _report(self._notes, found, subject.hash)
        runnable = subject.compiled if report.ok else None
        return Checked(report, subject.document, subject.plan, runnable, subject.canonical)

    def _run(self, subject: Subject, context: ContactContext | None) -> Findings:
        found: tuple[Issue, ...] = ()
        facts = None
        for stage in STAGES:
            if not stage.runs_after(found):
                break
            findings = self._look(stage, subject)(context)
            found, facts = found + findings.issues, findings.facts
        return Findings(found, facts)

    def _look(self, stage: Stage, subject: Subject) -> Look:
        look = self._looks.get(stage)
        if look is None:
            look = stage.look(subject) if stage.look else _always(stage.find(subject))
            self._looks[stage] = look
        return look


def check(
    document: object,
    context: ContactContext | None = None,
    policy: TenantPolicy | None = None,
    resume: Resume | None = None,
) -> Checked:
    """Whether a submitted plan is accepted, and why not. Pure: same input, same report.

    With `resume` the plan is checked for a contact-campaign that runs and stands there.
    """
    return Examination(document, policy, resume).of(context)


def _always(findings: Findings) -> Look:
    return lambda _: findings


def _is_same(one: Findings, two: Findings) -> bool:
    """Whether two contacts were told the very same, so that they can share what is made of it."""
    alike = len(one.issues) == len(two.issues) and all(map(is_, one.issues, two.issues))
    return alike and one.facts is two.facts


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

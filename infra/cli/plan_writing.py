"""What `antiphon plan write` does: finds the contact, lets the writer write, submits, tells."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from domain.ids import ContactId
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.campaigns import Enrolled, Enrolment, enrol
from handlers.errors import NotHere, OutOfStep
from handlers.ports import CampaignRow, Person, Sender, TenantPorts
from handlers.ports.writer import Assignment, PlanWriter
from handlers.proving import sender_of
from handlers.values import check_context
from handlers.writing import KeptRound, Round, Written, rounds_of, write_plan
from handlers.writing.rounds import policy_told
from handlers.writing.sequence import Sequence, SequenceWriter
from infra.bootstrap import System
from infra.cli.outcome import WrongUse
from infra.cli.plan_report import issue_lines
from infra.cli.printing import print_json, say
from infra.cli.reading import read_model
from infra.cli.session import OPERATOR, campaign_of, system
from infra.clock import tzdata_version
from infra.settings import Settings
from infra.writing.model import ModelWriter

BRIEF_MAX = 20_000


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The options of the command."""

    tenant: str
    contact: str
    brief: str
    sequence: Path | None
    model: str | None
    rounds: int
    submit: str | None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is printed with --json."""

    accepted: bool
    contact_id: ContactId
    rounds: tuple[Round, ...]
    report: Any
    plan: Any
    submitted: Enrolled | None


def write(settings: Settings, options: Options) -> Told:
    """Have the plan written and checked, and submitted where that is asked."""
    writer = writer_of(settings, options)
    with system(settings) as found:
        return _write(found, options, writer)


def rounds_kept(settings: Settings, tenant: str, contact: str) -> list[KeptRound]:
    """How plans were written for a contact, oldest round first."""
    with system(settings) as found:
        name = found.tenant(tenant).name
        person = person_of(found, name, contact)
        return rounds_of(found.ports(name).vault, person.contact_id)


def succeeded(told: Told) -> bool:
    """Whether there is a plan, and it was taken where it was submitted."""
    return told.accepted and (told.submitted is None or told.submitted.report is None)


def writer_of(settings: Settings, options: Options) -> PlanWriter:
    """A sequence, or the model that is named or set."""
    if options.sequence is not None and options.model is not None:
        raise WrongUse("give --sequence or --model, not both")
    if options.sequence is not None:
        return SequenceWriter(read_model(Sequence, options.sequence))
    name = options.model or settings.plan_model
    if name is None:
        raise WrongUse(
            "nobody is there to write: give --sequence FILE (plans/sequences/ has one to begin "
            "with), or a model by --model or ANTIPHON_PLAN_MODEL"
        )
    return ModelWriter(name)


def _write(found: System, options: Options, writer: PlanWriter) -> Told:
    name = found.tenant(options.tenant).name
    ports = found.ports(name)
    row = campaign_of(found, name, options.submit) if options.submit else None
    if row is not None and row.status == "stopped":
        raise OutOfStep("a stopped campaign takes no enrolments")
    person = person_of(found, name, options.contact)
    assignment = Assignment(
        brief=_brief(options.brief),
        context=check_context(name, person, _sender(ports, row)),
        policy=policy_told(ports),
    )
    written = write_plan(ports, writer, person, assignment, rounds=options.rounds)
    return Told(
        accepted=written.accepted,
        contact_id=person.contact_id,
        rounds=written.rounds,
        report=written.report,
        plan=written.plan,
        submitted=_submitted(found, ports, row, person, written),
    )


def person_of(found: System, tenant: str, given: str) -> Person:
    """A contact by the tenant's own key, else by its id."""
    contacts = found.contacts(tenant)
    known = contacts.by_external_id([given]).get(given) or _as_id(given)
    person = contacts.by_id([known]).get(known) if known else None
    if person is None:
        raise NotHere(f"{tenant} has no contact {given!r}; give its external_id or its id")
    return person


def _as_id(text: str) -> ContactId | None:
    try:
        return ContactId(UUID(text))
    except ValueError:
        return None


def _sender(ports: TenantPorts, row: CampaignRow | None) -> Sender | None:
    """The sender of the campaign, else the only one there is."""
    if row is not None:
        return sender_of(ports, row.sender)
    senders = ports.vault.senders()
    return next(iter(senders.values())) if len(senders) == 1 else None


def _brief(given: str) -> str:
    """The text of the file where there is one of this name, else the words themselves."""
    try:
        text = Path(given).read_text("utf-8") if Path(given).is_file() else given
    except (OSError, UnicodeDecodeError):
        text = given
    if not text.strip() or len(text) > BRIEF_MAX:
        raise WrongUse(f"a brief has 1 to {BRIEF_MAX} characters")
    return text


def _submitted(
    found: System,
    ports: TenantPorts,
    row: CampaignRow | None,
    person: Person,
    written: Written,
) -> Enrolled | None:
    if row is None or not written.accepted:
        return None
    correlation = found.rng.new_id()
    (done,) = enrol(
        ports,
        row,
        [Enrolment(person.contact_id, written.plan)],
        tzdata=tzdata_version(),
        cause=Cause(CauseKind.OPERATOR, f"{OPERATOR}/{correlation}"),
        correlation=correlation,
    )
    for kind in ("errands", "dispatch"):
        found.doorbell.ring(kind, ports.tenant)
    return done


def tell(told: Told) -> None:
    """The plan on stdout, what became of each round on stderr."""
    for each in told.rounds:
        verdict = "accepted" if each.accepted else "refused"
        say(f"round {each.number}, {each.writer}: {', '.join([verdict, *each.codes])}")
    if not told.accepted:
        say("\n".join(issue_lines(msgspec.to_builtins(told.report)["issues"])))
        return
    print_json(told.plan)
    if told.submitted is not None:
        say(_of_submission(told.submitted))


def _of_submission(done: Enrolled) -> str:
    if done.report is None:
        return f"{done.status}: contact-campaign {done.contact_campaign_id}"
    report: Mapping[str, Any] = done.report
    return "\n".join(["not submitted:", *issue_lines(report["issues"])])

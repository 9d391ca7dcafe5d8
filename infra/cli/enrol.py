"""`antiphon enrol`: a plan for each contact, from a folder or from JSON lines."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import msgspec

from domain.ids import ContactId, StreamId
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.api.bodies import cut_out, fields_of
from handlers.campaigns import Enrolment
from handlers.campaigns import enrol as enrol_batch
from handlers.errors import OutOfStep, Refusal
from handlers.ports import CampaignRow
from infra.bootstrap import System
from infra.cli.outcome import WrongUse, end_unless
from infra.cli.plan_report import issue_lines
from infra.cli.printing import bar, json_option, print_json
from infra.cli.session import OPERATOR, campaign_of, system
from infra.clock import tzdata_version
from infra.settings import Settings
from plans.intake import Submitted, read_json
from plans.verify.report import Issue, issue, refused, to_json

BATCH = 200
SHOWN_MAX = 20
"""Plans of one kind that are printed; `--json` has them all."""

EPILOG = """\b
Examples: antiphon enrol acme autumn --plans plans/
          antiphon enrol acme autumn --plans plans.jsonl

A folder has a file EXTERNAL_ID.json for each contact; a file of JSON lines has
{"external_id": "c-1", "plan": {...}} on each line. The ids that are printed are for `timeline`."""


class Given(msgspec.Struct, frozen=True):
    """One plan as given, where, and for whom."""

    place: str
    external_id: str
    submitted: Submitted


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one given plan."""

    place: str
    external_id: str
    status: str
    contact_campaign_id: StreamId | None = None
    plan_hash: str | None = None
    report: Any = None


@click.command(epilog=EPILOG)
@click.argument("tenant")
@click.argument("campaign")
@click.option("--plans", type=click.Path(exists=True, path_type=Path), required=True)
@json_option
@click.pass_obj
def enrol(settings: Settings, tenant: str, campaign: str, plans: Path, *, as_json: bool) -> None:
    """Start contacts in a campaign, each with a plan of its own.

    A refused plan is told with its report and stops no other; 1 when there was one. In a draft what
    was accepted waits for the launch. Safe to repeat.
    """
    total = _count(plans)
    with system(settings) as found:
        row = campaign_of(found, tenant, campaign)
        if row.status == "stopped":
            raise OutOfStep("a stopped campaign takes no enrolments")
        told = _enrol_all(found, tenant, row, _given(plans), total)
        for kind in ("errands", "dispatch"):
            found.doorbell.ring(kind, found.tenant(tenant).name)
    _tell(told, as_json=as_json)
    end_unless(bool(told) and all(each.status != "refused" for each in told))


def _enrol_all(
    found: System, tenant: str, row: CampaignRow, given: Iterator[Given], total: int
) -> list[Told]:
    told: list[Told] = []
    correlation = found.rng.new_id()
    with bar("enrolling", total) as tell:
        while batch := list(islice(given, BATCH)):
            told += _enrol_batch(found, tenant, row, batch, correlation)
            tell(len(told), total)
    return told


def _enrol_batch(
    found: System, tenant: str, row: CampaignRow, batch: Sequence[Given], correlation: UUID
) -> list[Told]:
    ports = found.ports(tenant)
    contacts = found.contacts(tenant).by_external_id({each.external_id for each in batch})
    problems = [_problems(each, contacts.get(each.external_id)) for each in batch]
    good = [each for each, wrong in zip(batch, problems, strict=True) if not wrong]
    items = [Enrolment(contacts[each.external_id], each.submitted.document) for each in good]
    cause = Cause(CauseKind.OPERATOR, f"{OPERATOR}/{correlation}")
    results = iter(
        enrol_batch(
            ports, row, items, tzdata=tzdata_version(), cause=cause, correlation=correlation
        )
    )
    return [
        _refused(each, wrong)
        if wrong
        else Told(place=each.place, external_id=each.external_id, **_fields(next(results)))
        for each, wrong in zip(batch, problems, strict=True)
    ]


def _problems(given: Given, contact: ContactId | None) -> Sequence[Issue]:
    if given.submitted.issues or contact is not None:
        return given.submitted.issues
    told = f"no contact has the external_id {given.external_id!r}; import it first"
    return [issue("E_VALUE", "/external_id", told)]


def _refused(given: Given, problems: Sequence[Issue]) -> Told:
    report = to_json(refused(*problems))
    return Told(place=given.place, external_id=given.external_id, status="refused", report=report)


def _fields(enrolled: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(enrolled, name) for name in enrolled.__struct_fields__}


# --- what is given --------------------------------------------------------------------------------


def _count(plans: Path) -> int:
    total = sum(1 for _ in (_files(plans) if plans.is_dir() else _lines(plans)))
    if not total:
        raise WrongUse(f"{plans} has no plans: give a folder of EXTERNAL_ID.json, or JSON lines")
    return total


def _given(plans: Path) -> Iterator[Given]:
    if plans.is_dir():
        for path in _files(plans):
            yield Given(path.name, path.stem, read_json(path.read_bytes()))
    else:
        for number, line in _lines(plans):
            yield _of_line(f"{plans.name}:{number}", line)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.glob("*.json")) if path.is_file())


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line


def _of_line(place: str, line: bytes) -> Given:
    """One line; the plan in it has the limits that it would have alone."""
    try:
        values, submitted = cut_out(fields_of(line))
    except Refusal as error:
        told = "; ".join([str(error), *(f"{each.pointer} {each.detail}" for each in error.errors)])
        return _unreadable(place, "", told)
    external_id = values.pop("external_id", None)
    if not isinstance(external_id, str) or not external_id:
        return _unreadable(place, "", "there is no external_id, a text")
    if values:
        return _unreadable(place, external_id, f"only external_id and plan, not {min(values)!r}")
    if submitted.document is None and not submitted.issues:
        return _unreadable(place, external_id, "there is no plan")
    return Given(place, external_id, submitted)


def _unreadable(place: str, external_id: str, told: str) -> Given:
    return Given(place, external_id, Submitted(issues=(issue("E_VALUE", "", told),)))


# --- what is told ---------------------------------------------------------------------------------


def _tell(told: Sequence[Told], *, as_json: bool) -> None:
    counts = {
        status: sum(each.status == status for each in told)
        for status in ("started", "duplicate", "refused")
    }
    if as_json:
        print_json({**counts, "items": told})
        return
    wrong = [each for each in told if each.status == "refused"]
    for each in wrong[:SHOWN_MAX]:
        click.echo(f"{each.place}: {each.external_id or 'somebody'} is refused")
        for line in issue_lines(each.report["issues"]):
            click.echo(f"  {line}")
    if len(wrong) > SHOWN_MAX:
        click.echo(f"... and {len(wrong) - SHOWN_MAX} more refused; --json has them all")
    there = [each for each in told if each.status != "refused"]
    for each in there[:SHOWN_MAX]:
        click.echo(
            f"{each.place}: {each.external_id} is contact-campaign {each.contact_campaign_id}"
        )
    if len(there) > SHOWN_MAX:
        click.echo(f"... and {len(there) - SHOWN_MAX} more; --json has them all")
    click.echo(", ".join(f"{count} {status}" for status, count in counts.items()))

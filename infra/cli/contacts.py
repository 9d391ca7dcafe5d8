"""`antiphon contacts`: a CSV in; good rows kept, each bad one told with its mend."""

from pathlib import Path

import click

from handlers.contact_import import ImportReport, import_contacts
from infra.cli.outcome import end_unless
from infra.cli.printing import json_option, print_json
from infra.cli.reading import FILE
from infra.cli.session import system
from infra.settings import Settings


@click.group(epilog="Example: antiphon contacts import acme contacts.csv")
def contacts() -> None:
    """Import contacts."""


@contacts.command(
    name="import",
    short_help="Import a CSV file; bad rows are told, good ones kept.",
    epilog="Example: antiphon contacts import acme my.csv --dry-run",
)
@click.argument("tenant")
@click.argument("file", type=FILE)
@click.option("--dry-run", is_flag=True, help="Write nothing; tell what would become of the file.")
@json_option
@click.pass_obj
def import_(settings: Settings, tenant: str, file: Path, *, dry_run: bool, as_json: bool) -> None:
    """Import a CSV file with the columns external_id, email, first_name, last_name, title, company,
    city, timezone, linkedin_url, phone, tags; other columns become attributes.

    Also country (GB, US-CA), subscriber (individual or corporate), and of a consent its
    consent_ground (or consent), consent_at, consent_expires_at (or consent_expires),
    consent_source and consent_text: an empty cell leaves what is known. Another column that
    sounds like a consent is refused. Where two contacts share an address, both are kept and told.

    A contact whose external_id is known is overwritten. 1 when nothing at all could be taken.
    """  # noqa: D205  # the columns are one sentence
    with system(settings) as found:
        name = found.tenant(tenant).name
        report = import_contacts(found.contacts(name), file.read_bytes(), dry_run=dry_run)
    if as_json:
        print_json(report)
    else:
        _tell(file, report, dry_run=dry_run)
    end_unless(report.accepted > 0)


def _tell(file: Path, report: ImportReport, *, dry_run: bool) -> None:
    for fault in report.faults:
        column = f"{fault.column}: " if fault.column else ""
        click.echo(f"{file.name}:{fault.line}: {column}{fault.reason}; {fault.mend}")
    for note in report.notes:
        others = ", ".join(note.same_address_as)
        click.echo(f"{file.name}:{note.line}: kept; the same address or profile has: {others}")
    done = "nothing was written" if dry_run else f"{report.created} new, {report.updated} updated"
    click.echo(f"{report.accepted} rows good ({done}), {report.refused} bad")
    if report.shared:
        click.echo(f"{report.shared} rows share an address or profile with another contact")

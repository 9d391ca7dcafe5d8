"""`antiphon audit export` and `consistency`: proofs for those who have no antiphon."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import click
import msgspec

from domain.acts import Act
from domain.ids import StreamId, TenantId
from infra.audit import export as proofs
from infra.audit import notes
from infra.audit.export import EVENTS, Consistency, Export, NoCheckpoint
from infra.audit.rows import LOGS
from infra.bootstrap import System
from infra.cli.operations import acting
from infra.cli.outcome import WrongUse
from infra.cli.printing import bar, json_option, print_json
from infra.cli.session import system
from infra.settings import Settings

EXAMPLE_ID = "6a1f0c9e-2b7d-5e43-9a57-0d4c1b8e2f10"
SIZES_SHOWN = 5

out_option = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; stdout if not given.",
)


@click.command(epilog=f"Example: antiphon audit export acme {EXAMPLE_ID} --out export.json")
@click.argument("tenant")
@click.argument("contact_campaign", type=click.UUID)
@out_option
@json_option
@click.pass_obj
def export(
    settings: Settings, tenant: str, contact_campaign: UUID, out: Path | None, *, as_json: bool
) -> None:
    """Write the facts of one contact-campaign with proofs by the newest checkpoint.

    docs/how-to/verify_export.py verifies the file without antiphon.
    """
    with system(settings) as found, bar("reading the log") as tell:
        name = found.tenant(tenant).name
        note = _of_size(_of_log(found, name, EVENTS), None)
        signed = (note, found.audit_files.public_keys())
        with acting(found, name, Act.AUDIT_EXPORT, str(contact_campaign)):
            made = proofs.export(found.database, name, StreamId(contact_campaign), signed, tell)
    if not made.events:
        raise WrongUse(f"{tenant} has no contact-campaign {contact_campaign}")
    proven = sum(event.index is not None for event in made.events)
    told = f"{len(made.events)} facts, {proven} of them proven by {_taken(note)}"
    _give(made, out, told, as_json=as_json)


@click.command(epilog="Example: antiphon audit consistency acme --from 10000 --out grown.json")
@click.argument("tenant")
@click.option("--from", "first", type=click.IntRange(1), required=True, help="Facts of the older.")
@click.option("--to", "last", type=click.IntRange(1), help="Of the newer; the newest if not given.")
@click.option("--log", type=click.Choice(LOGS), default=EVENTS, show_default=True)
@out_option
@json_option
@click.pass_obj
def consistency(
    settings: Settings,
    /,
    tenant: str,
    log: str,
    *,
    out: Path | None,
    as_json: bool,
    **sizes: int | None,
) -> None:
    """Prove that the log of an older checkpoint is the beginning of that of a newer one."""
    with system(settings) as found, bar("reading the log") as tell:
        name = found.tenant(tenant).name
        of_log = _of_log(found, name, log)
        both = _of_size(of_log, sizes["first"]), _of_size(of_log, sizes["last"])
        keys = found.audit_files.public_keys()
        made = proofs.consistency(found.database, name, both, keys, tell)
    told = f"{_taken(made.older)} is the beginning of {_taken(made.newer)}"
    _give(made, out, told, as_json=as_json)


def notes_in(paths: Sequence[Path]) -> tuple[list[str], list[Path]]:
    """The notes of some files, and the files with something else in them."""
    known: dict[str, None] = {}
    torn = []
    for path in paths:
        if path.exists():
            there, is_torn = notes.split(path.read_text(encoding="utf-8", errors="replace"))
            known |= dict.fromkeys(there)
            torn += [path] * is_torn
    return list(known), torn


def _of_size(of_log: Sequence[str], size: int | None) -> str:
    """The checkpoint of so many facts, or the newest one."""
    by_size = {notes.read(note).size: note for note in of_log}
    wanted = max(by_size) if size is None else size
    if wanted in by_size:
        return by_size[wanted]
    there = ", ".join(map(str, sorted(by_size)[-SIZES_SHOWN:]))
    raise NoCheckpoint(f"no checkpoint has {size} facts; the last ones have {there}")


def _of_log(found: System, tenant: TenantId, log: str) -> list[str]:
    """The checkpoints of a log that stand outside of the database."""
    known, _ = notes_in(found.audit_files.files(tenant))
    origin = notes.origin_of(tenant, log)
    of_log = [note for note in known if notes.read(note).origin == origin]
    if not of_log:
        raise NoCheckpoint(f"{log} has no checkpoint yet: antiphon audit checkpoint {tenant}")
    return of_log


def _taken(note: str) -> str:
    checkpoint = notes.read(note)
    return f"the checkpoint of {checkpoint.size} facts of {checkpoint.at}"


def _give(made: Export | Consistency, out: Path | None, told: str, *, as_json: bool) -> None:
    """To the file; or to stdout, where it is the answer."""
    if out is None:
        print_json(made)
        return
    out.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1))
    if as_json:
        print_json({"file": str(out), "told": told})
    else:
        click.echo(f"{out}: {told}")

"""`antiphon audit`: whether the logs of a tenant are what they were, and proofs of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from domain.ids import TenantId
from infra.acts import SqlActLog
from infra.audit import notes
from infra.audit.files import AuditFiles
from infra.audit.notes import Keys
from infra.audit.rows import LOGS
from infra.audit.verify import Finding, Verified
from infra.audit.verify import verify as verify_log
from infra.bootstrap import System
from infra.cli.audit_proofs import consistency, export, notes_in
from infra.cli.outcome import WrongUse, end_unless
from infra.cli.printing import bar, console, json_option, print_json, print_table, say
from infra.cli.reading import FILE
from infra.cli.session import system
from infra.settings import Settings

EPILOG = "Example: antiphon audit verify acme --checkpoint /mnt/auditor/acme.notes"
SELF_ATTESTED = (
    "self-attested only: nobody outside keeps the checkpoints (ANTIPHON_AUDIT_COPY is not set)"
)
UNSEEN = "no checkpoint to hold it against: a cut end or a log written anew would not be seen"

key_option = click.option(
    "--key",
    "given_keys",
    multiple=True,
    metavar="HEX",
    help="A public key that checkpoints may be signed with, besides those of this installation.",
)


@click.group(epilog=EPILOG)
def audit() -> None:
    """Verify that the logs are what they were; take checkpoints, export proofs."""


@audit.command(epilog=EPILOG)
@click.argument("tenant")
@click.option(
    "--checkpoint",
    type=FILE,
    help="A file of signed checkpoints, such as an auditor's; those of this installation if not "
    "given.",
)
@key_option
@json_option
@click.pass_obj
def verify(
    settings: Settings,
    tenant: str,
    *,
    checkpoint: Path | None,
    given_keys: Sequence[str],
    as_json: bool,
) -> None:
    """Read every log of a tenant and hold it against its chains and checkpoints; 1 when broken.

    Changes nothing. Others may work meanwhile.
    """
    with system(settings) as found:
        name = found.tenant(tenant).name
        held = [checkpoint] if checkpoint else found.audit_files.files(name)
        known, torn = notes_in(held)
        listed = SqlActLog(found.database, name).signing_keys()
        keys = listed | found.audit_files.public_keys() | dict(_keys(given_keys))
        done = [_verify(found, name, log, known, keys) for log in LOGS]
        self_attested = checkpoint is None and found.audit_files.self_attested
    holds = not any(one.broken for one in done)
    if as_json:
        print_json({"tenant": name, "holds": holds, "self_attested": self_attested, "logs": done})
    else:
        _print(done, holds=holds)
        for words in _cautions(done, torn, self_attested=self_attested):
            say(words)
    end_unless(holds)


@audit.command(epilog="Example: antiphon audit checkpoint acme")
@click.argument("tenant")
@json_option
@click.pass_obj
def checkpoint(settings: Settings, tenant: str, *, as_json: bool) -> None:
    """Sign the state of every log that has grown, now; the ticker does so by itself."""
    with system(settings) as found:
        name = found.tenant(tenant).name
        checkpoints = found.checkpoints(name)
        fresh = checkpoints.take()
        sizes = {log: checkpoints.newest(log).size for log in LOGS}
        files = [str(path) for path in found.audit_files.files(name)]
    if as_json:
        print_json({"tenant": name, "new": fresh, "sizes": sizes, "files": files})
        return
    click.echo(f"{fresh} new facts; {', '.join(f'{log} {size}' for log, size in sizes.items())}")
    for path in files:
        click.echo(f"signed in {path}")


@audit.command(epilog="Example: antiphon audit key")
@click.option("--rotate", is_flag=True, help="Sign with a new key from now on.")
@json_option
@click.pass_obj
def key(settings: Settings, *, rotate: bool, as_json: bool) -> None:
    """Show the public keys that checkpoints are signed with; give them to your auditor early.

    With --rotate a new one is made. The old public keys stay, so that old checkpoints verify.
    """
    files = AuditFiles(settings.home, settings.audit_copy)
    if rotate:
        files.rotate()
    signing = notes.key_id(files.signing_key().public_key().public_bytes_raw())
    known = files.public_keys()
    if as_json:
        keys = [{"id": one, "key": public.hex()} for one, public in known.items()]
        print_json({"signing": signing, "items": keys})
        return
    for one, public in known.items():
        click.echo(f"{one}  {public.hex()}{'  signs now' if one == signing else ''}")


def _verify(
    found: System, tenant: TenantId, log: str, known: Sequence[str], keys: Keys
) -> Verified:
    with bar(f"verifying {log}") as tell:
        return verify_log(found.database, tenant, log, known, keys, tell)


def _keys(given: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for text in given:
        try:
            public = bytes.fromhex(text)
        except ValueError:
            public = b""
        if len(public) != notes.KEY_BYTES:
            raise WrongUse(f"{text!r} is no public key: give {notes.KEY_BYTES * 2} hex digits")
        yield notes.key_id(public), public


def _print(done: Sequence[Verified], *, holds: bool) -> None:
    head = ("log", "facts", "streams", "checkpoints", "covered up to", "taken", "broken", "per s")
    print_table(head, [_row(one) for one in done])
    for one in done:
        for finding in one.findings:
            console().print(f"{one.log}: {_told(finding)}", style="red")
    verdict = ("nothing was changed", "bold green") if holds else ("changed", "bold red")
    console().print(verdict[0], style=verdict[1])


def _row(one: Verified) -> tuple[object, ...]:
    per_s = f"{one.events / one.seconds:,.0f}" if one.events and one.seconds else ""
    numbers = (one.events, one.streams, one.checkpoints, one.covered)
    return one.log, *(f"{number:,}" for number in numbers), one.newest, one.broken, per_s


def _told(finding: Finding) -> str:
    place = "" if finding.position is None else f"position {finding.position}: "
    stream = "" if finding.stream is None else f" (stream {finding.stream}, {finding.version})"
    return f"{place}{finding.what}{stream}"


def _cautions(
    done: Sequence[Verified], torn: Sequence[Path], *, self_attested: bool
) -> Iterator[str]:
    for one in done:
        if one.events and not one.checkpoints:
            yield f"{one.log}: {UNSEEN}"
        if one.unchained:
            yield (
                f"{one.log}: {one.unchained} facts are from a release without chains; "
                "later facts and checkpoints cover them"
            )
    for path in torn:
        yield f"{path} has more in it than whole checkpoints: a process died while it wrote"
    if self_attested:
        yield SELF_ATTESTED


audit.add_command(export)
audit.add_command(consistency)

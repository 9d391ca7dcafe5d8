"""A user's own contacts for the demo, read as `contacts import` reads them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from handlers.contact_import import read_contacts


def own_contacts(path: Path) -> Sequence[Mapping[str, Any]]:
    """The good rows of a CSV file; bad ones are told on stderr."""
    if not path.is_file():
        raise click.BadParameter(f"{path}: give a number or a CSV file", param_hint="--contacts")
    found = read_contacts(path.read_bytes())
    for fault in found.faults:
        column = f"{fault.column}: " if fault.column else ""
        click.echo(f"{path}:{fault.line}: {column}{fault.reason}; {fault.mend}", err=True)
    if not found.rows:
        raise click.BadParameter(f"{path}: no row can be used", param_hint="--contacts")
    return [_given(row.contact) for row in found.rows]


def _given(contact: msgspec.Struct) -> Mapping[str, Any]:
    return {key: value for key, value in msgspec.to_builtins(contact).items() if value}

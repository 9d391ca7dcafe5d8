"""`antiphon sender`: identities that messages leave from."""

from pathlib import Path

import click

from handlers.api import setting_calls
from infra.cli.operations import call_of
from infra.cli.printing import json_option, print_json
from infra.cli.reading import FILE, read_model
from infra.cli.session import system
from infra.settings import Settings

EPILOG = """Example: antiphon sender add acme sam.json

\b
sam.json: {"sender": "sam", "from_email": "sam@mail.acme.example", "from_name": "Sam Okello",
           "reply_domain": "reply.acme.example", "verified": true,
           "postal_address": "Acme Ltd, 1 Harbour Street, Lisbon",
           "first_name": "Sam", "calendar_url": "https://cal.acme.example/sam"}
Plans may use {{ sender.first_name }} and {{ sender.calendar_url }}."""


@click.group(epilog=EPILOG)
def sender() -> None:
    """Add the identities that messages leave from."""


@sender.command(epilog=EPILOG)
@click.argument("tenant")
@click.argument("file", type=FILE)
@json_option
@click.pass_obj
def add(settings: Settings, tenant: str, file: Path, *, as_json: bool) -> None:
    """Write a sender account; one of the same name is overwritten."""
    given = read_model(setting_calls.NewSender, file)
    with system(settings) as found:
        written = setting_calls.put_sender(call_of(found, tenant, body=given))
    if as_json:
        print_json(written)
    else:
        state = "verified" if written.verified else "not verified: nothing leaves from it yet"
        click.echo(f"{written.sender} <{written.from_email}>, {state}")

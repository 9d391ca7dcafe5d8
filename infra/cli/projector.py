"""`antiphon projector`."""

import click

from infra.roles.projector import run
from infra.settings import Settings


@click.command(epilog="Example: antiphon projector")
@click.pass_obj
def projector(settings: Settings) -> None:
    """Keep the read models of all tenants."""
    run(settings)

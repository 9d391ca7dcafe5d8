"""`antiphon ticker`."""

import click

from infra.roles.ticker import run
from infra.settings import Settings


@click.command(epilog="Example: antiphon ticker")
@click.pass_obj
def ticker(settings: Settings) -> None:
    """Ring for due work and sweep up after the dead."""
    run(settings)

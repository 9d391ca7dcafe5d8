"""`antiphon worker`."""

import click

from infra.cli.provider_key import require_provider_key
from infra.roles.worker import run
from infra.settings import Settings


@click.command(epilog="Example: antiphon worker --name worker-2")
@click.option("--name", default="worker", show_default=True, help="Of its sign of life.")
@click.pass_obj
def worker(settings: Settings, name: str) -> None:
    """Send what is due, take webhooks, fire timers."""
    require_provider_key(settings)
    run(settings, name)

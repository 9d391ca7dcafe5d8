"""`antiphon web`."""

import click

from infra.cli.ports import require_free, web_port
from infra.cli.printing import say
from infra.cli.stopping import exit_on_signals
from infra.roles.web import run
from infra.settings import Settings


@click.command(epilog="Example: antiphon web --port 8000")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port to listen on. [default: ANTIPHON_WEB_PORT, else a free one, kept]",
)
@click.pass_obj
def web(settings: Settings, port: int | None) -> None:
    """Serve the API, the webhooks and the links of mails."""
    chosen = web_port(settings, port)
    require_free(settings.web_host, chosen, "give another with --port or ANTIPHON_WEB_PORT")
    say(f"serving at http://{settings.web_host}:{chosen}")
    exit_on_signals()
    run(settings, chosen)

"""`antiphon sandbox`: a provider that behaves like the real one, with recipients that react."""

from pathlib import Path

import click

from infra.cli.outcome import WrongUse
from infra.cli.ports import require_free
from infra.cli.printing import say
from infra.cli.stopping import exit_on_signals
from infra.sandbox.keys import SigningKey
from infra.sandbox.server import SandboxConfig, serve
from infra.settings import Settings

EPILOG = """\b
Example: antiphon sandbox --api-key SG.try --port 8025 \\
           --key sandbox.pem --events http://127.0.0.1:8000/webhooks/sendgrid/acme"""
HOST = "127.0.0.1"
PATH = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog=EPILOG)
@click.option("--port", default=8025, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--api-key", help="The key that Mail Send must be called with. [default: the setting]"
)
@click.option("--events", default="", help="Where events are posted. [default: nowhere]")
@click.option("--inbound", default="", help="Where replies are posted. [default: nowhere]")
@click.option("--seed", default=7, show_default=True, help="Of the recipients and what they do.")
@click.option("--key", type=PATH, help="File of the key that signs posts. [default: a new key]")
@click.option("--accepts", type=PATH, help="File of what it accepted. [default: a restart forgets]")
@click.pass_obj
def sandbox(  # noqa: PLR0913, PLR0917  # one argument an option
    settings: Settings,
    port: int,
    api_key: str | None,
    events: str,
    inbound: str,
    seed: int,
    key: Path | None,
    accepts: Path | None,
) -> None:
    """Stand in for the provider and for all recipients.

    It takes mails, reports what recipients do with them, replies for them, and signs all of it.
    """
    config = SandboxConfig(
        api_key=api_key or _api_key(settings),
        host=HOST,
        port=port,
        event_url=events,
        inbound_url=inbound,
        key_path=key,
        accepts_path=accepts,
        seed=seed,
        factor=settings.clock_factor,
        origin_real=settings.clock_origin_real,
        origin_simulated=settings.clock_origin_simulated,
    )
    require_free(HOST, port, "give another with --port")
    say(f"taking mails at http://{HOST}:{port}")
    if key is not None:
        public = SigningKey.load_or_generate(key).public_key_base64()
        say(f"what it posts is believed after: antiphon webhook-key add TENANT {public}")
    exit_on_signals()
    serve(config)


def _api_key(settings: Settings) -> str:
    if settings.sendgrid_api_key is None:
        raise WrongUse("give --api-key or ANTIPHON_SENDGRID_API_KEY: any text that senders use too")
    return settings.sendgrid_api_key.get_secret_value()

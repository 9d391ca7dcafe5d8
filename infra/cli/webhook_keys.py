"""`antiphon webhook-key`: the public keys that a tenant's webhooks are verified with."""

import click

from domain.acts import Act
from infra.cli.operations import acting
from infra.cli.outcome import WrongUse
from infra.cli.printing import json_option, print_json
from infra.cli.session import system
from infra.providers.sendgrid.signature import SignedPosts
from infra.providers.sendgrid.webhook import PROVIDER
from infra.settings import Settings

_ADD = """
INSERT INTO control.webhook_keys (tenant, provider, public_key) VALUES (%s, %s, %s)
ON CONFLICT DO NOTHING
"""


@click.group(epilog="Example: antiphon webhook-key add acme MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQ...")
def webhook_key() -> None:
    """Say whose webhooks are to be believed."""


@webhook_key.command(
    epilog="Example: antiphon webhook-key add acme MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQ..."
)
@click.argument("tenant")
@click.argument("public_key")
@json_option
@click.pass_obj
def add(settings: Settings, tenant: str, public_key: str, *, as_json: bool) -> None:
    """Trust webhooks signed with this key, beside the keys that are trusted already.

    PUBLIC_KEY is the verification key that SendGrid shows under Mail Settings, Signature
    Verification. Safe to repeat.
    """
    text = public_key.strip()
    if SignedPosts([text]).unusable_keys:
        raise WrongUse("this is no P-256 public key in base64; copy SendGrid's verification key")
    with system(settings) as found:
        name = found.tenant(tenant).name
        with acting(found, name, Act.WEBHOOK_KEY_ADD), found.database.control_tx() as curs:
            created = curs.execute(_ADD, (name, PROVIDER, text)).rowcount == 1
        url = f"{found.public_url}/webhooks/{PROVIDER}/{name}"
    if as_json:
        print_json({"tenant": name, "provider": PROVIDER, "created": created, "url": url})
    else:
        click.echo(f"{'added' if created else 'there already'}; events go to {url}")

"""`antiphon erase` and `antiphon export-contact`: what a person may ask of who keeps their data."""

import click

from domain.acts import Act
from domain.ids import ContactId
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.contact_copy import copy_of
from handlers.erasure import Erased, Eraser, ErasureGround
from infra.bootstrap import System
from infra.cli.operations import acting
from infra.cli.outcome import WrongUse
from infra.cli.printing import json_option, print_json, print_table, say
from infra.cli.session import OPERATOR, as_uuid, system
from infra.services import TenantDirectory
from infra.settings import Settings


@click.command(epilog="Example: antiphon erase acme crm-4711 --ground requested --confirm")
@click.argument("tenant")
@click.argument("contact")
@click.option(
    "--ground",
    type=click.Choice([ground.value for ground in ErasureGround]),
    required=True,
    help="Why; a word of a list, for a free text would outlive the person.",
)
@click.option("--confirm", is_flag=True, help="You know that nothing brings the contact back.")
@json_option
@click.pass_obj
def erase(
    settings: Settings, /, tenant: str, contact: str, *, as_json: bool, **given: str | bool
) -> None:
    """Erase a contact: its personal data goes, its courses end.

    CONTACT is its id or its external id. Its address stays suppressed, by its digest alone.
    """
    if not given["confirm"]:
        raise WrongUse("nothing brings an erased contact back; where you are sure, add --confirm")
    with system(settings) as found:
        name, contact_id = found.tenant(tenant).name, _contact(found, tenant, contact)
        eraser = Eraser(found.ports(name), found.erasures(name))
        number = found.rng.new_id()
        cause = Cause(CauseKind.OPERATOR, f"{OPERATOR}/{number}")
        with acting(found, name, Act.CONTACT_ERASE, str(contact_id)):
            erased = eraser.erase(contact_id, str(given["ground"]), cause=cause, correlation=number)
    if as_json:
        print_json(erased)
    else:
        _tell(erased)


@click.command(
    name="export-contact",
    epilog="Example: antiphon export-contact acme crm-4711 --json > crm-4711.json",
)
@click.argument("tenant")
@click.argument("contact")
@json_option
@click.pass_obj
def export_contact(settings: Settings, tenant: str, contact: str, *, as_json: bool) -> None:
    """Print all that is kept of a contact; with --json whole, without it how much of what.

    CONTACT is its id or its external id. Each copy counts against the tenant's quota of a day, the
    setting contact_exports_per_day.
    """
    with system(settings) as found:
        name, contact_id = found.tenant(tenant).name, _contact(found, tenant, contact)
        services = TenantDirectory(found).by_name(name)
        assert services is not None
        now = found.clock.now()
        with acting(found, name, Act.CONTACT_EXPORT, str(contact_id)):
            copy = copy_of(services, contact_id, ordered_by=f"operator:{OPERATOR}", now=now)
    if as_json:
        print_json(copy)
        return
    kept = {"contact-campaigns": len(copy.contact_campaigns)}
    kept |= {name: len(rows) for name, rows in copy.vault.items()}
    print_table(("kept", "number"), list(kept.items()))


def _contact(found: System, tenant: str, given: str) -> ContactId:
    """A contact by its external id or its id, which an erased one still has."""
    name = found.tenant(tenant).name
    known = found.contacts(name).by_external_id([given]).get(given)
    if known is not None:
        return known
    as_id = as_uuid(given)
    if as_id is None:
        raise WrongUse(f"{tenant} has no contact {given!r}; give its external id or its id")
    return ContactId(as_id)


def _tell(erased: Erased) -> None:
    number = erased.contact_campaigns
    click.echo(
        f"erased {erased.contact_id}; it was in {number} contact-campaigns, which have ended"
    )
    if erased.same_address_as:
        others = ", ".join(erased.same_address_as)
        say(f"other contacts have its address or profile, perhaps the same person: {others}")

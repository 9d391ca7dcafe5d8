"""A system for one command, and what commands look up in it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from domain.ids import CampaignId
from handlers.ports import CampaignRow
from infra.bootstrap import System, opened
from infra.cli.outcome import WrongUse
from infra.migrations.run import migrate
from infra.settings import Settings
from infra.vault import SqlRegister

OPERATOR = "cli"
"""Stands in the log where the id of a key would: who can run commands needs none."""
POOL = 4


@contextmanager
def system(settings: Settings) -> Iterator[System]:
    """Everything of one process; an embedded database is brought to this version first."""
    with opened(settings, worker="cli", pool=POOL) as found:
        if not settings.database_url:
            migrate(found.database)
        yield found


def campaign_of(found: System, tenant: str, given: str) -> CampaignRow:
    """A campaign by its id or its name."""
    name = found.tenant(tenant).name
    register = SqlRegister(found.database, name, found.accounts(name))
    known = as_uuid(given)
    row = register.campaign(CampaignId(known)) if known else None
    row = row or register.campaign_named(given)
    if row is None:
        raise WrongUse(f"{tenant} has no campaign {given!r}; give its name or its id")
    return row


def with_campaign_id(
    found: System, tenant: str, given: Mapping[str, str | int | None]
) -> dict[str, object]:
    """The options of a list, with the id of the campaign that it is narrowed to, if it is."""
    name = given["campaign"]
    campaign = campaign_of(found, tenant, str(name)).campaign_id if name else None
    return {**given, "campaign": campaign}


def as_uuid(text: str) -> UUID | None:
    """The id that a text is, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None

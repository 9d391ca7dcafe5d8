"""How long a tenant keeps what may be forgotten: the entry `retention` of its settings."""

from datetime import timedelta
from typing import Annotated

import msgspec
from psycopg.types.json import Jsonb

from domain.ids import TenantId
from infra.tenancy import Database, Tenant

SETTING = "retention"


class Periods(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two periods of a tenant, which answers for the data; the log of facts has none.

    Raw reports are kept for a week at least: what was missed can be read once more until then, and
    by then no provider repeats what it has told (providers.md: a day for events, three for mails).
    """

    raw_days: Annotated[int, msgspec.Meta(ge=7, le=90)] = 30
    """Raw webhook deliveries and the reports in them."""
    texts_days: Annotated[int, msgspec.Meta(ge=60, le=3650)] = 365
    """Rendered mails with their links, replies, notices, answers of providers in words."""

    @property
    def raw(self) -> timedelta:
        """Of what providers posted."""
        return timedelta(days=self.raw_days)

    @property
    def texts(self) -> timedelta:
        """Of what was written to and by people."""
        return timedelta(days=self.texts_days)


DEFAULT = Periods()


def periods_of(tenant: Tenant) -> Periods:
    """Those of a tenant; a setting that cannot be read is an error, so that nothing is deleted."""
    return msgspec.convert(tenant.settings.get(SETTING, {}), Periods)


def set_periods(database: Database, tenant: TenantId, periods: Periods) -> None:
    """Keep the periods of a tenant; from the next sweep on they are in force."""
    entry = {SETTING: msgspec.to_builtins(periods)}
    with database.control_tx() as curs:
        curs.execute(
            "UPDATE control.tenants SET settings = settings || %s WHERE name = %s",
            (Jsonb(entry), tenant),
        )

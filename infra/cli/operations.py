"""The operations of the API as an operator calls them: same rules, same words in the log."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from domain.acts import Act
from domain.ids import TenantId
from handlers import acts
from handlers.access import KeyHolder, Role
from handlers.acts import NOTHING, Changes, Order
from handlers.api.calls import Call
from handlers.ports import CampaignRow
from handlers.services import Services, TenantServices
from infra.acts import SqlActLog
from infra.bootstrap import System
from infra.cli.session import OPERATOR
from infra.services import make_services
from infra.tenancy import UnknownTenant


def call_of(
    found: System,
    tenant: str,
    *,
    campaign: CampaignRow | None = None,
    about: UUID | None = None,
    query: object = None,
    body: object = None,
) -> Call:
    """A call with all rights, on a campaign or another thing where it is about one."""
    known = campaign.campaign_id if campaign is not None else about
    services = make_services(found)
    return Call(
        services=services,
        tenant=_of(services, found, tenant),
        holder=KeyHolder(OPERATOR, TenantId(tenant), Role.ADMIN),
        request_id=found.rng.new_id(),
        path={} if known is None else {"id": known},
        query=query,
        body=body,
    )


@contextmanager
def acting(
    found: System, tenant: TenantId, act: Act, subject: str = "", changes: Changes = NOTHING
) -> Iterator[None]:
    """Do something administrative to a tenant: recorded before, and again where it fails."""
    order = Order(
        act=act,
        subject=subject,
        changes=changes,
        actor=OPERATOR,
        request=found.rng.new_id(),
    )
    with acts.acting(SqlActLog(found.database, tenant), order, found.clock.now):
        yield


def tenant_services(found: System, tenant: str) -> TenantServices:
    """What the web process has of a tenant; raises UnknownTenant."""
    return _of(make_services(found), found, tenant)


def _of(services: Services, found: System, tenant: str) -> TenantServices:
    there = services.tenant(found.tenant(tenant).name)
    if there is None:
        raise UnknownTenant(f"{tenant} went away meanwhile")
    return there

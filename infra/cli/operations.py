"""The operations of the API as an operator calls them: same rules, same words in the log."""

from uuid import UUID

from domain.ids import TenantId
from handlers.access import KeyHolder, Role
from handlers.api.calls import Call
from handlers.ports import CampaignRow
from handlers.services import Services, TenantServices
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


def tenant_services(found: System, tenant: str) -> TenantServices:
    """What the web process has of a tenant; raises UnknownTenant."""
    return _of(make_services(found), found, tenant)


def _of(services: Services, found: System, tenant: str) -> TenantServices:
    there = services.tenant(found.tenant(tenant).name)
    if there is None:
        raise UnknownTenant(f"{tenant} went away meanwhile")
    return there

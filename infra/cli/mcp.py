"""`antiphon mcp`: the tools of plan-writing programs over stdin and stdout."""

from typing import Any

import anyio
import click
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server

from domain.ids import TenantId
from handlers.access import KeyHolder, Role
from handlers.mcp.server import Context, make_server
from handlers.mcp.tool import Caller
from handlers.services import Services
from infra.cli.session import OPERATOR, system
from infra.services import make_services
from infra.settings import Settings
from infra.tenancy import UnknownTenant

EPILOG = """\b
Examples: antiphon mcp acme
          antiphon mcp acme --role viewer

A program on this machine starts it and talks with it; docs/how-to/let-an-ai-write-plans.md has the
lines for its configuration. The web process has the same tools at /mcp/, by key."""


@click.command(epilog=EPILOG)
@click.argument("tenant")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.PLANNER.value,
    show_default=True,
    help="What the program may do; a planner writes plans and sends nothing.",
)
@click.pass_obj
def mcp(settings: Settings, tenant: str, role: str) -> None:
    """Serve the tools for writing plans to a program, over stdin and stdout."""
    with system(settings) as found:
        holder = KeyHolder(OPERATOR, found.tenant(tenant).name, Role(role))
        anyio.run(_serve, make_services(found), holder)


async def _serve(services: Services, holder: KeyHolder) -> None:
    def caller(_: Context) -> Caller:
        found = services.tenant(TenantId(holder.tenant))
        if found is None:
            raise UnknownTenant(f"the tenant {holder.tenant} is gone")
        return Caller(holder, found, services.rng.new_id())

    server: Server[Any] = make_server(services, caller)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())

"""A program with the SDK's own client writes a plan: over HTTP and over stdin and stdout."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from domain.ids import TenantId
from handlers.access import ROLES_OF, Role
from handlers.app import create_app
from handlers.mcp.rights import PERMISSION_OF_TOOL
from infra.keys import add_key
from infra.services import make_services
from plans.patch import patched
from tests.infra.cli_running import Cli
from tests.stories.house import House

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

ROOT = Path(__file__).resolve().parents[2]
AT = "http://127.0.0.1/mcp/"
BROKEN = {
    "startNodeId": "hello",
    "timezone": "Europe/London",
    "nodes": [
        {
            "id": "hello",
            "type": "send",
            "channel": "email",
            "message": {"subject": "Docks", "text": "Hi {{ contact.first_name }}, a word?"},
            "transitions": [{"on": "no_open", "to": "end", "after": "P3D"}],
        },
        {"id": "end", "type": "stop", "outcome": "no_response"},
    ],
}
"""Whoever opens the mail stays in `hello` for ever."""
MEND = {
    "op": "add",
    "path": "/nodes/0/transitions/-",
    "value": {"on": "timeout", "to": "end", "after": "P7D"},
}

Connect = Callable[[], AbstractAsyncContextManager[Client]]


class Doors:
    """Clients of the web process, each with a key of its own."""

    def __init__(self, house: House) -> None:
        self._system = house.system
        self._app = create_app(make_services(house.system))
        self.keys: list[str] = []

    def __call__(self, role: str, tenant: TenantId, mode: str = "auto") -> Connect:
        key = add_key(self._system.database, tenant, role, pepper=self._system.pepper)
        self.keys.append(key.key_id)

        @asynccontextmanager
        async def connect() -> AsyncIterator[Client]:
            headers = {"Authorization": f"Bearer {key.text}"}
            transport = httpx2.ASGITransport(self._app)
            async with (
                httpx2.AsyncClient(transport=transport, headers=headers) as http,
                Client(streamable_http_client(AT, http_client=http), mode=mode) as client,
            ):
                yield client

        return connect


@pytest.fixture
def over_http(house: House, new_tenant: Callable[[], TenantId]) -> Iterator[Doors]:
    del new_tenant  # asked for, so that the keys go before the tenants
    doors = Doors(house)
    yield doors
    with house.system.database.control_tx() as curs:
        curs.execute("DELETE FROM control.api_keys WHERE key_id = ANY(%s)", (doors.keys,))


def over_stdio(cli: Cli, tenant: str, *more: str) -> Connect:
    """A client that started `antiphon mcp` itself."""
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "infra.cli", "mcp", tenant, *more],
        env={**cli.settings, "PYTHONPATH": str(ROOT)},
    )

    @asynccontextmanager
    async def connect() -> AsyncIterator[Client]:
        async with Client(command) as client:
            yield client

    return connect


async def done(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.structured_content
    return result.structured_content


async def failed(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    return result.structured_content


async def writing(connect: Connect) -> Any:
    """The whole loop of a writer of plans; what the timeline told in the end."""
    async with connect() as client:
        whom = await looking_around(client)
        mended, known = await mending(client, whom)
        stream = await submitting(client, mended, known, whom)
        await revising(client, mended, known, whom)
        return await done(client, "get_timeline", contact_campaign_id=stream)


async def looking_around(client: Client) -> dict[str, str]:
    """Whom to write for, and in which campaign."""
    assert "validate_plan" in (client.instructions or "")
    assert (await done(client, "get_plan_schema"))["$id"]
    (campaign,) = (await done(client, "list_campaigns"))["items"]
    contacts = (await done(client, "list_contacts"))["items"]
    (contact,) = [one["contact_id"] for one in contacts if one["external_id"] == "c-1"]
    whom = {"contact_id": contact, "campaign_id": campaign["id"]}
    context = await done(client, "get_contact_context", **whom)
    assert context["variables"]["contact"]["first_name"] == "Ada"
    assert context["variables"]["sender"]["first_name"] == "Sam Okello"
    return whom


async def mending(client: Client, whom: dict[str, str]) -> tuple[Any, str]:
    """The broken plan after the patch of its report, and its hash."""
    refused = await done(client, "submit_plan", plan=BROKEN, **whom)
    assert (refused["status"], refused["contact_campaign_id"]) == ("refused", None)
    found = await done(client, "validate_plan", plan=BROKEN, **whom)
    (issue,) = [each for each in found["report"]["issues"] if each["severity"] == "error"]
    assert issue["code"] == (await done(client, "explain_error", code=issue["code"]))["code"]
    assert (await failed(client, "simulate_plan", plan=BROKEN, **whom))["report"]["issues"]
    mended = patched(found["plan"], issue["patch"])
    accepted = await done(client, "validate_plan", plan=mended, **whom)
    assert accepted["report"]["ok"], accepted["report"]
    simulated = await done(client, "simulate_plan", plan=mended, runs=200, **whom)
    assert sum(simulated["outcomes"].values()) == pytest.approx(1)
    assert "flowchart" in (await done(client, "draw_plan", plan=mended))["drawing"]
    return mended, accepted["report"]["planHash"]


async def submitting(client: Client, plan: Any, known: str, whom: dict[str, str]) -> str:
    """Taken once, whatever comes; its contact-campaign."""
    other = f"sha256:{'0' * 64}"
    stale = await failed(client, "submit_plan", plan=plan, if_hash=other, **whom)
    assert stale["errors"][0]["pointer"] == "/if_hash"
    taken = await done(client, "submit_plan", plan=plan, if_hash=known, **whom)
    again = await done(client, "submit_plan", plan=plan, if_hash=known, **whom)
    assert (taken["status"], again["status"]) == ("started", "duplicate")
    assert taken["contact_campaign_id"] == again["contact_campaign_id"]
    return str(taken["contact_campaign_id"])


async def revising(client: Client, plan: Any, known: str, whom: dict[str, str]) -> None:
    """A better plan for the same contact, who still waits for the launch."""
    assert (await done(client, "get_contact_context", **whom))["running_plan_hash"] == known
    text = "Hi {{ contact.first_name }}, a word on your docks?"
    better = patched(plan, [{"op": "replace", "path": "/nodes/0/message/text", "value": text}])
    revised = await done(
        client, "revise_plan", plan=better, if_hash=known, reason="a clearer text", **whom
    )
    assert revised["status"] == "revised"


def kinds(told: Any) -> list[str]:
    return [each["kind"] for each in told["events"]]


@pytest.mark.parametrize("way", ["http", "http with a handshake, as before 2026", "stdio"])
def test_a_planner_mends_a_broken_plan_by_its_report_and_submits_it(
    way: str, over_http: Doors, cli: Cli, tenant: TenantId
) -> None:
    cli.tenant_with_campaign(tenant)
    connect = (
        over_stdio(cli, tenant)
        if way == "stdio"
        else over_http("planner", tenant, "auto" if way == "http" else "legacy")
    )
    assert kinds(anyio.run(writing, connect)) == ["plan_accepted", "plan_revised"]


def with_ids(whom: dict[str, str], stream: str, known: str) -> dict[str, dict[str, Any]]:
    """Arguments of all tools that take ids; without a message, for nothing was sent."""
    plan = {"plan": patched(BROKEN, [MEND])}
    return {
        "get_contact_context": whom,
        "validate_plan": plan | whom,
        "draw_plan": plan | whom,
        "simulate_plan": plan | whom | {"runs": 20},
        "submit_plan": plan | whom,
        "revise_plan": plan | whom | {"if_hash": known, "reason": "no other"},
        "get_timeline": {"contact_campaign_id": stream},
    }


WITHOUT_IDS: dict[str, dict[str, Any]] = {
    "get_plan_schema": {},
    "list_examples": {},
    "explain_error": {"code": "E_STUCK"},
    "list_campaigns": {},
    "list_contacts": {},
    "list_contact_campaigns": {},
}


def test_every_tool_for_every_role_with_ids_of_its_own_tenant_and_of_another(
    over_http: Doors, cli: Cli, new_tenant: Callable[[], TenantId]
) -> None:
    ours, theirs = new_tenant(), new_tenant()
    cli.tenant_with_campaign(ours)

    async def codes(role: Role, tenant: TenantId, uses: dict[str, Any]) -> dict[str, str | None]:
        async with over_http(role, tenant)() as client:
            done = {tool: await client.call_tool(tool, given) for tool, given in uses.items()}
        return {
            tool: one.structured_content["code"] if one.is_error else None
            for tool, one in done.items()
        }

    async def taken() -> dict[str, dict[str, Any]]:
        async with over_http("agent", ours)() as client:
            whom = await looking_around(client)
            found = await done(client, "submit_plan", plan=patched(BROKEN, [MEND]), **whom)
            return with_ids(whom, found["contact_campaign_id"], found["plan_hash"])

    uses = anyio.run(taken)
    nobodys = {
        **uses,
        "explain_message": {"message_id": uses["get_timeline"]["contact_campaign_id"]},
    }
    assert set(nobodys) | set(WITHOUT_IDS) == set(PERMISSION_OF_TOOL)
    for role in Role:
        may = {tool for tool, needed in PERMISSION_OF_TOOL.items() if role in ROLES_OF[needed]}

        def expected(tool: str, good: str | None, may: set[str] = may) -> str | None:
            return good if tool in may else "not_permitted"

        own = {**uses, **WITHOUT_IDS}
        assert anyio.run(codes, role, ours, own) == {tool: expected(tool, None) for tool in own}
        assert anyio.run(codes, role, theirs, nobodys) == {
            tool: expected(tool, "not_found") for tool in nobodys
        }


def test_a_planner_changes_nothing_that_runs_and_a_foreign_key_finds_nothing(
    over_http: Doors, cli: Cli, new_tenant: Callable[[], TenantId]
) -> None:
    ours, theirs = new_tenant(), new_tenant()
    cli.tenant_with_campaign(ours)

    def used(role: str, tenant: TenantId, tool: str, **arguments: Any) -> Any:
        async def once() -> Any:
            async with over_http(role, tenant)() as client:
                return (await client.call_tool(tool, arguments)).structured_content

        return anyio.run(once)

    campaign = used("planner", ours, "list_campaigns")["items"][0]["id"]
    contact = used("planner", ours, "list_contacts")["items"][0]["contact_id"]
    whom = {"contact_id": contact, "campaign_id": campaign}
    submission = {"plan": patched(BROKEN, [MEND]), **whom}
    assert used("admin", theirs, "submit_plan", **submission)["code"] == "not_found"
    taken = used("planner", ours, "submit_plan", **submission)
    assert taken["status"] == "started"
    assert cli("campaign", "launch", ours, "autumn").exit_code == 0
    assert used("planner", ours, "submit_plan", **submission)["code"] == "not_permitted"
    revision = {**submission, "if_hash": f"sha256:{'0' * 64}", "reason": "a try"}
    assert used("admin", theirs, "revise_plan", **revision)["code"] == "not_found"
    assert used("planner", ours, "revise_plan", **revision)["code"] == "not_permitted"
    assert used("agent", ours, "revise_plan", **revision)["code"] == "out_of_step"  # it may
    stream = {"contact_campaign_id": taken["contact_campaign_id"]}
    assert used("admin", theirs, "get_timeline", **stream)["code"] == "not_found"
    told = used("planner", ours, "get_timeline", **stream)
    assert kinds(told)[:2] == ["plan_accepted", "campaign_started"]

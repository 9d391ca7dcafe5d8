"""The tools over HTTP on stores of a few lines: keys, origins, limits, rights, problems."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from domain.ids import TenantId
from handlers.access import ROLES_OF, Role, RouteWithoutPermission
from handlers.api.calls import BODY_MAX, Given
from handlers.errors import NotAcceptable
from handlers.gatekeeper import WRONG_KEYS_MAX
from handlers.mcp.rights import PERMISSION_OF_TOOL
from handlers.mcp.server import input_schema, make_server
from handlers.mcp.tool import Tool
from handlers.mcp.tools import TOOLS
from tests.handlers.plans_given import PLAN, STUCK
from tests.handlers.web_fakes import World

SOME_ID = str(UUID(int=77))
HASH = f"sha256:{'0' * 64}"
ACCEPT = {"accept": "application/json, text/event-stream"}
ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "explain_error": {"code": "E_STUCK"},
    "get_contact_context": {"contact_id": SOME_ID},
    "validate_plan": {"plan": PLAN, "contact_id": SOME_ID},
    "draw_plan": {"plan": PLAN, "contact_id": SOME_ID},
    "simulate_plan": {"plan": PLAN, "contact_id": SOME_ID},
    "submit_plan": {"plan": PLAN, "contact_id": SOME_ID, "campaign_id": SOME_ID},
    "revise_plan": {
        "plan": PLAN,
        "contact_id": SOME_ID,
        "campaign_id": SOME_ID,
        "if_hash": HASH,
        "reason": "a better one",
    },
    "get_timeline": {"contact_campaign_id": SOME_ID},
    "explain_message": {"message_id": SOME_ID},
}
"""Ids in them belong to nobody in this tenant."""
OF_NOBODY = set(ARGUMENTS) - {"explain_error"}


def sent(
    world: World, method: str, params: Any = None, *, role: str = "planner", **more: Any
) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    headers = {**ACCEPT, **more.pop("headers", {})}
    return world.call("POST", "/mcp/", role=role, json=body, headers=headers, **more)


def used(world: World, tool: str, arguments: Any = None, *, role: str = "planner") -> Any:
    answer = sent(world, "tools/call", {"name": tool, "arguments": arguments or {}}, role=role)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def failed(world: World, tool: str, arguments: Any, **more: Any) -> Any:
    result = used(world, tool, arguments, **more)
    assert result["isError"], result
    return result["structuredContent"]


def done(world: World, tool: str, arguments: Any = None, **more: Any) -> Any:
    result = used(world, tool, arguments, **more)
    assert not result.get("isError"), result
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
    return result["structuredContent"]


# --- who may ------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", TOOLS, ids=lambda one: one.name)
def test_a_tool_is_listed_for_and_answers_to_the_roles_of_its_permission_and_to_no_other(
    tool: Tool,
) -> None:
    world = World()
    allowed = ROLES_OF[PERMISSION_OF_TOOL[tool.name]]
    for role in Role:
        listed = {
            one["name"] for one in sent(world, "tools/list", role=role).json()["result"]["tools"]
        }
        assert (tool.name in listed) == (role in allowed)
        result = used(world, tool.name, ARGUMENTS.get(tool.name), role=role)
        if role not in allowed:
            assert result["structuredContent"]["code"] == "not_permitted"
        elif tool.name in OF_NOBODY:
            assert result["structuredContent"]["code"] == "not_found"
        else:
            assert not result.get("isError"), result


def test_a_planner_and_a_viewer_have_no_tool_that_sends_and_a_planner_reads_no_messages() -> None:
    changing = {one.name for one in TOOLS if one.changes}
    assert changing == {"submit_plan", "revise_plan"}
    for name in changing:
        assert Role.VIEWER not in ROLES_OF[PERMISSION_OF_TOOL[name]]
    assert Role.PLANNER not in ROLES_OF[PERMISSION_OF_TOOL["explain_message"]]


def test_every_tool_has_its_line_in_the_table_of_rights_and_no_line_is_left_over() -> None:
    assert [one.name for one in TOOLS] == list(PERMISSION_OF_TOOL)


def test_a_tool_that_is_in_no_table_is_an_error_before_anything_is_served() -> None:
    stray = Tool(name="stray", does="", takes=Given, perform=lambda _: None, answers="")
    with pytest.raises(RouteWithoutPermission):
        make_server(World().services, lambda _: None, [stray])  # type: ignore[return-value]  # never asked


def test_a_planner_submits_into_drafts_only() -> None:
    world = World()
    contact = world.a_contact()
    for status, code in (("active", "not_permitted"), ("draft", None)):
        campaign = world.a_campaign(name=status, status=status).campaign_id
        given = {"plan": PLAN, "contact_id": str(contact), "campaign_id": str(campaign)}
        result = used(world, "submit_plan", given)["structuredContent"]
        assert result.get("code") == code, result


# --- the door -----------------------------------------------------------------------------------


def test_without_a_good_key_nothing_is_said_and_wrong_keys_count_with_those_of_the_api() -> None:
    world = World()
    assert world.client.post("/mcp/", json={}).status_code == 401
    wrong = {"Authorization": "Bearer wrong"}
    statuses = [sent(world, "ping", headers=wrong).status_code for _ in range(WRONG_KEYS_MAX)]
    assert statuses == [401] * WRONG_KEYS_MAX
    assert world.get("/v1/contacts").status_code == 429


def test_a_key_of_a_tenant_that_is_gone_opens_nothing() -> None:
    world = World(tenant=lambda _: None)
    assert sent(world, "tools/list").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "evil.example:80@testserver"}, 421),
        ({"host": "["}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:3000"}, 200),
        ({"host": "127.0.0.1:8000"}, 200),
        ({"content-type": "text/plain"}, 415),
        ({"accept": "text/html"}, 406),
    ],
)
def test_a_page_of_a_browser_cannot_be_led_here(headers: dict[str, str], status: int) -> None:
    assert sent(World(), "ping", headers=headers).status_code == status


def test_there_is_no_stream_to_open_and_no_session_to_end() -> None:
    for method in ("GET", "DELETE"):
        assert World().call(method, "/mcp/", headers=ACCEPT).status_code == 405


def test_the_path_without_its_last_slash_is_the_same_and_no_redirect() -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert World().call("POST", "/mcp", json=body, headers=ACCEPT).json()["result"] == {}


def test_every_answer_has_a_request_id_and_a_failed_tool_names_it() -> None:
    world = World()
    answer = sent(world, "tools/call", {"name": "no_such_tool"})
    told = answer.json()["result"]["structuredContent"]
    assert told["code"] == "not_found"
    assert told["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"


def test_a_body_that_is_too_long_or_no_message_is_refused_without_a_failure_of_ours() -> None:
    world = World()
    headers = {**ACCEPT, "content-type": "application/json"}
    for body, status in (
        (b" " * (BODY_MAX + 1), 413),
        (b"", 400),
        (b"[]", 400),
        (b"{", 400),
        (b'"\xff"', 400),
        (b"[" * 100_000, 400),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + b"[" * 5_000, 400),
    ):
        answer = world.call("POST", "/mcp/", content=body, headers=headers)
        assert answer.status_code == status, (body[:60], answer.text)
        modern = {**headers, "mcp-protocol-version": "2026-07-28"}
        answer = world.call("POST", "/mcp/", content=body, headers=modern)
        assert answer.status_code == status, (body[:60], answer.text)


# --- plans are hostile --------------------------------------------------------------------------


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "plan",
    [
        "no JSON",
        '{"a": 1, "a": 2}',
        {"nodes": deep(60)},
        {"nodes": "x" * 300_000},
        {"nodes": "a\x00b"},
        {"nodes": 1e300},
        [],
        7,
        {"version": "1.0"},
    ],
    ids=lambda value: str(value)[:20].encode("ascii", "replace").decode(),
)
def test_whatever_comes_as_a_plan_is_answered_with_a_report(plan: Any) -> None:
    for tool in ("validate_plan", "simulate_plan", "draw_plan"):
        found = used(World(), tool, {"plan": plan})["structuredContent"]
        assert not found["report"]["ok"]
        assert found["report"]["issues"]


def test_half_a_character_is_found_in_a_plan_and_elsewhere_whatever_the_transport_let_through() -> (
    None
):
    (tool,) = [one for one in TOOLS if one.name == "validate_plan"]
    for plan in ({"nodes": "\ud800"}, '{"nodes": "\ud800"}'):
        assert tool.read({"plan": plan}).plan.issues
    with pytest.raises(NotAcceptable):
        tool.read({"plan": PLAN, "sender": "\ud800"})


def test_the_text_of_a_plan_is_taken_as_the_plan() -> None:
    assert done(World(), "validate_plan", {"plan": json.dumps(PLAN)})["report"]["ok"]


@pytest.mark.parametrize(
    ("tool", "arguments", "pointer"),
    [
        ("validate_plan", {}, "/plan"),
        ("validate_plan", {"plan": PLAN, "sender": "a\x00b"}, "/sender"),
        ("validate_plan", {"plan": PLAN, "campaign_id": SOME_ID}, "/campaign_id"),
        ("validate_plan", {"plan": PLAN, "shout": True}, "/shout"),
        ("simulate_plan", {"plan": PLAN, "runs": 10**9}, "/runs"),
        ("submit_plan", {"plan": PLAN, "contact_id": SOME_ID}, "/campaign_id"),
        ("get_timeline", {"contact_campaign_id": "x"}, "/contact_campaign_id"),
        ("list_campaigns", {"cursor": "x"}, "/cursor"),
    ],
)
def test_wrong_arguments_are_told_with_their_place(tool: str, arguments: Any, pointer: str) -> None:
    told = failed(World(), tool, arguments)
    assert told["code"] == ("not_understood" if pointer == "/cursor" else "not_acceptable")
    assert pointer in [each["pointer"] for each in told["errors"]]


def test_a_failure_of_ours_tells_no_more_than_that() -> None:
    def broken(_: TenantId) -> None:
        raise RuntimeError("ada@secret.example")

    answer = sent(World(tenant=broken), "tools/list")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    world = World()
    world.tables.journeys = broken  # type: ignore[assignment]  # a store that fails
    told = failed(world, "list_contact_campaigns", {})
    assert (told["code"], "secret" in json.dumps(told)) == ("internal_error", False)


def test_what_is_asked_and_answered_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    world = World()
    canary = "zanzibar"
    contact = str(world.a_contact(canary))
    plan = {**PLAN, "startNodeId": canary}
    for tool, given in (
        ("get_contact_context", {"contact_id": contact}),
        ("validate_plan", {"plan": plan, "contact_id": contact}),
        ("validate_plan", {"plan": plan, canary: canary}),
        (canary, {canary: canary}),
    ):
        used(world, tool, given)
    sent(world, canary, {canary: canary})
    assert canary not in caplog.text


# --- reading ------------------------------------------------------------------------------------


def test_the_context_of_a_contact_has_no_address_and_says_what_it_is() -> None:
    world = World()
    told = done(world, "get_contact_context", {"contact_id": str(world.a_contact())})
    assert told["channels"] == ["email"]
    assert "example.com" not in json.dumps(told)
    assert "never follow" in told["note"]


def test_a_refused_plan_is_not_simulated_and_its_report_mends_it() -> None:
    told = failed(World(), "simulate_plan", {"plan": STUCK})
    (issue,) = [each for each in told["report"]["issues"] if each["severity"] == "error"]
    assert issue["code"] == "E_STUCK"
    assert issue["patch"]
    assert told["plan"]["nodes"][0]["id"] == "hello"


def test_examples_and_codes_and_schemas_can_be_read() -> None:
    world = World()
    listed = sent(world, "resources/list").json()["result"]["resources"]
    for one in listed:
        read = sent(world, "resources/read", {"uri": one["uri"]}).json()["result"]["contents"]
        assert json.loads(read[0]["text"])
    assert "error" in sent(world, "resources/read", {"uri": "file:///etc/passwd"}).json()
    everything = done(world, "list_examples")["examples"]
    assert "two_step" in everything
    assert list(done(world, "list_examples", {"name": "two_step"})["examples"]) == ["two_step"]
    assert "two_step" in failed(world, "list_examples", {"name": "three_step"})["detail"]
    assert "E_STUCK" in failed(world, "explain_error", {"code": "E_STUC"})["detail"]


def test_what_a_tool_takes_is_a_schema_of_an_object_and_a_plan_may_be_anything() -> None:
    for tool in TOOLS:
        schema = input_schema(tool)
        assert schema["type"] == "object"
        assert "type" not in schema["properties"].get("plan", {})
        assert ("plan" in schema.get("required", ())) == ("plan" in schema["properties"])

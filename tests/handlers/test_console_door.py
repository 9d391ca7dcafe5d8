"""The door of the console: signing in and out, roles, forms of others, the content policy."""

import re
from datetime import datetime

import pytest
from starlette.routing import Route

from handlers.access import (
    OPEN,
    OPEN_PAGES,
    PERMISSION_OF_PAGE,
    ROLES_OF,
    Role,
    RouteWithoutPermission,
    permission_for_page,
)
from handlers.gatekeeper import WRONG_KEYS_MAX
from handlers.web.console.door import Door
from handlers.web.console.pages import PAGES
from handlers.web.console.reading import Troubles
from handlers.web.console.signing import local_address
from handlers.web.console.visits import Page, Shown
from tests.handlers.console_fakes import CSRF, FROM_US, PASSWORD, Console, secret_of

ID = "00000000-0000-0000-0000-00000000004d"
LISTS = ("/", "/leads", "/queue", "/accounts", "/campaigns", "/activity", "/workbench", "/audit")


def address(page: Page) -> str:
    return page.path.replace("{id}", ID).replace("{name}", "sam")


def sign_in(console: Console, name: str, password: str, **fields: str) -> object:
    form = {"name": name, "password": password, **fields}
    return console.client.post("/sign-in", data=form, headers=FROM_US)


# --- who may what ---------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda one: f"{one.method} {one.path}")
def test_a_page_answers_to_the_roles_of_its_permission_and_to_nobody_else(page: Page) -> None:
    if page.path == "/stream":
        pytest.skip("it goes on until the client leaves; its admission is tested below")
    console = Console()
    allowed = ROLES_OF[PERMISSION_OF_PAGE[page.method, page.path]]
    anonymous = console.client.request(page.method, address(page), headers=FROM_US)
    assert anonymous.status_code == (303 if page.method == "GET" else 401)
    for role in Role:
        ask = console.visit if page.method == "GET" else console.send
        status = ask(address(page), role=role).status_code
        assert (status == 403) == (role not in allowed), (role, status)
        assert status not in (401, 500), (role, status)


def test_what_the_console_serves_is_what_the_table_names() -> None:
    served = {
        (method, route.path.replace(":uuid}", "}"))
        for route in Console().app.routes
        if isinstance(route, Route) and not route.path.startswith(("/v1", "/webhooks", "/mcp"))
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert served - OPEN - OPEN_PAGES == set(PERMISSION_OF_PAGE)
    assert {(one.method, one.path) for one in PAGES} == set(PERMISSION_OF_PAGE)


def test_a_page_that_is_in_no_table_is_an_error_before_anything_is_served() -> None:
    console = Console()
    forgotten = Page(path="/forgotten", perform=lambda _: Shown("audit.html", {}))
    with pytest.raises(RouteWithoutPermission):
        Door(console.services, console.stock, [forgotten])
    with pytest.raises(RouteWithoutPermission):
        permission_for_page("DELETE", "/queue")


def test_the_stream_wants_a_session_or_a_key() -> None:
    console = Console()
    assert console.client.get("/stream").status_code == 401
    assert console.client.get("/v1/stream").status_code == 401
    assert console.visit("/stream", **{"Last-Event-ID": "soon"}).status_code == 422
    assert console.get("/v1/stream", headers={"Last-Event-ID": "-1"}).status_code == 422


def test_things_of_another_tenant_are_not_there() -> None:
    console = Console()
    for kind in ("leads", "campaigns", "contact-campaigns", "messages"):
        answer = console.visit(f"/{kind}/{ID}")
        assert answer.status_code == 404, kind
        assert "There is no such thing here" in answer.text


def test_a_user_of_a_tenant_that_is_gone_sees_nothing() -> None:
    console = Console(tenant=lambda _: None)
    assert console.visit("/").status_code == 401


# --- signing in -----------------------------------------------------------------------------------


def test_who_is_not_signed_in_is_asked_to_and_comes_back_to_where_it_was() -> None:
    console = Console()
    asked = console.client.get("/queue?state=QUEUED")
    assert asked.headers["location"] == "/sign-in?next=%2Fqueue%3Fstate%3DQUEUED"
    form = console.client.get(asked.headers["location"]).text
    assert 'name="next" value="/queue?state=QUEUED"' in form
    answer = sign_in(console, "viewer", PASSWORD, next="/queue?state=QUEUED")
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?state=QUEUED")
    assert console.client.get("/queue").status_code == 200


@pytest.mark.parametrize(
    ("secure", "name", "marks"),
    [(False, "antiphon", ""), (True, "__Host-antiphon", "; Secure")],
)
def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_pages(
    *, secure: bool, name: str, marks: str
) -> None:
    answer = sign_in(Console(secure=secure), "admin", PASSWORD)
    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(
        rf"{name}=[\w-]{{43}}; HttpOnly; Max-Age=43200; Path=/; SameSite=lax{marks}", cookie
    )


def test_signing_in_again_ends_the_session_before() -> None:
    console = Console()
    sign_in(console, "viewer", PASSWORD)
    before = console.client.cookies["antiphon"]
    sign_in(console, "admin", PASSWORD)
    assert console.client.cookies["antiphon"] != before
    assert console.lobby.session(before) is None


def test_a_wrong_name_and_a_wrong_password_are_told_alike() -> None:
    console = Console()
    answers = [sign_in(console, "admin", "wrong"), sign_in(console, "nobody", PASSWORD)]
    assert {one.status_code for one in answers} == {401}
    assert len({re.sub(r'value="\w+"', "", one.text) for one in answers}) == 1
    assert "set-cookie" not in answers[0].headers


def test_wrong_passwords_are_counted_together_with_wrong_keys() -> None:
    console = Console()
    for _ in range(WRONG_KEYS_MAX - 1):
        assert sign_in(console, "admin", "wrong").status_code == 401
    assert (
        console.client.get("/v1/contacts", headers={"Authorization": "Bearer no"}).status_code
        == 401
    )
    assert sign_in(console, "admin", PASSWORD).status_code == 429
    assert console.get("/v1/contacts").status_code == 429


def test_signing_out_ends_the_session_here_and_in_the_browser() -> None:
    console = Console()
    answer = console.send("/sign-out")
    assert answer.headers["location"] == "/sign-in"
    assert 'antiphon="";' in answer.headers["set-cookie"]
    assert console.lobby.session(secret_of("admin")) is None
    assert console.visit("/").status_code == 303


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "x"]
)
def test_nobody_is_led_elsewhere_by_signing_in(to: str) -> None:
    assert local_address(to) == "/"
    assert sign_in(Console(), "admin", PASSWORD, next=to).headers["location"] == "/"


def test_what_a_page_asks_by_itself_keeps_no_session_alive() -> None:
    console = Console()
    console.visit("/")
    console.visit("/", **{"X-Live": "1"})
    assert console.lobby.used == [True, False]


# --- forms of others ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    ],
)
def test_a_form_that_another_page_sent_changes_nothing(headers: dict[str, str]) -> None:
    console = Console()
    row = console.a_campaign(status="active")
    assert console.send(f"/campaigns/{row.campaign_id}/pause", headers=headers).status_code == 403
    assert console.shelf.rows[row.campaign_id].status == "active"
    form = {"name": "admin", "password": PASSWORD}
    assert console.client.post("/sign-in", data=form, headers=headers).status_code == 403


@pytest.mark.parametrize("token", ["", "another", CSRF + "x"])
def test_a_form_without_the_token_of_the_session_changes_nothing(token: str) -> None:
    console = Console()
    row = console.a_campaign(status="active")
    path = f"/campaigns/{row.campaign_id}/pause"
    assert console.send(path, {"csrf": token}).status_code == 403
    assert console.shelf.rows[row.campaign_id].status == "active"
    assert console.send(path).status_code == 303
    assert console.shelf.rows[row.campaign_id].status == "paused"


def test_a_form_of_another_kind_or_too_long_is_refused() -> None:
    console = Console()
    headers = console.cookie("admin") | FROM_US
    json = console.client.post("/workbench", json={"csrf": CSRF}, headers=headers)
    assert json.status_code == 415
    assert console.send("/workbench", {"plan": "x" * 1024 * 1024}).status_code == 413
    assert console.send("/workbench", {"plan": "a\0b"}).status_code == 400


# --- what every page says to browsers -------------------------------------------------------------


@pytest.mark.parametrize("path", [*LISTS, "/sign-in", f"/leads/{ID}"])
def test_pages_forbid_what_is_not_ours_and_have_nothing_inline(path: str) -> None:
    answer = Console().client.get(path) if path == "/sign-in" else Console().visit(path)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=\"/static/)", answer.text)
    assert not re.search(r"(src|href)=\"(https?:)?//", answer.text)


def test_our_own_files_are_fetched_again_only_when_they_changed() -> None:
    client = Console().client
    first = client.get("/static/console.css")
    assert first.headers["content-type"].startswith("text/css")
    again = client.get("/static/console.css", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("none.css", "..%2fconsole.css", "console.py"):
        assert client.get(f"/static/{name}").status_code == 404


def test_an_address_that_is_none_is_told_to_browsers_as_a_page_and_to_programs_as_a_problem() -> (
    None
):
    client = Console().client
    page = client.get("/nowhere", headers={"Accept": "text/html,*/*"})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no such thing here" in page.text
    assert client.get("/nowhere").headers["content-type"] == "application/problem+json"


def test_a_failure_is_told_as_a_page_without_its_inside() -> None:
    console = Console()

    def broken(_: datetime) -> Troubles:
        raise ValueError("inner words")

    console.looks.troubles = broken
    answer = console.visit("/")
    assert answer.status_code == 500
    assert "inner words" not in answer.text
    assert answer.headers["x-request-id"] in answer.text

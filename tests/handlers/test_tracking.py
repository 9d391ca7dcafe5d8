"""The pixel, the links and the opt-out: evidence from everybody, changes only by a POST."""

import pytest

from domain.ids import MessageId
from domain.taxonomy import Signal
from handlers.links import HIDDEN, Kind, token
from handlers.ports import Report
from handlers.web.link_reports import LinkReports
from handlers.web.tracking import GIF
from handlers.webhooks.verdicts import Reader, Verdict, judge
from tests.handlers.web_fakes import LINK_KEY, TAG, TENANT, World, a_mail, a_message

MESSAGE = a_message(1).id
TARGET = "https://example.com/a%20b?x=1&y=%C3%A9#top"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}


@pytest.fixture
def world() -> World:
    made = World()
    made.papers.targets[MESSAGE, 0] = TARGET
    made.papers.mail[MESSAGE] = (a_mail(MESSAGE), b"")
    return made


def path(kind: Kind, *, number: int = 0, key: bytes = LINK_KEY, tag: str = TAG) -> str:
    text = token(kind, tag, MESSAGE, number, key)
    return {"o": f"/t/o/{text}.gif", "c": f"/t/c/{text}", "u": f"/u/{text}"}[kind]


def reports(world: World) -> list[Report]:
    """What was kept, as the worker reads it from the raw bytes."""
    assert all(provider == "link" for provider, *_ in world.box.kept)
    read = [LinkReports().translate(body, tenant=TENANT) for _, body, *_ in world.box.kept]
    assert read == [report for _, _, (report,), _ in world.box.kept]
    return read


def verdict(report: Report) -> Verdict:
    """What is thought of it as long as nothing else is known."""
    assert report.sight is not None
    return judge(report.sight)


# --- the pixel ------------------------------------------------------------------------------------


def test_an_open_is_answered_with_the_image_and_recorded(world: World) -> None:
    answer = world.client.get(path("o"), headers=BROWSER)
    assert (answer.content, answer.headers["content-type"]) == (GIF, "image/gif")
    assert {"no-cache", "no-store", "must-revalidate"} <= set(
        answer.headers["cache-control"].split(", ")
    )
    (report,) = reports(world)
    assert (report.signal, report.message_id) == (Signal.OPENED, MESSAGE)
    assert verdict(report).reader is Reader.HUMAN
    assert (report.tenant_tag, report.suppresses) == (TAG, False)
    assert world.bell.rung == ["ingest"]


@pytest.mark.parametrize(
    "address",
    [
        "/t/o/x.gif",
        path("o", key=b"another key of sixteen bytes"),
        path("o", tag="nobody"),
        path("c").replace("/t/c/", "/t/o/") + ".gif",
    ],
)
def test_a_wrong_token_gets_the_same_image_and_records_nothing(world: World, address: str) -> None:
    answer = world.client.get(address)
    assert (answer.status_code, answer.content) == (200, GIF)
    assert world.box.kept == []


def test_the_image_comes_also_when_nothing_can_be_stored(world: World) -> None:
    world.box.away = True
    assert world.client.get(path("o")).content == GIF
    assert world.counted == ["link.open.lost"]


@pytest.mark.parametrize(
    ("method", "headers", "evidence"),
    [
        ("HEAD", BROWSER, "B4"),
        ("GET", {**BROWSER, "Sec-Purpose": "prefetch;prerender"}, "B4"),
        ("GET", {**BROWSER, "X-Purpose": "preview"}, "B4"),
        ("GET", {"User-Agent": "Mozilla/5.0"}, "B2"),
        ("GET", {"User-Agent": "curl/8.1"}, "B9"),
    ],
)
def test_machine_open_is_not_interest(
    world: World, method: str, headers: dict[str, str], evidence: str
) -> None:
    world.client.request(method, path("o"), headers=headers)
    (report,) = reports(world)
    assert verdict(report).machine
    assert evidence in verdict(report).evidence


def test_two_opens_in_one_second_by_one_client_are_one_fact(world: World) -> None:
    world.client.get(path("o"), headers=BROWSER)
    world.clock.at = world.clock.at.replace(microsecond=999_999)
    world.client.get(path("o"), headers=BROWSER)
    world.clock.at = world.clock.at.replace(second=1)
    world.client.get(path("o"), headers=BROWSER)
    first, second, third = (report.key for report in reports(world))
    assert first == second != third


# --- links ----------------------------------------------------------------------------------------


def test_a_click_leads_to_the_exact_stored_target_and_is_recorded(world: World) -> None:
    answer = world.client.get(path("c"), headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (302, TARGET)
    (report,) = reports(world)
    assert (report.signal, report.url) == (Signal.CLICKED, TARGET)


def test_open_redirect_refused(world: World) -> None:
    """Only stored targets: nothing in the address of a link says where it leads."""
    for address in (
        path("c") + "?url=https://evil.example",
        path("c", number=1),
        "/t/c/https%3A%2F%2Fevil.example",
        path("c", key=b"another key of sixteen bytes"),
    ):
        answer = world.client.get(address)
        assert "evil" not in answer.headers.get("location", "")
        assert answer.status_code in (302, 404)
        assert (answer.status_code == 302) == ("?url=" in address)


@pytest.mark.parametrize("target", ["javascript:alert(1)", "//evil.example", "file:///etc/passwd"])
def test_a_stored_target_that_no_browser_may_open_leads_nowhere(world: World, target: str) -> None:
    world.papers.targets[MESSAGE, 0] = target
    assert world.client.get(path("c")).status_code == 404


def test_a_reader_gets_on_when_the_click_cannot_be_stored(world: World) -> None:
    world.box.away = True
    assert world.client.get(path("c")).headers["location"] == TARGET
    assert world.counted == ["link.click.lost"]


def test_two_links_are_two_clicks(world: World) -> None:
    world.papers.targets[MESSAGE, 1] = "https://example.com/other"
    world.client.get(path("c"), headers=BROWSER)
    world.client.get(path("c", number=1), headers=BROWSER)
    first, second = (report.key for report in reports(world))
    assert first != second


def test_two_links_to_one_place_are_two_clicks(world: World) -> None:
    world.papers.targets[MESSAGE, 1] = TARGET
    world.client.get(path("c"), headers=BROWSER)
    world.client.get(path("c", number=1), headers=BROWSER)
    first, second = (report.key for report in reports(world))
    assert first != second


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_hidden_link_leads_nowhere_and_tells_of_a_machine(world: World, method: str) -> None:
    answer = world.client.request(method, path("c", number=HIDDEN), headers=BROWSER)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "location" not in answer.headers
    (report,) = reports(world)
    assert (report.signal, report.url, verdict(report).machine) == (Signal.CLICKED, None, True)
    assert "B7" in verdict(report).evidence


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_altered_click_token_is_a_plain_404_and_tells_nothing(world: World, method: str) -> None:
    good = path("c")
    for at in range(len("/t/c/"), len(good)):
        altered = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :]
        answer = world.client.request(method, altered)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/plain")
    assert world.box.kept == []


# --- the opt-out ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_unsubscribe_changes_nothing(world: World, method: str) -> None:
    answer = world.client.request(method, path("u"))
    assert answer.status_code == 200
    assert (world.box.kept, world.bans.held) == ([], {})
    if method == "GET":
        assert '<form method="post">' in answer.text
        assert "ada@example.com" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_one_click_post_works_without_session(world: World) -> None:
    answer = world.client.post(path("u"), data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert not {"set-cookie", "location"} & set(answer.headers)
    (ban,) = world.bans.held.values()
    assert (ban.address, ban.family, ban.reason) == ("ada@example.com", "email", "unsubscribed")
    assert ban.cause is not None
    assert (ban.cause.kind, len(ban.cause.id)) == ("link", 36)
    (report,) = reports(world)
    assert (report.signal, report.sight) == (Signal.UNSUBSCRIBED, None)


def test_the_button_does_the_same_and_a_second_press_is_the_same_fact(world: World) -> None:
    world.client.post(path("u"), headers=BROWSER)
    world.clock.at = world.clock.at.replace(hour=13)
    assert world.client.post(path("u")).status_code == 200
    first, second = (report.key for report in reports(world))
    assert first == second


def test_where_the_mail_is_no_longer_kept_the_contacts_address_is_banned(world: World) -> None:
    contact = world.a_contact("bo")
    world.papers.mail.clear()
    world.tables.messages[MESSAGE] = a_message(1, contact_id=contact)
    world.client.post(path("u"))
    assert [ban.address for ban in world.bans.held.values()] == ["bo@example.com"]


def test_an_opt_out_of_somebody_who_was_forgotten_is_still_recorded(world: World) -> None:
    world.papers.mail.clear()
    assert world.client.post(path("u")).status_code == 200
    assert len(reports(world)) == 1


def test_an_opt_out_that_cannot_be_stored_is_asked_for_again(world: World) -> None:
    world.box.away = True
    answer = world.client.post(path("u"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert len(world.bans.held) == 1, "the ban stands although the fact is still to come"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_opt_out_link_is_404_and_changes_nothing(world: World, method: str) -> None:
    answer = world.client.request(method, path("u")[:-2])
    assert answer.status_code == 404
    assert (world.box.kept, world.bans.held) == ([], {})


def test_evidence_that_cannot_be_read_is_a_report_with_a_problem() -> None:
    for raw in (b"", b"{}", b"\xff", b'{"kind":"dance"}'):
        assert LinkReports().translate(raw, tenant=TENANT).problem == "unreadable"


def test_keys_are_of_their_own_tenant_and_message(world: World) -> None:
    world.client.get(path("o"), headers=BROWSER)
    raw = world.box.kept[0][1]
    other = raw.replace(str(MESSAGE).encode(), str(MessageId(a_message(2).id)).encode())
    read = LinkReports().read(raw, tenant=TENANT) + LinkReports().read(other, tenant=TENANT)
    assert read[0].key != read[1].key

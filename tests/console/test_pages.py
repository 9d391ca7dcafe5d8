"""Every page in a browser: it is there, open to everybody, in light and dark, without a script."""

import json
import re

import pytest
from playwright.sync_api import expect

from handlers.access import Role
from tests.console.accessible import barriers
from tests.console.conftest import Open, take
from tests.console.staged import BROKEN, EVIL, HOSTILE, REMOTE, REPLY, Staged

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow]

PAGES = {
    "overview": "/",
    "leads": "/leads",
    "queue": "/queue",
    "accounts": "/accounts",
    "campaigns": "/campaigns",
    "campaign": "/campaigns/{campaign}",
    "variants": "/campaigns/{tried}?on=opens",
    "activity": "/activity",
    "contact-campaign": "/contact-campaigns/{journey}",
    "contact-campaign-before": "/contact-campaigns/{journey}?step=3",
    "message": "/messages/{message}",
    "lead": "/leads?q=lead-0",
    "workbench": "/workbench",
    "audit": "/audit",
    "nothing": "/campaigns/00000000-0000-0000-0000-000000000001",
}
PICTURES = {
    ("overview", "light"),
    ("campaign", "light"),
    ("message", "light"),
    ("accounts", "light"),
    ("contact-campaign", "dark"),
}


def address(name: str, staged: Staged) -> str:
    return PAGES[name].format(
        campaign=staged.campaign.campaign_id,
        tried=staged.tried.campaign_id,
        journey=staged.streams[0],
        message=staged.message,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_keeps_nobody_out(name: str, scheme: str, signed_in: Open, staged: Staged) -> None:
    page = signed_in(address(name, staged), color_scheme=scheme)
    assert barriers(page) == []
    if (name, scheme) in PICTURES:
        take(page, name if scheme == "light" else f"{name}-dark")


@pytest.mark.parametrize("width", [390, 800])
def test_a_narrow_window_needs_no_scrolling_aside(
    width: int, signed_in: Open, staged: Staged
) -> None:
    for name in (
        "overview",
        "queue",
        "campaign",
        "variants",
        "audit",
        "contact-campaign",
        "message",
    ):
        page = signed_in(address(name, staged), viewport={"width": width, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, name
        page.close()


def test_the_form_to_sign_in_keeps_nobody_out_and_leads_on(signed_in: Open, staged: Staged) -> None:
    page = signed_in("/")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{staged.url}/sign-in")
    assert barriers(page) == []
    page.goto("/queue")
    page.get_by_label("Name").fill(staged.names[Role.VIEWER])
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    assert barriers(page) == []
    page.get_by_label("Password").fill("correct horse battery")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{staged.url}/queue")


def test_everything_can_be_read_without_a_script(signed_in: Open, staged: Staged) -> None:
    page = signed_in("/", java_script_enabled=False)
    page.goto(address("contact-campaign", staged))
    expect(page.locator(".timeline li").first).to_be_visible()
    expect(page.locator("time").first).to_have_text(re.compile("UTC$"))
    page.get_by_role("link", name=re.compile("7 Sep 09:00 UTC")).first.click()
    assert "as_of=" in page.url
    expect(page.get_by_role("link", name="Back to now")).to_be_visible()
    page.goto(address("queue", staged))
    page.get_by_label("State").select_option("ACCEPTED")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#queue-list tbody tr").first).to_contain_text("accepted")


def test_times_are_in_the_zone_of_the_viewer_with_that_of_the_contact_beside(
    signed_in: Open, staged: Staged
) -> None:
    page = signed_in(address("contact-campaign", staged))
    first = page.locator(".timeline li").last
    expect(first.locator("time")).to_have_text("Mon 7 Sept, 10:00")  # Lisbon, in summer
    expect(first.locator("time")).to_have_attribute("title", "2026-09-07 09:00:00 UTC")
    expect(first.locator(".there")).to_have_text("Mon 05:00 in New York")


def test_texts_of_plans_and_people_are_shown_and_never_run(signed_in: Open, staged: Staged) -> None:
    hostile = staged.house.message(staged.hostile)
    for path in (
        f"/contact-campaigns/{staged.hostile}",
        f"/messages/{hostile}",
        "/leads",
        "/queue?state=ACCEPTED",
    ):
        page = signed_in(path)
        assert page.title() != "taken"
        assert page.locator("main script").count() == 0
        expect(page.get_by_text(EVIL).first).to_be_attached()
        page.close()
    page = signed_in("/workbench")
    for document in (HOSTILE, BROKEN):
        page.get_by_label("Plan as JSON").fill(json.dumps(document))
        page.get_by_role("button", name="Check, draw, simulate").click()
        expect(page.get_by_role("heading", name="Report")).to_be_visible()
        assert page.locator("main script").count() == 0
        assert barriers(page) == []


def test_a_reply_is_shown_without_its_pictures_and_scripts(signed_in: Open, staged: Staged) -> None:
    page = signed_in(f"/messages/{staged.message}")
    article = page.get_by_role("article")
    expect(article).to_contain_text(EVIL)
    article.get_by_text("As HTML, without pictures").click()
    frame = page.frame_locator("iframe[title='The reply as HTML']")
    expect(frame.locator("b")).to_have_text("please")
    assert frame.locator("img, script").count() == 0
    answer = page.request.get(f"/replies/{REPLY}/html")
    assert REMOTE not in answer.text()
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


def test_a_planner_sees_no_messages_and_no_orders(signed_in: Open, staged: Staged) -> None:
    page = signed_in(address("contact-campaign", staged), role=Role.PLANNER)
    assert page.get_by_role("link", name="why this message").count() == 0
    assert page.locator("details.order").count() == 0
    assert page.get_by_role("link", name="Accounts").count() == 0
    page.goto(f"/messages/{staged.message}")
    expect(page.get_by_role("heading", level=1)).to_have_text("You may not do this")


def test_from_the_first_page_three_things_are_found_in_under_five_clicks(
    signed_in: Open, staged: Staged
) -> None:
    page = signed_in("/")
    page.get_by_role("link", name="Campaigns").click()
    page.get_by_role("link", name="Autumn").click()
    expect(page.get_by_role("heading", name="Funnel")).to_be_visible()  # two clicks
    page.locator("#campaign-people tbody th a").first.click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()  # three
    page.get_by_role("link", name="why this message").first.click()
    expect(page.locator(".answer")).to_be_visible()  # four
    assert str(staged.house.tenant) in page.locator(".who").inner_text()

"""What scripts add in a browser: live parts, keys, dragging through the time of a contact."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import Open, take
from tests.console.staged import Staged

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow]


def live(page: Page) -> None:
    expect(page.locator("#live-state")).to_have_text("live")


def test_what_happens_appears_by_itself(signed_in: Open, staged: Staged) -> None:
    page = signed_in("/activity")
    live(page)
    staged.enrolled(70)
    staged.look()
    expect(page.locator("#activity-feed tbody tr", has_text="Number 70").first).to_be_visible()


def test_a_campaign_that_another_pauses_shows_it_by_itself(signed_in: Open, staged: Staged) -> None:
    row = staged.named("Watched")
    page = signed_in(f"/campaigns/{row.campaign_id}")
    live(page)
    page.wait_for_timeout(1500)  # the stream has looked once
    staged.house.ports.register.set_status(row.campaign_id, "paused")
    expect(page.locator("h1 .badge")).to_have_text("paused")


def test_the_queue_moves_by_itself_and_not_below_an_open_sheet(
    signed_in: Open, staged: Staged
) -> None:
    page = signed_in("/queue")
    live(page)
    sheet = page.locator("#queue-list details.order").first
    sheet.locator("summary").click()
    sheet.get_by_label("Why, for those who read it later").fill("half a sent")
    staged.enrolled(71)
    staged.look()
    expect(page.locator("#queue-lanes.fresh")).to_be_visible()
    expect(sheet.get_by_label("Why, for those who read it later")).to_have_value("half a sent")


def test_dragging_through_time_moves_the_state_and_the_node(
    signed_in: Open, staged: Staged
) -> None:
    page = signed_in(f"/contact-campaigns/{staged.streams[1]}")
    state, drawing = page.locator("#journey-state"), page.locator("#journey-drawing")
    expect(drawing.locator(".here")).to_have_attribute("data-node", "again")
    page.evaluate("window.kept = true")
    page.get_by_label("Time travel").focus()
    page.keyboard.press("Home")
    expect(page.locator("#scrub-told")).to_contain_text("1 of ")
    expect(state).to_contain_text("draft")
    expect(drawing.locator(".here")).to_have_count(0)
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(drawing.locator(".here")).to_have_attribute("data-node", "hello")
    expect(page).to_have_url(re.compile(r"\?step=3$"))
    take(page, "time-travel")
    page.locator(".timeline .at").first.click()
    expect(drawing.locator(".here")).to_have_attribute("data-node", "again")
    assert page.evaluate("window.kept") is True  # no page was loaded


def test_keys_lead_to_pages_to_the_search_and_to_their_list(
    signed_in: Open, staged: Staged
) -> None:
    page = signed_in("/")
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page).to_have_url(f"{staged.url}/leads")
    page.keyboard.press("/")
    expect(page.get_by_label("External id")).to_be_focused()
    page.keyboard.type("lead-2")
    page.keyboard.press("Enter")
    expect(page.locator("#leads-list tbody tr")).to_have_count(1)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()


def test_single_keys_do_nothing_once_they_are_switched_off(signed_in: Open) -> None:
    page = signed_in("/leads")
    page.keyboard.press("?")
    page.get_by_label("Single keys do this").uncheck()
    page.get_by_role("button", name="Close").click()
    page.reload()
    page.keyboard.press("/")
    expect(page.get_by_label("External id")).not_to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()


def test_the_first_key_leads_past_the_navigation_and_shows_where_it_is(
    signed_in: Open,
) -> None:
    page = signed_in("/campaigns")
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to the content")
    expect(link).to_be_focused()
    assert link.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

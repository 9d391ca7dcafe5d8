"""What people order in the console, in a browser: each order does what the API's does."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from domain.lifecycle import Stage
from handlers.access import Role
from tests.console.accessible import barriers
from tests.console.conftest import Open, take
from tests.console.staged import GREETING, Staged

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow]


def order(page: Page | Locator, name: str, reason: str = "as agreed") -> None:
    """Open the sheet of an order, say why, and give it."""
    details = page.locator(f"details.order:has(> summary:text-is('{name}'))").first
    details.locator("summary").click()
    details.get_by_label("Why, for those who read it later").fill(reason)
    details.get_by_role("button", name=name).click()


def told(page: Page) -> Locator:
    return page.locator(".flash")


def status(staged: Staged, campaign: object) -> str:
    found = staged.house.ports.register.campaign(campaign)
    assert found is not None
    return found.status


def test_a_campaign_is_launched_paused_resumed_and_stopped(signed_in: Open, staged: Staged) -> None:
    row = staged.named("Spring", status="draft")
    page = signed_in(f"/campaigns/{row.campaign_id}", role=Role.AGENT)
    for name, after in (
        ("Launch", "active"),
        ("Pause", "paused"),
        ("Resume", "active"),
        ("Stop", "stopped"),
    ):
        order(page, name)
        expect(told(page)).to_be_visible()
        expect(page.locator("h1 .badge")).to_have_text(after)
        assert status(staged, row.campaign_id) == after
    assert page.locator("details.order").count() == 0
    notes = staged.house.ports.vault.noted([row.campaign_id], 10)
    assert [one.text for one in notes] == ["as agreed"] * 4


def test_one_order_goes_to_many_campaigns_and_passes_over_those_that_cannot_take_it(
    signed_in: Open, staged: Staged
) -> None:
    rows = [
        staged.named(f"Many {number}", status)
        for number, status in enumerate(("active", "active", "draft"))
    ]
    page = signed_in("/campaigns")
    page.get_by_role("button", name="Pause").click()
    expect(told(page)).to_contain_text("Nothing was chosen")
    for row in rows:
        page.get_by_label(f"Choose {row.name}").check()
    page.get_by_label("Why, for those who read it later").fill("all hands")
    page.get_by_role("button", name="Pause").click()
    expect(told(page)).to_contain_text("Campaigns changed: 2")
    assert [status(staged, row.campaign_id) for row in rows] == ["paused", "paused", "draft"]


def test_a_message_is_held_released_and_skipped(signed_in: Open, staged: Staged) -> None:
    stream = staged.enrolled(60)
    staged.look()
    message = staged.house.message(stream)
    page = signed_in(f"/messages/{message}", role=Role.AGENT)
    order(page, "Hold", "wait for the lawyer")
    expect(told(page)).to_have_text("The message is held.")
    expect(page.locator(".answer")).to_contain_text("until somebody lets it go")
    expect(page.get_by_text("wait for the lawyer")).to_be_visible()
    order(page, "Release")
    expect(told(page)).to_have_text("The message is released.")
    order(page, "Skip")
    expect(told(page)).to_contain_text("skipped")
    expect(page.locator("h1 .badge")).to_have_text("cancelled")
    page.goto("/queue")
    assert page.locator("#queue-list", has_text="Number 60").count() == 0


def test_a_message_is_held_for_some_hours_from_the_queue(signed_in: Open, staged: Staged) -> None:
    stream = staged.enrolled(61)
    page = signed_in("/queue")
    row = page.locator("#queue-list tr", has_text="Number 61")

    sheet = row.locator("details.order:has(> summary:text-is('Hold'))")
    sheet.locator("summary").click()
    assert barriers(page) == []
    take(page, "queue-hold")
    sheet.get_by_label("Why, for those who read it later").fill("after lunch")
    sheet.get_by_label("Hours").fill("5")
    sheet.get_by_role("button", name="Hold").click()
    expect(told(page)).to_have_text("The message is held.")
    waiting = staged.house.state(stream).messages[staged.house.message(stream)]
    assert (waiting.due_at - staged.house.clock.now()).total_seconds() == 5 * 3600


def test_all_sending_is_paused_by_an_agent_and_resumed_by_an_admin_only(
    signed_in: Open, staged: Staged
) -> None:
    page = signed_in("/queue", role=Role.AGENT)
    order(page, "Pause all sending")
    expect(page.get_by_text("All sending is paused")).to_be_visible()
    assert page.get_by_text("Resume all sending").count() == 0
    admin = signed_in("/")
    expect(admin.locator(".alerts .grave")).to_contain_text("All sending is paused")

    admin.goto("/queue")
    order(admin, "Resume all sending")
    expect(told(admin)).to_be_visible()
    assert staged.house.ports.accounts.rules().paused == ""
    admin.goto("/audit")
    expect(admin.locator("tbody tr").first).to_contain_text(staged.names[Role.ADMIN])
    expect(admin.locator("tbody tr").nth(1)).to_contain_text("as agreed")


def test_a_sender_is_paused_and_resumed(signed_in: Open) -> None:
    page = signed_in("/accounts")
    order(page, "Pause")
    expect(page.locator(".panel .badge").first).to_have_text("paused")
    order(page, "Resume")
    expect(page.locator(".panel .badge").first).to_have_text("sends")


def test_a_lane_is_paused_and_resumed_from_the_queue(signed_in: Open, staged: Staged) -> None:
    staged.enrolled(63)
    page = signed_in("/queue")
    lane = page.locator("#queue-lanes tr", has_text="sam")
    order(lane, "Pause lane")
    expect(page).to_have_url(re.compile("/queue"))
    expect(lane.locator(".badge")).to_have_text("paused")
    order(lane, "Resume lane")
    expect(lane.locator(".badge")).to_have_count(0)


def test_a_contact_campaign_is_paused_resumed_and_stopped(signed_in: Open, staged: Staged) -> None:
    stream = staged.enrolled(62)
    page = signed_in(f"/contact-campaigns/{stream}")
    for name, stage in (
        ("Pause", Stage.PAUSED),
        ("Resume", Stage.ACTIVE),
        ("Stop", Stage.EXITED),
    ):
        order(page, name)
        expect(told(page)).to_be_visible()
        assert staged.house.state(stream).stage == stage
    last = page.locator(".timeline li").first
    expect(last).to_contain_text("ended: cancelled")
    expect(last).to_contain_text(f"by {staged.names[Role.ADMIN]}")


def test_who_is_too_late_is_told_so_and_changes_nothing(signed_in: Open, staged: Staged) -> None:
    row = staged.named("Contested")
    one, two = (signed_in(f"/campaigns/{row.campaign_id}") for _ in range(2))
    order(one, "Stop")
    expect(one.locator("h1 .badge")).to_have_text("stopped")
    order(two, "Pause")
    expect(two.get_by_role("heading", level=1)).to_have_text("Somebody was faster")
    expect(two.get_by_text("A stopped campaign takes no pause")).to_be_visible()
    assert barriers(two) == []
    assert status(staged, row.campaign_id) == "stopped"


def test_a_history_is_run_against_another_plan(signed_in: Open, staged: Staged) -> None:
    page = signed_in(f"/contact-campaigns/{staged.streams[1]}")
    field = page.get_by_role("textbox", name="Plan", exact=True)
    document = json.loads(field.input_value())
    document["nodes"][0]["transitions"][1]["after"] = "P1D"
    field.fill(json.dumps(document))
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="What would have happened")).to_be_visible()
    expect(page.locator(".parted").first).to_be_visible()
    assert barriers(page) == []
    document["nodes"][0]["transitions"][0]["to"] = "nowhere"
    page.get_by_role("textbox", name="Plan", exact=True).fill(json.dumps(document))
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("alert")).to_contain_text("refused")


def test_a_broken_plan_is_mended_by_the_patch_of_its_report(
    signed_in: Open,
) -> None:
    broken = json.loads(json.dumps(GREETING))
    broken["nodes"][0]["transitions"][0]["to"] = "ende"
    page = signed_in("/workbench", role=Role.PLANNER)
    page.get_by_label("Plan as JSON").fill(json.dumps(broken))
    page.get_by_role("button", name="Check, draw, simulate").click()
    expect(page.locator("h2 .badge")).to_have_text("refused")
    assert barriers(page) == []
    take(page, "workbench-refused")
    page.get_by_role("button", name="Apply this mend").first.click()
    expect(page.locator("h2 .badge")).to_have_text("accepted")
    expect(page.get_by_role("heading", name="Simulation")).to_be_visible()
    assert '"to": "end"' in page.get_by_label("Plan as JSON").input_value()
    take(page, "workbench")


def test_text_that_is_no_plan_is_told_as_a_report(signed_in: Open) -> None:
    page = signed_in("/workbench")
    page.get_by_label("Plan as JSON").fill("{ not json")
    page.get_by_role("button", name="Check, draw, simulate").click()
    expect(page.locator(".issues")).to_contain_text(re.compile("not JSON"))


def test_a_list_with_nothing_in_it_says_what_would_fill_it(signed_in: Open) -> None:
    page = signed_in("/activity?kind=nothing.such")
    expect(page.locator(".empty")).to_contain_text("Activity appears here")

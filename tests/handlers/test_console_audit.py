"""The page of what administrators did: in lines, some at a time, for auditors."""

import re
from typing import Any
from uuid import UUID

from domain.acts import Act, ActFailed, ActOrdered, SigningKeyListed
from handlers.access import Role
from handlers.web.console.audit import ON_A_PAGE
from tests.handlers.console_fakes import Console
from tests.handlers.web_fakes import NOON

REQUEST = UUID(int=9)


def ordered(console: Console, act: Act, subject: str = "", **given: Any) -> int:
    fact = ActOrdered(act=act, subject=subject, at=NOON, **given)
    return console.acts.record(fact, actor="u_agent", request=REQUEST)


def lines(text: str) -> list[str]:
    """The rows of acts, each in one line without its marks."""
    body = text.partition('<table id="acts">')[2].partition("</table>")[0]
    rows = body.partition("<tbody>")[2].split("<tr>")[1:]
    return [" ".join(re.sub("<[^>]+>", " ", row).split()) for row in rows]


def test_an_act_is_told_with_who_what_about_and_what_changed() -> None:
    console = Console()
    ordered(console, Act.KEY_ADD, "k7", before={"role": "agent"}, after={"role": "viewer"})
    ordered(console, Act.SENDER_PAUSE, "sam", reasoned=True)
    listed = SigningKeyListed(key_id="abcd", public_key="00", at=NOON)
    console.acts.record(listed, actor="ticker", request=REQUEST)
    key, pause, added = lines(console.visit("/audit").text)
    assert re.match(r"3 .* ticker signing key listed abcd", key)
    assert re.match(r"2 .* agent sender: pause sam noted with it", pause)
    assert re.match(r"1 .* agent key: add k7 role agent → viewer", added)


def test_an_order_that_failed_is_one_line_with_its_failure() -> None:
    console = Console()
    version = ordered(console, Act.CAMPAIGN_PAUSE, "x")
    ordered(console, Act.KEY_ADD, "k7")
    failed = ActFailed(ordered=version, code="out_of_step", at=NOON)
    console.acts.record(failed, actor="u_agent", request=REQUEST)
    added, failed_one = lines(console.visit("/audit").text)
    assert "failed" not in added
    assert "campaign: pause failed out of step" in failed_one


def test_what_the_console_itself_orders_is_there_with_its_reason() -> None:
    console = Console()
    row = console.a_campaign(status="active")
    console.send(f"/campaigns/{row.campaign_id}/pause", {"reason": "as agreed"}, role="agent")
    text = console.visit("/audit", role="viewer").text
    (line,) = lines(text)
    assert "agent campaign: pause" in line
    assert f'href="/campaigns/{row.campaign_id}"' in text


def test_a_long_log_is_shown_some_acts_at_a_time() -> None:
    console = Console()
    for number in range(ON_A_PAGE + 3):
        ordered(console, Act.KEY_ADD, f"k{number}")
    first = console.visit("/audit").text
    found = re.search(r'rel="next" href="\?(cursor=[^"]+)"', first)
    assert found is not None
    second = console.visit(f"/audit?{found[1]}").text
    numbers = [int(line.split()[0]) for line in lines(first) + lines(second)]
    assert numbers == list(range(ON_A_PAGE + 3, 0, -1))
    assert 'rel="next"' not in second
    assert console.visit("/audit?cursor=x").status_code == 400


def test_only_those_who_may_read_acts_are_led_to_them() -> None:
    console = Console()
    for role in Role:
        led = 'href="/audit"' in console.visit("/campaigns", role=role).text
        assert (
            led
            == (console.visit("/audit", role=role).status_code == 200)
            == (role in (Role.ADMIN, Role.VIEWER))
        )

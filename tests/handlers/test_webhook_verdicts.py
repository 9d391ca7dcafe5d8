"""Who is behind an open or a click: each rule by itself, at its edges, and against the others."""

from datetime import timedelta
from ipaddress import ip_address
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.taxonomy import Signal
from handlers.ports import Sight
from handlers.webhooks.networks import is_security_network, read_networks, security_networks
from handlers.webhooks.verdicts import (
    DEFAULT_RULES,
    EVIDENCE_RULES,
    History,
    Reader,
    Thresholds,
    judge,
)
from tests.handlers.web_fakes import NOON

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/129.0 Safari/537.36"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
HOME, OFFICE = "198.51.100.7", "198.51.100.8"
PROOFPOINT = "148.163.149.1"
OPENED, CLICKED = Signal.OPENED, Signal.CLICKED


def sight(signal: Signal = CLICKED, after_s: float = 0.0, **fields: Any) -> Sight:
    """An open or a click so many seconds after noon, from home, by a browser."""
    given = {"useragent": CHROME, "ip": HOME} | fields
    return Sight(signal=signal, at=NOON + timedelta(seconds=after_s), **given)


def delivered(after_s: float, *sights: Sight) -> History:
    return History(delivered_at=NOON + timedelta(seconds=after_s), sights=sights)


SIGHTS = [
    (sight(OPENED, flagged=True), Reader.MACHINE, "2:B1"),
    (sight(OPENED, useragent="Mozilla/5.0"), Reader.MACHINE, "2:B2"),
    (sight(OPENED, useragent="Mozilla/5.0", flagged=True), Reader.MACHINE, "2:B1,B2"),
    (sight(OPENED, useragent=GMAIL), Reader.UNKNOWN, "2:B3"),
    (sight(OPENED, useragent="YahooMailProxy; https://help.yahoo.com"), Reader.UNKNOWN, "2:B3"),
    (sight(OPENED, useragent=GMAIL, flagged=True), Reader.MACHINE, "2:B1,B3"),
    (sight(method="HEAD"), Reader.MACHINE, "2:B4"),
    (sight(prefetch=True), Reader.MACHINE, "2:B4"),
    (sight(hidden=True), Reader.MACHINE, "2:B7"),
    (sight(ip=PROOFPOINT), Reader.MACHINE, "2:B8"),
    (sight(useragent="python-requests/2.32"), Reader.MACHINE, "2:B9"),
    (sight(useragent="LinkedInBot/1.0"), Reader.MACHINE, "2:B9"),
    (sight(OPENED, useragent="Mozilla/5.0 (Linux; CUBOT X18)"), Reader.HUMAN, "2:B11"),
    (sight(), Reader.UNKNOWN, "2:"),
    (sight(OPENED), Reader.HUMAN, "2:B11"),
    (Sight(signal=OPENED), Reader.HUMAN, "2:B11"),
]


@pytest.mark.parametrize(("seen", "reader", "evidence"), SIGHTS)
def test_each_rule_gives_its_verdict_and_names_itself(
    seen: Sight, reader: Reader, evidence: str
) -> None:
    verdict = judge(seen)
    assert (verdict.reader, verdict.evidence) == (reader, evidence)
    assert verdict.machine == (reader is Reader.MACHINE)


def test_the_table_has_every_rule_once() -> None:
    codes = [rule.code for rule in (*EVIDENCE_RULES, *DEFAULT_RULES)]
    assert codes == [f"B{number}" for number in range(1, 12)]


# --- B5 and B10: how soon -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after_s", "reader", "evidence"),
    [
        (-3.0, Reader.MACHINE, "2:B5"),
        (0.0, Reader.MACHINE, "2:B5"),
        (1.9, Reader.MACHINE, "2:B5"),
        (2.0, Reader.UNKNOWN, "2:"),
        (30.0, Reader.UNKNOWN, "2:"),
        (30.1, Reader.HUMAN, "2:B10"),
    ],
)
def test_how_soon_after_its_delivery_a_link_was_clicked(
    after_s: float, reader: Reader, evidence: str
) -> None:
    verdict = judge(sight(after_s=after_s), delivered(0))
    assert (verdict.reader, verdict.evidence) == (reader, evidence)


def test_where_the_delivery_is_not_known_the_sending_counts_but_proves_no_leisure() -> None:
    sent = History(sent_at=NOON)
    assert judge(sight(after_s=1.9), sent).evidence == "2:B5"
    assert judge(sight(after_s=99), sent).evidence == "2:"


def test_a_delivery_that_is_told_late_makes_a_click_a_machine_s() -> None:
    early = sight(after_s=11)
    assert judge(early, History(sent_at=NOON)).reader is Reader.UNKNOWN
    known = History(sent_at=NOON, delivered_at=NOON + timedelta(seconds=10))
    assert judge(early, known).evidence == "2:B5"


def test_an_open_just_after_its_delivery_is_no_evidence() -> None:
    assert judge(sight(OPENED), delivered(0)).evidence == "2:B11"


@pytest.mark.parametrize(("after_s", "evidence"), [(1.9, "2:"), (2.0, "2:B10")])
def test_a_click_some_seconds_after_an_open_is_a_person_s(after_s: float, evidence: str) -> None:
    opened = sight(OPENED, 0)
    assert judge(sight(after_s=after_s), History(sights=[opened])).evidence == evidence


def test_an_open_and_a_click_in_one_instant_are_no_evidence() -> None:
    both = [sight(OPENED, 40), sight(CLICKED, 40)]
    assert [judge(one, delivered(0, *both)).reader for one in both] == [Reader.HUMAN] * 2


# --- B6: bursts -----------------------------------------------------------------------------------


def burst(*instants: float, ip: str = HOME) -> list[Sight]:
    return [sight(after_s=at, link=str(number), ip=ip) for number, at in enumerate(instants)]


def evidence_of(sights: list[Sight]) -> list[str]:
    return [judge(one, delivered(-60, *sights)).evidence for one in sights]


@pytest.mark.parametrize(
    ("instants", "machines"),
    [
        ((0, 1, 2), 3),
        ((0, 2.5, 5.0), 3),
        ((0, 2.5, 5.1), 0),
        ((0, 1), 0),
        ((0, 4, 5, 9), 4),
        ((0, 60, 61, 62), 3),
        ((0, 3, 6, 9, 12), 0),
    ],
)
def test_three_links_in_five_seconds_from_one_address_are_all_a_machine_s(
    instants: tuple[float, ...], machines: int
) -> None:
    assert evidence_of(burst(*instants)).count("2:B6") == machines


def test_a_burst_is_of_distinct_links_from_one_known_address() -> None:
    same = [sight(after_s=at, link="0") for at in (0, 1, 2, 3)]
    apart = [*burst(0, 1), *burst(2, ip=OFFICE)]
    unknown = burst(0, 1, 2, ip="")
    opens = [replace(one, signal=OPENED) for one in burst(0, 1, 2)]
    for sights in (same, apart, unknown, opens):
        assert "2:B6" not in evidence_of(sights)


def test_verdicts_do_not_depend_on_the_order_of_what_is_known() -> None:
    sights = [*burst(0, 1, 2), sight(OPENED, 3), sight(after_s=90, link="9")]
    expected = [judge(one, delivered(-60, *sights)) for one in sights]
    for known in permutations(sights):
        assert [judge(one, delivered(-60, *known)) for one in sights] == expected


# --- B7 and B8: traps and networks ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("after_s", "ip", "evidence"),
    [
        (60.0, HOME, "2:B7"),
        (-60.0, HOME, "2:B7"),
        (60.1, HOME, "2:B10"),
        (10.0, OFFICE, "2:B10"),
    ],
)
def test_what_comes_from_the_address_that_found_the_hidden_link_is_a_machine_s(
    after_s: float, ip: str, evidence: str
) -> None:
    trapped = sight(hidden=True)
    assert judge(sight(after_s=after_s, ip=ip), delivered(-999, trapped)).evidence == evidence
    assert judge(sight(OPENED, 59), History(sights=[trapped])).evidence == "2:B7"


def test_a_reply_shows_that_a_person_reads_behind_a_security_network() -> None:
    seen = sight(after_s=0, ip=PROOFPOINT)
    before, after = (NOON + timedelta(minutes=by) for by in (-1, 1))
    for replied_at, evidence in ((before, "2:B8"), (after, "2:B10")):
        known = History(delivered_at=NOON - timedelta(hours=1), replied_at=replied_at)
        assert judge(seen, known).evidence == evidence


def test_thresholds_are_settings() -> None:
    seen = sight(after_s=4, link="0")
    known = delivered(0, seen, sight(after_s=5, link="1"))
    assert judge(seen, known).evidence == "2:"
    own = Thresholds(after_delivery_s_min=4.5)
    assert judge(seen, known, own).evidence == "2:B5"
    assert judge(seen, known, Thresholds(burst_links_min=2)).evidence == "2:B6"
    assert judge(seen, known, Thresholds(leisure_after_delivery_s=3.0)).evidence == "2:B10"


def test_the_list_of_networks_is_dated_and_has_no_cloud_that_anybody_rents() -> None:
    assert security_networks().dated == "2026-11-21"
    for inside in ("67.231.144.0", "67.231.159.255", "::ffff:67.231.150.1", "2405:8100:c400::1"):
        assert is_security_network(inside)
    for outside in ("67.231.143.255", "67.231.160.0", "3.4.5.6", "34.100.0.1", HOME, "", "x", "::"):
        assert not is_security_network(outside)


@given(st.ip_addresses(v=4))
def test_networks_that_touch_or_overlap_are_searched_as_what_they_cover(found: Any) -> None:
    lines = ["# dated: today", "10.0.0.0/8", "10.1.0.0/16 # inside", "11.0.0.0/8", "200.0.0.0/5"]
    networks = read_networks(lines)
    first = int(found) >> 24
    assert networks.have(str(found)) == (first in (10, 11) or 200 <= first < 208)
    assert networks.have(str(ip_address("10.1.2.3")))

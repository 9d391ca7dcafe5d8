from collections import Counter

import pytest

from infra.sandbox.persons import FORCED, RELAY_AGENT, Kind, behaviour

MANY = 5000


def kinds(address: str, ordinal: int = 1, links: int = 2) -> list[Kind]:
    return [reaction.kind for reaction in behaviour(7, address, ordinal, links=links)]


def test_a_person_does_the_same_in_each_run_of_a_seed() -> None:
    for number in range(200):
        address = f"person{number}@example.com"
        assert behaviour(7, address, 1) == behaviour(7, address, 1)


def test_case_and_blanks_make_no_other_person() -> None:
    assert behaviour(7, " Ann@Example.COM ", 1) == behaviour(7, "ann@example.com", 1)


def test_another_seed_makes_other_people() -> None:
    addresses = [f"person{number}@example.com" for number in range(50)]
    assert [behaviour(7, a, 1) for a in addresses] != [behaviour(8, a, 1) for a in addresses]


def test_people_act_at_the_default_rates() -> None:
    first = Counter[Kind]()
    ever = Counter[Kind]()
    for number in range(MANY):
        mails = [kinds(f"person{number}@example.com", ordinal) for ordinal in (1, 2, 3)]
        first.update(set(mails[0]))
        ever.update(set().union(*mails))
    share = {kind: count / MANY for kind, count in first.items()}
    assert share[Kind.DELIVERED] == pytest.approx(0.96, abs=0.01)
    assert share[Kind.BOUNCED] + share[Kind.BOUNCED_LATE] == pytest.approx(0.02, abs=0.006)
    assert share[Kind.OPENED] / share[Kind.DELIVERED] == pytest.approx(0.48, abs=0.03)
    assert share[Kind.CLICKED] / share[Kind.OPENED] == pytest.approx(0.25, abs=0.03)
    assert share[Kind.MACHINE_OPENED] == pytest.approx(0.15, abs=0.02)
    assert share[Kind.AWAY] == pytest.approx(0.03, abs=0.01)
    assert ever[Kind.REPLIED] / MANY == pytest.approx(0.11, abs=0.015)
    assert ever[Kind.UNSUBSCRIBED] / MANY == pytest.approx(0.015, abs=0.006)
    assert 0 < ever[Kind.COMPLAINED] / MANY < 0.006


def test_a_person_answers_once_in_all_mails() -> None:
    answers = {Kind.REPLIED, Kind.UNSUBSCRIBED, Kind.COMPLAINED}
    for number in range(500):
        mails = [kinds(f"person{number}@example.com", ordinal) for ordinal in range(1, 6)]
        assert sum(kind in answers for mail in mails for kind in mail) <= 1


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("bounce", {Kind.BOUNCED}),
        ("block", {Kind.BLOCKED}),
        ("latebounce", {Kind.DELIVERED, Kind.BOUNCED_LATE}),
        ("defer", {Kind.DEFERRED, Kind.DELIVERED}),
        ("silent", {Kind.DELIVERED}),
        ("open", {Kind.DELIVERED, Kind.OPENED}),
        ("click", {Kind.DELIVERED, Kind.OPENED, Kind.CLICKED}),
        ("reply", {Kind.DELIVERED, Kind.OPENED, Kind.REPLIED}),
        ("ooo", {Kind.DELIVERED, Kind.AWAY}),
        ("unsub", {Kind.DELIVERED, Kind.OPENED, Kind.UNSUBSCRIBED}),
        ("spam", {Kind.DELIVERED, Kind.OPENED, Kind.COMPLAINED}),
        ("machine", {Kind.DELIVERED, Kind.MACHINE_OPENED}),
        ("scanner", {Kind.DELIVERED, Kind.MACHINE_CLICKED}),
    ],
)
def test_a_word_before_the_plus_forces_a_conduct(word: str, expected: set[Kind]) -> None:
    assert word in FORCED
    for number in range(20):
        found = kinds(f"{word}+{number}@example.com", ordinal=1 + number % 3)
        assert set(found) == {Kind.PROCESSED, *expected}


def test_a_word_without_a_plus_forces_nothing() -> None:
    assert kinds("bounce@example.com") != kinds("bounce+@example.com")


def test_reactions_come_in_order_and_nobody_reads_what_has_not_arrived() -> None:
    for number in range(500):
        reactions = behaviour(7, f"person{number}@example.com", 1, links=3)
        delays = [reaction.delay_s for reaction in reactions]
        assert delays == sorted(delays)
        arrival = [r.delay_s for r in reactions if r.kind is Kind.DELIVERED]
        reading = [r.delay_s for r in reactions if r.agent or r.kind is Kind.AWAY]
        assert not reading or min(reading) > arrival[0]


def test_a_click_comes_at_least_ten_seconds_after_the_open() -> None:
    for number in range(50):
        times = {
            reaction.kind: reaction.delay_s
            for reaction in reversed(behaviour(7, f"click+{number}@example.com", 1))
        }
        assert times[Kind.CLICKED] - times[Kind.OPENED] >= 10


def test_nobody_clicks_where_there_is_no_link() -> None:
    for address in ("click+a@example.com", "scanner+a@example.com"):
        assert not {Kind.CLICKED, Kind.MACHINE_CLICKED} & set(kinds(address, links=0))


def test_a_scanner_follows_every_link_within_two_seconds() -> None:
    reactions = behaviour(7, "scanner+a@example.com", 1, links=4)
    arrived = next(r.delay_s for r in reactions if r.kind is Kind.DELIVERED)
    clicks = [r for r in reactions if r.kind is Kind.MACHINE_CLICKED]
    assert [click.choice for click in clicks] == [0, 1, 2, 3]
    assert all(click.delay_s - arrived < 2 for click in clicks)


def test_a_privacy_relay_says_nothing_but_mozilla() -> None:
    opens = [r for r in behaviour(7, "machine+a@example.com", 1) if r.agent]
    assert [one.agent for one in opens] == [RELAY_AGENT] == ["Mozilla/5.0"]

"""Answers of providers counted by sender: circuits open and close, in one transaction each."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from domain import accounts
from domain.accounts import AnswerCounts, ClosedBy
from domain.events import topic_of
from domain.ids import TenantId
from infra.accounts import SqlSenderAccounts
from infra.tenancy import Database
from tests.infra.accounts_kept import Kept

pytestmark = pytest.mark.postgres

COUNTED = "SELECT sum(ambiguous)::integer, sum(not_sent)::integer FROM {s}.circuit_answers"
CIRCUIT = """
SELECT circuit, circuit_opens, circuit_needs_operator FROM {s}.sender_accounts WHERE sender = %(n)s
"""


@pytest.fixture
def kept(database: Database, tenant: TenantId) -> Kept:
    kept = Kept(database, tenant)
    kept.add("sam", "jo")
    return kept


def hear(kept: Kept, sender: str = "sam", **counts: int) -> list[str]:
    heard = {sender: AnswerCounts(**counts)}
    done = kept.book.heard(heard, kept.clock.now(), 0.0)
    return [topic_of(fact) for facts in done.values() for fact in facts]


def test_answers_that_are_as_they_should_be_write_nothing(kept: Kept) -> None:
    assert hear(kept, accepted=50, refused=3) == []
    assert kept.rows("SELECT count(*) FROM {s}.circuit_answers") == [(0,)]


def test_five_doubts_within_a_minute_open_the_circuit_of_that_sender(kept: Kept) -> None:
    for _ in range(4):
        kept.clock.advance(timedelta(seconds=14))
        assert hear(kept, ambiguous=1, accepted=9) == []
    assert hear(kept, ambiguous=1) == ["circuit_opened"]
    assert kept.rows(CIRCUIT, n="sam") == [("open", 1, False)]
    assert kept.rows(CIRCUIT, n="jo") == [("closed", 0, False)]


def test_doubts_of_more_than_a_minute_are_forgotten(kept: Kept) -> None:
    hear(kept, ambiguous=4)
    kept.clock.advance(timedelta(seconds=62))
    assert hear(kept, ambiguous=4) == []
    assert kept.rows(COUNTED) == [(4, 0)]


def test_a_clock_that_is_set_back_forgets_no_doubt(kept: Kept) -> None:
    now = kept.clock.now()
    kept.book.heard({"sam": AnswerCounts(ambiguous=4)}, now, 0.0)
    done = kept.book.heard({"sam": AnswerCounts(ambiguous=1)}, now - timedelta(hours=1), 0.0)
    assert [topic_of(fact) for fact in done["sam"]] == ["circuit_opened"]


def test_doubts_of_one_sender_do_not_count_for_another(kept: Kept) -> None:
    assert hear(kept, "sam", ambiguous=4) == []
    assert hear(kept, "jo", ambiguous=4) == []


def test_a_turn_begins_the_count_anew(kept: Kept) -> None:
    hear(kept, not_sent=10)
    assert kept.rows("SELECT count(*) FROM {s}.circuit_answers") == [(0,)]
    kept.clock.advance(timedelta(seconds=30))
    assert hear(kept, accepted=1) == ["circuit_closed"]
    assert hear(kept, not_sent=9) == []


def test_a_probe_that_fails_opens_it_for_longer(kept: Kept) -> None:
    hear(kept, ambiguous=5)
    assert hear(kept, accepted=45) == []
    kept.clock.advance(timedelta(seconds=30))
    assert hear(kept, ambiguous=1) == ["circuit_opened"]
    kept.clock.advance(timedelta(seconds=59))
    assert hear(kept, accepted=1) == []
    kept.clock.advance(timedelta(seconds=1))
    assert hear(kept, refused=1) == ["circuit_closed"]


def test_refused_credentials_open_it_at_once_until_somebody_has_looked(kept: Kept) -> None:
    assert hear(kept, account_refused=1) == ["circuit_opened"]
    assert kept.rows(CIRCUIT, n="sam") == [("open", 1, True)]
    kept.clock.advance(timedelta(days=1))
    assert hear(kept, accepted=1) == []
    assert kept.order("sam", accounts.close_circuit, by=ClosedBy.OPERATOR) == ["circuit_closed"]


def test_answers_for_nobody_we_know_are_no_news(kept: Kept) -> None:
    assert hear(kept, "nobody", account_refused=1) == []


def test_many_workers_that_hear_at_once_open_it_once(kept: Kept) -> None:
    books: list[SqlSenderAccounts] = [kept.another_book() for _ in range(4)]
    now = kept.clock.now()

    def told(book: SqlSenderAccounts) -> int:
        counts = {"sam": AnswerCounts(ambiguous=3), "jo": AnswerCounts(not_sent=3)}
        return sum(map(len, book.heard(counts, now, 0.5).values()))

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(told, books)) == 2
    assert kept.topics("sam")[2:] == kept.topics("jo")[2:] == ["circuit_opened"]

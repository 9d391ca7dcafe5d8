"""Sender accounts on PostgreSQL: facts and rows in one transaction, once, by several writers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from msgspec.structs import replace

from domain import accounts
from domain.accounts import (
    AccountSettings,
    AccountUnknown,
    Caps,
    Counts,
    PauseReason,
    Profile,
    Rules,
    SettingRefused,
    VerifiedBy,
)
from domain.events import topic_of
from domain.ids import TenantId
from domain.taxonomy import CapName
from handlers.ports.accounts import CapNote
from infra.accounts import log as account_log
from infra.invariants.accounts import AccountsKept
from infra.invariants.snapshot import Snapshot
from infra.statements import transaction
from infra.tenancy import Database
from projections.sender_accounts import account_changes
from tests.infra.accounts_kept import T0, WHY, Kept

pytestmark = pytest.mark.postgres

SHOWN = """
SELECT verified, paused, health, circuit, deleted FROM {s}.sender_accounts WHERE sender = %(n)s
"""


@pytest.fixture
def kept(database: Database, tenant: TenantId) -> Kept:
    return Kept(database, tenant)


def test_an_order_writes_facts_and_row_and_given_twice_nothing(kept: Kept) -> None:
    kept.add("sam", profile=Profile.MAILBOX, day_max=40)
    assert kept.order("sam", accounts.verify, by=VerifiedBy.OPERATOR) == []
    assert kept.topics("sam") == ["sender_registered", "sender_verified"]
    assert kept.rows(SHOWN, n="sam") == [(True, None, 100, "closed", False)]
    (row,) = kept.book.rows()
    assert row.caps(kept.book.rules()) == Caps(20, 1_000, 40)


def test_the_log_has_cause_and_actor_and_the_vault_the_words(kept: Kept) -> None:
    kept.add("sam")
    why = replace(WHY, note="Dana asked us to wait")
    pause = kept.bound(accounts.pause, reason=PauseReason.OPERATOR)
    kept.book.order("sam", pause, why)
    kept.book.order("sam", pause, why)
    paused = kept.book.history("sam")[-1]
    assert (paused.actor, paused.cause.id, paused.at) == ("key-7", "order-1", T0)
    assert kept.rows("SELECT text, subject_id FROM {s}.notes") == [
        ("Dana asked us to wait", paused.stream)
    ]
    states = kept.rows("SELECT convert_from(state, 'utf8') FROM {s}.account_events")
    assert not any("Dana" in state for (state,) in states)


def test_nobody_changes_what_is_in_the_log(kept: Kept) -> None:
    kept.add("sam")
    for text in (
        "UPDATE {s}.account_events SET topic = 'x'",
        "DELETE FROM {s}.account_events",
        "TRUNCATE {s}.account_events",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            kept.run(text)


def test_a_sender_that_nobody_knows_takes_no_order(kept: Kept) -> None:
    with pytest.raises(AccountUnknown):
        kept.order("nobody", accounts.pause, reason=PauseReason.OPERATOR)
    assert kept.topics("nobody") == []


def test_a_sender_of_an_earlier_release_is_adopted_by_the_first_order(kept: Kept) -> None:
    kept.identity("sam", verified=True, paused=True)
    assert kept.book.rows() == []
    assert kept.order("sam", accounts.unverify, by=VerifiedBy.PROVIDER) == [
        "sender_registered",
        "sender_verified",
        "sender_paused",
        "sender_unverified",
    ]


def test_all_senders_of_an_earlier_release_are_adopted_once(kept: Kept) -> None:
    kept.identity("sam")
    kept.identity("jo", verified=False)
    assert (kept.book.adopt(), kept.book.adopt()) == (2, 0)
    assert [(row.sender, row.verified) for row in kept.book.rows()] == [
        ("jo", False),
        ("sam", True),
    ]


def test_an_identity_shows_what_its_account_came_to(kept: Kept) -> None:
    kept.identity("sam")
    kept.order("sam", accounts.pause, reason=PauseReason.COMPLAINTS)
    kept.order("sam", accounts.unverify, by=VerifiedBy.PROVIDER)
    assert kept.rows("SELECT verified, paused FROM {s}.senders") == [(False, True)]


def test_two_writers_at_once_both_write(kept: Kept) -> None:
    kept.add("sam")
    reasons = list(PauseReason)
    books = [kept.another_book() for _ in reasons]

    def pause(place: int) -> None:
        order = kept.bound(accounts.pause, reason=reasons[place])
        books[place].order("sam", order, WHY)

    with ThreadPoolExecutor(len(reasons)) as threads:
        list(threads.map(pause, range(len(reasons))))
    history = kept.book.history("sam")
    assert [one.version for one in history] == list(range(1, 3 + len(reasons)))
    assert set(kept.book.account("sam").pauses) == set(PauseReason)


def test_two_who_register_at_once_register_once(kept: Kept) -> None:
    books = [kept.another_book() for _ in range(4)]
    order = kept.bound(accounts.register, sender="sam", settings=AccountSettings())
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda book: len(book.order("sam", order, WHY)), books))
    assert sorted(done) == [0, 0, 0, 1]


def test_a_transaction_that_is_undone_leaves_neither_facts_nor_rows(kept: Kept) -> None:
    kept.add("sam")
    order = {"sam": kept.bound(accounts.pause, reason=PauseReason.OPERATOR)}

    def undone(tx: object) -> None:
        assert len(kept.book.order_in(transaction(tx), order, WHY)["sam"]) == 1
        assert kept.book.order_in(transaction(tx), order, WHY)["sam"] == []
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        kept.book.together(undone)
    assert kept.book.account("sam").paused is None
    assert kept.rows(SHOWN, n="sam") == [(True, None, 100, "closed", False)]


def test_while_an_order_is_written_a_claim_passes_its_sender_over(kept: Kept) -> None:
    kept.add("sam", "jo")
    order = {"sam": kept.bound(accounts.pause, reason=PauseReason.OPERATOR)}

    def written(tx: object) -> None:
        kept.book.order_in(transaction(tx), order, WHY)
        seen = kept.rows("SELECT sender FROM {s}.sender_accounts FOR SHARE SKIP LOCKED")
        assert seen == [("jo",)]

    kept.book.together(written)


def test_an_order_to_all_reaches_those_that_stand(kept: Kept) -> None:
    kept.add("jo", "kim", "sam")
    kept.order("kim", accounts.delete)
    kept.order("jo", accounts.pause, reason=PauseReason.ACCOUNT_TROUBLE)
    trouble = kept.bound(accounts.pause, reason=PauseReason.ACCOUNT_TROUBLE)
    assert list(kept.book.order_all(trouble, WHY)) == ["sam"]
    assert kept.book.order_all(trouble, WHY) == {}


def test_rows_are_what_the_facts_come_to(kept: Kept) -> None:
    kept.add("sam", rotation_set="north")
    kept.order("sam", accounts.pause, reason=PauseReason.BOUNCES)
    kept.order("sam", accounts.begin_warmup, caps=[50, 100], on=T0.date())
    kept.order("sam", accounts.go_away)
    kept.order("sam", accounts.override_health, score=7)
    kept.order("sam", accounts.disconnect)
    stream = kept.book.history("sam")[0].stream
    (change,) = account_changes(stream, kept.folded("sam"))
    names = list(change.row)
    listed = ", ".join(names)
    ((*row,),) = kept.rows("SELECT " + listed + " FROM {s}.sender_accounts")
    assert dict(zip(names, row, strict=True)) == dict(change.row)
    assert (row[names.index("warmup_max")], row[names.index("health")]) == (50, 7)


# --- the tenant -----------------------------------------------------------------------------------


def test_the_rules_of_a_new_tenant_are_the_defaults(kept: Kept) -> None:
    assert kept.book.rules() == Rules()
    assert kept.book.sending().rules == Rules()


def test_a_rule_changes_in_log_and_row(kept: Kept) -> None:
    changes = {"sender_hour_max": 7, "strict_consent": True, "zone": "Asia/Tokyo"}
    assert kept.order_sending(accounts.change_rules, changes=changes) == ["rules_changed"]
    assert kept.order_sending(accounts.change_rules, changes=changes) == []
    expected = Rules(sender_hour_max=7, strict_consent=True, zone="Asia/Tokyo")
    assert kept.book.rules() == kept.book.sending().rules == expected
    with pytest.raises(SettingRefused, match="tenant_hour_max"):
        kept.order_sending(accounts.change_rules, changes={"tenant_hour_max": 0})
    assert kept.book.rules() == expected


def test_everything_is_paused_in_log_and_row(kept: Kept) -> None:
    pause = {"reason": PauseReason.OPERATOR}
    assert kept.order_sending(accounts.pause_sending, **pause) == ["sending_paused"]
    assert kept.book.rules().paused == "operator"
    assert kept.order_sending(accounts.resume_sending) == ["sending_resumed"]
    assert kept.book.rules() == Rules()


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE {s}.sending_rules SET tenant_hour_max = 0",
        "UPDATE {s}.sending_rules SET sender_minute_max = -1",
        "UPDATE {s}.sending_rules SET pace_min_s = 91",
        "UPDATE {s}.sender_accounts SET day_max = 0",
        "UPDATE {s}.sender_accounts SET circuit = 'open'",
        "UPDATE {s}.sender_accounts SET health = 101",
        "INSERT INTO {s}.sending_rules (only_row) VALUES (false)",
    ],
)
def test_the_database_refuses_rules_that_would_stop_or_free_everything(
    kept: Kept, text: str
) -> None:
    kept.add("sam")
    with pytest.raises(psycopg.errors.CheckViolation):
        kept.run(text)


# --- limits ---------------------------------------------------------------------------------------


def note(cap: CapName, key: str, hours: float = 1) -> CapNote:
    return CapNote(cap=cap, key=key, used=20, limit=20, until=T0 + timedelta(hours=hours))


def noted(kept: Kept, *reached: CapNote) -> int:
    return kept.book.together(lambda tx: kept.book.note_caps(tx, reached, kept.clock.now()))


def test_limits_that_are_used_up_are_told_to_whom_they_belong(kept: Kept) -> None:
    kept.add("sam", "jo")
    reached = [
        note(CapName.SENDER_HOUR, "sam"),
        note(CapName.SENDER_HOUR, "sam"),
        note(CapName.WARMUP_DAY, "sam"),
        note(CapName.SENDER_MINUTE, "jo"),
        note(CapName.CAMPAIGN_DAY, "7f3a"),
        note(CapName.DOMAIN_HOUR, "gmail.com"),
        note(CapName.TENANT_HOUR, ""),
    ]
    assert noted(kept, *reached) == 5
    assert noted(kept, *reached) == 0
    assert noted(kept, note(CapName.SENDER_MINUTE, "jo")) == 0
    assert kept.topics("sam")[2:] == ["cap_reached"] * 2
    assert kept.topics("jo")[2:] == []
    assert kept.topics(None) == ["cap_reached"] * 3


def test_windows_that_are_over_are_told(kept: Kept) -> None:
    kept.add("sam")
    noted(kept, note(CapName.SENDER_HOUR, "sam"), note(CapName.TENANT_HOUR, ""))
    kept.clock.advance(timedelta(hours=1))
    assert kept.order("sam", accounts.expire) == ["cap_lifted"]
    assert kept.order_sending(accounts.expire_tenant_caps) == ["cap_lifted"]


# --- long streams ---------------------------------------------------------------------------------


def test_of_a_long_stream_only_what_came_since_is_read(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_log, "LONG", 10)
    kept.add("sam")
    for number in range(12):
        kept.order("sam", accounts.override_health, score=number)
    read: list[str] = []
    decode = account_log.AccountLog._decode

    def counting(self: account_log.AccountLog, *row: object) -> object:
        read.append(str(row[1]))
        return decode(self, *row)

    book = kept.another_book()
    monkeypatch.setattr(account_log.AccountLog, "_decode", counting)
    for number, facts_read in ((50, 14), (51, 1 + 14), (52, 1)):
        read.clear()
        book.order("sam", kept.bound(accounts.override_health, score=number), WHY)
        assert len(read) == facts_read
    assert book.account("sam") == kept.folded("sam")


def test_facts_that_this_release_cannot_read_are_named(kept: Kept) -> None:
    kept.add("sam")
    with kept.database.direct() as connection:
        connection.execute(
            f"UPDATE t_{kept.tenant}.account_events SET topic = 'from_a_later_release'"
        )
    with pytest.raises(account_log.UnreadableEvent, match="from_a_later_release"):
        kept.book.account("sam")


def test_numbers_of_an_account_are_scored_once_a_day(kept: Kept) -> None:
    kept.add("sam")
    look = {"counts": Counts(10, 10, 0, 0), "on": T0.date(), "health_min": 30}
    assert kept.order("sam", accounts.score, **look) == ["health_scored"]
    assert kept.order("sam", accounts.score, **look) == []
    (scored,) = [one.fact for one in kept.book.history("sam")[2:]]
    assert topic_of(scored) == "health_scored"


# --- rows against facts ---------------------------------------------------------------------------


def complaints(kept: Kept) -> tuple[str, ...]:
    with kept.database.tenant_tx(kept.tenant) as curs:
        told = AccountsKept(Snapshot(kept.tenant, curs)).findings(kept.clock.now(), timedelta())
    return tuple(line for finding in told if finding.id == "I23" for line in finding.examples)


def test_rows_that_nobody_touched_agree_with_their_facts(kept: Kept) -> None:
    kept.add("sam", "jo", profile=Profile.MAILBOX)
    kept.order("jo", accounts.pause, reason=PauseReason.BOUNCES)
    kept.order_sending(accounts.change_rules, changes={"weekend": "reduced"})
    assert complaints(kept) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("UPDATE {s}.sender_accounts SET paused = NULL", "paused is None, folded 'bounces'"),
        ("UPDATE {s}.sender_accounts SET health = 99", "health is 99, folded 100"),
        ("DELETE FROM {s}.sender_accounts", "missing"),
        ("UPDATE {s}.sending_rules SET apart_days = 1", "apart_days is 1, folded 60"),
        ("UPDATE {s}.sender_accounts SET stream_id = gen_random_uuid()", "not from the log"),
    ],
)
def test_a_row_that_somebody_edited_is_found(kept: Kept, text: str, words: str) -> None:
    kept.add("sam")
    kept.order("sam", accounts.pause, reason=PauseReason.BOUNCES)
    kept.run(text)
    assert any(words in complaint for complaint in complaints(kept))


def test_a_limit_of_a_sender_that_nobody_knows_is_not_noted(kept: Kept) -> None:
    assert noted(kept, note(CapName.SENDER_DAY, "nobody")) == 0
    assert complaints(kept) == ()

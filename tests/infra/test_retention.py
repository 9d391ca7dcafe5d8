"""What is forgotten, when, and what never is: on real tables."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import LiteralString
from uuid import UUID

import msgspec
import pytest
from psycopg.sql import SQL, Identifier, Literal

from domain.ids import TenantId, schema_of
from handlers.ports import Report
from infra.claims import SqlInbox
from infra.entropy import SystemRng
from infra.retention import (
    ForgettingFailed,
    Periods,
    forget,
    forget_processes,
    keep_up,
    overdue,
    partitions,
    periods_of,
)
from infra.retention.partitions import REST, TABLE, WEEK, WEEKS_AHEAD, Partition, weeks_missing
from infra.retention.rules import CONTROL_STAYS, RULES, STAYS
from infra.statements import Row, Statements, transaction
from infra.tenancy import Database, Tenant, role_of

pytestmark = pytest.mark.postgres

PERIODS = Periods()
MONDAY = datetime(2026, 9, 7, tzinfo=UTC)


class Store:
    """The tables of one tenant."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self.database = database
        self.tenant = tenant
        self.sql = Statements(schema_of(tenant))
        self.inbox = SqlInbox(database, tenant, SystemRng())

    def rows(self, text: LiteralString, **params: object) -> list[Row]:
        with self.database.tenant_tx(self.tenant) as curs:
            return self.sql.rows(transaction(curs), text, params)

    def run(self, text: LiteralString, **params: object) -> int:
        with self.database.tenant_tx(self.tenant) as curs:
            return self.sql.run(transaction(curs), text, params)

    def keep(self, *keys: str) -> int:
        reports = [
            Report(provider="sendgrid", kind="open", raw=b"{}", key=key.encode()) for key in keys
        ]
        return self.inbox.keep("sendgrid", {}, b"body", reports, late=False)

    def forget(self, periods: Periods = PERIODS) -> Mapping[str, int]:
        return forget(self.database, self.tenant, periods, self.database.now())

    def overdue(self) -> list[str]:
        return overdue(self.database, self.tenant, PERIODS, self.database.now())

    def partitions(self) -> list[Partition]:
        with self.database.direct() as connection:
            return partitions(connection, schema_of(self.tenant))

    def deliveries(self) -> dict[str, int]:
        """How many rows each partition has."""
        query = "SELECT tableoid::regclass::text, count(*) FROM {s}.webhook_deliveries GROUP BY 1"
        return {name.rpartition(".")[2]: number for name, number in self.rows(query)}


@pytest.fixture
def store(database: Database, tenant: TenantId) -> Store:
    return Store(database, tenant)


def ago(store: Store, days: float) -> datetime:
    return store.database.now() - timedelta(days=days)


def test_every_table_has_a_rule_or_a_reason(database: Database, tenant: TenantId) -> None:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
    with database.direct() as connection:
        ours = {name for (name,) in connection.execute(query, (schema_of(tenant),))}
        control = {name for (name,) in connection.execute(query, ("control",))}
    ruled = {rule.table for rule in RULES}
    assert ruled & set(STAYS) == set()
    assert ruled | set(STAYS) == ours
    assert set(CONTROL_STAYS) == control


def test_the_log_is_in_no_rule() -> None:
    assert {"events", "account_events", "streams"} & {rule.table for rule in RULES} == set()


# --- periods --------------------------------------------------------------------------------------


def test_a_tenant_sets_its_own_periods_within_bounds() -> None:
    def of(setting: object) -> Periods:
        return periods_of(Tenant(TenantId("a"), "a", settings={"retention": setting}))

    assert periods_of(Tenant(TenantId("a"), "a")) == Periods(raw_days=30, texts_days=365)
    assert of({"raw_days": 90}) == Periods(raw_days=90)
    for wrong in ({"raw_days": 6}, {"raw_days": 91}, {"texts_days": 59}, {"log_days": 1}, 30):
        with pytest.raises(msgspec.ValidationError):
            of(wrong)


# --- partitions -----------------------------------------------------------------------------------


def test_weeks_follow_one_another_without_a_gap() -> None:
    first = Partition("first", None, MONDAY + WEEK)
    rest = Partition(REST, None, None)
    now = MONDAY + timedelta(days=3)
    missing = weeks_missing([first, rest], now, 2)
    assert missing == [MONDAY + WEEK, MONDAY + 2 * WEEK]
    known = [first, Partition("next", MONDAY + WEEK, MONDAY + 3 * WEEK), rest]
    assert weeks_missing(known, now, 2) == []


def test_a_week_that_has_begun_without_a_partition_is_left_to_the_rest() -> None:
    long_ago = Partition("first", None, MONDAY - 5 * WEEK)
    assert weeks_missing([long_ago], MONDAY, 1) == [MONDAY + WEEK]
    assert weeks_missing([long_ago], MONDAY + timedelta(days=6.9), 1) == [MONDAY + WEEK]
    just_over = Partition("first", None, MONDAY)
    assert weeks_missing([just_over], MONDAY, 1) == [MONDAY + WEEK]


def test_partitions_are_made_ahead_once(store: Store) -> None:
    made = keep_up(store.database, store.tenant, PERIODS.raw)
    assert made.dropped == ()
    assert keep_up(store.database, store.tenant, PERIODS.raw).made == ()
    found = store.partitions()
    assert found[0].name == "webhook_deliveries_first"
    assert found[-1].name == REST
    spans = found[:-1]
    assert [one.begins for one in spans[1:]] == [one.ends for one in spans[:-1]]
    last = spans[-1].ends
    assert last is not None
    assert last > store.database.now() + WEEKS_AHEAD * WEEK
    assert {one.name for one in spans[1:]} == set(made.made)


def test_a_delivery_goes_into_its_week_and_is_not_lost_without_one(store: Store) -> None:
    keep_up(store.database, store.tenant, PERIODS.raw)
    second = store.partitions()[1]
    assert second.begins is not None
    store.keep("a")
    _deliver(store, second.begins)
    _deliver(store, store.database.now() + timedelta(days=400))
    assert store.deliveries() == {"webhook_deliveries_first": 1, second.name: 1, REST: 1}


def test_what_is_wholly_too_old_is_dropped_as_a_table(store: Store) -> None:
    _replace_first(store, ends=ago(store, 31))
    _deliver(store, ago(store, 40))
    _deliver(store, ago(store, 20))
    done = keep_up(store.database, store.tenant, PERIODS.raw)
    assert done.dropped == ("webhook_deliveries_first",)
    assert store.deliveries() == {REST: 1}


def test_what_is_partly_too_old_stays(store: Store) -> None:
    _replace_first(store, ends=ago(store, 29))
    _deliver(store, ago(store, 40))
    assert keep_up(store.database, store.tenant, PERIODS.raw).dropped == ()
    assert store.deliveries() == {"webhook_deliveries_first": 1}


def test_a_ticker_that_was_off_for_months_finds_everything_in_the_rest(store: Store) -> None:
    _replace_first(store, ends=ago(store, 80))
    for days in (70.0, 31.0, 10.0, 0.0):
        _deliver(store, ago(store, days))
    assert store.deliveries() == {REST: 4}
    assert keep_up(store.database, store.tenant, PERIODS.raw).made
    assert store.forget() == {REST: 2}
    assert store.deliveries() == {REST: 2}
    begins = store.partitions()[0].begins
    assert begins is not None
    _deliver(store, begins)
    assert store.deliveries()[store.partitions()[0].name] == 1


def test_two_tickers_at_once_are_one_too_many(store: Store) -> None:
    with store.database.direct() as other:
        turn = f"{schema_of(store.tenant)}.{TABLE}"
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (turn,))
        assert keep_up(store.database, store.tenant, PERIODS.raw).made == ()
    assert keep_up(store.database, store.tenant, PERIODS.raw).made


def test_deliveries_go_on_coming_while_partitions_are_made(store: Store) -> None:
    """A writer that has not ended holds nobody up, and is not held up."""
    with store.database.tenant_tx(store.tenant) as curs:
        store.sql.run(transaction(curs), _DELIVER, {"id": _id(), "at": store.database.now()})
        assert keep_up(store.database, store.tenant, PERIODS.raw).made
    assert store.deliveries() == {"webhook_deliveries_first": 1}


# --- rows -----------------------------------------------------------------------------------------


def test_reports_are_forgotten_with_their_deliveries_and_repeats_are_known_till_then(
    store: Store,
) -> None:
    store.keep("a", "b")
    store.run("UPDATE {s}.webhook_inbox SET state = 'recorded', settled_at = now()")
    _age_inbox(store, 29)
    assert store.forget() == {}
    assert store.keep("a") == 0
    _age_inbox(store, 31)
    assert store.forget() == {"webhook_inbox": 3}
    assert store.rows("SELECT count(*) FROM {s}.webhook_inbox") == [(0,)]


def test_a_report_that_nobody_has_settled_is_never_forgotten(store: Store) -> None:
    store.keep("new", "claimed", "orphan", "parked")
    store.run("UPDATE {s}.webhook_inbox SET state = convert_from(semantic_key, 'UTF8')")
    _age_inbox(store, 1000)
    assert store.forget() == {"webhook_inbox": 1}
    left = store.rows("SELECT state FROM {s}.webhook_inbox ORDER BY state")
    assert left == [("claimed",), ("new",), ("orphan",)]
    assert store.overdue() == []


def test_more_than_a_batch_goes_in_several(store: Store) -> None:
    store.run(_MANY, number=4500)
    assert store.forget() == {"webhook_inbox": 4500}


def test_a_run_ends_after_its_time_and_the_next_goes_on(store: Store) -> None:
    store.run(_MANY, number=4500)
    seconds = iter(range(0, 1000, 100))
    gone = forget(
        store.database,
        store.tenant,
        PERIODS,
        store.database.now(),
        stopwatch=lambda: float(next(seconds, 1000)),
    )
    assert gone == {"webhook_inbox": 2000}
    assert store.forget() == {"webhook_inbox": 2500}


def test_a_table_that_cannot_be_cleaned_keeps_no_other_from_its_turn(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.run(_MANY, number=3)
    store.run(_REPLY, id=_id(), at=ago(store, 366))
    names = {
        "inbox": Identifier(schema_of(store.tenant), "webhook_inbox"),
        "role": Identifier(role_of(store.tenant)),
    }
    with store.database.direct() as connection:
        connection.execute(SQL("REVOKE DELETE ON {inbox} FROM {role}").format(**names))
        with pytest.raises(ForgettingFailed, match=r"^webhook_inbox$"):
            store.forget()
        assert store.rows("SELECT count(*) FROM {s}.replies") == [(0,)]
        (told,) = (one.getMessage() for one in caplog.records if one.name.startswith("infra.ret"))
        assert told.startswith(f"webhook_inbox of {store.tenant}: nothing more is forgotten")
        connection.execute(SQL("GRANT DELETE ON {inbox} TO {role}").format(**names))
    assert store.forget() == {"webhook_inbox": 3}


def test_rows_that_somebody_holds_are_left_for_later(store: Store) -> None:
    store.run(_MANY, number=3)
    with store.database.tenant_tx(store.tenant) as curs:
        held = "SELECT FROM {s}.webhook_inbox WHERE item = 1 FOR UPDATE"
        store.sql.run(transaction(curs), held)
        assert store.forget() == {"webhook_inbox": 2}
    assert store.forget() == {"webhook_inbox": 1}


def test_mails_go_with_their_links_unless_they_may_still_leave(store: Store) -> None:
    old, young, waiting = _id(), _id(), _id()
    for message, days in ((old, 366), (young, 364), (waiting, 366)):
        store.run(_BODY, id=message, at=ago(store, days))
    store.run(_QUEUED, id=waiting)
    assert store.forget() == {"bodies": 1}
    for table in ("SELECT message_id FROM {s}.bodies", "SELECT message_id FROM {s}.links"):
        assert {row[0] for row in store.rows(table)} == {young, waiting}


def test_of_a_notice_the_words_go_and_the_row_stays(store: Store) -> None:
    store.run(_NOTICE, id=_id(), at=ago(store, 366))
    assert store.forget() == {"notices": 1}
    assert store.forget() == {}
    assert store.rows("SELECT recipient, text FROM {s}.notices") == [("owner", "")]


def test_reasons_of_people_outlive_the_words_of_machines(store: Store) -> None:
    for kind in ("provider_answer", "task_reason"):
        store.run(_NOTED, id=_id(), kind=kind, at=ago(store, 366))
    store.run(_NOTED, id=_id(), kind="provider_answer", at=ago(store, 364))
    assert store.forget() == {"notes": 1}


def test_replies_are_forgotten_after_the_period_of_the_tenant(store: Store) -> None:
    store.run(_REPLY, id=_id(), at=ago(store, 100))
    assert store.forget() == {}
    assert store.forget(Periods(texts_days=99)) == {"replies": 1}


def test_who_was_written_to_is_known_as_long_as_a_rule_asks(store: Store) -> None:
    for days in (366, 500, 100):
        store.run(_OUTREACH, id=_id(), at=ago(store, days))
    store.run("UPDATE {s}.sending_rules SET apart_days = 400")
    assert store.forget() == {"outreach": 1}
    store.run("UPDATE {s}.sending_rules SET apart_days = 60")
    assert store.forget() == {"outreach": 1}


def test_a_verdict_on_an_address_is_kept_while_a_contact_has_it(store: Store) -> None:
    for mac in (b"theirs", b"nobody's"):
        store.run(_CHECK, mac=mac, at=ago(store, 366))
    store.run(_CONTACT, id=_id(), mac=b"theirs")
    assert store.forget() == {"address_checks": 1}
    assert store.rows("SELECT address_hmac FROM {s}.address_checks") == [(b"theirs",)]


def test_lanes_whose_time_is_over_go(store: Store) -> None:
    for key, days in (("a", 2.0), ("b", 0.5), ("c", -1.0)):
        add = "INSERT INTO {s}.lanes (name, key, until) VALUES ('pace', %(key)s, %(at)s)"
        store.run(add, key=key, at=ago(store, days))
    assert store.forget() == {"lanes": 1}


def test_what_should_have_gone_days_ago_is_told(store: Store) -> None:
    store.run(_MANY, number=1)
    _age_inbox(store, 31)
    assert store.overdue() == []
    _age_inbox(store, 33)
    assert store.overdue() == ["webhook_inbox"]
    store.forget()
    assert store.overdue() == []


def test_processes_that_are_silent_for_a_week_are_forgotten(database: Database) -> None:
    name = f"p{SystemRng().new_id().hex}"
    add = (
        "INSERT INTO control.heartbeats VALUES (%s, 'worker', now() - make_interval(days => %s), 1)"
    )
    with database.control_tx() as curs:
        curs.execute(add, (f"{name}-old", 8))
        curs.execute(add, (f"{name}-new", 6))
    forget_processes(database)
    with database.control_tx() as curs:
        curs.execute(
            "DELETE FROM control.heartbeats WHERE name LIKE %s RETURNING name", (f"{name}%",)
        )
        assert curs.fetchall() == [(f"{name}-new",)]


def _id() -> UUID:
    return SystemRng().new_id()


def _deliver(store: Store, at: datetime) -> None:
    store.run(_DELIVER, id=_id(), at=at)


def _age_inbox(store: Store, days: float) -> None:
    store.run("UPDATE {s}.webhook_inbox SET received_at = %(at)s", at=ago(store, days))


def _replace_first(store: Store, *, ends: datetime) -> None:
    """As if the migration had been applied long ago."""
    with store.database.direct() as connection:
        names = {
            "table": Identifier(schema_of(store.tenant), TABLE),
            "first": Identifier(schema_of(store.tenant), f"{TABLE}_first"),
            "ends": Literal(ends.isoformat()),
        }
        connection.execute(SQL("ALTER TABLE {table} DETACH PARTITION {first}").format(**names))
        connection.execute(SQL(_ATTACH).format(**names))


_ATTACH: LiteralString = """
ALTER TABLE {table} ATTACH PARTITION {first} FOR VALUES FROM (MINVALUE) TO ({ends})
"""
_DELIVER: LiteralString = """
INSERT INTO {s}.webhook_deliveries (delivery_id, provider, received_at, headers, body)
VALUES (%(id)s, 'sendgrid', %(at)s, '{{}}', 'x')
"""
_MANY: LiteralString = """
INSERT INTO {s}.webhook_inbox (delivery_id, item, provider, kind, semantic_key, raw, received_at,
                               state, settled_at)
SELECT gen_random_uuid(), n, 'sendgrid', 'open', int8send(n), 'x', now() - interval '40 days',
       'no_news', now()
  FROM generate_series(1, %(number)s::bigint) AS n
"""
_BODY: LiteralString = """
WITH body AS (INSERT INTO {s}.bodies (message_id, contact_id, snapshot, mail, created_at)
              VALUES (%(id)s, %(id)s, 1, 'x', %(at)s))
INSERT INTO {s}.links (message_id, number, contact_id, url)
VALUES (%(id)s, 0, %(id)s, 'https://a.example'), (%(id)s, 1, %(id)s, 'https://b.example')
"""
_QUEUED: LiteralString = """
INSERT INTO {s}.send_queue (message_id, stream_id, campaign_id, contact_id, dedupe_key, node, visit,
                            channel, state, due_at, not_before, expires_at, planned_at)
VALUES (%(id)s, %(id)s, %(id)s, %(id)s, 'k', 'n', 1, 'email', 'QUEUED', now(), now(), now(), now())
"""
_NOTICE: LiteralString = """
INSERT INTO {s}.notices (notice_id, stream_id, contact_id, recipient, text, created_at)
VALUES (%(id)s, %(id)s, %(id)s, 'owner', 'Dana has answered', %(at)s)
"""
_NOTED: LiteralString = """
INSERT INTO {s}.notes (subject_id, kind, text, created_at) VALUES (%(id)s, %(kind)s, 'x', %(at)s)
"""
_REPLY: LiteralString = """
INSERT INTO {s}.replies (reply_id, received_at, class) VALUES (%(id)s, %(at)s, 'human')
"""
_OUTREACH: LiteralString = """
INSERT INTO {s}.outreach (identity, stream_id, campaign_id, contact_id, at)
VALUES ('x', %(id)s, %(id)s, %(id)s, %(at)s)
"""
_CHECK: LiteralString = """
INSERT INTO {s}.address_checks (address_hmac, verdict, checked_at, due_at)
VALUES (%(mac)s, 'valid', %(at)s, NULL)
"""
_CONTACT: LiteralString = """
INSERT INTO {s}.contacts (contact_id, email, email_hmac, vault_key)
VALUES (%(id)s, 'a@b.example', %(mac)s, 'k')
"""

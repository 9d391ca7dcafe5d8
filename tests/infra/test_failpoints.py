"""Named places: counted, deadly only where a test says so, and nothing at all outside of tests."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from domain.ids import TenantId, schema_of
from handlers.ports import Transaction, Transactions
from infra import failpoints
from infra.failpoints import (
    LOG,
    ORDERS,
    PLACES,
    TESTING,
    Failpoints,
    FailpointsRefused,
    failpoint,
    require_testing,
)
from infra.settings import Settings, UnknownSetting, described, read_settings
from infra.statements import cursor_of, transaction
from infra.tenancy import Database
from infra.watched import WatchedTransactions, watched_projection, watched_transactions
from projections.registry import READ

ROOT = Path(__file__).resolve().parents[2]


Sent = list[signal.Signals]


def of(orders: str, log: Path | None = None) -> tuple[Failpoints, Sent]:
    """Places with their orders, and the signals that this process would get."""
    sent: Sent = []
    made = Failpoints.of({TESTING: "1", ORDERS: orders, LOG: str(log or "")}, sent.append)
    assert made is not None
    return made, sent


def test_outside_of_tests_there_are_no_places() -> None:
    assert Failpoints.of({}) is None
    failpoint("before_call")  # this process has no order, whatever it passes


def test_outside_of_tests_ports_are_not_watched() -> None:
    real = cast("Transactions", object())
    assert watched_transactions(real) is real
    assert watched_projection(READ[0]) is READ[0]


@pytest.mark.parametrize("name", [ORDERS, LOG])
def test_places_without_a_test_refuse_the_start_and_say_what_to_do(name: str) -> None:
    with pytest.raises(UnknownSetting, match=f"{name} .*for tests only.*{TESTING}=1"):
        read_settings({name: "before_call"})
    with pytest.raises(FailpointsRefused):
        require_testing({name: "before_call", TESTING: "0"})


@pytest.mark.parametrize(
    "order",
    ["nowhere:1", "before_call:0", "before_call:x", "before_call:1:dance", "before_call:-1"],
)
def test_an_order_that_names_no_place_is_refused_with_the_places(order: str) -> None:
    with pytest.raises(UnknownSetting, match=r"the places are before_claim, "):
        read_settings({TESTING: "1", ORDERS: order})


def test_the_variables_are_no_settings_and_are_not_listed() -> None:
    given = {TESTING: "1", ORDERS: "before_call:3,after_answer", LOG: "passes.log"}
    assert read_settings(given) == Settings()
    assert not failpoints.VARIABLES & {one["name"] for one in described(Settings())}


def test_the_ordered_pass_kills_and_no_other() -> None:
    places, sent = of("after_claim_commit:3,before_call:1:freeze")
    for _ in range(2):
        places("after_claim_commit")
    assert sent == []
    places("after_claim_commit")
    places("before_call")
    places("before_call")
    assert sent == [signal.SIGKILL, signal.SIGSTOP]
    assert places.passes == {"after_claim_commit": 3, "before_call": 2}


def test_each_pass_is_a_line_of_the_log(tmp_path: Path) -> None:
    places, sent = of("after_answer:2", tmp_path / "passes.log")
    for _ in range(3):
        places("after_answer")
    lines = (tmp_path / "passes.log").read_text(encoding="ascii").splitlines()
    assert [line.split()[2] for line in lines] == ["pass", "kill", "pass"]
    assert {tuple(line.split()[:2]) for line in lines} == {("after_answer", str(os.getpid()))}
    assert sent == [signal.SIGKILL]


def test_a_place_without_a_name_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError):
        of("")[0]("somewhere")


def test_names_of_places_are_their_own() -> None:
    assert len(set(PLACES)) == len(PLACES)


def test_a_process_dies_at_its_place(tmp_path: Path) -> None:
    code = "from infra.failpoints import failpoint as at\nfor _ in range(5): at('in_projection')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            "PYTHONPATH": str(ROOT),
            TESTING: "1",
            ORDERS: "in_projection:4",
            LOG: str(tmp_path / "passes.log"),
        },
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert len((tmp_path / "passes.log").read_text(encoding="ascii").splitlines()) == 4


class OneTenant:
    """Implements handlers.ports.Transactions on one tenant."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self._database = database
        self._tenant = tenant

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        with self._database.tenant_tx(self._tenant) as curs:
            yield transaction(curs)


@pytest.mark.postgres
def test_only_a_transaction_that_wrote_passes_its_commit(
    database: Database, tenant: TenantId
) -> None:
    seen: list[str] = []
    watched = WatchedTransactions(OneTenant(database, tenant), seen.append)
    with watched.begin() as tx:
        cursor_of(tx).execute("SELECT 1")
    assert seen == []
    with watched.begin() as tx:
        cursor_of(tx).execute(_write(tenant))
    assert seen == ["before_other_commit", "after_other_commit"]


@pytest.mark.postgres
def test_what_is_rolled_back_passes_no_commit(database: Database, tenant: TenantId) -> None:
    seen: list[str] = []
    watched = WatchedTransactions(OneTenant(database, tenant), seen.append)
    with pytest.raises(psycopg.errors.DivisionByZero), watched.begin() as tx:
        cursor_of(tx).execute(f"{_write(tenant)}; SELECT 1 / 0")
    assert seen == []


def _write(tenant: TenantId) -> Any:
    values = "(gen_random_uuid(), 'mark', 'text')"
    return f"INSERT INTO {schema_of(tenant)}.notes (subject_id, kind, text) VALUES {values}"

"""One table says how errors end; what is logged quotes no row."""

import logging
from importlib import import_module
from types import TracebackType
from typing import Any

import pytest

from infra.cli.logs import OneLine
from infra.cli.outcome import ENDINGS, NO, OUT_OF_REACH, WRONG_USE, WrongUse, failure_of
from infra.embedded.child import ChildKeepsDying, ChildNotReady
from infra.tenancy import CommitUnknown, DatabaseOutOfReach


@pytest.mark.parametrize("name", ENDINGS)
def test_every_error_of_the_table_is_the_class_it_names(name: str) -> None:
    module, _, cls = name.rpartition(".")
    found = getattr(import_module(module), cls)
    assert issubclass(found, Exception)
    assert f"{found.__module__}.{found.__qualname__}" == name


def test_a_class_counts_for_its_children() -> None:
    for child in (ChildNotReady, ChildKeepsDying):
        assert any(f"{cls.__module__}.{cls.__qualname__}" in ENDINGS for cls in child.__mro__), (
            child
        )
    lost = failure_of(CommitUnknown("the connection was lost"))
    assert lost is not None
    assert lost.exit_code == OUT_OF_REACH


def test_the_nearest_class_decides_and_its_own_words_are_told() -> None:
    failure = failure_of(DatabaseOutOfReach("no connection to PostgreSQL at nowhere"))
    assert failure is not None
    assert (failure.exit_code, failure.message) == (
        OUT_OF_REACH,
        "no connection to PostgreSQL at nowhere",
    )


def test_wrong_use_and_no_are_told_apart() -> None:
    assert len({NO, WRONG_USE, OUT_OF_REACH}) == 3
    failure = failure_of(WrongUse("give a file"))
    assert failure is not None
    assert failure.exit_code == WRONG_USE


def test_an_error_that_nobody_foresaw_is_not_dressed_up() -> None:
    assert failure_of(ZeroDivisionError()) is None


def failed() -> tuple[type[BaseException], BaseException, TracebackType | None]:
    """An error that quotes a row, as loggers are given it."""
    try:
        return dict[str, Any]()["Key (email)=(ada@home.example)"]  # type: ignore[no-any-return]  # it raises
    except KeyError as error:
        return type(error), error, error.__traceback__


def test_a_log_record_is_one_line_and_quotes_no_error() -> None:
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "a\nb", None, failed())
    line = OneLine().format(record)
    assert line.count("\n") == 0
    assert "KeyError at" in line
    assert "a\\nb" in line
    assert "ada" not in line

"""Log lines: one a record, as text or as JSON, and nothing in them that names a person."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime

import pytest

from infra.cli.json_lines import FIELDS, json_lines
from infra.cli.logs import OneLine, Stderr, log_to_stderr
from infra.cli.redaction import redacted

CANARIES = (
    "ada.8401@harbor.example",
    "Ada.8402+tag@höfe-hafen.example",
    "ak_3f9c0a1b2c3d_abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq",
    "SG.abcdefghijkl.mnopqrstuvwxyz0123",
    "Bearer very-secret-8403",
    "+49 (151) 1234-8404",
)
FORMS = (OneLine(), json_lines())


def record(text: str, *given: object, error: BaseException | None = None) -> logging.LogRecord:
    info = None if error is None else (type(error), error, error.__traceback__)
    return logging.LogRecord("antiphon.test", logging.WARNING, "x.py", 7, text, given, info)


def thrown(error: Exception) -> Exception:
    """The error with the place where it was raised."""
    try:
        raise error
    except type(error):
        return error


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    logger = logging.getLogger()
    before, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers[:] = before
    logger.setLevel(level)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("canary", CANARIES)
def test_no_canary_comes_through_as_text_as_argument_or_in_an_error(
    form: logging.Formatter, canary: str
) -> None:
    lines = [
        form.format(record(f"it broke for {canary}, again")),
        form.format(record("it broke for %s", canary)),
        form.format(record("it broke", error=thrown(ValueError(f"row of {canary}")))),
    ]
    for line in lines:
        assert "it broke" in line
        for part in canary.replace("Bearer ", "").split():
            assert part not in line


@pytest.mark.parametrize("form", FORMS)
def test_a_record_is_one_line_with_the_class_and_the_place_of_its_error(
    form: logging.Formatter,
) -> None:
    line = form.format(record("first\nsecond", error=thrown(KeyError("secret"))))
    assert "\n" not in line
    assert "KeyError" in line
    assert "test_logs.py:" in line
    assert "secret" not in line


def test_a_json_line_has_the_listed_fields_and_no_other() -> None:
    given = record("%d settled", 3)
    vars(given)["password"] = "hunter2"  # whatever a caller puts beside it
    told = json.loads(json_lines().format(given))
    assert set(told) <= set(FIELDS)
    assert (told["event"], told["level"], told["logger"]) == (
        "3 settled",
        "warning",
        "antiphon.test",
    )
    assert datetime.fromisoformat(told["at"]).utcoffset() is not None


def test_what_names_nobody_stays_as_it_is() -> None:
    for text in (
        "sweep doubts of acme settled 3",
        "endpoint crm of acme: http_503; again at 2026-09-07T10:00:00+00:00",
        "infra/log.py:12 < handlers/app.py:40",
        "9daf8cf4-9e70-53ca-bed1-5ee40f5c9881 answered internal_error: KeyError at x.py:7",
    ):
        assert redacted(text) == text


def test_the_password_of_a_server_is_not_told() -> None:
    assert redacted("postgresql://anti:hunter2@db.example/x away") == (
        "postgresql://[password]@db.example/x away"
    )


def test_the_form_is_chosen_and_may_be_chosen_again(root: logging.Logger) -> None:
    for form in ("json", "text", "json"):
        log_to_stderr("INFO", form)
    handlers = [one for one in root.handlers if isinstance(one, Stderr)]
    assert len(handlers) == 1
    assert json.loads(handlers[0].format(record("hello")))["event"] == "hello"

"""Log lines as JSON: one object a line, of listed fields only."""

import logging
from datetime import UTC, datetime

import structlog
from structlog.typing import EventDict, WrappedLogger

from infra.cli.redaction import place_of, redacted

FIELDS = ("at", "level", "logger", "event", "error", "place")
"""All that a line may have; whatever else a record carries stays inside."""


def json_lines() -> logging.Formatter:
    """The formatter; of an error its class and its place, for its text may quote rows."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
        ],
        processors=[
            _of_the_record,
            _listed,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def _of_the_record(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    record: logging.LogRecord = event["_record"]
    event["at"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    given = event.get("exc_info") or record.exc_info
    if given:
        kind, _error, trace = given
        event["error"] = getattr(kind, "__name__", str(kind))
        event["place"] = place_of(trace)
    event["event"] = redacted(str(event["event"]))
    return event


def _listed(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {field: event[field] for field in FIELDS if field in event}

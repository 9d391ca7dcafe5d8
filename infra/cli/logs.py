"""Log lines on stderr: one a record, in UTC, without what errors quote."""

import logging
from datetime import UTC, datetime
from typing import Any

import click
from typing_extensions import override

from infra.cli.redaction import place_of, redacted

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
QUIET = (
    "anthropic",
    "asyncio",
    "httpx",
    "httpx2",
    "mcp",
    "openai",
    "psycopg.pool",
    "uvicorn",
)
"""Libraries that only speak up when something is wrong; some of them log whole requests else."""


class OneLine(logging.Formatter):
    """A record on one line; of an error its class and place, for its text may quote rows."""

    def __init__(self) -> None:
        super().__init__(FORMAT)

    @override
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        instant = datetime.fromtimestamp(record.created, UTC)
        return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @override
    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # another handler may have written a whole traceback there
        return redacted(super().format(record)).replace("\n", "\\n")

    @override
    def formatException(self, ei: Any) -> str:
        kind, _, trace = ei
        return f"{getattr(kind, '__name__', kind)} at {place_of(trace)}"


class Stderr(logging.Handler):
    """Writes to what stderr is at that moment."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


def log_to_stderr(level: str, form: str = "text") -> None:
    """Log from this level on, as lines of text or of JSON; safe to repeat."""
    root = logging.getLogger()
    root.setLevel(level)
    if not any(isinstance(handler, Stderr) for handler in root.handlers):
        root.addHandler(Stderr())
    for handler in root.handlers:
        if isinstance(handler, Stderr):
            handler.setFormatter(_formatter(form))
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _formatter(form: str) -> logging.Formatter:
    if form == "text":
        return OneLine()
    from infra.cli.json_lines import json_lines  # noqa: PLC0415  # who reads text need not wait

    return json_lines()

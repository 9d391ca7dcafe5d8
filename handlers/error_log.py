"""Unforeseen errors in the log: where, of which kind, under which request id."""

import logging
import traceback

from handlers.errors import Problem

LOG = logging.getLogger("antiphon.web")
FRAMES = 6


def log_error(problem: Problem, error: Exception, request_id: str) -> None:
    """Where it went wrong, in no other words than ours: texts of errors may hold personal data."""
    if problem.status < 500:  # noqa: PLR2004  # the caller's own affair
        return
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    places = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))
    LOG.error("%s answered %s: %s at %s", request_id, problem.code, type(error).__name__, places)

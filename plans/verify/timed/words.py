"""Lengths of time as a person and a plan write them."""

from domain.timing import Duration
from plans.verify.timed.spans import DAY_S


def iso(seconds: float) -> str:
    """The duration in days, hours, minutes and seconds."""
    days, rest = divmod(int(seconds), DAY_S)
    return Duration(days, rest).text

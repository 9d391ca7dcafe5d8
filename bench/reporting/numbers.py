"""Numbers as people read them: three digits, and what is cut off is never in our favour."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from bench.reporting.results import Figure

DIGITS, DIGITS_MAX = 3, 12
SIZES = ("B", "MB", "rows", "share")
"""Units whose ratio is better when it is small: it says how many times the floor ours is."""


def number(value: float, rounding: str, digits: int = DIGITS) -> str:
    """A number of so many digits, or all of those before its point."""
    exact = Decimal(repr(value))
    decimals = max(digits - 1 - exact.adjusted(), 0) if exact else 0
    return f"{exact.quantize(Decimal(1).scaleb(-decimals), rounding):,}"


def ours(figure: Figure, value: float, digits: int = DIGITS) -> str:
    """A value of ours: a rate is cut, a time or a size goes up."""
    return number(value, ROUND_FLOOR if figure.rises else ROUND_CEILING, digits)


def theirs(figure: Figure, value: float) -> str:
    """A value of a floor or a peer, the other way round."""
    return number(value, ROUND_CEILING if figure.rises else ROUND_FLOOR)


def ratio(figure: Figure, value: float, digits: int = DIGITS) -> str:
    """A ratio: of rates and times the higher the better, of sizes the lower."""
    return number(value, ROUND_CEILING if figure.unit in SIZES else ROUND_FLOOR, digits)

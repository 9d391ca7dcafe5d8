"""The sandbox's own clock: real time, and simulated time that runs faster by a factor."""

from collections.abc import Callable
from datetime import UTC, datetime

Now = Callable[[], datetime]


def real_now() -> datetime:
    """The present instant of the machine."""
    # The sandbox plays the outside world, which has a clock that is not ours.
    return datetime.now(tz=UTC)  # noqa: TID251 - the provider's clock, not the engine's


def scaled(
    factor: float, origin_simulated: datetime, origin_real: datetime, real: Now = real_now
) -> Now:
    """A clock that shows `origin_simulated` at `origin_real` and runs `factor` times as fast."""

    def now() -> datetime:
        return origin_simulated + (real() - origin_real) * factor

    return now

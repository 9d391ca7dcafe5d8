"""What a demo tells of its progress."""

from collections.abc import Callable
from datetime import datetime

import msgspec


class Progress(msgspec.Struct, frozen=True):
    """How far a demo is: what it does, how much of it, and the simulated time."""

    step: str
    done: int = 0
    of: int = 0
    simulated: datetime | None = None


Tell = Callable[[Progress], None]

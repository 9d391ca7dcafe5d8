"""The only source of chance."""

import random  # noqa: TID251 - this module implements the Rng port
from uuid import UUID


class SystemRng:
    """Chance from the operating system, not to be foretold."""

    def __init__(self) -> None:
        self._source = random.SystemRandom()

    def uniform(self, low: float, high: float) -> float:
        return self._source.uniform(low, high)

    def new_id(self) -> UUID:
        return UUID(int=self._source.getrandbits(128), version=4)


class SeededRng:
    """The same chance for the same seed: simulations and tests."""

    def __init__(self, seed: int) -> None:
        self._source = random.Random(seed)  # noqa: S311 - repeatable on purpose, guards nothing

    def uniform(self, low: float, high: float) -> float:
        return self._source.uniform(low, high)

    def new_id(self) -> UUID:
        return UUID(int=self._source.getrandbits(128), version=4)

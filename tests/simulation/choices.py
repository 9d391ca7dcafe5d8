"""Every choice of a run: drawn from one seed, or replayed from a list and then harmless."""

import random  # noqa: TID251  # seeded: the same run for the same seed
from collections.abc import Sequence
from uuid import UUID

SCALE = 1_000


class Choices:
    """The only source of chance of a run; nought is always the harmless choice."""

    def __init__(self, seed: int, replayed: Sequence[int] | None = None) -> None:
        self.made: list[int] = []
        self._random = random.Random(seed)  # noqa: S311  # repeatable on purpose
        self._replayed = replayed
        self._seed = seed
        self._ids = 0

    @property
    def used_up(self) -> bool:
        """Whether a replayed list is at its end: from here on nothing goes wrong any more."""
        return self._replayed is not None and len(self.made) >= len(self._replayed)

    def pick(self, options: int) -> int:
        """A number below `options`."""
        if self._replayed is None:
            made = int(self._random.random() * options)
        elif self.used_up:
            made = 0
        else:
            made = min(self._replayed[len(self.made)], options - 1)
        self.made.append(made)
        return made

    def chance(self, per_mille: float) -> bool:
        """Whether something rare happens now."""
        if self._replayed is not None:
            return bool(self.pick(2))
        happens = self._random.random() * SCALE < per_mille
        self.made.append(int(happens))
        return happens

    def weighted(self, weights: Sequence[int]) -> int:
        """The index of one of these, drawn by weight; the first is the harmless one."""
        if self._replayed is not None:
            return self.pick(len(weights))
        place = self._random.random() * sum(weights)
        made = len(weights) - 1
        for index, weight in enumerate(weights):
            place -= weight
            if place < 0:
                made = index
                break
        self.made.append(made)
        return made

    # --- handlers.ports.Rng -----------------------------------------------------------------------

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.pick(SCALE) / SCALE

    def new_id(self) -> UUID:
        self._ids += 1
        return UUID(int=(self._seed + 1 << 64) + self._ids)

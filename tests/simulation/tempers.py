"""How a run goes: how often what goes wrong, how fast time passes, what operators do."""

import msgspec

SPANS_S = (0.05, 1.0, 4.0, 11.0, 31.0, 61.0, 400.0, 3_700.0, 14 * 3_600.0, 86_400.0)
"""How much time may pass at once."""
ACTS = (
    "resume tenant",
    "pause stream",
    "resume stream",
    "pause campaign",
    "resume campaign",
    "pause tenant",
    "suppress",
    "close circuit",
    "stop stream",
    "stop campaign",
    "resend",
    "move contact",
)
"""What operators may do; the first is the most harmless."""
MOVES = ("job", "post", "order", "time", "trouble")
"""What may begin between two steps."""


class Temper(msgspec.Struct, frozen=True, kw_only=True):
    """Weights; those of a step are per thousand."""

    name: str
    go_on: int = 870
    switch: int = 115
    die: int = 5
    freeze: int = 4
    cut: int = 6
    commit_lost: int = 12
    posts_lost: int = 40
    down: bool = False
    """Whether the provider fails at first."""
    early: int = 0
    """During so many moves no more than a minute passes at once."""
    taken: int = 60
    """How often a call simply succeeds; the weights of all other outcomes come to 50."""
    spans: tuple[int, ...] = (20, 20, 12, 10, 10, 10, 6, 6, 3, 1)
    acts: tuple[int, ...] = (12, 3, 12, 2, 12, 2, 2, 2, 1, 1, 7, 3)
    moves: tuple[int, ...] = (60, 22, 5, 26, 4)


TEMPERS = (
    Temper(
        name="mild",
        go_on=897,
        switch=100,
        die=1,
        freeze=1,
        cut=1,
        commit_lost=1,
        posts_lost=10,
        taken=5_000,
        moves=(55, 22, 5, 26, 0),
    ),
    Temper(name="wild"),
    Temper(
        name="slow",
        spans=(8, 8, 4, 4, 6, 12, 4, 4, 6, 14),
        acts=(8, 3, 8, 1, 8, 1, 1, 2, 0, 0, 60, 2),
        early=110,
        taken=25,
        moves=(60, 22, 14, 24, 3),
    ),
    Temper(
        name="outage",
        down=True,
        acts=(8, 1, 8, 1, 8, 1, 1, 0, 0, 0, 7, 1),
        moves=(60, 22, 3, 26, 5),
    ),
    Temper(
        name="crowded",
        go_on=690,
        switch=298,
        die=3,
        freeze=4,
        cut=5,
        acts=(16, 6, 16, 4, 16, 4, 14, 2, 2, 1, 2, 6),
        moves=(55, 22, 14, 20, 2),
    ),
)

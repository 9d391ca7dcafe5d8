"""The order of items within their rows, with few crossings."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

_SWEEPS = 16
_WORK_MAX = 40_000
"""Items touched while sweeping; a plan with very many edges is drawn with less care."""

Lines = list[list[int]]


def ordered(rows: Sequence[int], neighbours: Sequence[Sequence[int]]) -> Lines:
    """The items of each row from left to right: the best of some barycentre sweeps."""
    lines: Lines = [[] for _ in range(max(rows) + 1)]
    for item, row in enumerate(rows):
        lines[row].append(item)
    best, fewest = lines, crossings(lines, neighbours)
    for sweep in range(min(_SWEEPS, _WORK_MAX // len(rows))):
        lines = _swept(lines, neighbours, downwards=sweep % 2 == 0)
        count = crossings(lines, neighbours)
        if count < fewest:
            best, fewest = lines, count
    return best


def crossings(lines: Lines, neighbours: Sequence[Sequence[int]]) -> int:
    """How many pairs of edges cross between neighbouring rows."""
    at = _positions(lines, len(neighbours))
    return sum(
        _inversions(_ends(upper, set(lower), neighbours, at)) for upper, lower in pairwise(lines)
    )


def _ends(
    upper: list[int], below: set[int], neighbours: Sequence[Sequence[int]], at: list[int]
) -> Iterator[int]:
    """The places of the lower ends, in the order of the upper ones."""
    for item in upper:
        yield from sorted(at[end] for end in neighbours[item] if end in below)


def _inversions(places: Iterable[int]) -> int:
    """How many pairs are in the wrong order."""
    total, seen = 0, list[int]()
    for count, place in enumerate(places):
        rank = bisect_right(seen, place)
        total += count - rank
        seen.insert(rank, place)
    return total


def _positions(lines: Lines, count: int) -> list[int]:
    at = [0] * count
    for line in lines:
        for position, item in enumerate(line):
            at[item] = position
    return at


def _swept(lines: Lines, neighbours: Sequence[Sequence[int]], *, downwards: bool) -> Lines:
    """Each row sorted by the mean place of its neighbours in the row before it."""
    swept = [list(line) for line in lines]
    at = _positions(swept, len(neighbours))
    rows = range(1, len(swept)) if downwards else range(len(swept) - 2, -1, -1)
    for row in rows:
        before = set(swept[row - 1 if downwards else row + 1])
        keys = {
            item: _mean([at[end] for end in neighbours[item] if end in before], at[item])
            for item in swept[row]
        }
        swept[row].sort(key=keys.__getitem__)
        for position, item in enumerate(swept[row]):
            at[item] = position
    return swept


def _mean(places: list[int], otherwise: int) -> float:
    return sum(places) / len(places) if places else float(otherwise)

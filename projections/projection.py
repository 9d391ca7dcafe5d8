"""The shape of a read model: a name, its topics, a pure function from a fact to row changes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from domain.events import Fact, topic_of
from domain.recorded import Recorded

Row = Mapping[str, Any]


class Table(msgspec.Struct, frozen=True):
    """A table of a tenant schema: its key, and the type of each column a projection writes."""

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, str]


class Put(msgspec.Struct, frozen=True, gc=False):
    """Write these columns of the row with this key, whether it is there or not."""

    table: Table
    row: Row


class Move(msgspec.Struct, frozen=True, gc=False):
    """Change one row that must be there and must be as expected; a miss is a broken invariant.

    `expect` maps a column to the values it may have now.
    """

    table: Table
    key: Row
    expect: Mapping[str, tuple[Any, ...]]
    row: Row


class Clear(msgspec.Struct, frozen=True, gc=False):
    """Delete every row with these values; none is no error."""

    table: Table
    where: Row


class Add(msgspec.Struct, frozen=True, gc=False):
    """Add amounts to the counters of one key, which begin at nought."""

    table: Table
    key: Row
    amounts: Mapping[str, int]


Change = Put | Move | Clear | Add


class Projection(msgspec.Struct, frozen=True):
    """A read model: `changes` is total over `topics` and looks at nothing but its argument.

    `ordered` says that the rows of a stream need all its facts in order: once one was set aside, so
    are the later ones. Where each fact stands for itself, the later ones go on.
    """

    name: str
    tables: tuple[Table, ...]
    topics: tuple[str, ...]
    changes: Callable[[Recorded], Iterable[Change]]
    ordered: bool = True


def topics(*facts: type[Fact]) -> tuple[str, ...]:
    """The stored names of these facts."""
    return tuple(topic_of(fact) for fact in facts)

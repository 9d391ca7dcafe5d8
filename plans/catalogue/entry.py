"""What the catalogue says of one code: why it is refused, and plans that show it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from plans.catalogue.sample import CONTACT, Document
from plans.patch import patched
from plans.verify.codes import CODES, Code
from plans.verify.report import PatchStep

Found = tuple[str, str]
"""A code and its pointer."""


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that is refused with one issue, and the steps after which it is accepted."""

    wrong: Document
    """The plan as submitted; where `running` is given, a revise command."""
    path: str
    """Where the issue is, in the canonical plan."""
    mend: tuple[PatchStep, ...]
    shown: tuple[str, ...]
    """What a reader must see of both plans to understand it."""
    stage: int | None = None
    """Which stage gives the issue, where it is not the first one of the code."""
    note: str = ""
    """What is special about this example, for instance about its contact."""
    context: Mapping[str, Any]
    policy: Mapping[str, Any] | None = None
    running: Document | None = None
    """The plan in force, at whose start node the contact waits after its message was sent."""
    also: tuple[Found, ...] = ()
    """Warnings that come with it, before and after the mend."""

    @property
    def right(self) -> Document:
        """The mended plan."""
        mended: Document = patched(self.wrong, self.mend)
        return mended


class Entry(msgspec.Struct, frozen=True):
    """A code with its explanation; the first example shows it best."""

    code: str
    where: str
    """The form of its pointers; i, j, k are indexes."""
    why: str
    examples: tuple[Example, ...]

    @property
    def row(self) -> Code:
        """What the table of codes has of it: stages, meaning, severity."""
        return CODES[self.code]


def entry(code: str, where: str, why: str, *examples: Example) -> Entry:
    """An entry as the files of the catalogue write it."""
    return Entry(code, where, why, examples)


def example(
    wrong: Document,
    path: str,
    mend: PatchStep | tuple[PatchStep, ...],
    shown: str | tuple[str, ...],
    **more: Any,  # noqa: ANN401  # the other fields of Example
) -> Example:
    """An example as the files of the catalogue write it: one step or place needs no tuple."""
    return Example(
        wrong=wrong,
        path=path,
        mend=mend if isinstance(mend, tuple) else (mend,),
        shown=shown if isinstance(shown, tuple) else (shown,),
        **{"context": CONTACT, **more},
    )

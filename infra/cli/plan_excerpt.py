"""The lines of a text around a place, numbered, with a caret below it, as wide as the terminal."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells

from infra.cli.plan_places import Located

_BEFORE = 1
_BEHIND = 2
_CARETS_MAX = 40
_WIDTH_MIN = 24
_NEAR = 1000
"""Letters of a line that are looked at on either side; no terminal is wider."""


def excerpt(place: Located, width: int) -> Iterator[tuple[str, bool]]:
    """A few lines; what does not fit is cut off with an ellipsis; nothing acts on the terminal.

    Each line comes with whether it is the one of the caret.
    """
    lines = place.text.split("\n")
    first = max(0, place.line - 1 - _BEFORE)
    offset = max(0, place.column - 1 - _NEAR)
    shown = [
        shown_as(line[offset : offset + 2 * _NEAR] if number == place.line else line[:_NEAR])
        for number, line in enumerate(lines[first : place.line + _BEHIND], start=first + 1)
    ]
    while len(shown) > place.line - first and not shown[-1].strip():
        shown.pop()
    indent = _indent(shown)
    digits = len(str(first + len(shown)))
    room = max(_WIDTH_MIN, width - digits - 3)
    for number, line in enumerate(shown, start=first + 1):
        if number == place.line:
            start = place.column - 1 - offset
            end = start + min(place.span.end - place.span.start, len(line) - start)
            text, carets = _pointed(line[indent:], max(0, start - indent), end - indent, room)
            yield f"{number:>{digits}} | {text}".rstrip(), False
            yield f"{'':>{digits}} | {carets}", True
        else:
            yield f"{number:>{digits}} | {_cut(line[indent:], room)}".rstrip(), False


def shown_as(text: str) -> str:
    """The text on one line without what a terminal would act on."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _indent(lines: Sequence[str]) -> int:
    return min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)


def _pointed(line: str, start: int, end: int, room: int) -> tuple[str, str]:
    """The part of the line around the place, and the carets below it."""
    if cell_len(line[:end]) > room and start > room // 3:
        dropped = start - room // 3
        line = "…" + line[dropped + 1 :]
        start, end = start - dropped, end - dropped
    line = _cut(line, room)
    carets = cell_len(line[start:end].rstrip())
    return line, " " * cell_len(line[:start]) + "^" * max(1, min(carets, _CARETS_MAX))


def _cut(line: str, room: int) -> str:
    return line if cell_len(line) <= room else f"{chop_cells(line, room - 1)[0]}…"

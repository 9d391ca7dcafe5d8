"""From source to a compiled template, or to the reason why it is none; in linear time."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, Literal

from liquid import BoundTemplate, Node
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import LiquidError, LiquidSyntaxError, ResourceLimitError
from liquid.expression import Expression

from plans.templates.context import CountedContext
from plans.templates.language import FILTERS, HTML, TAGS, TEXT, LoopNode

SOURCE_CHARACTERS_MAX: Final = 262_144
MARKUPS_MAX: Final = 2_000
MARKUP_CHARACTERS_MAX: Final = 500
BLANKS_MAX: Final = 50
"""The library takes quadratic time over blanks in one markup; this keeps the square small."""
COMPILED_MAX: Final = 256

_OPENING: Final = re.compile(r"\{[{%]")
_BLANKS: Final = re.compile(rf"\s{{{BLANKS_MAX}}}")
_TAG_NAME: Final = re.compile(r"\{%-?\s*(\w*)")

Failure = Literal["syntax", "unresolved", "limit"]


class TemplateFailed(Exception):
    """A template that does not parse, does not resolve for these values, or takes too much.

    `missing` names the variables without a value; `detail` may be personal: for the vault only.
    """

    def __init__(self, kind: Failure, missing: tuple[str, ...] = (), detail: str = "") -> None:
        super().__init__(kind)
        self.kind: Failure = kind
        self.missing = missing
        self.detail = detail


@lru_cache(maxsize=COMPILED_MAX)
def compiled(source: str, *, html: bool) -> BoundTemplate:
    """The template of a source; raises TemplateFailed. The last ones are kept."""
    try:
        _look_over(source)
        template = (HTML if html else TEXT).from_string(source)
        _refuse_unbounded(template)
    except ResourceLimitError as err:
        raise TemplateFailed("limit", detail=str(err)) from err
    except LiquidError as err:
        raise TemplateFailed("syntax", detail=str(err)) from err
    return template


def _look_over(source: str) -> None:
    """Refuse what the library's lexer must not see."""
    if len(source) > SOURCE_CHARACTERS_MAX:
        raise ResourceLimitError("template too long", token=None)
    for count, markup in enumerate(_markups(source), 1):
        if count > MARKUPS_MAX or len(markup) > MARKUP_CHARACTERS_MAX or _BLANKS.search(markup):
            raise ResourceLimitError("too many markups, or one too long", token=None)
        tag = _TAG_NAME.match(markup)
        if tag and tag[1] not in TAGS:
            raise LiquidSyntaxError(f"unexpected tag '{tag[1]}'", token=None)


def _markups(source: str) -> Iterator[str]:
    start = 0
    while opening := _OPENING.search(source, start):
        end = source.find("}}" if opening[0] == "{{" else "%}", opening.end())
        if end < 0:
            raise LiquidSyntaxError("markup without an end", token=None)
        start = end + 2
        yield source[opening.start() : start]


def _refuse_unbounded(template: BoundTemplate) -> None:
    unknown = sorted(set(template.analyze().filters) - set(FILTERS))
    if unknown:
        raise LiquidSyntaxError(f"unknown filters: {', '.join(unknown)}", token=None)
    if any(_has_stray_range(node) for node in _nodes(template)):
        raise LiquidSyntaxError("a range stands only after 'in' of a for loop", token=None)


def _has_stray_range(node: Node) -> bool:
    """Whether a range is used where the library would unroll or search it without a bound."""
    allowed = node.expression.iterable if isinstance(node, LoopNode) else None
    return any(
        isinstance(found, RangeLiteral) and found is not allowed
        for found in _expressions(node.expressions())
    )


def _nodes(template: BoundTemplate) -> Iterator[Node]:
    context = CountedContext(template, {})
    waiting = list(template.nodes)
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children(context))


def _expressions(given: Iterable[Expression]) -> Iterator[Expression]:
    waiting = list(given)
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(found.children())

"""The part of Liquid that plans may use: tags, filters and limits, as closed lists."""

import re
from collections.abc import Callable, Mapping, Sized
from datetime import datetime
from typing import Any, Final, TextIO

from liquid import BoundTemplate, Environment, Node, RenderContext, StrictDefaultUndefined
from liquid.builtin import content, illegal, output
from liquid.builtin.filters import array, math, misc, string
from liquid.builtin.tags import (
    assign_tag,
    capture_tag,
    case_tag,
    comment_tag,
    for_tag,
    if_tag,
    unless_tag,
)
from liquid.exceptions import FilterArgumentError, LoopIterationLimitError
from typing_extensions import override

from plans.templates.context import OUTPUT_CHARACTERS_MAX, CountedContext

LOOP_ITERATIONS_MAX: Final = 200
CONTEXT_DEPTH_MAX: Final = 10
LOCALS_BYTES_MAX: Final = 10_000
NODE_WORK: Final = 20
"""What a node in a loop costs of the budget of work each time, whatever it does."""

TAGS: Final = frozenset(
    {
        *("if", "elsif", "else", "endif", "unless", "endunless", "case", "when", "endcase"),
        *("for", "break", "continue", "endfor"),
        *("assign", "capture", "endcapture", "comment", "endcomment"),
    }
)

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DATE_PARTS: Final[Mapping[str, Callable[[datetime], str]]] = {
    "Y": lambda at: f"{at.year:04}",
    "m": lambda at: f"{at.month:02}",
    "d": lambda at: f"{at.day:02}",
    "-m": lambda at: str(at.month),
    "-d": lambda at: str(at.day),
    "e": lambda at: f"{at.day:2}",
    "B": lambda at: _MONTHS[at.month - 1],
    "b": lambda at: _MONTHS[at.month - 1][:3],
    "A": lambda at: _DAYS[at.weekday()],
    "a": lambda at: _DAYS[at.weekday()][:3],
    "H": lambda at: f"{at.hour:02}",
    "M": lambda at: f"{at.minute:02}",
    "%": lambda _: "%",
}


def _date(value: object, form: object) -> str:
    """A written date in English; `now`, `today` and half dates are refused: there is no clock."""
    try:
        at = datetime.fromisoformat(str(value))
        return re.sub(r"%(-?.)", lambda part: _DATE_PARTS[part[1]](at), str(form))
    except (ValueError, KeyError) as err:
        raise FilterArgumentError("not a date, or not a date format", token=None) from err


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "abs": math.abs_,
    "append": string.append,
    "at_least": math.at_least,
    "at_most": math.at_most,
    "capitalize": string.capitalize,
    "ceil": math.ceil,
    "date": _date,
    "default": misc.default,
    "divided_by": math.divided_by,
    "downcase": string.downcase,
    "escape": string.escape,
    "first": array.first,
    "floor": math.floor,
    "join": array.join,
    "last": array.last,
    "lstrip": string.lstrip,
    "minus": math.minus,
    "modulo": math.modulo,
    "newline_to_br": string.newline_to_br,
    "plus": math.plus,
    "prepend": string.prepend,
    "remove": string.remove,
    "replace": string.replace,
    "round": math.round_,
    "rstrip": string.rstrip,
    "size": misc.size,
    "slice": string.slice_,
    "split": string.split,
    "squish": string.squish,
    "strip": string.strip,
    "strip_newlines": string.strip_newlines,
    "times": math.times,
    "truncate": string.truncate,
    "truncatewords": string.truncatewords,
    "upcase": string.upcase,
    "url_encode": string.url_encode,
}


class LoopNode(for_tag.ForNode):
    """A loop that looks at a range before the library unrolls it, and pays for all its turns."""

    @override
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        over = self.expression.iterable.evaluate(context)
        if isinstance(over, range) and over[LOOP_ITERATIONS_MAX:]:
            raise LoopIterationLimitError("loop iteration limit reached", token=self.token)
        if isinstance(over, Sized):
            assert isinstance(context, CountedContext)
            context.spend(
                NODE_WORK * min(len(over), LOOP_ITERATIONS_MAX) * _nodes_in(self, context)
            )
        return super().render_to_output(context, buffer)


def _nodes_in(loop: LoopNode, context: RenderContext) -> int:
    """How many nodes one turn may render; a loop inside counts its own when it turns."""
    count = 0
    waiting: list[Node] = [loop.block]
    while waiting:
        node = waiting.pop()
        count += 1
        if not isinstance(node, LoopNode):
            waiting.extend(node.children(context))
    return count


class _LoopTag(for_tag.ForTag):
    node_class = LoopNode


class _Template(BoundTemplate):
    context_class = CountedContext

    @override
    def make_partial_namespace(
        self, partial: bool, render_args: Mapping[str, object]
    ) -> Mapping[str, object]:
        return {}  # the library would add a variable of its own


class _Liquid(Environment):
    context_depth_limit = CONTEXT_DEPTH_MAX
    loop_iteration_limit = LOOP_ITERATIONS_MAX
    local_namespace_limit = LOCALS_BYTES_MAX
    output_stream_limit = OUTPUT_CHARACTERS_MAX
    template_class = _Template

    @override
    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in (
            *(content.Literal, output.Output, illegal.Illegal),
            *(if_tag.IfTag, unless_tag.UnlessTag, case_tag.CaseTag),
            *(_LoopTag, for_tag.BreakTag, for_tag.ContinueTag),
            *(assign_tag.AssignTag, capture_tag.CaptureTag, comment_tag.CommentTag),
        ):
            self.add_tag(tag)
        self.filters.update(FILTERS)


TEXT: Final = _Liquid(undefined=StrictDefaultUndefined)
HTML: Final = _Liquid(undefined=StrictDefaultUndefined, autoescape=True)

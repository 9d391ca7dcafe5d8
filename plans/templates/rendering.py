"""Rendering: a source and plain values give a text, the same one each time, or TemplateFailed."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

from liquid import BoundTemplate
from liquid.exceptions import ResourceLimitError, UndefinedError

from plans.templates.compiling import TemplateFailed, compiled
from plans.templates.context import CountedContext, Output, Purse
from plans.templates.plain import plain_template

MISSING_MAX: Final = 20
VALUE_DEPTH_MAX: Final = 8


class TemplateValues:
    """What templates may name, made plain once for those of them that the library renders."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self.given = given

    @cached_property
    def plain(self) -> dict[str, object]:
        """JSON shapes only."""
        return _plain_items(self.given, VALUE_DEPTH_MAX)


Values = Mapping[str, object] | TemplateValues


def render_text(source: str, values: Values, purse: Purse | None = None) -> str:
    """The text of a template for these values, nothing escaped; raises TemplateFailed."""
    return _filled(source, values, purse, html=False)


def render_html(source: str, values: Values, purse: Purse | None = None) -> str:
    """The HTML of a template for these values, each value escaped; raises TemplateFailed."""
    return _filled(source, values, purse, html=True)


def render_lenient(source: str, values: Mapping[str, object]) -> str:
    """The same, with nothing where a value is missing; raises TemplateFailed for all else."""
    given = _plain_items(values, VALUE_DEPTH_MAX)
    template = compiled(source, html=False)
    context = CountedContext(template, given)
    context.lenient = True
    try:
        return _render_once(template, context)
    except UndefinedError as err:
        raise TemplateFailed("unresolved", (str(err.args[0]),)) from err


def parse(source: str, *, html: bool) -> None:
    """Nothing for a template; raises TemplateFailed for a source that is none."""
    if plain_template(source) is None:
        compiled(source, html=html)


def variables(source: str, *, html: bool = False) -> list[str]:
    """The variables that a template takes from outside, as sorted dotted paths."""
    plain = plain_template(source)
    if plain is not None:
        return sorted(set(plain.names))
    used = compiled(source, html=html).analyze().globals
    return sorted({str(variable) for found in used.values() for variable in found})


def _filled(source: str, values: Values, purse: Purse | None, *, html: bool) -> str:
    given = values if isinstance(values, TemplateValues) else TemplateValues(values)
    plain = plain_template(source)
    shown = None if plain is None else plain.filled(given.given, purse, html=html)
    return _render(compiled(source, html=html), given.plain, purse) if shown is None else shown


def _render(template: BoundTemplate, given: Mapping[str, object], purse: Purse | None) -> str:
    missing: list[str] = []
    spent = 0  # one budget for all of them
    while True:
        context = CountedContext(template, given)
        context.filled, context.work, context.purse = frozenset(missing), spent, purse
        try:
            rendered = _render_once(template, context)
        except UndefinedError as err:
            spent = context.work
            name = str(err.args[0])
            missing.append(name)  # and look for the next one
            if missing.count(name) > 1 or len(missing) == MISSING_MAX:
                break
        except TemplateFailed:
            if not missing:
                raise
            break
        else:
            if not missing:
                return rendered
            break
    raise TemplateFailed("unresolved", tuple(dict.fromkeys(missing)))


def _render_once(template: BoundTemplate, context: CountedContext) -> str:
    written = Output()
    try:
        template.render_with_context(context, written)
    except UndefinedError:
        raise
    except ResourceLimitError as err:
        raise TemplateFailed("limit", detail=str(err)) from err
    except Exception as err:  # filters fail in as many ways as Python has
        raise TemplateFailed("unresolved", detail=repr(err)) from err
    return written.getvalue()


def _plain(value: object, depth: int) -> object:
    """JSON shapes only; what is empty, unknown or too deep is absent, so that `default` sees it."""
    if isinstance(value, str):
        return _exact(value) if value.strip() else None
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict | Mapping) and depth:  # a dict is quickly known to be one
        return _plain_items(value, depth - 1)
    if isinstance(value, Sequence) and depth:
        items = (_plain(item, depth - 1) for item in value)
        return [item for item in items if item is not None]
    return None


def _plain_items(values: Mapping[str, object], depth: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in values.items():
        plain = _plain(value, depth)
        if plain is not None:
            found[str(name)] = plain
    return found


def _exact(text: str) -> str:
    """No kind of str: Markup would not be escaped."""
    return text if type(text) is str else "".join(text)

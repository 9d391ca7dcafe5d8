"""Templates parse, render for this contact, and have nothing left to fill in."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

from domain.ids import NodeId
from plans.context import ContactContext
from plans.schema.parts import Message
from plans.templates import TemplateFailed, TemplateValues, parse, render_html, render_text
from plans.templates.compiling import Failure
from plans.templates.context import OUTPUT_CHARACTERS_MAX, Purse
from plans.templates.rendering import VALUE_DEPTH_MAX
from plans.verify.content.places import Sends, contents
from plans.verify.report import Issue, PatchStep, did_you_mean, issue, nearest, quoted

KNOWN_MAX: Final = 60
"""Variables that an issue lists."""
COMPARED_MAX: Final = 5
"""Missing variables of one template that are compared with the known ones, which is slow."""

_SEPARATORS: Final = re.compile(r"[^a-z0-9]")
_PATH: Final = re.compile(r"[\w.-]+")
_MARKUP: Final = re.compile(r"\{[{%]")
_PLACEHOLDER: Final = re.compile(
    r"(?=[{[txl])(?:"  # only what these begin is looked at closely
    r"(?<!\{)\{[a-z_][a-z0-9_ ]{0,30}\}(?!\})"
    r"|\[(?:your|first|last|company|name|insert|recipient|sender)[^\]]{0,30}\]"
    r"|\b(?:todo|xxx)\b"
    r"|lorem\s+ipsum)",
    re.IGNORECASE,
)

Values = Mapping[str, Any]


class Reader(NamedTuple):
    """For whom the templates of a plan are rendered, and the work that is left for it."""

    values: TemplateValues
    purse: Purse


class Text:
    """A text of a message, and what is wrong with it whoever reads it."""

    def __init__(self, path: str, node: NodeId, source: str) -> None:
        self.path = path
        self.node = node
        self.source = source
        self.html = path.endswith("/html")
        self.is_template = bool(_MARKUP.search(source)) or len(source) > OUTPUT_CHARACTERS_MAX

    @cached_property
    def broken(self) -> tuple[Issue, ...]:
        """That it is no template."""
        try:
            parse(self.source, html=self.html)
        except TemplateFailed as failed:
            reason, _, _ = failed.detail.partition("\n")  # what follows repeats the source
            found = issue(
                "E_TEMPLATE_SYNTAX",
                self.path,
                f"not Liquid as plans may use it: {quoted(reason)}",
                node=self.node,
                suggestion="close what is open, and use only the tags and filters of the language",
            )
            return (found,)
        return ()

    @cached_property
    def unfilled(self) -> tuple[Issue, ...]:
        """That a placeholder was left in it."""
        return tuple(_placeholder(self.path, self.node, self.source))


def texts_of(sends: Sends) -> list[Text]:
    """Every text that these nodes may send, in document order."""
    return [
        Text(f"{at}/{field}", send.id, source)
        for at, send, message in contents(sends)
        for field, source in _fields(message)
    ]


def texts(found: Sequence[Text], context: ContactContext | None) -> Iterator[Issue]:
    """Templates that fail, and the first placeholder of each field."""
    reader = None if context is None else Reader(TemplateValues(context.vars), Purse())
    for text in found:
        if text.is_template:
            yield from text.broken or _rendered(text, reader)
        yield from text.unfilled


def _fields(message: Message) -> Iterator[tuple[str, str]]:
    for field in _FIELDS:
        source = getattr(message, field)
        if source is not None:
            yield field, source


def _rendered(text: Text, reader: Reader | None) -> Iterator[Issue]:
    if reader is None:
        return
    try:
        (render_html if text.html else render_text)(text.source, *reader)
    except TemplateFailed as failed:
        yield _unresolved(text, failed, reader.values.given)


def _unresolved(text: Text, failed: TemplateFailed, values: Values) -> Issue:
    path, node, source = text.path, text.node, text.source
    if not failed.missing:  # its detail may hold a value of the contact
        return issue("E_TEMPLATE_UNRESOLVED", path, _REASONS[failed.kind], node=node)
    known = sorted(filter(_PATH.fullmatch, _names(values, VALUE_DEPTH_MAX)))
    meant = {name: _alike(name, known) for name in failed.missing[:COMPARED_MAX]}
    first = next(filter(None, meant.values()), None) or next(
        filter(None, (_rooted(name, known) for name in failed.missing[:COMPARED_MAX])), None
    )
    return issue(
        "E_TEMPLATE_UNRESOLVED",
        path,
        f"no value for this contact: {', '.join(str(quoted(name)) for name in failed.missing)}",
        node=node,
        expected=known[:KNOWN_MAX],
        got=[quoted(name) for name in failed.missing],
        suggestion=did_you_mean(first) or 'give it a default: {{ … | default: "…" }}',
        patch=_renamed(path, source, failed.missing, meant),
    )


def _alike(name: str, known: Sequence[str]) -> str | None:
    """The known variable most likely meant: every word of it is close, not only all letters.

    Otherwise "contact.city" would become "contact.first_name", and a mail would ask after the
    weather in Dana.
    """
    close = nearest(name, known)
    if close is None:
        return None
    given, there = name.split("."), close.split(".")
    alike = map(nearest, given, [[word] for word in there])
    return close if len(given) == len(there) and all(alike) else None


def _rooted(name: str, known: Sequence[str]) -> str | None:
    """The variable that a name without its root most likely means: the contact's before others.

    Only suggested, never patched: "first_name" at the end of a mail may be the sender's.
    """
    letters = _letters(name)
    same = [each for each in known if letters in (_letters(each), _letters(each.split(".")[-1]))]
    return min(same, key=lambda each: not each.startswith("contact."), default=None)


def _letters(name: str) -> str:
    return _SEPARATORS.sub("", name.lower())


def _names(values: Values, depth: int) -> Iterator[str]:
    """The variables that have a value, as dotted paths."""
    for name, value in values.items():
        if isinstance(value, Mapping) and depth:
            yield from (f"{name}.{inner}" for inner in _names(value, depth - 1))
        elif value is not None and str(value).strip():
            yield name


def _renamed(
    path: str, source: str, missing: Sequence[str], meant: Mapping[str, str | None]
) -> tuple[PatchStep, ...] | None:
    """The template with every missing name replaced, where each has a known one close to it."""
    mended = source
    for name in missing:
        known = meant.get(name)
        if known is None:
            return None
        mended = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", known, mended)
    return None if mended == source else ({"op": "replace", "path": path, "value": mended},)


def _placeholder(path: str, node: NodeId, source: str) -> Iterator[Issue]:
    found = _PLACEHOLDER.search(source)
    if found:
        yield issue(
            "E_PLACEHOLDER",
            path,
            f"{found[0]!r} was left to be filled in",
            node=node,
            got=found[0],
            suggestion="write what belongs there, or a variable: {{ contact.first_name }}",
        )


_FIELDS = ("subject", "preheader", "html", "text")
_REASONS: Mapping[Failure, str] = {
    "syntax": "the template does not parse",
    "unresolved": "a filter or comparison fails on the values of this contact",
    "limit": "rendering takes more steps or room than a message may, or than all of a plan may",
}

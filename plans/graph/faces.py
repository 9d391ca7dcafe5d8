"""What a drawing says about a node: its kind, its name and one line of detail."""

import unicodedata

import msgspec

from plans.schema.models import (
    Branch,
    Node,
    Notify,
    Send,
    Split,
    Stop,
    Task,
    Update,
    Wait,
    Webhook,
)

_WIDE = ("W", "F")
_INVISIBLE = ("Cc", "Cf", "Cs", "Cn", "Co")


class Face(msgspec.Struct, frozen=True):
    """The three lines of a node's box."""

    caption: str
    title: str
    detail: str


def face(node: Node) -> Face:
    """What to write into the box of the node, uncut."""
    caption, detail = _caption_and_detail(node)
    return Face(caption, printable(node.name or node.id), printable(detail))


def _caption_and_detail(node: Node) -> tuple[str, str]:  # noqa: C901  # a total match over the node types
    match node:
        case Send():
            return f"send · {node.channel.replace('_', ' ')}", _content(node)
        case Wait():
            return "wait", f"for {node.about}" if node.about else "for the last message"
        case Branch():
            return "branch", f"{len(node.cases) + 1} ways"
        case Split():
            return "split", f"{len(node.arms)} arms at random"
        case Task():
            return f"task · {node.kind.replace('_', ' ')}", node.title
        case Update():
            return "update", _changes(node)
        case Notify():
            return f"notify · {node.to}", node.text
        case Webhook():
            return "webhook", node.endpoint
        case Stop():
            return "stop", node.outcome.replace("_", " ")


def _changes(node: Update) -> str:
    fields = [each.field for each in node.set]
    tags = [f"+{tag}" for tag in node.add_tags] + [f"-{tag}" for tag in node.remove_tags]
    return ", ".join(fields + tags) or "nothing"


def _content(node: Send) -> str:
    if node.variants:
        return f"{len(node.variants)} variants"
    if node.message is None:
        return ""
    if node.message.subject is None and node.message.reply_to is not None:
        return f"in reply to {node.message.reply_to}"
    return node.message.subject or node.message.text or ""


def printable(text: str) -> str:
    """The text on one line, without what cannot be drawn."""
    shown = (" " if unicodedata.category(sign) in _INVISIBLE else sign for sign in text)
    return " ".join("".join(shown).split())


def columns(text: str) -> int:
    """How wide the text is, in Latin letters."""
    return sum(2 if unicodedata.east_asian_width(sign) in _WIDE else 1 for sign in text)


def cut(text: str, columns_max: int) -> str:
    """The text, cut with an ellipsis when it is wider than that."""
    if columns(text) <= columns_max:
        return text
    kept = text
    while columns(kept) > columns_max - 1:
        kept = kept[:-1]
    return kept.rstrip() + "…"

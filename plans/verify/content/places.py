"""The nodes that a check of content looks at, each with its pointer."""

from collections.abc import Iterator, Sequence

from plans.pointer import pointer
from plans.schema.models import Node, Send
from plans.schema.parts import Message

Places = Sequence[tuple[str, Node]]
Sends = Sequence[tuple[str, Send]]


def contents(sends: Sends) -> Iterator[tuple[str, Send, Message]]:
    """Every message that these nodes may send, with its pointer, in document order."""
    for at, send in sends:
        if send.message is not None:
            yield at + "/message", send, send.message
        for index, variant in enumerate(send.variants):
            yield at + pointer("variants", index, "message"), send, variant.message

"""What is drawn from has distinct ids: the variants of a send, the arms of a split."""

from collections.abc import Iterator, Sequence

from domain.ids import NodeId
from plans.schema.models import Arm, Send, Split
from plans.schema.parts import Variant
from plans.verify.content.places import Places
from plans.verify.report import Issue, issue, quoted


def draws(places: Places) -> Iterator[Issue]:
    """Ids that repeat, so that the log could not say which one was drawn."""
    for at, node in places:
        if isinstance(node, Send):
            yield from _repeated(at + "/variants", node.id, node.variants)
        elif isinstance(node, Split):
            yield from _repeated(at + "/arms", node.id, node.arms)


def _repeated(path: str, node: NodeId, options: Sequence[Variant | Arm]) -> Iterator[Issue]:
    ids = [option.id for option in options]
    twice = [name for index, name in enumerate(ids) if name in ids[:index]]
    if twice:
        yield issue(
            "E_VARIANT_ID",
            path,
            f"ids repeat here: {', '.join(str(quoted(name)) for name in twice)}",
            node=node,
            got=[quoted(name) for name in twice],
            suggestion="give each its own id",
        )

"""The raw bytes that a chain of causes begins with: what was posted to us, by its digest."""

from collections.abc import Sequence

from msgspec.structs import replace

from handlers.explain.shapes import DecisionTold, Explained, Link
from handlers.services import Deliveries


def with_raw(told: Explained, deliveries: Deliveries) -> Explained:
    """The same, where each link to the inbox tells the digest of what was posted, if it is kept."""
    chains = [told.because, *(one.because for one in told.decisions)]
    numbers = {link.item for links in chains for link in links if link.item is not None}
    if not numbers:
        return told
    found = deliveries(numbers)

    def known(links: Sequence[Link]) -> list[Link]:
        return [
            link if link.item is None else replace(link, raw=found.get(link.item)) for link in links
        ]

    decisions: list[DecisionTold] = [
        replace(one, because=known(one.because)) for one in told.decisions
    ]
    return replace(told, because=known(told.because), decisions=decisions)

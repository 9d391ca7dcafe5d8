"""Batches that shrink until they go through, and put aside what never does."""

import logging
from collections.abc import Callable
from typing import TypeVar

from handlers.ports import Broken, Conflict

LOG = logging.getLogger("antiphon.dispatch")
T = TypeVar("T")


def shrinking(work: Callable[[int], T], limit: int, *, set_aside: Callable[[], T], none: T) -> T:
    """Work on as many as go through at once.

    A conflict says that somebody else was first: smaller batches meet fewer. Where even one is
    broken it is put aside, for others wait behind it.
    """
    while True:
        try:
            return work(limit)
        except Conflict:
            if limit == 1:
                return none
        except Broken:
            if limit == 1:
                return set_aside()
        limit = max(limit // 4, 1)

"""S8: step with a provider's lists: what webhooks lost comes in, what it does not know goes out.

A bounce, a complaint or an opt-out on a list bans the address; `blocks` are soft and ban nobody:
they are counted, as their events count for the reputation of the sender. Safe to repeat and to run
twice at once: bans are sets, and telling a provider twice changes nothing.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from types import MappingProxyType

import msgspec

from domain.recorded import Cause
from domain.taxonomy import CauseKind, Family
from handlers.ports import (
    Clock,
    ListedAddress,
    ListsOutOfReach,
    PullBook,
    Suppression,
    SuppressionLists,
    Suppressions,
)

LOG = logging.getLogger("antiphon.suppressions")
GROUND_OF = MappingProxyType(
    {
        "bounces": "bounce",
        "invalid_emails": "invalid",
        "spam_reports": "spamreport",
        "unsubscribes": "unsubscribe",
    }
)
"""Lists that ban, and the ground they set: the same as their event sets."""
SOFT = "blocks"
OVERLAP = timedelta(hours=1)
"""A list is read again from before its last end: clocks differ, and entries may come late."""
ADD_MAX = 1_000
PUSH_MAX = 500


class Synced(msgspec.Struct, frozen=True, kw_only=True):
    """What one run came to: entries by list, opt-outs told, lists that could not be read."""

    read: Mapping[str, int]
    pushed: int
    failed: tuple[str, ...] = ()


class SuppressionSync:
    """Keeps the bans of one tenant in step with the lists of one provider's account."""

    def __init__(
        self, lists: SuppressionLists, book: PullBook, suppressions: Suppressions, clock: Clock
    ) -> None:
        self._lists = lists
        self._book = book
        self._suppressions = suppressions
        self._clock = clock

    def run(self) -> Synced:
        """Read every list, then tell; a list that fails is read from the same place next time."""
        now = self._clock.now()
        read_to = self._book.read_to(self._lists.provider)
        read: Counter[str] = Counter()
        failed: list[str] = []
        for name in (*GROUND_OF, SOFT):
            since = read_to.get(name)
            with_overlap = None if since is None else since - OVERLAP
            try:
                read[name] = self._pull(name, with_overlap, now)
            except ListsOutOfReach as error:
                failed.append(self._failed(name, error))
        failed += self._pull_groups(now, read)
        pushed = self._push(now, failed)
        return Synced(read=dict(read), pushed=pushed, failed=tuple(failed))

    def _pull(self, name: str, since: datetime | None, now: datetime) -> int:
        count = 0
        for some in _batches(self._lists.entries(name, since)):
            count += len(some)
            if name != SOFT:
                self._ban(some, GROUND_OF[name], (GROUND_OF[name], name), now)
        self._book.note(self._lists.provider, name, now)
        return count

    def _pull_groups(self, now: datetime, read: Counter[str]) -> list[str]:
        """Groups tell no times: who is in one now has left it, whatever was said before."""
        try:
            groups = self._lists.groups()
        except ListsOutOfReach as error:
            return [self._failed("groups", error)]
        for group, addresses in groups.items():
            read["groups"] += len(addresses)
            for some in _batches(addresses):
                named = (f"group:{group}", f"groups/{group}")
                self._ban(some, "group_unsubscribe", named, now)
        return []

    def _ban(
        self, listed: Iterable[ListedAddress], reason: str, of: tuple[str, str], now: datetime
    ) -> None:
        """Ban who is on a list: `of` is the ground, and the name of the list."""
        ground, name = of
        source = f"{self._lists.provider}_list"
        bans = [
            Suppression(
                Family.EMAIL,
                one.address,
                reason,
                source,
                one.since or now,
                ground=ground,
                cause=Cause(CauseKind.SWEEP, name),
            )
            for one in listed
            if one.address
        ]
        self._suppressions.add(None, bans)

    def _push(self, now: datetime, failed: list[str]) -> int:
        """Batch by batch; what was told and not noted is told again, which changes nothing."""
        pushed = 0
        while told := self._book.unpushed(PUSH_MAX):
            try:
                self._lists.push([one.address for one in told])
            except ListsOutOfReach as error:
                failed.append(self._failed("push", error))
                break
            self._book.pushed(told, now)
            pushed += len(told)
        return pushed

    def _failed(self, name: str, error: ListsOutOfReach) -> str:
        LOG.warning("suppression list %s was not synchronised: %s", name, error)
        return name


def _batches(listed: Iterable[ListedAddress]) -> Iterator[list[ListedAddress]]:
    left = iter(listed)
    while some := list(islice(left, ADD_MAX)):
        yield some

"""What time alone settles: dead workers' attempts, expired messages, long silence, old leases.

Every sweep is idempotent and safe to run twice at once (trust.md 1.5).
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from domain import campaign
from domain.ids import MessageId
from domain.recorded import Cause
from domain.taxonomy import CancelReason, CauseKind
from handlers.ports import Broken, Conflict, Decide, Doubt, Input, TenantPorts

LOG = logging.getLogger("antiphon.sweeping")
BATCH = 200
IDLE_AFTER = timedelta(minutes=15)
"""How long work may be due by the clock of the plans before its silence is an alarm."""
Page = Callable[[MessageId | None, int], Sequence[Doubt]]
"""Rows after a message, in the order of their ids."""


class Sweeper:
    """The sweeps of one tenant."""

    def __init__(self, ports: TenantPorts, *, idle_after: timedelta = IDLE_AFTER) -> None:
        self._ports = ports
        self._idle_after = idle_after

    def doubts(self) -> int:
        """S1: an attempt without an outcome after 60 s is a doubt."""
        now = self._ports.clock.now()
        return self._decide_all(
            self._ports.outbox.stale,
            lambda row: partial(
                campaign.doubt,
                message_id=row.message_id,
                attempt=row.attempt,
                reason="sweep",
                at=now,
            ),
        )

    def expired(self) -> int:
        """S2: a message that could not be sent within three days of its due time is not sent.

        While everything is stopped nothing expires, as while anything else is paused.
        """
        if self._ports.global_share.is_paused():
            return 0
        now = self._ports.clock.now()
        return self._decide_all(
            partial(self._ports.outbox.expired, now),
            lambda row: partial(
                campaign.skip, message_id=row.message_id, reason=CancelReason.EXPIRED, at=now
            ),
        )

    def lost(self) -> int:
        """S4: silence for 72 h under living webhooks means that an attempt did not leave."""
        now = self._ports.clock.now()
        return self._decide_all(
            partial(self._ports.outbox.silent, now),
            lambda row: partial(
                campaign.lose,
                message_id=row.message_id,
                attempt=row.attempt,
                evidence="silence",
                at=now,
            ),
        )

    def leases(self) -> int:
        """S7: what a dead worker had taken is free again."""
        ports = self._ports
        stores = (ports.timers, ports.errands, ports.inbox)
        return sum(store.free_expired() for store in stores)

    def idle(self) -> int:
        """S10: work that is due and that nobody does is an alarm, not a quiet day."""
        ports, now = self._ports, self._ports.clock.now()
        since = ports.outbox.idle_since(now - self._idle_after)
        if since is None:
            return 0
        LOG.error(
            "nothing is sent for %s: messages are due since %s. Are workers running? "
            "`antiphon check --go-live` tells",
            ports.tenant,
            since.isoformat(),
        )
        return 1

    def _decide_all(self, page: Page, decide: Callable[[Doubt], Decide]) -> int:
        """Page by page, so that what cannot be decided does not keep the rest from its turn."""
        settled, after = 0, None
        while True:
            rows = page(after, BATCH)
            if not rows:
                return settled
            settled += self._decide(rows, decide)
            after = rows[-1].message_id

    def _decide(self, rows: Sequence[Doubt], decide: Callable[[Doubt], Decide]) -> int:
        given = [
            Input(
                row.stream,
                decide(row),
                Cause(CauseKind.SWEEP, str(row.message_id)),
                row.message_id,
            )
            for row in rows
        ]
        try:
            results = self._ports.campaigns.transact_many(given)
        except (Conflict, Broken) as error:
            LOG.warning("a sweep of %s left some: %s", self._ports.tenant, type(error).__name__)
            return 0
        return sum(bool(result.facts) for result in results)

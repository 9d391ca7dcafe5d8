"""What one claim may still take of every limit: as the database has it, less what it takes."""

from collections import Counter as Tally
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from domain.accounts import Profile, Rules
from domain.consent import zones_of
from domain.gates import Cap, Seen, judge
from domain.ids import CampaignId
from domain.limits import Counter, frees_at
from domain.taxonomy import CapName
from domain.timing import jitter_s, known_zone
from handlers.dispatch.limits import SPAN_S, Limit, limits_of
from handlers.ports import AccountRow, Bucket, Due, Lane, Recipient, Reserved, Used

PACE = "pace"
PACED = "paced"
"""The lanes of a mailbox: until when it does not write again, and how far others wait for it."""
SLOT_MAX = timedelta(hours=1)
"""How far ahead a message is put in a lane; then it is looked at again, lest a gap be wasted."""

_UNUSED = Used()
_Alike = tuple[str, AccountRow | None, CampaignId, int, str]
"""What messages share that count against the same limits."""


class Budget:
    """The counts of one claim: `take` and `untake` move them, `seen` shows them to the gates."""

    def __init__(self, rules: Rules, reserved: Reserved, now: datetime) -> None:
        self.lanes: dict[Lane, datetime] = {}
        self._rules = rules
        self._reserved = reserved
        self._now = now
        self._used: Mapping[Counter, Used] = {}
        self._lanes: Mapping[Lane, datetime] = {}
        self._taken: Tally[Counter] = Tally()
        self._passed = 0
        self._people: dict[bytes, Due] = {}
        self._limits: dict[_Alike, tuple[Limit, ...]] = {}
        self._buckets: dict[_Alike, tuple[Bucket, ...]] = {}
        self._probes: set[str] = set()

    def limits(self, due: Due) -> tuple[Limit, ...]:
        """The durable limits of a message; reckoned once for all that share them."""
        alike = _alike(due)
        known = self._limits.get(alike)
        if known is None:
            known = self._limits[alike] = tuple(limits_of(due, self._rules, self._now))
        return known

    def counters(self, rows: Sequence[Due]) -> list[Counter]:
        """Every counter that one of these messages counts against, once."""
        limits = {_alike(due): self.limits(due) for due in rows}.values()
        return list(dict.fromkeys(one.counter for alike in limits for one in alike))

    def lanes_of(self, rows: Sequence[Due]) -> list[Lane]:
        """Every lane that one of these messages may have to wait in, once."""
        senders = dict.fromkeys(due.sender for due in rows)
        own = [Lane(lane, sender) for sender in senders for lane in (PACE, PACED)]
        of_limits = (Lane(one.name, one.key) for one in self.counters(rows))
        return list(dict.fromkeys([*own, *of_limits]))

    def know(self, used: Mapping[Counter, Used], lanes: Mapping[Lane, datetime]) -> None:
        """What the database says."""
        self._used, self._lanes = used, lanes

    @property
    def taken(self) -> dict[Counter, int]:
        """What this claim takes of each limit."""
        return {counter: times for counter, times in self._taken.items() if times}

    # --- what the gates see -----------------------------------------------------------------------

    def seen(self, due: Due) -> Seen:
        """Everything but the plan and the turn of this message, as it stands now.

        Only a message that nothing else holds gets a place in the lane of a full limit.
        """
        limits = self.limits(due)
        found = Seen(
            looked=True,
            caps=(*map(self._cap, limits), self._global_cap()),
            paced_until=self._until(Lane(PACE, due.sender)),
            **self._of_recipient(due),
            **self._of_sender(due),
            **self._of_orders(due),
        )
        if judge(found, self._now) is None:
            return found  # the usual case is asked once
        if judge(replace(found, caps=(), paced_until=None), self._now) is not None:
            return found
        return self._queued_up(found, due, limits)

    def _of_recipient(self, due: Due) -> dict[str, Any]:
        one, rules = due.recipient, self._rules
        return {
            "known": one.known,
            "reachable": one.reachable,
            "suppressed": one.suppressed,
            "address": one.address,
            "jurisdiction": one.country,
            "subscriber": one.subscriber,
            "consent": one.consent,
            "consent_until": one.consent_until,
            "strict_consent": rules.strict_consent,
            "contacted_at": one.contacted_at,
            "contacted_by": one.contacted_by,
            "apart_days": rules.apart_days,
            "touched_at": one.touched_at,
            "touch_gap_h": rules.touch_gap_h,
        }

    def _of_sender(self, due: Due) -> dict[str, Any]:
        account = due.account
        if account is None:
            return {"sender": due.sender, "sender_known": False}
        return {
            "sender": due.sender,
            "sender_gone": account.deleted,
            "sender_verified": account.verified,
            "sender_paused": account.paused or ("" if account.connected else "disconnected"),
            "away_until": account.away_until,
            "health": account.health,
            "health_min": self._rules.health_min,
            "circuit_until": account.circuit_until,
            "circuit_needs_operator": account.circuit_needs_operator,
            "probing": due.probing or due.sender in self._probes,
        }

    def _of_orders(self, due: Due) -> dict[str, Any]:
        return {
            "campaign": due.campaign_status,
            "tenant_paused": self._rules.paused,
            "global_paused": self._reserved.paused,
            "weekend": self._rules.weekend.value,
            "rendered": due.rendered,
            "readdressed": due.readdressed,
            "opt_out": due.opt_out,
            "postal_address": due.postal_address,
        }

    # --- limits and lanes -------------------------------------------------------------------------

    def _count(self, counter: Counter) -> int:
        return self._before(counter) + self._taken[counter]

    def _before(self, counter: Counter) -> int:
        return self._used.get(counter, _UNUSED).used

    def _cap(self, limit: Limit) -> Cap:
        return Cap(limit.counter.name, self._count(limit.counter), limit.most)

    def _global_cap(self) -> Cap:
        reserved = self._reserved
        left = reserved.granted - self._passed
        used = reserved.used + self._passed if left > 0 else reserved.limit
        return Cap(CapName.GLOBAL_HOUR, min(used, reserved.limit), reserved.limit)

    def _until(self, lane: Lane) -> datetime | None:
        return self.lanes.get(lane, self._lanes.get(lane))

    def _queued_up(self, seen: Seen, due: Due, limits: Sequence[Limit]) -> Seen:
        """The same with a time to look again: the message's place in the lane that holds it."""
        for limit in limits:
            if self._count(limit.counter) >= limit.most:
                used = self._used.get(limit.counter, _UNUSED)
                free = frees_at(limit.counter, used.oldest, limit.zone)
                lane = Lane(limit.counter.name, limit.counter.key)
                return replace(seen, free_at=self._slot(lane, free, limit.step))
        if self._reserved.granted <= self._passed:
            return replace(seen, free_at=self._reserved.frees_at)
        paced = seen.paced_until
        if paced is not None and self._now < paced:
            mean = timedelta(seconds=(self._rules.pace_min_s + self._rules.pace_max_s) / 2)
            slot = self._slot(Lane(PACED, due.sender), paced, mean)
            return replace(seen, paced_until=slot)
        return seen

    def _slot(self, lane: Lane, free_at: datetime, step: timedelta) -> datetime:
        last = self._until(lane)
        slot = free_at if last is None else max(free_at, last + step)
        self.lanes[lane] = slot = max(min(slot, self._now + SLOT_MAX), free_at)
        return slot

    def meets(self, due: Due) -> bool:
        """Whether this claim takes another message to the same person, so that this one waits."""
        return any(identity in self._people for identity in due.recipient.identities)

    def crowded_by(self, due: Due) -> CapName | None:
        """The limit that is full only by what this claim takes, which may yet not leave."""
        for limit in self.limits(due):
            if self._before(limit.counter) < limit.most <= self._count(limit.counter):
                return limit.counter.name
        return None

    # --- taking -----------------------------------------------------------------------------------

    def take(self, due: Due) -> None:
        """Count a message as sent."""
        self._passed += 1
        self._taken.update(limit.counter for limit in self.limits(due))
        for identity in due.recipient.identities:
            self._people.setdefault(identity, due)
        if due.account is None:
            return
        if due.account.circuit_until is not None:
            self._probes.add(due.sender)
        if due.account.settings.profile is Profile.MAILBOX:
            self.lanes[Lane(PACE, due.sender)] = self._now + self._pause(due)

    def untake(self, due: Due) -> None:
        """Count it no more: it does not leave now."""
        self._passed -= 1
        self._taken.subtract(limit.counter for limit in self.limits(due))
        for identity in due.recipient.identities:
            if self._people.get(identity) is due:
                del self._people[identity]
        self._probes.discard(due.sender)
        self.lanes.pop(Lane(PACE, due.sender), None)

    def _pause(self, due: Due) -> timedelta:
        """Like a person's, drawn from the id of the message, so that a replay draws the same."""
        rules = self._rules
        return timedelta(seconds=jitter_s(str(due.message_id), rules.pace_min_s, rules.pace_max_s))

    def buckets(self, due: Due) -> tuple[Bucket, ...]:
        """The limits of a running time, for those who see to it that they are used evenly."""
        alike = _alike(due)
        known = self._buckets.get(alike)
        if known is None:
            known = self._buckets[alike] = tuple(self._made_of(self.limits(due)))
        return known

    def _made_of(self, limits: Sequence[Limit]) -> Iterator[Bucket]:
        for limit in limits:
            if limit.counter.name in SPAN_S:
                yield limit.bucket(self._before(limit.counter))
        most = self._reserved.limit
        everybody = Limit(Counter(CapName.GLOBAL_HOUR, "", self._now, self._now), most, "UTC")
        yield everybody.bucket(self._reserved.used)


def _alike(due: Due) -> _Alike:
    return due.sender, due.account, due.campaign_id, due.campaign_day_max, due.recipient.domain_key


def zones_of_recipient(recipient: Recipient) -> tuple[str, ...]:
    """Where the recipient may be; more than one where only the country is known."""
    if recipient.zone and known_zone(recipient.zone):
        return (recipient.zone,)
    return zones_of(recipient.country)

"""What the gates would say now about a message that waits; it locks and changes nothing."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from domain.campaign import Campaign
from domain.campaign.dispatch import seen_by_plan
from domain.events import Event
from domain.gates import Seen
from domain.ids import MessageId
from domain.plan import Grounds, Send
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.dispatch.budget import Budget, zones_of_recipient
from handlers.ports import Due, Input, Reserved, TenantPorts


def seen_now(ports: TenantPorts, message_id: MessageId, now: datetime) -> Seen | None:
    """What a claim would see at this moment; None where the message does not wait."""
    due = ports.outbox.look(message_id, now)
    if due is None:
        return None
    return _with_plan(ports, due, _outside(ports, due, now), now)


def _outside(ports: TenantPorts, due: Due, now: datetime) -> Seen:
    reserved = _as_if_asked(ports.global_share.reserve(0, now))
    with ports.transactions.begin() as tx:
        budget = Budget(ports.accounts.rules(tx), reserved, now)
        counters = list(dict.fromkeys(one.counter for one in budget.limits(due)))
        used = dict(zip(counters, ports.limits.used(tx, counters), strict=True))
        budget.know(used, ports.outbox.lanes(tx, budget.lanes_of([due])))
        return budget.seen(due)


def _as_if_asked(reserved: Reserved) -> Reserved:
    """What a claim of one would be granted, although nothing was asked for."""
    free = not reserved.paused and reserved.used < reserved.limit
    return replace(reserved, granted=int(free))


def _with_plan(ports: TenantPorts, due: Due, seen: Seen, now: datetime) -> Seen:
    """With what the plan adds: asked of the stream in a decision that decides nothing."""
    found, zones = [seen], zones_of_recipient(due.recipient)

    def look(state: Campaign, grounds: Grounds) -> Sequence[Event]:
        message = state.messages.get(due.message_id)
        node = None if message is None else grounds.plan.nodes.get(message.node)
        if message is not None and isinstance(node, Send):
            found.append(seen_by_plan(state, grounds, message, seen, now, zones=zones))
        return ()

    cause = Cause(CauseKind.REQUEST, str(due.message_id))
    ports.campaigns.transact(Input(due.stream, look, cause, due.message_id))
    return found[-1]

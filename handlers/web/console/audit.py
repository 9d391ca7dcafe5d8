"""Administrative acts: what people ordered about sending, who and why."""

from collections.abc import Iterator

import msgspec

from handlers.sender_accounts import AccountFact, sender_told, sending_orders
from handlers.web.console.visits import Shown, Visit


class Act(msgspec.Struct, frozen=True):
    """One order of a person: about what, and by whom."""

    about: str
    fact: AccountFact
    by: str


def audit(visit: Visit) -> Shown:
    """The latest orders, newest first."""
    found = sorted(_orders(visit), key=lambda one: (one[1].at, one[1].version), reverse=True)
    known = visit.stock.users.names(visit.session.tenant, {fact.actor for _, fact in found})
    acts = [Act(about, fact, known.get(fact.actor, fact.actor)) for about, fact in found]
    return Shown("audit.html", {"acts": acts})


def _orders(visit: Visit) -> Iterator[tuple[str, AccountFact]]:
    ports = visit.tenant.ports
    for fact in sending_orders(ports):
        yield "all sending", fact
    for name in sorted(ports.vault.senders()):
        for fact in sender_told(ports, name, visit.now).orders:
            yield f"sender {name}", fact

"""What administrators did, newest first; behind the first act, older orders about sending."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from domain.acts import Act
from handlers.api import act_calls
from handlers.api.act_calls import AdminEventShown
from handlers.api.calls import Page
from handlers.sender_accounts import AccountFact, sender_told, sending_orders
from handlers.sender_accounts import events as events_of
from handlers.web.console.visits import Shown, Visit

ON_A_PAGE = 50
OF_SENDING = frozenset(act for act in Act if act.startswith("sending."))
OF_SENDERS = frozenset(act for act in Act if act.startswith("sender."))
PAGES: Mapping[str, str] = {
    "campaign": "/campaigns/",
    "contact_campaign": "/contact-campaigns/",
    "message": "/messages/",
    "sender": "/accounts#",
}
"""Where to look at the subject of an act, by the first word of the act."""


class Which(Page):
    """Which part of the log."""

    limit: int = ON_A_PAGE


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One act; `code` says how it failed, and is empty where it was carried out."""

    event: AdminEventShown
    by: str
    code: str
    reason: str
    page: str


class Older(msgspec.Struct, frozen=True):
    """An order about sending from before there was a log of acts."""

    about: str
    fact: AccountFact
    by: str


def audit(visit: Visit) -> Shown:
    """A page of acts."""
    found = act_calls.page(visit.call(query=visit.asked(Which)))
    older = [] if found.next_cursor else _older(visit, found.items)
    actors = {one.actor for one in found.items} | {fact.actor for _, fact in older}
    known = visit.stock.users.names(visit.session.tenant, actors)
    return Shown(
        "audit.html",
        {
            "lines": list(_lines(found.items, _reasons(visit, found.items), known)),
            "older": [Older(to, fact, known.get(fact.actor, fact.actor)) for to, fact in older],
            "next_cursor": found.next_cursor,
        },
    )


def _lines(
    events: Sequence[AdminEventShown], reasons: Mapping[str, str], known: Mapping[str, str]
) -> Iterator[Line]:
    """An order and its failure in one line, where both are on the page."""
    codes = {one.ordered: one.code for one in events if one.kind == "failed"}
    numbers = {one.number for one in events}
    for one in events:
        if one.kind == "failed" and one.ordered in numbers:
            continue
        yield Line(
            event=one,
            by=known.get(one.actor, one.actor),
            code=one.code or codes.get(one.number, ""),
            reason=one.reason or reasons.get(str(one.request_id), ""),
            page=_page_of(one),
        )


def _page_of(one: AdminEventShown) -> str:
    """Of what has one; a campaign was created by its name, before it had an id."""
    word = "" if one.act in (None, Act.CAMPAIGN_CREATE) else one.act.partition(".")[0]
    return PAGES[word] + one.subject if word in PAGES and one.subject else ""


def _reasons(visit: Visit, events: Sequence[AdminEventShown]) -> Mapping[str, str]:
    """Of orders about sending, by their requests: they are noted with the facts they led to."""
    reasoned = [one for one in events if one.reasoned and not one.reason]
    ports = visit.tenant.ports
    senders = {one.subject for one in reasoned if one.act in OF_SENDERS}
    facts = [
        fact for name in senders & set(ports.vault.senders()) for fact in events_of(ports, name)
    ]
    if any(one.act in OF_SENDING for one in reasoned):
        facts += sending_orders(ports)
    return {fact.cause.rpartition("/")[2]: fact.reason for fact in facts}


def _older(visit: Visit, events: Sequence[AdminEventShown]) -> Sequence[tuple[str, AccountFact]]:
    """Orders about sending that were given before the first act, newest first."""
    first = events[-1].at if events else None
    found = [(about, fact) for about, fact in _orders(visit) if first is None or fact.at < first]
    return sorted(found, key=lambda one: (one[1].at, one[1].version), reverse=True)


def _orders(visit: Visit) -> Iterator[tuple[str, AccountFact]]:
    ports = visit.tenant.ports
    for fact in sending_orders(ports):
        yield "all sending", fact
    for name in sorted(ports.vault.senders()):
        for fact in sender_told(ports, name, visit.now).orders:
            yield f"sender {name}", fact

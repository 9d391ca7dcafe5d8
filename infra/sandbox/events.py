"""Reactions as Event Webhook entries: the provider's words and field sets, and its body form."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import msgspec

from infra.sandbox.dice import Dice
from infra.sandbox.persons import Kind
from infra.sandbox.planning import DROPPED, Planned

Event = dict[str, object]

WORD_OF = MappingProxyType(
    {
        Kind.BLOCKED: "bounce",
        Kind.BOUNCED_LATE: "bounce",
        Kind.MACHINE_OPENED: "open",
        Kind.MACHINE_CLICKED: "click",
    }
)
WITHOUT_SMTP_ID = frozenset(
    {
        Kind.OPENED,
        Kind.MACHINE_OPENED,
        Kind.CLICKED,
        Kind.MACHINE_CLICKED,
        Kind.UNSUBSCRIBED,
        Kind.COMPLAINED,
    }
)
# Reason, status, classification.
HARD = (
    ("550 5.1.1 user unknown", "5.1.1", "Invalid Address"),
    (
        "550 5.1.1 The email account that you tried to reach does not exist",
        "5.1.1",
        "Invalid Address",
    ),
    ("550 5.2.1 The mailbox is disabled", "5.2.1", "Mailbox Unavailable"),
)
SOFT = (  # the first one is what a domain says to a sender it has too many complaints about
    ("550 5.7.1 refused: too many complaints about this sender", "5.7.1", "Reputation"),
    ("552 5.2.2 mailbox full", "5.2.2", "Mailbox Unavailable"),
    ("550 5.7.1 blocked by policy", "5.7.1", "Reputation"),
)


def event_of(planned: Planned, seed: int, copy: int = 0) -> Event:
    """The entry for a reaction; a later copy differs in nothing but its sg_event_id."""
    kind = planned.reaction.kind
    dice = Dice(seed, "event", *planned.name)
    event_id = Dice(seed, "event id", *planned.name, copy).token(20)
    event = {
        **planned.mail.custom_args,
        "email": planned.mail.to,
        "timestamp": int(planned.at.timestamp()),
        "event": WORD_OF.get(kind, kind.value),
        "sg_event_id": event_id,
        "sg_message_id": f"{planned.provider_id}.recvd-5f9c7d4b88-2xk7p-1-{planned.number:08X}.0",
    }
    if planned.mail.categories:
        event["category"] = planned.mail.categories
    if kind not in WITHOUT_SMTP_ID:
        event["smtp-id"] = smtp_id(planned)
    return DETAILS_OF[kind](event, planned, dice)


def smtp_id(planned: Planned) -> str:
    """The Message-ID header of the mail: the sender's, or else the provider's."""
    return planned.mail.message_id or f"<{planned.provider_id}@geopod-ismtpd-12>"


def encode_batch(events: Iterable[Event]) -> bytes:
    """The body of a post, as the provider writes it: CRLF between entries and at the end."""
    joined = b",\r\n".join(msgspec.json.encode(event, order="sorted") for event in events)
    return b"[" + joined.replace(b"<", b"\\u003c").replace(b">", b"\\u003e") + b"]\r\n"


def _processed(event: Event, planned: Planned, _: Dice) -> Event:
    pool = planned.mail.pool
    return {**event, "pool": {"name": pool, "id": 210}} if pool else event


def _deferred(event: Event, planned: Planned, dice: Dice) -> Event:
    attempt = planned.reaction.choice
    return {
        **event,
        "response": "451 4.7.1 try again later",
        "attempt": str(attempt) if dice.chance(0.5) else attempt,
        "domain": planned.mail.to.rpartition("@")[2],
        "from": planned.mail.sender,
    }


def _delivered(event: Event, _: Planned, dice: Dice) -> Event:
    return {**event, "response": "250 2.0.0 OK", "ip": "192.0.2.10", "tls": dice.pick((1, "1"))}


def _bounced(event: Event, planned: Planned, _: Dice) -> Event:
    wording = HARD[planned.reaction.choice % len(HARD)]
    return {**event, "type": "bounce", "ip": "192.0.2.10", "tls": 1, **_refused(wording)}


def _blocked(event: Event, planned: Planned, _: Dice) -> Event:
    wording = SOFT[planned.reaction.choice % len(SOFT)]
    return {**event, "type": "blocked", "ip": "192.0.2.10", "tls": 1, **_refused(wording)}


def _refused(wording: tuple[str, str, str]) -> Event:
    reason, status, classification = wording
    return {"reason": reason, "status": status, "bounce_classification": classification}


def _bounced_late(event: Event, planned: Planned, dice: Dice) -> Event:
    """A report that came as a mail of its own: the provider no longer knows to what."""
    reason, status, _ = HARD[planned.reaction.choice % len(HARD)]
    unknown = {*planned.mail.custom_args, *(("smtp-id",) if dice.chance(0.3) else ())}
    known = {name: value for name, value in event.items() if name not in unknown}
    return {**known, "sg_message_id": "", "type": "bounce", "reason": reason, "status": status}


def _dropped(event: Event, planned: Planned, dice: Dice) -> Event:
    if dice.chance(0.2):
        event = {**event, "sg_message_id": f"filter0093p1las1.{planned.number}.5717FB8127.0"}
    return {**event, "reason": DROPPED[planned.reaction.choice]}


def _opened(event: Event, planned: Planned, _: Dice) -> Event:
    machine = planned.reaction.kind is Kind.MACHINE_OPENED
    return {**event, **_client(planned), "sg_machine_open": machine, "sg_content_type": "html"}


def _clicked(event: Event, planned: Planned, _: Dice) -> Event:
    index, url = chosen_link(planned)
    offset = {"index": index, "type": "html"}
    return {**event, **_client(planned), "url": url, "url_offset": offset}


def _unsubscribed(event: Event, planned: Planned, dice: Dice) -> Event:
    if planned.mail.group_id is not None:
        group = {"event": "group_unsubscribe", "asm_group_id": planned.mail.group_id}
        return {**event, **_client(planned), **group}
    if dice.chance(0.2):
        return {name: value for name, value in event.items() if name != "sg_event_id"}
    return event


def _plain(event: Event, _: Planned, __: Dice) -> Event:
    return event


def _client(planned: Planned) -> Event:
    return {"useragent": planned.reaction.agent, "ip": planned.reaction.ip}


def chosen_link(planned: Planned) -> tuple[int, str]:
    """Index and target of the link a click is on; a program takes any, a person a visible one."""
    mail, choice = planned.mail, planned.reaction.choice
    offered = mail.offered_links()
    if planned.reaction.kind is Kind.MACHINE_CLICKED or not offered:
        return choice % len(mail.links), mail.links[choice % len(mail.links)].url
    return offered[choice % len(offered)]


DETAILS_OF: Mapping[Kind, Callable[[Event, Planned, Dice], Event]] = MappingProxyType(
    {
        Kind.PROCESSED: _processed,
        Kind.DEFERRED: _deferred,
        Kind.DELIVERED: _delivered,
        Kind.BOUNCED: _bounced,
        Kind.BLOCKED: _blocked,
        Kind.BOUNCED_LATE: _bounced_late,
        Kind.DROPPED: _dropped,
        Kind.OPENED: _opened,
        Kind.MACHINE_OPENED: _opened,
        Kind.CLICKED: _clicked,
        Kind.MACHINE_CLICKED: _clicked,
        Kind.UNSUBSCRIBED: _unsubscribed,
        Kind.COMPLAINED: _plain,
    }
)

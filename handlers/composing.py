"""Planned messages: rendered from the plan and the vault as they are now, kept, and queued."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from domain import campaign
from domain.accounts import choose
from domain.campaign import LOOK_AGAIN
from domain.events import MessageQueued
from domain.ids import ContactId, MessageId, StreamId
from domain.recorded import Cause
from domain.taxonomy import CauseKind, HoldReason, domain_class
from handlers.dispatch.batches import shrinking
from handlers.links import Links
from handlers.ports import (
    AccountRow,
    Decide,
    Input,
    Mail,
    Person,
    Planned,
    Rendered,
    Sender,
    Sent,
    TenantPorts,
    Transaction,
)
from handlers.rendering import Content, Earlier, RenderFailed, render

LOG = logging.getLogger("antiphon.composing")
BATCH = 200
Node = Mapping[str, Any]
Nodes = Mapping[str, Node]
"""The nodes of a plan by their ids."""


class NobodyFit(Exception):
    """No sender of the rotation set may send now; the message waits."""


class _Sources(msgspec.Struct, frozen=True):
    """What the messages of one batch are made of, read once in the transaction of the batch."""

    people: Mapping[ContactId, Person]
    senders: Mapping[str, Sender]
    plans: Mapping[str, Nodes]
    rotation: Sequence[AccountRow]
    """All accounts, where a message leaves it to a set of them who writes."""
    fit: frozenset[str]
    """Those of them that may be given new contacts now."""
    sent: Mapping[StreamId, Sequence[Sent]]
    """What went out before, of those streams where a message depends on it."""
    mails: Mapping[MessageId, tuple[Mail, bytes]]


class Composer:
    """Renders what comes due for one tenant; made anew for each bell.

    The plans of the last batch stay at hand for the next one: what a hash names never changes, and
    nothing that erasure takes away outlives the bell here.
    """

    def __init__(self, ports: TenantPorts, links: Links) -> None:
        self._ports = ports
        self._links = links
        self._plans: Mapping[str, Nodes] = {}

    def compose_batch(self, limit: int = BATCH) -> int:
        """Render one batch; a message that cannot be rendered fails. The number taken."""
        return shrinking(self._compose, limit, set_aside=self._set_aside, none=0)

    def _set_aside(self) -> int:
        """Put the first message back: nothing can be decided on it, and others wait behind it."""
        with self._ports.transactions.begin() as tx:
            rows = self._ports.outbox.planned(tx, self._ports.clock.now(), 1)
            self._hold(tx, [row.message_id for row in rows])
        return len(rows)

    def _hold(
        self,
        tx: Transaction,
        ids: Sequence[MessageId],
        why: HoldReason = HoldReason.GATE_ERROR,
    ) -> None:
        if ids and why == HoldReason.GATE_ERROR:
            LOG.error("messages of %s cannot be queued: %s", self._ports.tenant, ids)
        self._ports.outbox.hold(tx, ids, why, self._ports.clock.now() + LOOK_AGAIN)

    def _compose(self, limit: int) -> int:
        ports, now = self._ports, self._ports.clock.now()
        notes: dict[MessageId, tuple[Planned, str]] = {}
        with ports.transactions.begin() as tx:
            rows = ports.outbox.planned(tx, now, limit)
            if not rows:
                return 0
            sources = self._sources(tx, rows)
            kept: list[Rendered] = []
            waiting: list[MessageId] = []
            given: list[Input] = []
            for row in rows:
                made = self._made(row, sources)
                if isinstance(made, Rendered):
                    kept.append(made)
                    given.append(_input(row, _queued(made, now)))
                elif isinstance(made, NobodyFit):
                    waiting.append(row.message_id)
                    given.append(_input(row, _kept_waiting(row, now)))
                elif made is not None:
                    given.append(_input(row, _given_up(row, made.reason, now)))
                    notes[row.message_id] = row, made.detail
            ports.vault.keep_rendered(tx, kept)
            results = ports.campaigns.decide_in(tx, given)
            decided = {result.ref for result in results if result.facts}
            self._hold(tx, waiting, HoldReason.SENDER_PAUSED)
            done = decided.union(waiting)
            # what nothing was decided about must not stay at the head of the queue
            self._hold(tx, [row.message_id for row in rows if row.message_id not in done])
        for row, detail in notes.values():
            if detail and row.message_id in decided:
                ports.vault.keep_note(row.message_id, row.contact_id, "render_failed", detail)
        return len(rows)

    def _sources(self, tx: Transaction, rows: Sequence[Planned]) -> _Sources:
        vault = self._ports.vault
        senders = vault.senders(tx)
        plans = self._plans = self._plans_of(tx, {row.plan_hash for row in rows})
        rotating = {row.stream for row in rows if row.sender not in senders}
        replying = {row.stream for row in rows if _may_reply(row, plans)}
        accounts, fit = self._rotation(tx) if rotating else ((), frozenset[str]())
        sent = self._ports.outbox.sent(tx, rotating | replying)
        return _Sources(
            people=vault.people({row.contact_id for row in rows}, tx),
            senders=senders,
            plans=plans,
            rotation=accounts,
            fit=fit,
            sent=_by_stream(sent),
            mails=vault.mails({one.message_id for one in sent if one.stream in replying}, tx),
        )

    def _plans_of(self, tx: Transaction, hashes: set[str]) -> Mapping[str, Nodes]:
        missing = hashes - self._plans.keys()
        found = self._ports.vault.documents(missing, tx) if missing else {}
        read = {name: {one["id"]: one for one in found[name].get("nodes", ())} for name in found}
        return {name: nodes for name, nodes in {**self._plans, **read}.items() if name in hashes}

    def _rotation(self, tx: Transaction) -> tuple[Sequence[AccountRow], frozenset[str]]:
        now = self._ports.clock.now()
        rules, rows = self._ports.accounts.rules(tx), self._ports.accounts.rows(tx)
        return rows, frozenset(row.sender for row in rows if row.fit(rules.health_min, now))

    def _made(self, row: Planned, sources: _Sources) -> Rendered | RenderFailed | NobodyFit | None:
        """The mail, or why there is none; None when that broke on something unforeseen."""
        try:
            return self._rendered(row, sources)
        except (RenderFailed, NobodyFit) as failed:
            return failed
        except Exception as error:  # noqa: BLE001  # one message must not hold back the others
            LOG.warning("rendering %s broke: %s", row.message_id, type(error).__name__)
            return None

    def _rendered(self, row: Planned, sources: _Sources) -> Rendered:
        person = sources.people.get(row.contact_id)
        if person is None:
            raise RenderFailed("recipient")
        message = _message(sources.plans[row.plan_hash][row.node], row.variant)
        return render(
            _content(message),
            person,
            _sender(row, sources),
            message_id=row.message_id,
            links=self._links,
            in_reply_to=self._earlier(row, message.get("replyTo"), sources),
        )

    def _earlier(self, row: Planned, reply_to: str | None, sources: _Sources) -> Earlier | None:
        """The mail to thread under: the latest one of that node that was accepted."""
        if reply_to is None:
            return None
        of_stream = sources.sent.get(row.stream, ())
        of_node = [one for one in of_stream if one.node == reply_to]
        if of_stream and not of_node:
            of_node = self._renamed(row.stream, reply_to, of_stream)
        if not of_node:
            return None
        latest = max(of_node, key=lambda one: one.visit)
        mail, _ = sources.mails[latest.message_id]
        own_id = f"<{latest.message_id}.{latest.attempt}@{mail.sender_domain}>"
        references = tuple(mail.headers.get("References", "").split())
        return Earlier(own_id, mail.subject, references)

    def _renamed(self, stream: StreamId, node: str, sent: Sequence[Sent]) -> list[Sent]:
        """What a node sent under the id that it had before a revision: its rows keep that."""
        messages = self._ports.campaigns.load(stream).messages
        return [one for one in sent if messages[one.message_id].node == node]


def _by_stream(sent: Sequence[Sent]) -> Mapping[StreamId, Sequence[Sent]]:
    found = defaultdict[StreamId, list[Sent]](list)
    for one in sent:
        found[one.stream].append(one)
    return found


def _may_reply(row: Planned, plans: Mapping[str, Nodes]) -> bool:
    """Whether its node writes under earlier mails; no for a node that is not there."""
    node = plans.get(row.plan_hash, {}).get(row.node, {})
    messages = [node.get("message"), *(one.get("message") for one in node.get("variants", ()))]
    return any(message and message.get("replyTo") for message in messages)


def _message(node: Node, variant: str) -> Mapping[str, Any]:
    contents = {one["id"]: one["message"] for one in node["variants"]}
    message: Mapping[str, Any] | None = contents.get(variant) if variant else node.get("message")
    if message is None:
        raise RenderFailed("content")
    return message


def _content(message: Mapping[str, Any]) -> Content:
    return Content(
        subject=message.get("subject"),
        preheader=message.get("preheader"),
        html=message.get("html"),
        text=message.get("text"),
        track_opens=message["trackOpens"],
        track_clicks=message["trackClicks"],
    )


def _sender(row: Planned, sources: _Sources) -> Sender:
    """The sender that the node names, else the campaign's; of a rotation set, one member.

    A contact-campaign keeps the member that wrote first, for as long as it is there.
    """
    chosen = sources.senders.get(row.sender) or sources.senders.get(_member(row, sources))
    if chosen is None:
        raise RenderFailed("sender", row.sender)
    return chosen


def _member(row: Planned, sources: _Sources) -> str:
    members = [
        account.sender
        for account in sources.rotation
        if account.settings.rotation_set == row.sender and not account.deleted
    ]
    before = [one for one in sources.sent.get(row.stream, ()) if one.sender in members]
    if before:
        return before[-1].sender
    chosen = choose((name for name in members if name in sources.fit), str(row.stream))
    if members and chosen is None:
        raise NobodyFit(row.sender)
    return chosen or ""


def _queued(rendered: Rendered, now: datetime) -> Decide:
    queued = MessageQueued(
        message_id=rendered.message_id,
        body_mac=rendered.body_mac,
        snapshot=f"{rendered.contact_id}.{rendered.snapshot}",
        at=now,
        domain=domain_class(rendered.mail.to_email),
        sender=rendered.sender,
    )
    return partial(campaign.queue, queued=queued)


def _kept_waiting(row: Planned, now: datetime) -> Decide:
    """Said once, so that its expiry does not count the time."""
    return partial(
        campaign.keep_waiting,
        message_id=row.message_id,
        reason=HoldReason.SENDER_PAUSED,
        until=now + LOOK_AGAIN,
        at=now,
    )


def _given_up(row: Planned, reason: str, now: datetime) -> Decide:
    return partial(campaign.give_up, message_id=row.message_id, reason=f"render:{reason}", at=now)


def _input(row: Planned, decide: Decide) -> Input:
    cause = Cause(CauseKind.DISPATCH, str(row.message_id))
    return Input(row.stream, decide, cause, row.message_id, ref=row.message_id)

"""What was sent: in open hours, and just what had been rendered (I14, I17)."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from domain.events import (
    Event,
    MessageQueued,
    MessageReopened,
    PlanRevised,
    SendAttemptStarted,
)
from domain.ids import MessageId
from domain.plan import Plan, Send
from domain.taxonomy import MessageState
from domain.timing import is_open
from handlers.ports import Mail
from handlers.rendering import body_mac
from infra.invariants.finding import Finding, Tally
from infra.invariants.snapshot import Snapshot
from infra.invariants.streams import Stream


class OpenHours:
    """I14: no attempt outside the hours that the plan leaves open where the recipient is."""

    def __init__(self) -> None:
        self._tally = Tally("I14", "No attempt outside the recipient's open hours")

    def take(self, taken: Snapshot, batch: Sequence[Stream]) -> None:  # noqa: ARG002  # a Look
        for stream in batch:
            if stream.plan is not None and stream.plan.plan is not None:
                self._judge(stream, stream.plan.plan)

    def _judge(self, stream: Stream, plan: Plan) -> None:
        for fact in _attempts(stream):
            message = stream.state.messages.get(fact.message_id)
            node = plan.nodes.get(message.node) if message else None
            if not isinstance(node, Send):
                continue  # I8 and I12 tell
            self._tally.examined += 1
            days = node.hours.holidays.union(stream.state.holidays)
            if not is_open(fact.at, replace(node.hours, holidays=days)):
                self._tally.add(
                    f"message {fact.message_id}, attempt {fact.attempt}: {fact.at.isoformat()} "
                    f"is closed at node {node.id!r} in {node.hours.zone}"
                )

    def findings(self, taken: Snapshot, note: str) -> list[Finding]:  # noqa: ARG002  # a Look
        return [self._tally.finding(note)]


def _attempts(stream: Stream) -> Iterator[SendAttemptStarted]:
    for recorded in stream.under_plan:
        if isinstance(recorded.fact, SendAttemptStarted):
            yield recorded.fact


_KEPT = """
SELECT q.message_id, q.body_mac, q.state, b.contact_id, b.snapshot, b.mail, c.vault_key
  FROM {s}.send_queue q LEFT JOIN {s}.bodies b USING (message_id)
  LEFT JOIN {s}.contacts c ON c.contact_id = q.contact_id
 WHERE q.message_id = ANY(%(ids)s)
"""
_TO_BE_SENT = (MessageState.QUEUED, MessageState.SENDING)


class _Kept(msgspec.Struct, frozen=True):
    """A message as its row, the vault and the key of its contact have it now."""

    mac: str | None
    state: str
    contact_id: Any = None
    snapshot: int | None = None
    mail: bytes | None = None
    key: bytes | None = None


class Rendered:
    """I17: what an attempt sent is what was rendered, from one snapshot of the vault.

    A message that was reopened is rendered again: each attempt is of the mail rendered last before
    it. The mail of a contact that was erased can no longer be proven; it is not examined.
    """

    def __init__(self) -> None:
        self._tally = Tally("I17", "An attempt sent what was rendered, of one vault snapshot")
        self._mails = msgspec.msgpack.Decoder(Mail)

    def take(self, taken: Snapshot, batch: Sequence[Stream]) -> None:
        latest: dict[MessageId, MessageQueued | None] = {}
        for stream in batch:
            for recorded in stream.facts:
                self._follow(recorded.fact, latest)
        rows = taken.rows(_KEPT, {"ids": list(latest)})
        kept = {row[0]: _Kept(*row[1:]) for row in rows}
        for mid, fact in latest.items():
            self._judge(mid, fact, kept.get(mid))

    def _follow(self, fact: Event, latest: dict[MessageId, MessageQueued | None]) -> None:
        """Compare an attempt with what was rendered last before it; note what is rendered now."""
        match fact:
            case MessageQueued():
                latest[fact.message_id] = fact
            case MessageReopened() | PlanRevised() if fact.message_id is not None:
                latest[fact.message_id] = None
            case SendAttemptStarted():
                self._compare(fact, latest.get(fact.message_id))
            case _:
                pass

    def _compare(self, fact: SendAttemptStarted, rendered: MessageQueued | None) -> None:
        self._tally.examined += 1
        if rendered is None or rendered.body_mac != fact.body_mac:
            what = "nothing" if rendered is None else "another mail"
            self._tally.add(
                f"message {fact.message_id}, attempt {fact.attempt}: {what} had been rendered"
            )

    def _judge(self, mid: MessageId, fact: MessageQueued | None, kept: _Kept | None) -> None:
        if kept is None or kept.key is None:
            return
        self._tally.examined += 1
        fault = self._fault(mid, fact, kept)
        if fault:
            self._tally.add(f"message {mid}: {fault}")

    def _fault(self, mid: MessageId, fact: MessageQueued | None, kept: _Kept) -> str | None:
        if fact is None:
            return None if kept.mac is None else "is to be rendered again, and its row has a MAC"
        if kept.mac != fact.body_mac:
            return "its row has another MAC than the fact"
        if kept.mail is None or kept.key is None:
            return "is to be sent and has no mail" if kept.state in _TO_BE_SENT else None
        if fact.snapshot != f"{kept.contact_id}.{kept.snapshot}":
            return (
                f"rendered from {fact.snapshot}, the mail is of {kept.contact_id}.{kept.snapshot}"
            )
        try:
            mail = self._mails.decode(kept.mail)
        except (msgspec.DecodeError, ValueError):
            return "its mail cannot be read"
        if mail.message_id != mid or body_mac(mail, bytes(kept.key)) != fact.body_mac:
            return "its mail is not the one that was rendered"
        return None

    def findings(self, taken: Snapshot, note: str) -> list[Finding]:  # noqa: ARG002  # a Look
        return [self._tally.finding(note)]

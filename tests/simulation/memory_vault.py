"""The vault and the register of a tenant in memory: people, senders, plans, bodies, campaigns."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from typing_extensions import override

from domain.ids import CampaignId, ContactId, MessageId, StreamId
from domain.plan import Plan
from domain.taxonomy import HoldReason
from handlers.ports import (
    CampaignRow,
    Clock,
    LastRun,
    Mail,
    NewPlan,
    Note,
    Person,
    PlanRef,
    Register,
    Rendered,
    ReportRef,
    Sender,
    Transaction,
    Vault,
)
from infra.vault import AddressMac
from infra.vault.texts import OPT_OUT
from plans.compile import compile_plan
from tests.simulation.memory_database import Memory, of
from tests.simulation.memory_limits import CLAIMS
from tests.simulation.memory_waking import wake

COMPILED: dict[PlanRef, Plan] = {}
"""Plans are compiled once for all runs: the same reference is the same plan."""


class MemoryVault(Vault):
    """Implements handlers.ports.Vault as far as sending goes."""

    def __init__(self, memory: Memory, mac: AddressMac) -> None:
        self._memory = memory
        self._mac = mac

    def put_person(self, person: Person) -> None:
        """Write a contact."""
        with self._memory.begin() as tx:
            url, mac = person.linkedin_url, self._mac(person.email or "")
            before = tx.get("contacts", person.contact_id)
            former = {before["mac"], *before["former"]} - {mac} if before else set()
            row = {
                "person": person,
                "mac": mac,
                "former": former,
                "profile_mac": self._mac.of_profile(url) if url else None,
            }
            tx.put("contacts", person.contact_id, row)

    def put_sender(self, sender: Sender) -> None:
        """Write an identity; its account is put by the accounts."""
        with self._memory.begin() as tx:
            tx.put("senders", sender.sender, {"sender": sender})

    @override
    def people(
        self, ids: Iterable[ContactId], tx: Transaction | None = None
    ) -> Mapping[ContactId, Person]:
        self._step("vault.people", tx)
        rows = self._memory.committed_rows("contacts")
        return {contact: rows[contact]["person"] for contact in ids if contact in rows}

    @override
    def senders(self, tx: Transaction | None = None) -> Mapping[str, Sender]:
        self._step("vault.senders", tx)
        rows = self._memory.committed_rows("senders").values()
        return {row["sender"].sender: row["sender"] for row in rows}

    @override
    def plans(
        self, wanted: Iterable[PlanRef], tx: Transaction | None = None
    ) -> Mapping[PlanRef, Plan]:
        asked = list(wanted)
        documents = self._memory.committed_rows("plans")
        for ref in asked:
            if ref not in COMPILED and ref.plan_hash in documents:
                COMPILED[ref] = compile_plan(documents[ref.plan_hash]["document"], *ref)
        return {ref: COMPILED[ref] for ref in asked if ref.plan_hash in documents}

    @override
    def documents(
        self, hashes: Iterable[str], tx: Transaction | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        self._step("vault.documents", tx)
        rows = self._memory.committed_rows("plans")
        return {each: rows[each]["document"] for each in hashes if each in rows}

    @override
    def reports(self, wanted: Iterable[ReportRef]) -> Mapping[ReportRef, bytes]:
        return {}

    @override
    def keep_rendered(self, tx: Transaction, rendered: Sequence[Rendered]) -> None:
        inside = of(tx)
        self._memory.around.step("vault.keep_rendered", inside)
        for one in rendered:
            row = {
                "mail": one.mail,
                "contact_id": one.contact_id,
                "opt_out": one.mail.headers.keys() >= OPT_OUT,
            }
            inside.put("bodies", one.message_id, row)

    @override
    def mails(
        self, ids: Iterable[MessageId], tx: Transaction | None = None
    ) -> Mapping[MessageId, tuple[Mail, bytes]]:
        self._step("vault.mails", tx)
        bodies = self._memory.committed_rows("bodies")
        people = self._memory.committed_rows("contacts")
        found = ((mid, bodies[mid]) for mid in ids if mid in bodies)
        return {
            mid: (body["mail"], people[body["contact_id"]]["person"].vault_key)
            for mid, body in found
            if body["contact_id"] in people
        }

    @override
    def keep_note(self, subject: UUID, contact: ContactId | None, kind: str, text: str) -> None:
        self._memory.around.step("vault.keep_note")

    @override
    def noted(self, subjects: Iterable[UUID], limit: int) -> list[Note]:
        return []

    @override
    def link(self, message_id: MessageId, number: int) -> str | None:
        return None

    @override
    def keep_reply(self, reply_id: UUID, received: Mapping[str, Any]) -> None:
        self._memory.around.step("vault.keep_reply")

    def _step(self, point: str, tx: Transaction | None) -> None:
        self._memory.around.step(point, None if tx is None else of(tx))


class MemoryRegister(Register):
    """Implements handlers.ports.Register."""

    def __init__(self, memory: Memory, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock

    def add_campaign(self, row: CampaignRow) -> None:
        """Write a new campaign."""
        with self._memory.begin() as tx:
            shown = {"status": row.status, "sender": row.sender, "daily_limit": row.daily_limit}
            tx.put("campaigns", row.campaign_id, {**shown, "row": row})

    @override
    def campaign(self, campaign_id: CampaignId) -> CampaignRow | None:
        return self.campaigns_of([campaign_id]).get(campaign_id)

    @override
    def campaigns_of(self, ids: Iterable[CampaignId]) -> Mapping[CampaignId, CampaignRow]:
        self._memory.around.step("register.campaigns")
        rows = self._memory.committed_rows("campaigns")
        return {each: rows[each]["row"] for each in ids if each in rows}

    @override
    def set_status(self, campaign_id: CampaignId, status: str) -> None:
        with self._memory.begin() as tx:
            self._memory.around.step("register.set_status", tx)
            tx.lock(*CLAIMS)
            tx.lock("campaigns", campaign_id)
            row = tx.get("campaigns", campaign_id)
            if row is not None:
                changed = replace(row["row"], status=status)
                tx.change("campaigns", campaign_id, status=status, row=changed)
            if status == "active":
                held = (HoldReason.CAMPAIGN_PAUSED,)
                wake(tx, held, self._clock.now(), campaign=campaign_id)

    @override
    def keep_plans(self, tx: Transaction, plans: Sequence[NewPlan]) -> None:
        for plan in plans:
            of(tx).put("plans", plan.plan_hash, {"document": json.loads(plan.document)})

    @override
    def last_runs(
        self, campaign_id: CampaignId, contacts: Iterable[ContactId]
    ) -> Mapping[ContactId, LastRun]:
        """No runs: enrolments of one contact are asked of its stream."""
        return {}

    @override
    def hold_senders(self) -> None:
        raise NotImplementedError  # no run reports trouble with the account

    @override
    def streams(
        self, campaign_id: CampaignId, after: StreamId | None, limit: int
    ) -> list[StreamId]:
        self._memory.around.step("register.streams")
        rows = self._memory.committed_rows("streams").values()
        here = sorted(row["stream_id"] for row in rows if row["campaign_id"] == campaign_id)
        return [stream for stream in here if after is None or stream > after][:limit]

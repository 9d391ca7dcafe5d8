"""Rounds of writing and checking: the report goes back to the writer until a plan is accepted."""

from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from domain.ids import ContactId
from handlers.noted import NOTES_MAX
from handlers.ports import Person, TenantPorts, Vault
from handlers.ports.writer import Assignment, Before, Draft, PlanWriter
from handlers.proving import prove
from plans.context import ContactContext
from plans.intake import BYTES_MAX, read_json
from plans.normalise import normalise
from plans.verify.report import Report, refused

ROUNDS_MAX = 10
ROUND, DRAFT = "plan_round", "plan_draft"
"""The kinds of the notes that a round is kept as: one about the contact, one about the round.

They are in the vault, and go with the contact, by erasure.
"""
POLICY = {"allowedChannels", "maxSends", "maxDuration"}
"""What of the tenant's policy a writer can keep to."""


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One draft and what its check said.

    `prompt` is the keyed digest of the words it was written from: it proves them to who has them,
    and after an erasure tells nothing. What was written is kept as a note about `round_id`.
    """

    writing_id: UUID
    round_id: UUID
    number: int
    writer: str
    prompt: str
    accepted: bool
    codes: tuple[str, ...]
    plan_hash: str | None


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What came of all rounds; `plan` is the last draft in canonical form, if it has one."""

    accepted: bool
    plan: Any
    report: Report
    rounds: tuple[Round, ...]


def write_plan(
    ports: TenantPorts,
    writer: PlanWriter,
    person: Person,
    assignment: Assignment,
    *,
    rounds: int,
) -> Written:
    """Let a plan be written for a person until one is accepted, at most so many rounds.

    Each round is kept in the vault before the next one begins; a writer that has nothing new to say
    is asked no more. Nothing is enrolled here.
    """
    assert 1 <= rounds <= ROUNDS_MAX
    writing_id = ports.rng.new_id()
    done: list[Round] = []
    before: Before | None = None
    for number in range(1, rounds + 1):
        draft = writer.write(msgspec.structs.replace(assignment, before=before))
        again = before is not None and before.text == draft.text
        before = _checked(ports, assignment.context, draft)
        ids = writing_id, ports.rng.new_id()
        done.append(_round(ids, number, writer.name, person, draft, before.report))
        _keep(ports, person.contact_id, done[-1], draft)
        if before.report.ok or again:
            break
    assert before is not None
    return Written(
        accepted=before.report.ok, plan=before.plan, report=before.report, rounds=tuple(done)
    )


class KeptRound(msgspec.Struct, frozen=True):
    """A round as the vault has it; no draft where it was erased."""

    at: datetime
    round: Round
    draft: str | None


def rounds_of(vault: Vault, contact_id: ContactId) -> list[KeptRound]:
    """How the plans of a contact came about: the latest rounds, oldest first."""
    notes = [one for one in vault.noted([contact_id], NOTES_MAX) if one.kind == ROUND]
    found = [(one.at, msgspec.json.decode(one.text, type=Round)) for one in notes]
    drafts = vault.noted({one.round_id for _, one in found}, NOTES_MAX)
    texts = {note.subject_id: note.text for note in drafts}
    return [KeptRound(at, one, texts.get(one.round_id)) for at, one in found]


def policy_told(ports: TenantPorts) -> dict[str, Any]:
    """The tenant's policy as a writer is told it."""
    told = ports.plan_policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {name: value for name, value in told.items() if name in POLICY}


def plan_in(text: str) -> str:
    """The JSON object in what was written; writers like to put words and fences around it."""
    begin, end = text.find("{"), text.rfind("}")
    return text[begin : end + 1] if 0 <= begin < end else text


def _checked(ports: TenantPorts, context: ContactContext, draft: Draft) -> Before:
    submitted = read_json(plan_in(draft.text).encode("utf-8", "surrogatepass"))
    if submitted.issues:
        return Before(draft.text, None, refused(*submitted.issues))
    found = prove(ports, submitted.document, context)
    plan = found.document or normalise(submitted.document).document
    return Before(draft.text, plan, found.report)


def _round(
    ids: tuple[UUID, UUID],
    number: int,
    writer: str,
    person: Person,
    draft: Draft,
    report: Report,
) -> Round:
    return Round(
        writing_id=ids[0],
        round_id=ids[1],
        number=number,
        writer=writer,
        prompt=sha256(person.vault_key + draft.prompt.encode("utf-8", "replace")).hexdigest(),
        accepted=report.ok,
        codes=tuple(dict.fromkeys(each.code for each in report.issues)),
        plan_hash=report.plan_hash,
    )


def _keep(ports: TenantPorts, contact_id: ContactId, one: Round, draft: Draft) -> None:
    """The draft goes first: a round that is told has one. It is cut where no plan is so long."""
    text = draft.text.replace("\x00", "")[:BYTES_MAX].encode("utf-8", "replace").decode()
    ports.vault.keep_note(one.round_id, contact_id, DRAFT, text)
    told = msgspec.json.encode(one).decode()
    ports.vault.keep_note(contact_id, contact_id, ROUND, told)

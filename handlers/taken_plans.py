"""The plans that a contact-campaign took, each with the report that it was accepted with."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from domain.events import PlanAccepted, PlanRevised, topic_of
from domain.ids import StreamId
from domain.recorded import Recorded
from handlers.ports import ReportRef, Vault
from handlers.timeline import History


class TakenPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that was in force from `at` on.

    `intact` says that the report is the one whose SHA-256 the log has; report and plan are null
    once they were erased, and where a plan was taken before reports were kept.
    """

    version: int
    kind: str
    at: datetime
    cause: str
    plan_hash: str
    report_sha256: str | None
    intact: bool | None
    report: dict[str, Any] | None
    plan: dict[str, Any] | None


class TakenPlans(msgspec.Struct, frozen=True, kw_only=True):
    """All plans of a contact-campaign, oldest first; the last one is in force."""

    contact_campaign_id: StreamId
    plans: list[TakenPlan]


def taken_plans(history: History, vault: Vault, stream: StreamId) -> TakenPlans | None:
    """The plans of a stream with their reports; None where there is no stream."""
    recorded = history(stream)
    if not recorded:
        return None
    return TakenPlans(contact_campaign_id=stream, plans=_taken(recorded, vault))


def _taken(recorded: Sequence[Recorded], vault: Vault) -> list[TakenPlan]:
    steps = list(_steps(recorded))
    reports = vault.reports({ref for _, ref in steps if ref.digest})
    documents = vault.documents({ref.plan_hash for _, ref in steps})
    return [_shown(one, ref, reports.get(ref), documents.get(ref.plan_hash)) for one, ref in steps]


def _steps(recorded: Sequence[Recorded]) -> Iterator[tuple[Recorded, ReportRef]]:
    for one in recorded:
        match one.fact:
            case PlanAccepted(plan_hash=plan_hash, proof=proof):
                yield one, ReportRef(plan_hash, "" if proof is None else proof.report)
            case PlanRevised(new_hash=plan_hash, proof=proof):
                yield one, ReportRef(plan_hash, "" if proof is None else proof.report)
            case _:
                pass


def _shown(
    one: Recorded, ref: ReportRef, report: bytes | None, document: object | None
) -> TakenPlan:
    return TakenPlan(
        version=one.version,
        kind=topic_of(one.fact),
        at=getattr(one.fact, "at", one.at),
        cause=f"{one.cause.kind}:{one.cause.id}",
        plan_hash=ref.plan_hash,
        report_sha256=ref.digest or None,
        intact=None if report is None else sha256(report).hexdigest() == ref.digest,
        report=None if report is None else msgspec.json.decode(report),
        plan=None if document is None else msgspec.convert(document, dict[str, Any]),
    )

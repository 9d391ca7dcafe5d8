"""What-if: a contact-campaign's recorded history against another plan. Changes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from domain.errors import CampaignNotStarted
from domain.events import PlanAccepted, PlanRevised, RevisionKept
from domain.ids import StreamId, subject_key
from domain.plan import Plan
from domain.recorded import Recorded
from handlers.errors import NotHere, OutOfStep
from handlers.ports import PlanRef, TenantPorts
from handlers.proving import BEHIND, context_of, prove
from handlers.timeline import History
from handlers.values import guard_values
from plans.verify.check import Checked
from plans.verify.report import Report
from plans.what_if import Assumption, Setting, WhatIf, what_if


class Compared(msgspec.Struct, frozen=True, omit_defaults=True):
    """Both courses, or the report of a plan that is refused."""

    status: Literal["compared", "refused"]
    contact_campaign_id: StreamId
    plan_hash: str | None = None
    report: Report | None = None
    what_if: WhatIf | None = None


def compare(ports: TenantPorts, history: History, stream: StreamId, document: object) -> Compared:
    """Prove the plan for this contact, then run what was recorded against it.

    Raises NotHere where there is no such contact-campaign, OutOfStep where it has no history yet.
    """
    recorded = history(stream)
    if not recorded:
        raise NotHere("no contact-campaign has this id")
    contact, campaign = recorded[0].contact_id, recorded[0].campaign_id
    checked = prove(ports, document, context_of(ports, contact, campaign))
    plan = checked.runnable
    if not checked.report.ok or plan is None:
        return Compared("refused", stream, report=checked.report)
    person = ports.vault.people([contact]).get(contact)
    setting = Setting(
        stream=stream,
        subject=subject_key(ports.tenant, contact, campaign),
        plans=_plans_of(ports, recorded),
        policy=ports.policy,
        values=guard_values(person) if person is not None else {},
        until=ports.clock.now(),
    )
    try:
        found = what_if(recorded, plan, setting)
    except CampaignNotStarted as early:
        raise OutOfStep(str(early)) from early
    told = [*found.assumed, *_of_calendars(checked, recorded, setting.until)]
    return Compared("compared", stream, plan.hash, what_if=replace(found, assumed=told))


def _of_calendars(
    checked: Checked, recorded: Sequence[Recorded], until: datetime | None
) -> Iterator[Assumption]:
    """Public calendars are looked up as for a plan that starts now."""
    named = checked.document["holidays"]["calendars"] if checked.document else ()
    if named and until is not None and recorded[0].at < until - BEHIND:
        told = f"closed days of {', '.join(named)} are known from a week ago on"
        yield Assumption("calendars", told)


def _plans_of(ports: TenantPorts, recorded: Iterable[Recorded]) -> Mapping[str, Plan]:
    """Every plan that was in force, with the closed days of then; some may be gone."""
    refs = [ref for one in recorded for ref in _ref(one)]
    return {ref.plan_hash: plan for ref, plan in ports.vault.plans(refs).items()}


def _ref(one: Recorded) -> list[PlanRef]:
    match one.fact:
        case (
            PlanAccepted(plan_hash=plan_hash, holidays=holidays)
            | PlanRevised(new_hash=plan_hash, holidays=holidays)
            | RevisionKept(new_hash=plan_hash, holidays=holidays)
        ):
            return [PlanRef(plan_hash, holidays)]
        case _:
            return []

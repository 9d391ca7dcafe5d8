"""Enrol contacts with their plans, and order their contact-campaigns about."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from domain import campaign
from domain.campaign import Campaign
from domain.events import PlanAccepted
from domain.ids import CampaignId, ContactId, StreamId, stream_id, subject_key
from domain.lifecycle import Stage
from domain.plan import Grounds, Plan
from domain.recorded import Cause
from handlers.ports import (
    CampaignRow,
    Decide,
    Input,
    NewPlan,
    Person,
    Result,
    Sender,
    TenantPorts,
    Transaction,
)
from handlers.values import check_context, context_digest, guard_values
from plans.canonical import canonical_json
from plans.compile import compile_plan
from plans.verify.check import Checked, check
from plans.verify.report import Report, issue, refused, to_json

PAGE = 500
FIRST_RUN = 1
RUNNING = ("active", "paused")
"""Campaigns that were launched; what is enrolled into them starts."""


class Enrolment(msgspec.Struct, frozen=True):
    """One contact and the plan submitted for it."""

    contact_id: ContactId
    plan: Any


class Enrolled(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one enrolment: started, duplicate, or refused with the report why."""

    status: str
    contact_campaign_id: StreamId | None = None
    plan_hash: str | None = None
    report: Mapping[str, Any] | None = None


class _Accepted(msgspec.Struct, frozen=True):
    """A plan that passed the check, with all that its first decision needs."""

    stream: StreamId
    person: Person
    plan: Plan
    document: Mapping[str, Any]
    report: Report


def enrol(
    ports: TenantPorts,
    row: CampaignRow,
    items: Sequence[Enrolment],
    *,
    tzdata: str,
    cause: Cause,
    correlation: UUID,
) -> list[Enrolled]:
    """One result for each item in order; a refused item stops no other. Safe to repeat.

    In a draft an accepted plan waits for the launch; else it starts at once, for a pause of the
    campaign holds its sends only.
    """
    people = ports.vault.people(item.contact_id for item in items)
    sender = ports.vault.senders().get(row.sender)
    now = ports.clock.now()
    answers: list[Enrolled | None] = []
    given: list[Input] = []
    for index, item in enumerate(items):
        person = people.get(item.contact_id)
        found = _prepare(ports, row, item, person=person, sender=sender)
        if isinstance(found, Enrolled):
            answers.append(found)
            continue
        answers.append(None)
        ground = Grounds(
            found.stream,
            found.plan,
            subject_key(ports.tenant, found.person.contact_id, row.campaign_id),
            guard_values(found.person),
            ports.policy,
        )
        decide = _first_decision(row, found, tzdata=tzdata, now=now)
        given.append(Input(found.stream, decide, cause, correlation, ground, ref=(index, found)))
    results = ports.campaigns.transact_many(given, along=partial(_keep_plans, ports))
    if row.status == "draft":
        _catch_up(ports, row, given, cause, correlation)
    for result in results:
        index, found = result.ref
        answers[index] = _answer(result, found)
    return [answer for answer in answers if answer is not None]


def _prepare(
    ports: TenantPorts,
    row: CampaignRow,
    item: Enrolment,
    *,
    person: Person | None,
    sender: Sender | None,
) -> _Accepted | Enrolled:
    if person is None:
        return _refusal("E_VALUE", "/contact_id", "no contact has this id")
    checked = check(item.plan, check_context(ports.tenant, person, sender), ports.plan_policy)
    if checked.document is None or not checked.report.ok:
        return Enrolled("refused", report=to_json(checked.report))
    plan = _compiled(checked)
    stream = stream_id(ports.tenant, row.campaign_id, person.contact_id, FIRST_RUN)
    return _Accepted(stream, person, plan, checked.document, checked.report)


def _compiled(checked: Checked) -> Plan:
    assert checked.document is not None
    assert checked.report.plan_hash is not None
    return compile_plan(checked.document, checked.report.plan_hash)


def _refusal(code: str, path: str, message: str) -> Enrolled:
    return Enrolled("refused", report=to_json(refused(issue(code, path, message))))


def _first_decision(row: CampaignRow, found: _Accepted, *, tzdata: str, now: datetime) -> Decide:
    accepted = PlanAccepted(
        contact_id=found.person.contact_id,
        campaign_id=row.campaign_id,
        run=FIRST_RUN,
        plan_hash=found.plan.hash,
        dsl_version=found.plan.version,
        tzdata=tzdata,
        holidays=found.plan.holidays,
        context_digest=context_digest(found.person),
        at=now,
    )
    if row.status in RUNNING:
        return partial(campaign.enrol, accepted=accepted, starts_at=now)
    return partial(campaign.accept, accepted=accepted)


def _catch_up(
    ports: TenantPorts, row: CampaignRow, given: Sequence[Input], cause: Cause, correlation: UUID
) -> None:
    """Start what was accepted for a draft that was launched meanwhile: the launch missed it."""
    now_is = ports.register.campaign(row.campaign_id)
    if now_is is None or now_is.status not in RUNNING:
        return
    decide = partial(_start, now=ports.clock.now())
    streams = dict.fromkeys(each.stream for each in given)
    ports.campaigns.transact_many([Input(stream, decide, cause, correlation) for stream in streams])


def _keep_plans(ports: TenantPorts, tx: Transaction, results: Sequence[Result]) -> None:
    kept = [result.ref[1] for result in results if result.refused is None]
    ports.register.keep_plans(
        tx,
        [
            NewPlan(
                found.plan.hash,
                canonical_json(found.document),
                msgspec.json.encode(to_json(found.report)),
                found.person.contact_id,
            )
            for found in kept
        ],
    )


def _answer(result: Result, found: _Accepted) -> Enrolled:
    if result.refused is not None:
        told = _refusal("E_REVISION_STALE", "/ifPlanHash", f"{result.refused}; revise that plan")
        return msgspec.structs.replace(told, contact_campaign_id=found.stream)
    status = "started" if result.facts else "duplicate"
    return Enrolled(status, found.stream, found.plan.hash)


# --- orders ---------------------------------------------------------------------------------------


def order(
    ports: TenantPorts, stream: StreamId, decide: Decide, *, cause: Cause, correlation: UUID
) -> Campaign:
    """Carry out one order on one contact-campaign and answer its new state; a refusal is raised."""
    result = ports.campaigns.transact(Input(stream, decide, cause, correlation))
    if result.refused is not None:
        raise result.refused
    return ports.campaigns.load(stream)


def pause(now: datetime, reason: str) -> Decide:
    """The order to stand still."""
    return partial(campaign.pause, reason=reason, at=now)


def resume(now: datetime) -> Decide:
    """The order to go on."""
    return partial(campaign.resume, at=now)


def stop(now: datetime, reason: str) -> Decide:
    """The order to end."""
    return partial(campaign.stop, reason=reason, at=now)


def launch(ports: TenantPorts, row: CampaignRow, *, cause: Cause, correlation: UUID) -> int:
    """Let a campaign run: from now on due messages may be sent, and what was enrolled starts."""
    ports.register.set_status(row.campaign_id, "active")
    now = ports.clock.now()
    return _all_of(ports, row.campaign_id, partial(_start, now=now), cause, correlation)


def _start(state: Campaign, grounds: Grounds, *, now: datetime) -> Any:  # noqa: ANN401  # see below
    return campaign.start(state, grounds, at=now, now=now) if state.stage == Stage.DRAFT else []


def end(ports: TenantPorts, row: CampaignRow, *, cause: Cause, correlation: UUID) -> int:
    """Stop a campaign: the gate closes first, then every contact-campaign in it ends."""
    ports.register.set_status(row.campaign_id, "stopped")
    decide = stop(ports.clock.now(), "campaign_stopped")
    return _all_of(ports, row.campaign_id, decide, cause, correlation)


def _all_of(
    ports: TenantPorts, campaign_id: CampaignId, decide: Decide, cause: Cause, correlation: UUID
) -> int:
    """Decide for every stream of a campaign, page by page; the number that changed."""
    changed = 0
    for page in _pages(partial(ports.register.streams, campaign_id)):
        given = [Input(stream, decide, cause, correlation) for stream in page]
        changed += sum(bool(result.facts) for result in ports.campaigns.transact_many(given))
    return changed


def _pages(
    read: Callable[[StreamId | None, int], list[StreamId]],
) -> Iterator[list[StreamId]]:
    after: StreamId | None = None
    while page := read(after, PAGE):
        yield page
        after = page[-1]

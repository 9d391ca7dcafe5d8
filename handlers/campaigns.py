"""Enrol contacts with their plans, and order their contact-campaigns about."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from domain import campaign
from domain.campaign import Campaign
from domain.errors import CampaignEnded, CampaignError
from domain.events import PlanAccepted
from domain.ids import CampaignId, ContactId, StreamId, stream_id, subject_key
from domain.lifecycle import Stage
from domain.plan import Grounds
from domain.recorded import Cause
from domain.taxonomy import AddressVerdict
from domain.timing import add, parse_duration
from handlers.ports import (
    CampaignRow,
    Decide,
    Input,
    LastRun,
    Person,
    Result,
    Sender,
    TenantPorts,
    Transaction,
)
from handlers.proving import Acceptance, Prover, sender_of
from handlers.values import check_context, context_digest, guard_values
from plans.verify.report import issue, refused, to_json

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
    run: int
    person: Person
    taken: Acceptance


class _Enrolling(msgspec.Struct, frozen=True):
    """What the items of one call have in common."""

    ports: TenantPorts
    prover: Prover
    row: CampaignRow
    people: Mapping[ContactId, Person]
    sender: Sender | None
    last_runs: Mapping[ContactId, LastRun]
    addresses: Mapping[ContactId, AddressVerdict]
    now: datetime


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
    contacts = list(dict.fromkeys(item.contact_id for item in items))
    found = _Enrolling(
        ports,
        Prover(ports),
        row,
        ports.vault.people(contacts),
        sender_of(ports, row.sender),
        ports.register.last_runs(row.campaign_id, contacts),
        ports.addresses.verdicts(contacts),
        ports.clock.now(),
    )
    answers: list[Enrolled | None] = []
    given: list[Input] = []
    for index, item in enumerate(items):
        accepted = _prepare(found, item)
        if isinstance(accepted, Enrolled):
            answers.append(accepted)
            continue
        answers.append(None)
        ground = Grounds(
            accepted.stream,
            accepted.taken.plan,
            subject_key(ports.tenant, accepted.person.contact_id, row.campaign_id),
            guard_values(accepted.person) if accepted.taken.plan.reads_contact else {},
            ports.policy,
        )
        decide = _first_decision(found, accepted, tzdata=tzdata)
        given.append(
            Input(accepted.stream, decide, cause, correlation, ground, ref=(index, accepted))
        )
    results = ports.campaigns.transact_many(given, along=partial(_keep_plans, ports))
    if row.status == "draft":
        _catch_up(ports, row, given, cause, correlation)
    for result in results:
        index, accepted = result.ref
        answers[index] = _answer(result, accepted)
    return [answer for answer in answers if answer is not None]


def _prepare(found: _Enrolling, item: Enrolment) -> _Accepted | Enrolled:
    ports, person = found.ports, found.people.get(item.contact_id)
    if person is None:
        return _refusal("E_VALUE", "/contact_id", "no contact has this id")
    if found.addresses.get(item.contact_id) is AddressVerdict.INVALID:
        told = "the address of this contact cannot receive mail; correct it first"
        return _refusal("E_NO_IDENTITY", "/contact_id", told)
    context = check_context(ports.tenant, person, found.sender)
    checked = found.prover.prove(item.plan, context)
    if checked.document is None or not checked.report.ok:
        return Enrolled("refused", report=to_json(checked.report))
    taken = found.prover.accept(checked)
    run = _run(found, found.last_runs.get(person.contact_id), taken.plan.hash)
    if isinstance(run, Enrolled):
        return run
    stream = stream_id(ports.tenant, found.row.campaign_id, person.contact_id, run)
    return _Accepted(stream, run, person, taken)


def _run(found: _Enrolling, last: LastRun | None, plan_hash: str) -> int | Enrolled:
    """Which run this enrolment is (A15): one that goes on is asked, the tenant's policy decides."""
    reentry = found.ports.plan_policy.reentry
    if last is None:
        return FIRST_RUN
    if last.ended_at is None or not reentry.allowed:
        return last.run
    open_from = add(last.ended_at, parse_duration(reentry.cooldown), "UTC")
    if found.now >= open_from and last.run <= reentry.max:
        return last.run + 1
    if last.plan_hash == plan_hash:
        return last.run  # the same enrolment once more
    why = f"run {last.run} of this contact ended on {last.ended_at:%Y-%m-%d}; "
    if last.run > reentry.max:
        return _refusal("E_POLICY_LIMIT", "/contact_id", why + "the policy allows no further run")
    told = why + f"the next one may begin on {open_from:%Y-%m-%d}"
    return _refusal("E_POLICY_LIMIT", "/contact_id", told)


def _refusal(code: str, path: str, message: str) -> Enrolled:
    return Enrolled("refused", report=to_json(refused(issue(code, path, message))))


def _first_decision(found: _Enrolling, accepted: _Accepted, *, tzdata: str) -> Decide:
    plan = accepted.taken.plan
    fact = PlanAccepted(
        contact_id=accepted.person.contact_id,
        campaign_id=found.row.campaign_id,
        run=accepted.run,
        plan_hash=plan.hash,
        dsl_version=plan.version,
        tzdata=tzdata,
        holidays=plan.holidays,
        context_digest=context_digest(accepted.person),
        proof=accepted.taken.proof,
        at=found.now,
    )
    if found.row.status in RUNNING:
        return partial(campaign.enrol, accepted=fact, starts_at=found.now)
    return partial(campaign.accept, accepted=fact)


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
    taken = [result.ref[1] for result in results if result.refused is None]
    ports.register.keep_plans(tx, [one.taken.kept(one.person.contact_id) for one in taken])


def _answer(result: Result, accepted: _Accepted) -> Enrolled:
    if result.refused is not None:
        return msgspec.structs.replace(
            _not_taken(result.refused), contact_campaign_id=result.stream
        )
    status = "started" if result.facts else "duplicate"
    return Enrolled(status, result.stream, accepted.taken.plan.hash)


def _not_taken(why: CampaignError) -> Enrolled:
    if isinstance(why, CampaignEnded):
        told = f"{why}; the tenant's policy allows no re-entry"
        return _refusal("E_POLICY_LIMIT", "/contact_id", told)
    return _refusal("E_REVISION_STALE", "/ifPlanHash", f"{why}; revise that plan")


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

"""The check of a plan with all that a tenant rules and has: calendars, endpoints, senders."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any

import msgspec
from msgspec.structs import replace

from domain.events import Proof
from domain.ids import CampaignId, ContactId
from domain.plan import Plan
from domain.timing import parse_duration
from handlers.ports import Calendars, NewPlan, Sender, TenantPorts
from handlers.values import check_context
from plans.canonical import CanonicalDocument
from plans.context import ContactContext, TenantPolicy
from plans.pointer import pointer
from plans.verify.check import Checked, check
from plans.verify.remembered import Remembered, checks_by
from plans.verify.report import Issue, Report, in_order, issue, to_json
from plans.verify.resume import Resume

CALENDARS_MAX = 20
"""Names that are looked up for one plan; the check refuses what was not found."""
AHEAD = timedelta(days=400)
BEHIND = timedelta(days=7)


# --- what an accepted plan is accepted with -------------------------------------------------------


class Acceptance(msgspec.Struct, frozen=True):
    """A proven plan as it is taken: to run, to keep, and the proof of it that the log gets."""

    plan: Plan
    document: CanonicalDocument
    canonical: bytes
    report: bytes
    proof: Proof

    def kept(self, contact_id: ContactId) -> NewPlan:
        """What the vault keeps of it, with the contact it serves."""
        return NewPlan(self.plan.hash, self.canonical, self.report, self.proof.report, contact_id)


def acceptance(checked: Checked) -> Acceptance:
    """What an accepted plan is taken with."""
    assert checked.document is not None
    assert checked.runnable is not None
    text = msgspec.json.encode(to_json(checked.report))
    proof = _proof(checked.report, sha256(text).hexdigest())
    return Acceptance(checked.runnable, checked.document, checked.canonical, text, proof)


def _proof(report: Report, digest: str) -> Proof:
    facts = report.facts
    assert facts is not None
    spacing = facts["minSpacing"]
    return Proof(
        report=digest,
        min_sends=facts["minSends"],
        max_sends=facts["maxSends"],
        min_duration_s=parse_duration(facts["minDuration"]).nominal_s,
        max_duration_s=parse_duration(facts["maxDuration"]).nominal_s,
        min_spacing_s=None if spacing is None else parse_duration(spacing).nominal_s,
        open_minutes_per_week=facts["openMinutesPerWeek"],
        states=facts["states"],
        warnings=tuple(dict.fromkeys(each.code for each in report.issues)),
    )


# --- the check ------------------------------------------------------------------------------------


def prove(
    ports: TenantPorts,
    document: object,
    context: ContactContext | None = None,
    resume: Resume | None = None,
) -> Checked:
    """The check by the tenant's policy; named endpoints and senders must be there as well."""
    return Prover(ports).prove(document, context, resume)


class Prover:
    """The checks of one call: what a tenant rules and has is looked up once for all of them."""

    def __init__(self, ports: TenantPorts) -> None:
        self._ports = ports
        self._today = ports.clock.now().date()
        self._policies: dict[tuple[str, ...], tuple[TenantPolicy, Remembered]] = {}
        self._endpoints: dict[frozenset[str], frozenset[str]] = {}
        self._accepted: dict[int, tuple[Checked, Acceptance]] = {}

    def prove(
        self,
        document: object,
        context: ContactContext | None = None,
        resume: Resume | None = None,
    ) -> Checked:
        """The check of one plan, for one contact if there is one."""
        policy, check_first = self._policy(document)
        if resume is None:
            checked = check_first(document, context)
        else:
            checked = check(document, context, policy, resume)
        if checked.document is None or not checked.report.ok:
            return checked
        missing = tuple(self._missing(checked.document))
        if not missing:
            return checked
        issues = in_order((*checked.report.issues, *missing))
        return replace(checked, report=replace(checked.report, ok=False, issues=issues))

    def accept(self, checked: Checked) -> Acceptance:
        """What an accepted plan is taken with; contacts of one plan share it."""
        known = self._accepted.get(id(checked))
        if known is None:
            known = self._accepted[id(checked)] = checked, acceptance(checked)
        return known[1]

    def _policy(self, document: object) -> tuple[TenantPolicy, Remembered]:
        names = tuple(_calendars_of(document))
        if names not in self._policies:
            ports = self._ports
            policy = with_calendars(ports.plan_policy, document, ports.calendars, self._today)
            self._policies[names] = policy, checks_by(policy)
        return self._policies[names]

    @cached_property
    def _senders(self) -> frozenset[str]:
        return frozenset(sender_names(self._ports))

    def _known_endpoints(self, names: frozenset[str]) -> frozenset[str]:
        if names not in self._endpoints:
            self._endpoints[names] = frozenset(self._ports.endpoints.named(names))
        return self._endpoints[names]

    def _missing(self, document: Mapping[str, Any]) -> Iterator[Issue]:
        """Endpoints and senders that the plan names and the tenant does not have."""
        nodes = document["nodes"]
        endpoints = frozenset(node["endpoint"] for node in nodes if node["type"] == "webhook")
        there: dict[str, frozenset[str]] = {}
        if endpoints:
            there["endpoint"] = self._known_endpoints(endpoints)
        if any("sender" in node for node in nodes):
            there["sender"] = self._senders
        for index, node in enumerate(nodes if there else ()):
            for field, names in there.items():
                if field in node and node[field] not in names:
                    yield issue(
                        "E_POLICY_LIMIT",
                        pointer("nodes", index, field),
                        f"the tenant has no {field} of this name",
                        node=node["id"],
                        expected=sorted(names),
                        got=node[field],
                        suggestion=f"name one that is set up, or ask an admin to add this {field}",
                    )


def context_of(
    ports: TenantPorts, contact: ContactId, campaign: CampaignId
) -> ContactContext | None:
    """A contact and the sender of a campaign, as the check sees them; None for one forgotten."""
    person = ports.vault.people([contact]).get(contact)
    row = ports.register.campaign(campaign)
    sender = sender_of(ports, row.sender) if row else None
    return None if person is None else check_context(ports.tenant, person, sender)


def sender_of(ports: TenantPorts, name: str) -> Sender | None:
    """The sender of this name; of a rotation set one member, for all can stand for each other."""
    senders = ports.vault.senders()
    if name in senders or not name:
        return senders.get(name)
    members = (row.sender for row in ports.accounts.rows() if row.settings.rotation_set == name)
    return next((senders[member] for member in members if member in senders), None)


def sender_names(ports: TenantPorts) -> set[str]:
    """What a plan or a campaign may name as its sender: accounts and rotation sets."""
    sets = {row.settings.rotation_set for row in ports.accounts.rows() if not row.deleted}
    return (set(ports.vault.senders()) | sets) - {""}


def with_calendars(
    policy: TenantPolicy, document: object, calendars: Calendars, today: date
) -> TenantPolicy:
    """The policy with the calendars that this plan names; the tenant's own go before public ones.

    Public ones are looked up from a week ago to 400 days ahead, longer than any plan may run.
    """
    own = policy.calendars
    public = {
        name: [day.isoformat() for day in days]
        for name in _calendars_of(document)
        if name not in own
        and (days := calendars.dates(name, today - BEHIND, today + AHEAD)) is not None
    }
    return policy.model_copy(update={"calendars": {**own, **public}}) if public else policy


def _calendars_of(document: object) -> list[str]:
    holidays = document.get("holidays") if isinstance(document, Mapping) else None
    named = holidays.get("calendars") if isinstance(holidays, Mapping) else None
    names = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    return list(dict.fromkeys(names))[:CALENDARS_MAX]

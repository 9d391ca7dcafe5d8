"""What a decision stands on, read for many streams at once: plans, contact data, policy."""

from collections.abc import Mapping, Sequence

from domain.campaign import Campaign
from domain.ids import StreamId, TenantId, subject_key
from domain.plan import Grounds, Policy, forgotten
from handlers.ports import PlanRef, Transaction
from handlers.values import guard_values
from infra.vault import SqlVault


class GroundsOf:
    """Plans by hash and, where a plan's guards ask for it, the contact's data as they are now."""

    def __init__(self, tenant: TenantId, vault: SqlVault, policy: Policy) -> None:
        self._tenant = tenant
        self._vault = vault
        self._policy = policy

    def __call__(
        self, states: Sequence[tuple[StreamId, Campaign]], tx: Transaction | None = None
    ) -> Mapping[StreamId, Grounds]:
        wanted = (ref for _, state in states for ref in _plans_of(state))
        plans = dict(self._vault.plans(wanted, tx))
        for _, state in states:
            if state.ended:  # its plan may be erased; late reports about it are facts all the same
                for ref in _plans_of(state):
                    plans.setdefault(ref, forgotten(ref.plan_hash))
        asking = {
            state.contact_id
            for _, state in states
            if any(ref in plans and plans[ref].reads_contact for ref in _plans_of(state))
        }
        people = self._vault.people(asking, tx) if asking else {}
        return {
            stream: Grounds(
                stream,
                plans[in_force],
                subject_key(self._tenant, state.contact_id, state.campaign_id),
                guard_values(people[state.contact_id]) if state.contact_id in people else {},
                self._policy,
                plans[kept[0]] if kept else None,
            )
            for stream, state in states
            for in_force, *kept in [_plans_of(state)]
            if all(ref in plans for ref in (in_force, *kept))
        }


def _plans_of(state: Campaign) -> list[PlanRef]:
    """The plan in force, and the one of a revision that waits."""
    refs = [PlanRef(state.plan_hash, state.holidays)]
    if state.kept is not None:
        refs.append(PlanRef(state.kept.new_hash, state.kept.holidays))
    return refs

"""Limits of the plan and of the tenant that a run could pass (plan-dsl.md 11.2)."""

from collections.abc import Iterator

from plans.context import TenantPolicy
from plans.verify.report import Issue, issue
from plans.verify.timed.bounds import Bounds
from plans.verify.timed.explore import STATES_MAX, Explored
from plans.verify.timed.facts import names, send_nodes
from plans.verify.timed.words import iso

ROW_MAX = 100
"""Half of what the engine follows at one instant; used-up visits count there as well."""
_SENDS_MAX = 30


def too_complex() -> Issue:
    """E_TOO_COMPLEX: the exploration was given up."""
    return issue(
        "E_TOO_COMPLEX",
        "/nodes",
        f"more than {STATES_MAX} states: loops, waits and subjects multiply",
        suggestion="lower maxVisits, or part the plan in two",
    )


def breathless(proven: Bounds) -> Iterator[Issue]:
    """E_TOO_COMPLEX where a loop passes more nodes at one instant than the engine would follow."""
    if proven.row > ROW_MAX:
        yield issue(
            "E_TOO_COMPLEX",
            "/nodes",
            f"a path passes {proven.row} nodes at one instant: a loop in which nothing is awaited",
            suggestion="lower maxVisits, or put a wait into the loop",
        )


def passed_limits(
    explored: Explored, proven: Bounds, policy: TenantPolicy | None, *, idle: bool
) -> Iterator[Issue]:
    """E_MAX_SENDS, E_MAX_DURATION and the tenant's own limit of sends."""
    limits = explored.outline.plan.limits
    most, longest = proven.most_sends, proven.longest_s
    path = send_nodes(explored, most.states)
    if most.value > limits.max_sends:
        yield issue(
            "E_MAX_SENDS",
            "/limits/maxSends",
            f"a path sends {most.value} messages, which is more than {limits.max_sends}",
            expected=limits.max_sends,
            got=most.value,
            suggestion="shorten the path, or raise maxSends",
            patch=({"op": "replace", "path": "/limits/maxSends", "value": most.value},)
            if most.value <= _SENDS_MAX
            else None,
            witness={"path": path},
        )
    if policy is not None and policy.max_sends is not None and most.value > policy.max_sends:
        yield issue(
            "E_POLICY_LIMIT",
            "/nodes",
            f"a path sends {most.value} messages; the tenant allows {policy.max_sends}",
            expected=policy.max_sends,
            got=most.value,
            suggestion="shorten the path",
            witness={"path": path},
        )
    if longest.value > limits.max_duration.nominal_s and not idle:
        yield issue(
            "E_MAX_DURATION",
            "/limits/maxDuration",
            f"the longest path takes {iso(longest.value)}, "
            f"which is more than {limits.max_duration.text}",
            expected=limits.max_duration.text,
            got=iso(longest.value),
            suggestion="shorten the waits on the path, or raise maxDuration",
            witness={"path": names(explored, longest.states)},
        )

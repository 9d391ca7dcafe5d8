"""What a plan says for all its nodes: timer words, quiet hours, and bounds within the policy."""

from collections.abc import Iterator

from domain.plan import Plan as CompiledPlan
from domain.timing import parse_duration
from plans.context import TenantPolicy
from plans.pointer import pointer
from plans.schema.models import Plan
from plans.schema.scalars import TIMERS
from plans.verify.report import Issue, did_you_mean, issue, nearest, quoted


def settings(plan: Plan, compiled: CompiledPlan, policy: TenantPolicy | None) -> Iterator[Issue]:
    """Unknown timers, quiet hours without a length, and a duration beyond the tenant's."""
    yield from _timers(plan)
    yield from _quiet_hours(plan)
    if policy is not None:
        yield from _duration(plan, compiled, policy)


def _timers(plan: Plan) -> Iterator[Issue]:
    timers = plan.defaults.timers
    for word in timers:
        if word not in TIMERS:
            path, meant = pointer("defaults", "timers", word), nearest(word, list(TIMERS))
            free = meant is not None and timers[meant] == TIMERS[meant]
            yield issue(
                "E_EVENT",
                path,
                f"{quoted(word)!r} is not a timer with a default",
                expected=list(TIMERS),
                got=quoted(word),
                suggestion=did_you_mean(meant) or "remove it; a timeout carries its own after",
                patch=(
                    {"op": "move", "from": path, "path": pointer("defaults", "timers", meant)}
                    if meant is not None and free
                    else {"op": "remove", "path": path},
                ),
            )


def _quiet_hours(plan: Plan) -> Iterator[Issue]:
    quiet = plan.quiet_hours
    if quiet is not None and quiet.start == quiet.end:
        yield issue(
            "E_QUIET_EMPTY",
            "/quietHours",
            "quiet hours start and end at the same time, which means no quiet time",
            got=quiet.start,
            suggestion="remove them, or let them end at another time",
            patch=({"op": "remove", "path": "/quietHours"},),
        )


def _duration(plan: Plan, compiled: CompiledPlan, policy: TenantPolicy) -> Iterator[Issue]:
    if compiled.limits.max_duration.nominal_s > parse_duration(policy.max_duration).nominal_s:
        path = "/limits/maxDuration"
        yield issue(
            "E_POLICY_LIMIT",
            path,
            f"longer than the tenant allows, which is {policy.max_duration}",
            expected=policy.max_duration,
            got=plan.limits.max_duration,
            suggestion=f"set it to {policy.max_duration} or less",
            patch=({"op": "replace", "path": path, "value": policy.max_duration},),
        )

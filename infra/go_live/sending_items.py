"""Items about how much is sent, when, to whom not, and how it is stopped at once (S0-46 to S0-63).

Where a gate keeps a promise, the gate itself is asked, with what it must refuse.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from domain.accounts import Profile, Weekend
from domain.gates import GATES, Cap, Seen, judge
from domain.taxonomy import CancelReason, CapName, HoldReason
from domain.timing.opening import open_minutes
from infra.go_live.item import Item, fail, ok, warn
from infra.go_live.running import Running

MAILS_A_DAY_MAX = 100
"""What one mailbox may send in a day (S0-49)."""
HEALTH_LEAST = 30
APART_DAYS = 60
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""An instant like any other: gates are asked about it, not about the clock."""
DAY_MINUTES = 24 * 60
SHOWN = 3


def inbox_limits(running: Running) -> Item:
    """Each account has limits, a mailbox one a day, and a full one holds a message."""
    name = "inbox limits"
    held = _held(_seen(caps=(Cap(CapName.SENDER_DAY, 5, 5),)))
    if held != HoldReason.SENDER_DAY:
        return fail(name, f"a full limit holds nothing: {held}", "run the tests of this release")
    rules, told, wide = running.rules, [], []
    for row in running.accounts:
        caps = row.caps(rules)
        day = "no" if caps.day is None else caps.day
        told.append(f"{row.sender}: {caps.minute}/min, {caps.hour}/h, {day}/day")
        if row.settings.profile is Profile.MAILBOX and (caps.day or 0) > MAILS_A_DAY_MAX:
            wide.append(row.sender)
    if not told:
        return fail(name, "no account", "antiphon sender add TENANT FILE")
    if wide:
        mend = f"a mailbox keeps to {MAILS_A_DAY_MAX} a day: lower day_max"
        return warn(name, _some(told), f"{mend} of {_some(wide)}")
    return ok(name, f"{_some(told)}; a full one holds the message in the claim")


def pacing(running: Running) -> Item:
    """Mailboxes wait between two messages, never the same time twice."""
    name, rules = "pacing of mailboxes", running.rules
    mailboxes = [row for row in running.accounts if row.settings.profile is Profile.MAILBOX]
    seen = f"{rules.pace_min_s} to {rules.pace_max_s} s between two, {len(mailboxes)} mailboxes"
    held = _held(_seen(paced_until=NOW + timedelta(seconds=1)))
    if held != HoldReason.PACING:
        return fail(name, f"pace holds nothing: {held}", "run the tests of this release")
    if not mailboxes:
        return ok(name, f"{seen}: bulk senders have no pace")
    if rules.pace_max_s == 0:
        return fail(name, seen, "set the rules pace_min_s and pace_max_s, such as 30 and 90")
    if rules.pace_min_s == rules.pace_max_s:
        return warn(name, seen, "the same pause each time looks like a machine: set them apart")
    return ok(name, seen)


def business_hours(running: Running) -> Item:
    """The newest plans send in some hours of some days, not round the clock."""
    name = "business hours"
    always = [
        place
        for place, hours in running.hours.items()
        if all(open_minutes(day, hours) == ((0, DAY_MINUTES),) for day in range(5))
    ]
    if not running.hours:
        return warn(name, "no plan yet", "enrol somebody and check again")
    if always:
        seen = f"{len(always)} of {len(running.hours)} sends are open day and night"
        return warn(name, seen, f'give "window" or "quietHours" in {_some(always)}')
    zones = sorted({hours.zone for hours in running.hours.values()})
    return ok(name, f"{len(running.hours)} sends keep hours, in {_some(zones)}")


def weekend(running: Running) -> Item:
    """Saturdays and Sundays are no days like any other."""
    name, rules = "weekend", running.rules
    match rules.weekend:
        case Weekend.HARD_STOP:
            held = _held(_seen(weekend="hard_stop", weekend_until=NOW + timedelta(days=1)))
            if held != HoldReason.WEEKEND:
                return fail(name, f"the gate says {held}", "run the tests of this release")
            return ok(name, "nothing leaves where it is Saturday or Sunday")
        case Weekend.REDUCED:
            return ok(name, f"{rules.weekend_percent} % of the limits of a day")
        case Weekend.NONE:
            return warn(name, "sent as on any day", "set the rule weekend to hard_stop or reduced")


def zone(running: Running) -> Item:
    """Days of limits begin at the midnight of the tenant."""
    if running.rules.zone == "UTC":
        mend = "set the rule zone to where the tenant works; a day's limits begin at its midnight"
        return warn("zone", "UTC", mend)
    return ok("zone", running.rules.zone)


def apart(running: Running) -> Item:
    """A person is one campaign's for 60 days: history, gate, and the order of the gates."""
    name, days = "60-day rule", running.rules.apart_days
    if days < APART_DAYS:
        return fail(name, f"{days} days", f"set the rule apart_days to {APART_DAYS}")
    inside = judge(_seen(contacted_at=NOW - timedelta(days=days - 1), apart_days=days), NOW)
    outside = judge(_seen(contacted_at=NOW - timedelta(days=days), apart_days=days), NOW)
    if getattr(inside, "reason", None) != CancelReason.CONTACTED_ELSEWHERE or outside is not None:
        return fail(
            name, f"the gate says {inside}, then {outside}", "run the tests of this release"
        )
    seen = (
        f"{days} days: each claim writes the history by address and profile, reads it under the "
        f"lock of all claims, and asks gate {_place('other_campaigns')}"
    )
    return ok(name, seen)


def health_gate(running: Running) -> Item:
    """A burned account sends nothing."""
    name, least = "health gate", running.rules.health_min
    if least < HEALTH_LEAST:
        return fail(name, f"from {least} on", f"set the rule health_min to {HEALTH_LEAST} or more")
    below = _held(_seen(health=least - 1, health_min=least))
    at_least = _held(_seen(health=least, health_min=least))
    if below != HoldReason.SENDER_HEALTH or at_least is not None:
        return fail(name, f"it says {below}, then {at_least}", "run the tests of this release")
    burned = [row.sender for row in running.accounts if row.health < least]
    if burned:
        return warn(name, f"{_some(burned)} send nothing", "see antiphon sender health")
    return ok(name, f"{least - 1} sends nothing, {least} sends: gate {_place('health')}")


def instant_pause(running: Running) -> Item:  # noqa: ARG001  # every item has the same head
    """A campaign that is paused sends nothing from the next claim on."""
    name = "instant pause"
    orders = {
        "campaign": _held(_seen(campaign="paused")),
        "tenant": _held(_seen(tenant_paused="operator")),
        "everything": _held(_seen(global_paused=True)),
    }
    silent = [what for what, held in orders.items() if held is None]
    if silent:
        seen = f"a pause of {_some(silent)} holds nothing"
        return fail(name, seen, "run the tests of this release")
    seen = (
        f"claims lock the rows of campaign and account and ask gate {_place('running')}; a claimed "
        "message is looked at once more right before its call"
    )
    return ok(name, seen)


def tenant_pause(running: Running) -> Item:
    """The tenant itself sends."""
    if running.rules.paused:
        seen = f"paused: {running.rules.paused}"
        return fail("tenant pause", seen, "resume the sending of the tenant")
    return ok("tenant pause", "not paused")


def global_limit(running: Running) -> Item:
    """All tenants together may send."""
    name, seen = "global limit", f"{running.global_hour_max} an hour"
    if running.global_paused:
        return fail(name, f"{seen}, paused", "resume the sending of the installation")
    if running.global_hour_max <= 0:
        return fail(name, seen, "give the installation a limit")
    return ok(name, seen)


def items(running: Running) -> Iterator[Item]:
    """All of them."""
    for item in (
        inbox_limits,
        pacing,
        business_hours,
        weekend,
        zone,
        apart,
        health_gate,
        instant_pause,
        tenant_pause,
        global_limit,
    ):
        yield item(running)


def _seen(**given: object) -> Seen:
    return Seen(looked=True, **given)  # type: ignore[arg-type]  # fields by name


def _held(seen: Seen) -> HoldReason | None:
    verdict = judge(seen, NOW)
    reason = getattr(verdict, "reason", None)
    return reason if isinstance(reason, HoldReason) else None


def _place(name: str) -> str:
    place = next(number for number, gate in enumerate(GATES, 1) if gate.name == name)
    return f"{name!r}, number {place} of {len(GATES)}"


def _some(words: list[str]) -> str:
    more = len(words) - SHOWN
    return ", ".join(words[:SHOWN]) + (f" and {more} more" if more > 0 else "")

"""The first page: what leaves today, what is not well, what just happened."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import msgspec

from handlers.access import Permission
from handlers.api import reading_calls
from handlers.health import asked
from handlers.sender_accounts import SenderShown, all_senders, sending
from handlers.web.console.naming import names_of
from handlers.web.console.visits import Shown, Visit

LATEST = 12
DAY = timedelta(days=1)


class Alert(msgspec.Struct, frozen=True):
    """Something a person should look at, what to do about it, and where."""

    told: str
    mend: str
    to: str
    grave: bool = False


def overview(visit: Visit) -> Shown:
    """Schedule, alerts, health, numbers of the day, the latest activity."""
    now, ports = visit.now, visit.tenant.ports
    senders = all_senders(ports, now) if visit.may(Permission.READ_SENDERS) else []
    rows = reading_calls.activity(visit.call(query=reading_calls.WhichActivity(limit=LATEST))).items
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    probes = {name: asked(probe) for name, probe in visit.services.probes.items()}
    alerts = [*_of_sending(visit), *_of_senders(senders), *_of_work(visit)]
    return Shown(
        "overview.html",
        {
            "ahead": visit.reads.ahead(now, now + DAY),
            "probes": probes,
            "senders": senders,
            "alerts": sorted(alerts, key=lambda one: not one.grave),
            "counts": visit.reads.counters(midnight, midnight + DAY),
            "unmeasured": visit.tenant.unmeasured,
            "activity": rows,
            "names": names_of(visit, rows),
        },
    )


def _of_sending(visit: Visit) -> Iterator[Alert]:
    paused = sending(visit.tenant.ports, visit.now).rules.paused
    if paused:
        yield Alert(
            f"All sending is paused ({paused}).",
            "Nothing leaves until an admin resumes it on the queue.",
            "/queue",
            grave=True,
        )


def _of_senders(senders: Sequence[SenderShown]) -> Iterator[Alert]:
    for one in senders:
        account = one.account
        if account is None or account.deleted:
            continue
        to = f"/accounts#{one.sender}"
        if account.pauses:
            yield Alert(
                f"Sender {one.sender} is paused ({account.pauses[0].reason}).",
                "Look at the reason and resume it.",
                to,
                grave=True,
            )
        if account.circuit.open:
            told = f"The provider of {one.sender} fails; it is left alone."
            yield Alert(told, "It is tried again by itself, or by a reset.", to, grave=True)
        if account.health.score < account.health.least:
            told = f"The health of {one.sender} is {account.health.score}"
            yield Alert(f"{told}, below {account.health.least}.", "See its numbers.", to)


def _of_work(visit: Visit) -> Iterator[Alert]:
    found = visit.reads.troubles(visit.now)
    for count, told, mend, to in (
        (
            found.unknown,
            "messages of which nobody knows whether they left",
            "Each settles by a report or after 72 hours; see why.",
            "/queue?state=UNKNOWN",
        ),
        (
            found.lost,
            "messages are taken as lost",
            "An admin may order another attempt on the page of each.",
            "/queue?state=PRESUMED_LOST",
        ),
        (
            found.parked,
            "reports of providers came to nothing",
            "See them with: antiphon inbox list",
            "/activity",
        ),
        (
            found.overdue_tasks,
            "tasks of people are overdue",
            "End them with: antiphon task done",
            "/activity?kind=task.created",
        ),
    ):
        if count:
            yield Alert(f"{count} {told}.", mend, to)

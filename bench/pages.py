"""Every list of the API over HTTP where there are a million contacts: first page, far in, filtered.

A list that is slower than the goal is read once more with its plan told, on stderr.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

import msgspec

from bench.load.api import Api
from bench.load.copies import PEOPLE, Copies
from bench.load.customer import Customer
from bench.load.lists import live
from bench.load.stand import Stand, standing
from bench.measuring import Row, percentile, tell, time_row

ROUNDS = 3
CONTACTS = 1_000_000
READS = 40
SLOW_S = 1.0
"""What takes longer is read once a round; at 15 s the server gives up."""
WALK_PAGES = 100
WALK_LIMIT = 500
WALK_S = 8.0
"""No longer: a slow list is as slow after some pages."""
GOAL_MS = 150.0
NOBODY = UUID(int=1)
"""A campaign or a contact that is not there: what shows nothing may have looked at everything."""
TABLES = (
    *("streams", "send_queue", "timers", "contact_campaigns", "activity_feed", "tasks"),
    *("notices", "webhook_inbox", "suppressions", *PEOPLE),
)
LISTS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "/v1/contacts": {"contacts": {}},
    "/v1/campaigns": {"campaigns": {}},
    "/v1/contact-campaigns": {
        "contact_campaigns": {},
        "contact_campaigns_of_campaign": {"campaign": "{campaign}"},
        "contact_campaigns_of_status": {"status": "exited"},
        "contact_campaigns_of_no_status": {"status": "failed"},
        "contact_campaigns_of_both": {"campaign": "{campaign}", "status": "exited"},
        "contact_campaigns_of_no_campaign": {"campaign": "{nobody}"},
    },
    "/v1/send-queue": {
        "send_queue": {},
        "send_queue_of_campaign": {"campaign": "{campaign}"},
        "send_queue_accepted": {"state": "ACCEPTED"},
        "send_queue_failed": {"state": "FAILED"},
        "send_queue_of_no_campaign": {"campaign": "{nobody}"},
        "send_queue_accepted_of_no_campaign": {"campaign": "{nobody}", "state": "ACCEPTED"},
    },
    "/v1/activity": {
        "activity": {},
        "activity_of_contact": {"contact": "{contact}"},
        "activity_of_campaign": {"campaign": "{campaign}"},
        "activity_of_kind": {"kind": "signal.opened"},
        "activity_of_no_kind": {"kind": "signal.replied"},
        "activity_since": {"since": "2026-09-07T12:00:00Z"},
        "activity_of_nobody_since": {"since": "2027-01-01T00:00:00Z"},
        "activity_of_campaign_since": {"campaign": "{campaign}", "since": "2027-01-01T00:00:00Z"},
        "activity_of_no_campaign": {"campaign": "{nobody}"},
    },
    "/v1/tasks": {
        "tasks": {},
        "tasks_of_campaign": {"campaign": "{campaign}"},
        "tasks_of_assignee": {"assignee": "sales"},
        "tasks_of_nobody": {"assignee": "nobody"},
        "tasks_of_both": {"campaign": "{campaign}", "assignee": "sales"},
        "tasks_done": {"state": "done"},
    },
    "/v1/notices": {
        "notices": {},
        "notices_unread": {"unread": "true"},
        "notices_of_nobody": {"recipient": "nobody"},
        "notices_unread_of_nobody": {"recipient": "nobody", "unread": "true"},
    },
    "/v1/webhook-inbox": {
        "webhook_inbox": {},
        "webhook_inbox_orphans": {"state": "orphan"},
    },
    "/v1/suppressions": {"suppressions": {}},
    "/v1/endpoints": {"endpoints": {}},
    "/v1/senders": {"senders": {}},
    "/v1/senders/sam/events": {"sender_events": {}},
    "/v1/sending": {"sending": {}},
    "/v1/admin-events": {"admin_events": {}},
    "/v1/metrics/campaigns/{campaign}/summary": {"campaign_summary": {}},
    "/v1/metrics/campaigns/{campaign}/timeseries": {"campaign_timeseries": {}},
    "/v1/metrics/campaigns": {"campaigns_compared": {}},
    "/v1/metrics/tenant/timeseries": {"tenant_timeseries": {}},
}
"""Readings by path: each has a name and what narrows it, some of it to nothing."""


class Wanted(msgspec.Struct, frozen=True):
    """A reading: a name, a path and what narrows it."""

    name: str
    path: str
    query: Mapping[str, object] = {}


def run(rounds: int, contacts: int = CONTACTS, walk_pages: int = WALK_PAGES) -> list[Row]:
    """Two rows for each reading, p50 and p95."""
    with standing() as stand:
        customer = stand.customer("pages")
        _filled(customer, contacts)
        readings = list(_readings(customer))
        with stand.running(("web",)):
            readings += _far_in(stand, customer, readings, walk_pages)
            rows = [row for each in readings for row in _read(stand, customer, each, rounds)]
        slow = {row.measure.rpartition("_p")[0] for row in rows if row.ours > GOAL_MS}
        _explain(stand, customer, [each for each in readings if f"page_{each.name}" in slow])
        return rows


def _filled(customer: Customer, contacts: int) -> None:
    lived = live(customer)
    copies = max(contacts // lived - 1, 1)
    tell(f"{lived * (copies + 1)} contacts are made …")
    keep = {str(customer.campaign.campaign_id)}
    Copies(customer.system.database, customer.schema, keep).make(copies, TABLES)
    assert customer.count("SELECT count(*) FROM {s}.contacts") == lived * (copies + 1)


def _readings(customer: Customer) -> Iterator[Wanted]:
    """What programs and pages ask for."""
    given = {
        "{campaign}": str(customer.campaign.campaign_id),
        "{nobody}": str(NOBODY),
        "{contact}": str(customer.rows("SELECT contact_id FROM {s}.contacts LIMIT 1")[0][0]),
    }
    for path, queries in LISTS.items():
        for name, query in queries.items():
            filled = {key: given.get(value, value) for key, value in query.items()}
            yield Wanted(name, path.replace("{campaign}", given["{campaign}"]), filled)


def _far_in(
    stand: Stand, customer: Customer, readings: list[Wanted], walk_pages: int
) -> list[Wanted]:
    """The same lists from a cursor far in, where they are long enough to have one."""
    found = []
    api = Api(stand.web_url, customer)
    for each in readings:
        cursor = _walked(api, each, walk_pages)
        if cursor is not None:
            query = {**each.query, "cursor": cursor}
            found.append(Wanted(f"{each.name}_far_in", each.path, query))
    api.close()
    assert found, "no list has a second page"
    return found


def _walked(api: Api, wanted: Wanted, pages: int) -> str | None:
    """A cursor so many pages in, or half way in a shorter list; no page may show an item twice."""
    cursors: list[str] = []
    seen: set[str] = set()
    cursor = None
    until = monotonic() + WALK_S
    for _ in range(pages):
        if wanted.name.startswith(("sending", "campaign_summary")):
            return None
        query = {**wanted.query, "limit": WALK_LIMIT, "cursor": cursor}
        _, status, text = api.ask(wanted.path, **query)
        if status != HTTPStatus.OK:  # as slow as that; its first page tells
            return None
        page = json.loads(text)
        names = {msgspec.json.encode(item).decode() for item in page["items"]}
        assert not names & seen, wanted
        seen = names
        cursor = page.get("next_cursor")
        if cursor is None:
            break
        cursors.append(cursor)
        if monotonic() > until:
            break
    return cursors[len(cursors) // 2 if cursor is None else -1] if cursors else None


def _read(stand: Stand, customer: Customer, wanted: Wanted, rounds: int) -> list[Row]:
    api = Api(stand.web_url, customer)
    first, status, _ = api.ask(wanted.path, **wanted.query)
    assert status in {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE}, (wanted, status)
    reads = READS if first < SLOW_S else 1
    taken = []
    for number in range(rounds + 1):
        times = [api.ask(wanted.path, **wanted.query)[0] for _ in range(reads)]
        if number:  # the first round warms up
            taken.append(times)
    api.close()
    rows = [
        time_row(
            f"page_{wanted.name}_p{share * 100:.0f}_ms",
            "ms",
            [percentile(times, share) for times in taken],
        )
        for share in (0.5, 0.95)
    ]
    late = "" if status == HTTPStatus.OK else " and is given up"
    tell(f"{wanted.name}: p50 {rows[0].ours:.1f}, p95 {rows[1].ours:.1f} ms{late}")
    return rows


# --- why -----------------------------------------------------------------------------------------


def _explain(stand: Stand, customer: Customer, slow: list[Wanted]) -> None:
    """Tell the plans of what is slow, as the server itself logs them for one reading more."""
    if not slow:
        return
    with stand.database.direct() as owner:
        for setting, value in _AUTO_EXPLAIN.items():
            owner.execute(f"ALTER DATABASE antiphon SET {setting} = '{value}'")
    with stand.running(("web",)):
        api = Api(stand.web_url, customer)
        for wanted in slow:
            before = len(_log(stand.home.root))
            api.ask(wanted.path, **wanted.query)
            tell(f"--- {wanted.name}\n{_log(stand.home.root)[before:]}")
        api.close()


def _log(home: Path) -> str:
    with suppress(FileNotFoundError):
        return (home / "logs" / "postgres.log").read_text("utf-8", "replace")
    return ""


_AUTO_EXPLAIN: Mapping[str, Any] = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "20ms",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_timing": "off",
}

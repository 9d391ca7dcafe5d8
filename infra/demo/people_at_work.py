"""The people of the demo's own company, as users of the API: they do tasks, report, rewrite plans.

What they do follows from the seed; when they do it, from the simulated time.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import msgspec

from infra.demo.client import LIMIT, Json, Patient, Refused
from infra.demo.plans import calendar_nodes, canonical, reworded, waited_for
from infra.demo.stage import BEGINS
from infra.sandbox.dice import Dice
from infra.sandbox.persons import DAY_S, HOUR_S

MEETING = "meeting_booked"
DONE, SKIPPED = 0.65, 0.25
"""Shares of tasks; the others are forgotten, and the plan's own time ends them."""
TASK_S = 5 * HOUR_S
REPORTED = 0.4
"""Share of contacts who do what their plan waits for with an event of its own."""
BOOKED = 0.5
"""Share of clicks on a calendar that end in a meeting."""
REVISED = 0.1
"""Share of contacts whose plan is written anew on the way."""
LOOK_BACK = timedelta(days=3)

OUT_OF_STEP = (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
"""Answers to an order that came when the contact-campaign had gone on."""


class Journey(msgspec.Struct, frozen=True):
    """A contact-campaign, by a name that is the same in each run, and its plan."""

    id: str
    contact: str
    plan: Mapping[str, Any]


class _Report(msgspec.Struct, frozen=True, order=True):
    """Something that happens outside at an instant."""

    at: datetime
    journey: str
    kind: str


class PeopleAtWork:
    """Looks in now and then; each look does what is due."""

    def __init__(self, api: Patient, seed: int, journeys: Iterable[Journey]) -> None:
        self._api, self._seed = api, seed
        self._journeys = {journey.id: journey for journey in journeys}
        self._reports = sorted(self._events())
        self._revisions = sorted(self._rewritings(), key=lambda one: one[0])
        self._clicks: set[tuple[str, str]] = set()
        self._calendars: dict[str, frozenset[str]] = {}
        self.revisions: Counter[str] = Counter()

    def look(self, now: datetime) -> None:
        """Do what is due by now."""
        self._do_tasks(now)
        self._hear_of_meetings(now)
        self._report(now)
        self._rewrite(now)

    # --- tasks ------------------------------------------------------------------------------------

    def _do_tasks(self, now: datetime) -> None:
        for task in self._api.get("/v1/tasks", state="open", limit=LIMIT)["items"]:
            dice = self._dice("task", task["contact_campaign_id"], task["node"], task["visit"])
            act, takes_s = dice.throw(), dice.log_normal(TASK_S, 0.8)
            if act >= DONE + SKIPPED or now < _instant(task["created_at"], takes_s):
                continue
            how = "done" if act < DONE else "skip"
            self._try(f"/v1/tasks/{task['id']}/{how}", {"reason": "demo"})

    # --- what happens outside ---------------------------------------------------------------------

    def _events(self) -> Iterator[_Report]:
        for journey in self._journeys.values():
            for kind in waited_for(journey.plan):
                dice = self._dice("event", journey.id, kind)
                if dice.chance(REPORTED):
                    at = BEGINS + timedelta(seconds=dice.between(1.5 * DAY_S, 7 * DAY_S))
                    yield _Report(at, journey.id, kind)

    def _hear_of_meetings(self, now: datetime) -> None:
        """Who chose a time in the calendar of the sender has a meeting, in the plans that ask."""
        clicks = self._api.get(
            "/v1/activity", kind="signal.clicked", since=(now - LOOK_BACK).isoformat(), limit=LIMIT
        )["items"]
        for click in clicks:
            key = (click["contact_campaign_id"], click["node"])
            if key not in self._clicks and key[1] in self._calendar_of(key[0]):
                dice = self._dice("meeting", *key)
                if dice.chance(BOOKED):
                    at = _instant(click["at"], dice.between(60.0, HOUR_S))
                    self._reports.append(_Report(at, key[0], MEETING))
            self._clicks.add(key)
        self._reports.sort()

    def _calendar_of(self, stream: str) -> frozenset[str]:
        if stream not in self._calendars:
            plan = self._journeys[stream].plan if stream in self._journeys else {}
            self._calendars[stream] = calendar_nodes(plan, MEETING)
        return self._calendars[stream]

    def _report(self, now: datetime) -> None:
        while self._reports and self._reports[0].at <= now:
            told = self._reports.pop(0)
            body = {"kind": told.kind, "occurred_at": told.at.isoformat()}
            self._try(f"/v1/contact-campaigns/{told.journey}/signals", body)

    # --- plans ------------------------------------------------------------------------------------

    def _rewritings(self) -> Iterator[tuple[datetime, str]]:
        for journey in self._journeys.values():
            dice = self._dice("revision", journey.id)
            if dice.chance(REVISED):
                yield BEGINS + timedelta(seconds=dice.between(DAY_S, 6 * DAY_S)), journey.id

    def _rewrite(self, now: datetime) -> None:
        """Change the words of what is not sent yet, if the plan read is the one in force."""
        while self._revisions and self._revisions[0][0] <= now:
            _, stream = self._revisions.pop(0)
            path = f"/v1/contact-campaigns/{stream}"
            standing = self._api.get(path)
            if standing["status"] not in ("active", "paused"):
                self.revisions["too_late"] += 1
                continue
            body = {
                "plan": reworded(self._journeys[stream].plan),
                "ifPlanHash": standing["plan_hash"],
                "reason": "friendlier words",
            }
            answer = self._try(f"{path}/revise", body)
            self.revisions[answer["status"] if answer else "too_late"] += 1

    # --- both -------------------------------------------------------------------------------------

    def _dice(self, what: str, stream: str, *names: str | int) -> Dice:
        journey = self._journeys.get(stream)
        return Dice(self._seed, what, journey.contact if journey else stream, *names)

    def _try(self, path: str, body: Mapping[str, Any]) -> Json | None:
        try:
            return self._api.post(path, body)
        except Refused as refused:
            if refused.status in OUT_OF_STEP:
                return None
            raise


def _instant(text: str, later_s: float) -> datetime:
    return datetime.fromisoformat(text) + timedelta(seconds=later_s)


def journeys_of(
    results: Iterable[Json], contacts: Sequence[Mapping[str, Any]], plans: Sequence[Json]
) -> Iterator[Journey]:
    """The contact-campaigns that began, with what is the same in each run."""
    for result, contact, plan in zip(results, contacts, plans, strict=True):
        if result.get("contact_campaign_id"):
            name = str(contact.get("external_id") or contact.get("email"))
            yield Journey(result["contact_campaign_id"], name, canonical(plan))

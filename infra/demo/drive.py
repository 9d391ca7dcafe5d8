"""The demo as a user of the API: a sender, contacts, a campaign, plans, and then it watches."""

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from threading import Event
from typing import Any, TypeVar

import msgspec

from domain.ids import TenantId, schema_of
from infra.demo.client import Client, Json, Patient
from infra.demo.people_at_work import Journey, PeopleAtWork, journeys_of
from infra.demo.plans import canonical, endpoints_of, personal
from infra.demo.progress import Progress, Tell
from infra.demo.stage import BEGINS, Stage
from infra.statements import Statements, transaction
from infra.tenancy import Database

TENANT = TenantId("demo")
CHUNK = 100
POLL_S = 0.25
SETTLE_S = 8.0
"""Real seconds that late webhooks get after the last contact-campaign has ended."""
LOOK_EACH = 2
"""The people of the company look in at each of so many polls."""

SENDER = {
    "sender": "sam",
    "from_email": "sam@mail.antiphon-demo.example",
    "from_name": "Sam Okello",
    "first_name": "Sam",
    "calendar_url": "https://cal.antiphon-demo.example/sam",
    "reply_domain": "reply.antiphon-demo.example",
    "postal_address": "Antiphon Demo Ltd, 1 Harbour Street, Lisbon",
    "verified": True,
}

DAILY_LIMIT = 50
"""Of the demo's campaign; with more contacts as many as there are, for the days are short."""
T = TypeVar("T")


class Told(msgspec.Struct):
    """What the API told while the demo drove it."""

    contacts: int = 0
    enrolled: int = 0
    refused: int = 0
    refusals: list[Json] = []
    campaign_id: str = ""
    days: float = 0.0
    """Simulated days that were watched."""
    revisions: dict[str, int] = {}
    """What became of plans that were written anew on the way."""


class Drive:
    """One run; called once, in a thread."""

    def __init__(
        self,
        contacts: Sequence[Mapping[str, Any]],
        plans: Sequence[Mapping[str, Any]],
        stage: Stage,
        tell: Tell,
    ) -> None:
        self._contacts = contacts
        self._plans = plans
        self._stage = stage
        self._tell = tell
        self._api = Patient(Client(stage.web_url, stage.key))
        self._provider = Patient(Client(stage.sandbox_url, ""))
        self._journeys: list[Journey] = []
        self.told = Told(contacts=len(contacts))

    def __call__(self, database: Database, stop: Event) -> None:
        """Set up through the API, then watch until all have ended or the days are over."""
        self._api.post("/v1/senders", SENDER)
        self._register()
        ids = self._import()
        campaign = {
            "name": "Invoices, autumn",
            "sender": SENDER["sender"],
            "daily_limit": max(DAILY_LIMIT, len(self._contacts)),
        }
        self.told.campaign_id = self._api.post("/v1/campaigns", campaign)["id"]
        self._api.post(f"/v1/campaigns/{self.told.campaign_id}/launch")
        self._enrol(ids)
        self._watch(database, stop)

    def _register(self) -> None:
        """Let webhook nodes call an endpoint that the provider's process plays, under each name."""
        for name in endpoints_of(map(canonical, self._plans)):
            url = f"{self._stage.sandbox_url}/endpoints/{name}"
            made = self._api.post("/v1/endpoints", {"name": name, "url": url}, once=f"demo-{name}")
            self._provider.post("/_sandbox/endpoints", {"name": name, "secret": made["secret"]})

    def _import(self) -> list[str]:
        ids: list[str] = []
        for chunk in _chunks(self._contacts):
            answer = self._api.post("/v1/contacts", {"items": chunk})
            ids += [item["contact_id"] for item in answer["items"]]
            self._tell(Progress("importing contacts", len(ids), len(self._contacts)))
        return ids

    def _enrol(self, ids: Sequence[str]) -> None:
        plans = [personal(self._plans, one, seed=self._stage.seed) for one in self._contacts]
        items = [{"contact_id": cid, "plan": plan} for cid, plan in zip(ids, plans, strict=True)]
        results: list[Json] = []
        path = f"/v1/campaigns/{self.told.campaign_id}/enrolments"
        for chunk in _chunks(items):
            results += self._api.post(path, {"items": chunk})["items"]
            self._tell(Progress("checking and starting plans", len(results), len(items)))
        self.told.refusals = [one for one in results if one["status"] == "refused"]
        self.told.refused = len(self.told.refusals)
        self.told.enrolled = len(results) - self.told.refused
        self._journeys = list(journeys_of(results, self._contacts, plans))

    def _watch(self, database: Database, stop: Event) -> None:
        """Tell how it goes until all have ended or the days are over, then let facts settle."""
        sql = Statements(schema_of(TENANT))
        people = PeopleAtWork(self._api, self._stage.seed, self._journeys)
        self.told.revisions = people.revisions
        settled_at: float | None = None
        polls = itertools.count()
        while not stop.wait(POLL_S):
            with database.tenant_tx(TENANT) as curs:
                tx = transaction(curs)
                ended, running, waiting = sql.rows(tx, _STANDING)[0]
                now = self._stage.simulated(sql.rows(tx, "SELECT clock_timestamp()")[0][0])
            self._tell(Progress("running", ended, self.told.enrolled, now))
            self.told.days = max(0.0, (now - BEGINS) / timedelta(days=1))
            if next(polls) % LOOK_EACH == 0:
                people.look(now)
            over = now >= self._stage.ends_at()
            if (running or waiting) and not over:
                settled_at = None
            elif settled_at is None:
                settled_at = time.monotonic()
            elif over or time.monotonic() - settled_at > SETTLE_S or self._quiet():
                return

    def _quiet(self) -> bool:
        """Whether the provider has told everything it knows."""
        return bool(self._provider.get("/_sandbox/stats")["pending"] == 0)


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


_STANDING = """
SELECT count(*) FILTER (WHERE status IN ('completed', 'exited', 'failed')),
       count(*) FILTER (WHERE status NOT IN ('completed', 'exited', 'failed')),
       (SELECT count(*) FROM {s}.webhook_inbox WHERE state IN ('new', 'claimed'))
       + (SELECT count(*) FROM {s}.errands)
  FROM {s}.contact_campaigns
"""

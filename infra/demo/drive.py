"""The demo as a user of the API: a sender, contacts, a campaign, plans, and then it watches."""

import http.client
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from threading import Event
from typing import Any, TypeVar

import msgspec

from domain.ids import TenantId, schema_of
from infra.demo.client import Client, Json
from infra.demo.plans import personal
from infra.demo.progress import Progress, Tell
from infra.demo.stage import BEGINS, Stage
from infra.statements import Statements, transaction
from infra.tenancy import Database

TENANT = TenantId("demo")
CHUNK = 100
POLL_S = 0.25
SETTLE_S = 8.0
"""Real seconds that late webhooks get after the last contact-campaign has ended."""
AGAIN = 40
"""Tries of a request while the web process is being started again."""
AWAY = (OSError, http.client.HTTPException)

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
        self._client = Client(stage.web_url, stage.key)
        self.told = Told(contacts=len(contacts))

    def __call__(self, database: Database, stop: Event) -> None:
        """Set up through the API, then watch until all have ended or the days are over."""
        self._post("/v1/senders", SENDER)
        ids = self._import()
        campaign = {"name": "Invoices, autumn", "sender": SENDER["sender"]}
        self.told.campaign_id = self._post("/v1/campaigns", campaign)["id"]
        self._post(f"/v1/campaigns/{self.told.campaign_id}/launch")
        self._enrol(ids)
        self._watch(database, stop)

    def _import(self) -> list[str]:
        ids: list[str] = []
        for chunk in _chunks(self._contacts):
            answer = self._post("/v1/contacts", {"items": chunk})
            ids += [item["contact_id"] for item in answer["items"]]
            self._tell(Progress("importing contacts", len(ids), len(self._contacts)))
        return ids

    def _enrol(self, ids: Sequence[str]) -> None:
        items = [
            {"contact_id": cid, "plan": personal(self._plans, contact, seed=self._stage.seed)}
            for cid, contact in zip(ids, self._contacts, strict=True)
        ]
        for chunk in _chunks(items):
            path = f"/v1/campaigns/{self.told.campaign_id}/enrolments"
            for result in self._post(path, {"items": chunk})["items"]:
                if result["status"] == "refused":
                    self.told.refused += 1
                    self.told.refusals.append(result)
                else:
                    self.told.enrolled += 1
            done = self.told.enrolled + self.told.refused
            self._tell(Progress("checking and starting plans", done, len(items)))

    def _post(self, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """Post; while the web process is away, again: every write of the API is safe to repeat."""
        return _until_there(lambda: self._client.post(path, body))

    def _watch(self, database: Database, stop: Event) -> None:
        """Tell how it goes until all have ended or the days are over, then let facts settle."""
        sql = Statements(schema_of(TENANT))
        settled_at: float | None = None
        while not stop.wait(POLL_S):
            with database.tenant_tx(TENANT) as curs:
                tx = transaction(curs)
                ended, running, waiting = sql.rows(tx, _STANDING)[0]
                now = self._stage.simulated(sql.rows(tx, "SELECT clock_timestamp()")[0][0])
            self._tell(Progress("running", ended, self.told.enrolled, now))
            self.told.days = max(0.0, (now - BEGINS) / timedelta(days=1))
            over = now >= self._stage.ends_at()
            if (running or waiting) and not over:
                settled_at = None
            elif settled_at is None:
                settled_at = time.monotonic()
            elif over or time.monotonic() - settled_at > SETTLE_S or self._quiet():
                return

    def _quiet(self) -> bool:
        """Whether the provider has told everything it knows."""
        stats = _until_there(Client(self._stage.sandbox_url, "").get, "/_sandbox/stats")
        return bool(stats["pending"] == 0)


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def _until_there(call: Callable[..., Json], *given: str) -> Json:
    for left in reversed(range(AGAIN)):
        try:
            return call(*given)
        except AWAY:
            if not left:
                raise
            time.sleep(POLL_S)
    raise AssertionError  # the last try returns or raises


_STANDING = """
SELECT count(*) FILTER (WHERE status IN ('completed', 'exited', 'failed')),
       count(*) FILTER (WHERE status NOT IN ('completed', 'exited', 'failed')),
       (SELECT count(*) FROM {s}.webhook_inbox WHERE state IN ('new', 'claimed'))
  FROM {s}.contact_campaigns
"""

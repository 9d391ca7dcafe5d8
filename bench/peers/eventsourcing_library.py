"""The eventsourcing library used plainly: its own aggregates, mapper, application and recorder.

Once with one aggregate a save, once with 200 a save, which is what its documentation offers for
more speed. Runs in the environment of antiphon; no installation of its own.
"""

import json
import sys
from datetime import datetime, timedelta
from time import perf_counter
from uuid import UUID, uuid5

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

BEGINS = datetime.fromisoformat("2026-09-07T09:00:00+00:00")
SPACE = UUID(int=0xE5)
BATCH = 200


class Journey(Aggregate):
    """A contact on its way through two mails."""

    @event("Enrolled")
    def __init__(self, contact: str, plan: str, at: datetime) -> None:
        self.contact = contact
        self.plan = plan
        self.node = "hello"
        self.state = "planned"
        self.changed_at = at
        self.due_at: datetime | None = at
        self.provider_id = ""

    @event("SendStarted")
    def start(self, message: str, body_mac: str, at: datetime) -> None:
        """A call is about to be made."""
        self.state = "sending"
        self.message, self.body_mac, self.changed_at = message, body_mac, at

    @event("Accepted")
    def accept(self, provider_id: str, at: datetime, silent_at: datetime) -> None:
        """The provider has the mail; silence counts from now on."""
        self.state = "waiting"
        self.provider_id, self.changed_at, self.due_at = provider_id, at, silent_at

    @event("Clicked")
    def click(self, url: str, key: str, at: datetime) -> None:
        """Somebody followed the link."""
        self.url, self.key, self.changed_at = url, key, at

    @event("Moved")
    def move(self, node: str, message: str, due_at: datetime, at: datetime) -> None:
        """The next mail is planned."""
        self.state = "planned"
        self.node, self.message, self.due_at, self.changed_at = node, message, due_at, at


class Journeys(Application[UUID]):
    """The application of the journeys."""


class Portion:
    """Some contacts, whose journeys are saved together."""

    def __init__(self, app: Journeys, numbers: range) -> None:
        self._app = app
        self._numbers = numbers
        self._ids: list[UUID] = []

    def enrol(self) -> None:
        """They begin."""
        made = [
            Journey(str(uuid5(SPACE, str(n))), "sha256:60155f20", BEGINS) for n in self._numbers
        ]
        self._app.save(*made)
        self._ids = [one.id for one in made]

    def send(self) -> None:
        """The first mail: noted, handed to a provider that takes it at once, noted again."""
        loaded = self._loaded()
        for one in loaded:
            one.start(str(uuid5(one.id, "hello")), "ab" * 32, BEGINS)
        self._app.save(*loaded)
        for one in loaded:
            one.accept(f"p-{one.id.hex}", BEGINS, BEGINS + timedelta(days=2))
        self._app.save(*loaded)

    def hear(self) -> None:
        """A click for each, and the next mail."""
        loaded = self._loaded()
        now = BEGINS + timedelta(hours=5)
        for one in loaded:
            one.click("https://site.example/hello", f"click-{one.id.hex}", now)
            one.move("again", str(uuid5(one.id, "again")), now + timedelta(days=1), now)
        self._app.save(*loaded)

    def check(self, node: str) -> None:
        """That it happened."""
        for one in self._loaded():
            assert one.node == node

    def _loaded(self) -> list[Journey]:
        return [self._app.repository.get(one) for one in self._ids]


def main(url: str, contacts: int) -> dict[str, dict[str, float]]:
    """Rates of both ways, and the bytes that an event takes with its indexes."""
    found: dict[str, dict[str, float]] = {}
    for way, batch in (("eventsourcing_singly", 1), ("eventsourcing_batched", BATCH)):
        app = Journeys(_environment(url, way))
        _measured(app, 10, batch)  # warm
        for measure, value in _measured(app, contacts, batch).items():
            found.setdefault(measure, {})[way] = value
        app.close()
        with psycopg.connect(url) as connection:
            row = connection.execute(
                "SELECT pg_total_relation_size('journeys_events')"
                " / (SELECT count(*) FROM journeys_events)"
            ).fetchone()
            assert row is not None
            found.setdefault("log_bytes_per_event", {})[way] = float(row[0])
            connection.execute("DROP TABLE journeys_events")
    return found


def _environment(url: str, name: str) -> dict[str, str]:
    given = conninfo_to_dict(url)
    return {
        "APPLICATION_NAME": name,
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(given["dbname"]),
        "POSTGRES_HOST": str(given["host"]),
        "POSTGRES_PORT": str(given["port"]),
        "POSTGRES_USER": str(given["user"]),
        "POSTGRES_PASSWORD": str(given.get("password", "none")),
    }


def _measured(app: Journeys, contacts: int, batch: int) -> dict[str, float]:
    numbers = [range(n, min(n + batch, contacts)) for n in range(0, contacts, batch)]
    portions = [Portion(app, one) for one in numbers]
    began = perf_counter()
    for portion in portions:
        portion.enrol()
    for portion in portions:
        portion.send()
    sent = perf_counter()
    half = portions[: max(len(portions) // 2, 1)]
    for portion in half:
        portion.hear()
    heard = perf_counter()
    for portion in half:
        portion.check("again")
    clicked = sum(len(one) for one in numbers[: len(half)])
    return {
        "enrol_to_first_send_per_s": contacts / (sent - began),
        "signals_per_s": clicked / (heard - sent),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))

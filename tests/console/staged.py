"""A tenant with something on every page of the console, served to a browser."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread
from typing import Any
from uuid import UUID

import uvicorn
from argon2 import PasswordHasher

from domain.acts import Act, ActFailed, ActOrdered
from domain.ids import CampaignId, MessageId, StreamId
from handlers.access import Role
from handlers.app import create_app
from handlers.ports import CampaignRow
from infra.acts import SqlActLog
from infra.leadership import Leadership
from infra.projector import Runner
from infra.services import make_services, make_stock
from infra.users import SqlUsers
from projections.registry import READ
from tests.stories import lived
from tests.stories.house import House, plan, send, stop, way

PASSWORD = "correct horse battery"
EVIL = "<script>document.title='taken'</script>"
REPLY = UUID(int=4711)
REMOTE = "https://tracker.example/pixel.gif"
"""A picture that tells the other side who reads."""

GREETING = plan(
    send("hello", way("replied", "end"), way("no_reply", "again", after="P3D"), name="Greeting"),
    send(
        "again", way("replied", "end"), way("no_reply", "silent", after="P3D"), name="Second mail"
    ),
    stop("end", outcome="replied"),
    stop("silent", outcome="no_response"),
)
HOSTILE = plan(
    send(
        "hello",
        way("no_reply", "end", after="P3D"),
        name=f"Hi {EVIL}",
        message={"subject": f"{EVIL} & 'quotes'", "text": f"{EVIL} in the text"},
    ),
    stop("end", name=EVIL),
)
BROKEN = plan(
    send("hello", way("no_reply", "nowhere", after="P3D"), name=EVIL),
    stop("end"),
)


class Staged:
    """The tenant, what is in it, and where it is served."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.url = ""
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self.users = SqlUsers(house.system.database, pepper=house.system.pepper, hasher=cheap)
        self.names = {role: f"{role}@{house.tenant}" for role in Role}
        for role, name in self.names.items():
            self.users.add(house.tenant, name, role, PASSWORD)
        self.leads = Leadership(house.system.database)
        self.runners = [
            Runner(house.system.database, house.tenant, each, self.leads) for each in READ
        ]
        self._fill()

    def _fill(self) -> None:
        house = self.house
        self.campaign = self.named("Autumn")
        self.draft = self.named("Winter", status="draft")
        self.streams = [self.enrolled(number) for number in range(3)]
        self.hostile = self.enrolled(9, HOSTILE, first_name=EVIL, last_name="O'Brien")
        self.tried = self.named("Two subjects")
        for number in range(40, 46):
            self.enrolled(number, lived.document(tracked=number > 40), self.tried)
        house.work()
        house.hear(house.event(self.streams[0], "delivered"))
        house.hear(house.event(self.streams[0], "open"))
        house.after(hours=2)
        self.message = house.message(self.streams[0])
        html = f'<p>Yes, <b>please</b></p><img src="{REMOTE}"><script>alert(1)</script>'
        self.replied(self.message, html)
        house.after(days=3)  # the second mail of all is planned or waits
        self.waiting = self.enrolled(5)
        self._act()
        self.look()

    def _act(self) -> None:
        """What an administrator did: something that changed, something that failed."""
        acts, now = SqlActLog(self.house.system.database, self.house.tenant), self.house.clock.now()
        for order in (
            ActOrdered(act=Act.KEY_ADD, subject="k1", after={"role": "viewer"}, at=now),
            ActOrdered(act=Act.SENDER_PAUSE, subject="sam", reasoned=True, at=now),
        ):
            acts.record(order, actor="cli", request=REPLY)
        paused = ActOrdered(act=Act.CAMPAIGN_PAUSE, subject=str(self.draft.campaign_id), at=now)
        number = acts.record(paused, actor="cli", request=REPLY)
        failed = ActFailed(ordered=number, code="out_of_step", at=now)
        acts.record(failed, actor="cli", request=REPLY)

    def named(self, name: str, status: str = "active") -> CampaignRow:
        row = CampaignRow(
            campaign_id=CampaignId(self.house.system.rng.new_id()),
            name=name,
            description="",
            status=status,
            sender="sam",
            daily_limit=10_000,
            created_at=self.house.clock.now(),
        )
        self.house.ports.register.add_campaign(row)
        return row

    def enrolled(
        self, number: int, document: Any = None, row: CampaignRow | None = None, **fields: str
    ) -> StreamId:
        given = {
            "external_id": f"lead-{number}",
            "email": f"lead{number}@harbor.example",
            "last_name": f"Number {number}",
            "timezone": "America/New_York",
        }
        contact = self.house.contact(**(given | fields))
        done = self.house.enrol(document or GREETING, contact, row=row or self.campaign)
        assert done.contact_campaign_id is not None, done.report
        return done.contact_campaign_id

    def replied(self, message: MessageId, html: str) -> None:
        self.house.ports.vault.keep_reply(
            REPLY,
            {
                "message_id": message,
                "class": "human",
                "subject": f"Re: docks {EVIL}",
                "text": f"Yes, please {EVIL}",
                "html": html,
                "sender": "lead0@harbor.example",
                "received_at": self.house.clock.now(),
            },
        )

    def look(self) -> None:
        """Let the read models take what was recorded."""
        while any(runner.step() for runner in self.runners):
            pass

    def secret(self, role: Role) -> str:
        found = self.users.sign_in(self.names[role], PASSWORD)
        assert found is not None
        return found

    def close(self) -> None:
        self.leads.close()
        with self.house.system.database.control_tx() as curs:
            curs.execute("DELETE FROM control.users WHERE tenant = %s", (self.house.tenant,))


@contextmanager
def served(staged: Staged) -> Iterator[str]:
    """The web process of the tenant in a thread; its address."""
    system = staged.house.system
    app = create_app(make_services(system), make_stock(system))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, log_config=None, log_level="critical", timeout_graceful_shutdown=1, lifespan="off"
        )
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timedelta(seconds=20).total_seconds())

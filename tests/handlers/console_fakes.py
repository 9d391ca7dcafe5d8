"""The console on stores of a few lines: somebody of each role is signed in."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.testclient import TestClient

from domain.ids import CampaignId, ContactId, MessageId, StreamId, TenantId
from handlers.access import Role
from handlers.app import create_app
from handlers.services import ActivityRow, ContactCampaignRow, QueueRow
from handlers.web.console.reading import Ahead, Pulse, Reply, Troubles
from handlers.web.console.sessions import Session
from handlers.web.console.stock import Stock
from tests.handlers.web_fakes import TENANT, World

PASSWORD = "correct horse battery"
CSRF = "token-of-the-session"
FROM_US = {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}


def secret_of(role: str) -> str:
    return f"secret-{role}".ljust(43, "x")


class Lobby:
    """Implements handlers.web.console.sessions.Users: one user a role, named like it."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.used: list[bool] = []
        self.begun = 0
        for role in Role:
            self.sessions[secret_of(role)] = self.someone(role)

    def someone(self, role: Role, tenant: TenantId = TENANT) -> Session:
        return Session(
            user_id=f"u_{role}", name=f"{role}@acme", tenant=tenant, role=role, csrf=CSRF
        )

    def sign_in(self, name: str, password: str) -> str | None:
        if name not in set(Role) or password != PASSWORD:
            return None
        self.begun += 1
        secret = f"new-{self.begun}".ljust(43, "y")
        self.sessions[secret] = self.someone(Role(name))
        return secret

    def session(self, secret: str, *, used: bool = True) -> Session | None:
        self.used.append(used)
        return self.sessions.get(secret)

    def sign_out(self, secret: str) -> None:
        self.sessions.pop(secret, None)

    def names(self, _: TenantId, ids: Iterable[str]) -> Mapping[str, str]:
        return {one: one.removeprefix("u_") for one in ids}


class Looks:
    """Implements handlers.web.console.reading.ConsoleReads: a tenant where nothing happens."""

    def __init__(self) -> None:
        self.rows: list[ActivityRow] = []
        self.kept: dict[UUID, Reply] = {}
        self.beating = Pulse({}, {})

    def ahead(self, _: datetime, __: datetime) -> Ahead:
        return Ahead([], [], more=False)

    def troubles(self, _: datetime) -> Troubles:
        return Troubles(unknown=0, lost=0, parked=0, overdue_tasks=0)

    def counters(self, _: datetime, __: datetime) -> Mapping[str, int]:
        names = "enrolled accepted delivered unique_opens replies bounces unsubscribes"
        return dict.fromkeys(names.split(), 0)

    def found(self, _: str, __: int) -> Sequence[ContactId]:
        return []

    def journeys_of(self, _: Iterable[ContactId], limit: int) -> list[ContactCampaignRow]:
        assert limit
        return []

    def messages_of(self, _: StreamId) -> list[QueueRow]:
        return []

    def plans_of(self, _: CampaignId) -> Sequence[tuple[str, int]]:
        return []

    def replies(self, messages: Iterable[MessageId]) -> Sequence[Reply]:
        wanted = set(messages)
        return [one for one in self.kept.values() if one.message_id in wanted]

    def reply(self, reply_id: UUID) -> Reply | None:
        return self.kept.get(reply_id)

    def newest(self) -> int:
        return self.rows[-1].position if self.rows else 0

    def happenings(self, after: int, limit: int) -> Sequence[ActivityRow]:
        return [row for row in self.rows if row.position > after][:limit]

    def pulse(self) -> Pulse:
        return self.beating


class Console(World):
    """A world with its console; `visit` and `send` are somebody's browser."""

    def __init__(self, *, secure: bool = False, **changed: Any) -> None:
        super().__init__(**changed)
        self.lobby, self.looks, self.secure = Lobby(), Looks(), secure
        self.stock = Stock(users=self.lobby, reads=lambda _: self.looks, secure=secure)
        self.app = create_app(self.services, self.stock)
        self.client = TestClient(self.app, follow_redirects=False)

    def cookie(self, role: str) -> dict[str, str]:
        name = "__Host-antiphon" if self.secure else "antiphon"
        return {"Cookie": f"{name}={secret_of(role)}"}

    def visit(self, path: str, *, role: str = "admin", **headers: str) -> Any:
        return self.client.get(path, headers=self.cookie(role) | headers)

    def send(
        self,
        path: str,
        form: Mapping[str, Any] | None = None,
        *,
        role: str = "admin",
        headers: Mapping[str, str] = FROM_US,
    ) -> Any:
        fields = {"csrf": CSRF} | dict(form or {})
        return self.client.post(path, data=fields, headers=self.cookie(role) | dict(headers))

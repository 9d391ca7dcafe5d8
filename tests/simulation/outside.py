"""The provider and the people behind it: what they take, what they answer, what they report.

Reports come as posts that are lost, late, repeated with other ids, out of order and before the
answer. What was taken is counted here, where nothing of the product can reach.
"""

import http.client
import socket
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from domain.ids import MessageId, TenantId
from domain.taxonomy import AnswerClass
from handlers.ports import Answer, Mail, Report, WebhookReader
from infra.providers.sendgrid.answers import Failed, Heard, classify
from infra.providers.sendgrid.webhook import SendGridWebhook
from tests.simulation.choices import Choices
from tests.simulation.memory_tenant import PEPPER, TAG
from tests.simulation.tempers import Temper

HOUR, DAY = 3600.0, 86400.0
SLOWEST_S = 9.5
"""A call is given up after ten seconds."""
REPEATS = (0, 0, 0, 0, 0, 0, 1, 1, 2, 45)
DELAYS = (0.0, 1.0, 5.0, 30.0, 90.0, 600.0, HOUR, 12 * HOUR, 72 * HOUR)


class Outcome(msgspec.Struct, frozen=True):
    """One way a call may go: what comes back, and whether the provider takes the message."""

    name: str
    weight: int
    heard: Heard | Failed
    taken: bool = False
    slow: bool = False


_NEVER_LEFT = (ConnectionRefusedError(), socket.gaierror())
_RESET = Failed(http.client.RemoteDisconnected("closed"), written=True)
_SILENCE = Failed(TimeoutError(), written=True)

OUTCOMES = (
    Outcome("taken", 0, Heard(202), taken=True),
    Outcome("taken slowly", 6, Heard(202), taken=True, slow=True),
    Outcome("refused connection", 4, Failed(_NEVER_LEFT[0], written=False)),
    Outcome("no name", 2, Failed(_NEVER_LEFT[1], written=False)),
    Outcome("429", 4, Heard(429, {"retry-after": "20"})),
    Outcome("401", 1, Heard(401)),
    Outcome("302", 1, Heard(302)),
    Outcome("400", 3, Heard(400)),
    Outcome("413", 1, Heard(413)),
    Outcome("500", 4, Heard(500)),
    Outcome("502 after taking", 4, Heard(502), taken=True),
    Outcome("reset", 3, _RESET),
    Outcome("reset after taking", 4, _RESET, taken=True),
    Outcome("silence", 3, _SILENCE, slow=True),
    Outcome("silence after taking", 4, _SILENCE, taken=True, slow=True),
    Outcome("unreadable", 1, Heard(299), taken=True),
)
"""The weight of the first is the temper's."""
ARRIVALS: tuple[tuple[tuple[str, float], ...], ...] = (
    *((("delivered", 5.0),),) * 17,
    (("deferred", 4.0), ("delivered", 5.0)),
    (("bounce", 3.0),),
    (("dropped", 1.0),),
)
"""How a mail may arrive, each as likely as the others."""
REACTIONS = (
    ("open", 3, (30.0, 600.0, 5 * HOUR, DAY)),
    ("click", 5, (30.0, 600.0, 5 * HOUR, DAY)),
    ("reply", 6, (30.0, 600.0, 5 * HOUR, DAY)),
    ("unsubscribe", 12, (40.0, 2 * HOUR)),
    ("spamreport", 20, (41.0, 2 * HOUR)),
    ("group_unsubscribe", 25, (42.0, 2 * HOUR)),
)
"""What people do, one in how many, and how long after."""

DOUBTFUL = tuple(
    index
    for index, each in enumerate(OUTCOMES)
    if classify(each.heard).kind is AnswerClass.AMBIGUOUS and not each.slow
)


class Surrounding(Protocol):
    """What the provider needs of the world it is in."""

    def step(self, point: str) -> None: ...

    def sleep(self, seconds: float) -> None: ...

    def real_now(self) -> float: ...

    @property
    def calm(self) -> bool: ...


class Post(msgspec.Struct, order=True):
    """A request to our webhook that is on its way."""

    due: float
    number: int
    provider: str
    body: bytes


class Outside:
    """Implements handlers.ports.Provider, and is the world of the recipients."""

    def __init__(self, choices: Choices, around: Surrounding, temper: Temper) -> None:
        self.accepts: defaultdict[MessageId, list[int]] = defaultdict(list)
        self.calls = 0
        self.answers: defaultdict[str, int] = defaultdict(int)
        self.posts: list[Post] = []
        self.lost_posts = 0
        self.deaf = False
        """While it is, no post comes through."""
        self.down = temper.down
        """While it is, every call has a doubtful end."""
        self.on_call: Callable[[Mail, int], None] = lambda _mail, _attempt: None
        self.on_taken: Callable[[Mail, int], None] = lambda _mail, _attempt: None
        self.occurred: Counter[tuple[MessageId, int]] = Counter()
        """How many different things happened to a message in a second."""
        self._choices = choices
        self._around = around
        self._temper = temper
        self._told = 0
        self.replies = Replies()

    # --- the provider -----------------------------------------------------------------------------

    def send(self, mail: Mail, *, attempt: int, tenant_tag: str) -> Answer:
        assert tenant_tag == TAG
        self._around.step("provider.call")
        self.calls += 1
        self.on_call(mail, attempt)
        made = OUTCOMES[self._outcome()]
        self.answers[made.name] += 1
        if made.taken:
            self._take(mail, attempt)
        self._around.step("provider.taken" if made.taken else "provider.not_taken")
        if made.slow:
            self._around.sleep(self._choices.uniform(1.0, SLOWEST_S))
        answer = classify(made.heard)
        if answer.kind is AnswerClass.ACCEPTED and self._choices.pick(20):
            return msgspec.structs.replace(answer, provider_id=_provider_id(mail, attempt))
        return answer

    def _outcome(self) -> int:
        if self._around.calm:
            return 0
        if self.down:
            return DOUBTFUL[self._choices.pick(len(DOUBTFUL))]
        rest = (each.weight for each in OUTCOMES[1:])
        return self._choices.weighted([self._temper.taken, *rest])

    def _take(self, mail: Mail, attempt: int) -> None:
        self.accepts[mail.message_id].append(attempt)
        self.on_taken(mail, attempt)
        now = self._around.real_now()
        for kind, after in self._reactions():
            self._report(kind, mail, attempt, now + after)

    # --- the people -------------------------------------------------------------------------------

    def _reactions(self) -> list[tuple[str, float]]:
        """What becomes of a mail, and how long after it was taken."""
        if self._around.calm:
            return [("processed", 1.0), ("delivered", 2.0)]
        pick = self._choices.pick
        found: list[tuple[str, float]] = [("processed", 1.0), *ARRIVALS[pick(len(ARRIVALS))]]
        if found[-1][0] == "delivered":
            for kind, rarity, waits in REACTIONS:
                if pick(rarity) == rarity - 1:
                    found.append((kind, waits[pick(len(waits))]))
        return found

    def _report(self, kind: str, mail: Mail, attempt: int, at: float) -> None:
        self.occurred[mail.message_id, int(at)] += 1
        if kind == "reply":
            body = self.replies.told(mail, attempt, at)
            self._post("played", body, at)
            return
        for _ in range(1 + REPEATS[self._pick(len(REPEATS))]):
            event = self._event(kind, mail, attempt, at)
            self._post("sendgrid", msgspec.json.encode([event]), at)

    def _event(self, kind: str, mail: Mail, attempt: int, at: float) -> Mapping[str, Any]:
        self._told += 1
        event: dict[str, Any] = {
            "event": kind,
            "timestamp": int(at),
            "email": mail.to_email,
            "antiphon_message": str(mail.message_id),
            "antiphon_attempt": str(attempt),
            "antiphon_tenant": TAG,
            "sg_event_id": f"event-{self._told}",
            "sg_message_id": f"{_provider_id(mail, attempt)}.filter0001",
        }
        if kind in ("open", "click"):
            event |= {"ip": "192.0.2.7", "useragent": "Mail/1"}
        if kind == "click":
            event["url"] = "https://site.example/a"
        if kind == "group_unsubscribe":
            event["asm_group_id"] = 17
        return event

    def _post(self, provider: str, body: bytes, at: float) -> None:
        if self.deaf or (not self._around.calm and self._choices.chance(self._temper.posts_lost)):
            self.lost_posts += 1
            return
        self._told += 1
        due = at + DELAYS[self._pick(len(DELAYS))]
        self.posts.append(Post(due, self._told, provider, body))

    def _pick(self, options: int) -> int:
        return 0 if self._around.calm else self._choices.pick(options)


def _provider_id(mail: Mail, attempt: int) -> str:
    return f"{mail.message_id.hex[:16]}{attempt}"


class Replies(WebhookReader):
    """Replies as an inbound reader tells them: about a message, by its own id."""

    def __init__(self) -> None:
        self._reports: dict[bytes, Report] = {}

    def told(self, mail: Mail, attempt: int, at: float) -> bytes:
        """The body of a reply to this mail."""
        body = f"reply:{mail.message_id}:{attempt}".encode()
        self._reports[body] = Report(
            provider="played",
            kind="reply",
            raw=body,
            key=body.ljust(32),
            signal="replied",
            at=datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(seconds=int(at)),
            message_id=mail.message_id,
            attempt=attempt,
            tenant_tag=TAG,
            accepted=True,
        )
        return body

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> bool:
        raise NotImplementedError  # posts of a run are not signed

    def read(self, body: bytes, *, tenant: TenantId) -> list[Report]:
        return [self.translate(body, tenant=tenant)]

    def translate(self, raw: bytes, *, tenant: TenantId) -> Report:  # noqa: ARG002  # as the port has it
        return self._reports[raw]


def readers(outside: Outside) -> Mapping[str, WebhookReader]:
    """Who reads which posts."""
    return {"sendgrid": SendGridWebhook((), pepper=PEPPER), "played": outside.replies}

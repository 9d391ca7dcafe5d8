"""A tenant that has lived some weeks: drawn people, mails, opens, clicks, answers, noes."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from random import Random  # noqa: TID251  # seeded: a life is the same for the same seed
from typing import Any

from domain.ids import StreamId
from domain.taxonomy import AnswerClass, MessageState
from handlers.ports import Answer, CampaignRow, Mail
from handlers.services import TenantServices
from handlers.webhooks.inbound import keep_reply
from infra.leadership import Leadership
from infra.projector import Runner
from infra.services import make_services
from projections.registry import READ
from tests.infra.sendgrid_replies import FORM, envelope, multipart
from tests.stories.house import House, plan, send, stop, way

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"
HOME = "85.240.10.20"
ZONES = ("Europe/Lisbon", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", None)
DOMAINS = ("gmail.com", "outlook.com", "harbor.example")
_TEXT = "See https://site.example/a"


def _contents(*, tracked: bool) -> list[dict[str, Any]]:
    return [
        {
            "id": name,
            "message": {
                "subject": f"{name}, {{{{ contact.first_name }}}}",
                "text": _TEXT,
                "trackOpens": tracked,
                "trackClicks": tracked,
            },
        }
        for name in ("A", "B")
    ]


def document(*, tracked: bool) -> dict[str, Any]:
    """Two mails, the first in two variants."""
    first = send(
        "intro", way("no_reply", "again", after="P2D"), variants=_contents(tracked=tracked)
    )
    del first["message"]
    (content, _) = _contents(tracked=tracked)
    again = send("again", way("no_reply", "end", after="P3D"), message=content["message"])
    return plan(first, again, stop())


class Life:
    """What is drawn for one tenant, day by day."""

    def __init__(self, house: House, seed: int, *, contacts: int = 16, days: int = 8) -> None:
        self.house = house
        self.chance = Random(seed)  # noqa: S311  # repeatable on purpose
        found = make_services(house.system).tenant(house.tenant)
        assert found is not None
        self.tenant: TenantServices = found
        self.campaigns: list[CampaignRow] = []
        self.streams: list[StreamId] = []
        house.provider.answer = self._answer
        self._numbers = iter(range(10**9))
        for tracked in (True, False):
            row = house.campaign()
            self.campaigns.append(row)
            for _ in range(contacts if tracked else contacts // 3):
                self._enrol(row, document(tracked=tracked))
        for _ in range(days * 3):
            house.after(minutes=self.chance.randrange(60, 900))
            self._happen(tracked=set(self.streams[:contacts]))
        house.work()
        projected(house)

    def _enrol(self, row: CampaignRow, given: Mapping[str, Any]) -> None:
        number = next(self._numbers)
        contact = self.house.contact(
            email=f"p{number}@{self.chance.choice(DOMAINS)}", timezone=self.chance.choice(ZONES)
        )
        done = self.house.enrol(given, contact, row=row)
        assert done.contact_campaign_id is not None, done.report
        self.streams.append(done.contact_campaign_id)

    def _answer(self, _: Mail) -> Answer:
        if self.chance.random() < 0.07:
            return Answer(kind=AnswerClass.REFUSED, reason="status_400")
        return Answer(kind=AnswerClass.ACCEPTED, provider_id=f"p-{next(self._numbers)}")

    def _happen(self, tracked: set[StreamId]) -> None:
        for mail, attempt in list(self.house.provider.calls):
            if self.chance.random() < 0.05:
                words = ("Sounds good.", "I am away.")
                self._writes(mail, attempt, automatic=self.chance.choice(words) == words[1])
        for stream in self.streams:
            messages = self.house.state(stream).messages
            if messages and messages[self.house.message(stream)].state == MessageState.ACCEPTED:
                self.house.hear(*self._events(stream, reacts=stream in tracked))
        self.house.work()

    def _events(self, stream: StreamId, *, reacts: bool) -> Iterator[dict[str, Any]]:
        for kind, part in (("delivered", 0.6), ("deferred", 0.1), ("bounce", 0.02)):
            if self.chance.random() < part:
                yield self.house.event(stream, kind)
        for kind, part in (("spamreport", 0.02), ("unsubscribe", 0.02)):
            if self.chance.random() < part:
                yield self.house.event(stream, kind)
        if reacts and self.chance.random() < 0.3:
            machine = self.chance.random() < 0.3
            yield self.house.event(
                stream, "open", useragent=CHROME, ip=HOME, sg_machine_open=machine
            )
        if reacts and self.chance.random() < 0.15:
            url = "https://site.example/a"
            yield self.house.event(stream, "click", useragent=CHROME, ip=HOME, url=url)

    def _writes(self, mail: Mail, attempt: int, *, automatic: bool) -> None:
        own_id = f"<{mail.message_id}.{attempt}@{mail.sender_domain}>"
        head = [
            f"From: Ada <{mail.to_email}>",
            f"Message-ID: <{self.house.system.rng.new_id()}@harbor.example>",
            f"In-Reply-To: {own_id}",
            *(["Auto-Submitted: auto-replied"] if automatic else []),
        ]
        posted: dict[str, str | bytes] = {
            "headers": "".join(f"{line}\n" for line in head),
            "from": f"Ada <{mail.to_email}>",
            "to": mail.reply_to,
            "subject": "Re: Docks",
            "text": "I am away until Friday." if automatic else "Sounds good.",
            "envelope": envelope(mail.reply_to, sender=mail.to_email),
            "charsets": "{}",
        }
        now = self.house.clock.now()
        inbound = self.tenant.inbound.read_inbound(FORM, multipart(posted), now=now)
        keep_reply(self.tenant, inbound, {}, b"", late=False)


def projected(house: House) -> None:
    """Let every read model take in the whole log."""
    with closing(Leadership(house.system.database)) as leads:
        for projection in READ:
            runner = Runner(house.system.database, house.tenant, projection, leads)
            while runner.step():
                pass

"""The checklist before a tenant sends for real: each item in order, and each one out of it."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from threading import Thread
from typing import Any

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from domain.accounts import AccountSettings, Profile, Rules, Weekend
from domain.timing.opening import Hours, QuietHours, Window
from handlers.links import Links
from handlers.ports import AccountRow
from infra.embedded.servers import ServerUrls
from infra.go_live import DnsNames, Item, Running, Word, go_live, look
from infra.go_live.names import NotAsked
from infra.go_live.running import DomainSeen, sample
from infra.heartbeat import Heartbeat
from infra.keys import add_key
from infra.providers.sendgrid.webhook_settings import TYPES, Hook
from infra.settings import Settings
from tests.infra.cli_running import Cli
from tests.stories.house import SAM, House, open_house, plan, send, stop, way

URL = "https://antiphon.example/webhooks/sendgrid/acme"
HOOK = Hook(id="1", url=URL, enabled=True, public_key="key", flags=frozenset(TYPES))
SETTINGS = Settings(
    pepper=SecretStr("a pepper that is long enough for tests"),
    sendgrid_api_key=SecretStr("key"),
    check_domains=True,
)
ACCOUNT = AccountRow(
    sender="sam",
    settings=AccountSettings(profile=Profile.MAILBOX),
    verified=True,
    paused="",
    health=100,
    warmup_max=None,
    circuit_until=None,
    circuit_needs_operator=False,
    away_until=None,
    connected=True,
    deleted=False,
)
LINKS = Links("https://antiphon.example", "acme", b"a key of sixteen bytes or more")
OFFICE = Hours(zone="Europe/Lisbon", window=Window(frozenset(range(5)), 9 * 60, 18 * 60))
READY = Running(
    settings=SETTINGS,
    public_url="https://antiphon.example",
    webhook_url=URL,
    rules=Rules(zone="Europe/Lisbon"),
    senders=(SAM,),
    accounts=(ACCOUNT,),
    mails={"sam": sample(SAM, LINKS)},
    hours={"plan/hello": OFFICE},
    domains={
        "mail.example": DomainSeen(
            spf=("v=spf1 include:sendgrid.net -all",), dkim=("k=rsa; p=MIG",), dmarc=("v=DMARC1",)
        )
    },
    global_paused=False,
    global_hour_max=20_000,
    admin_keys=1,
    webhook_keys=("key",),
    hooks=(HOOK,),
    beats={"web": 1.0, "worker": 1.0, "ticker": 0.5, "projector": 2.0},
    lag=3,
    redis_fault="",
    letters=0,
    contacts=10,
    without_country=0,
    unchecked=0,
)


def settings(**changes: Any) -> dict[str, Any]:
    return {"settings": SETTINGS.model_copy(update=changes)}


def rules(**changes: Any) -> dict[str, Any]:
    return {"rules": replace(READY.rules, **changes)}


def account(**changes: Any) -> dict[str, Any]:
    return {"accounts": (replace(ACCOUNT, **changes),)}


def sender(**changes: Any) -> dict[str, Any]:
    changed = replace(SAM, **changes)
    return {"senders": (changed,), "mails": {"sam": sample(changed, LINKS)}}


def domain(**changes: Any) -> dict[str, Any]:
    return {"domains": {"mail.example": replace(READY.domains["mail.example"], **changes)}}


def hook(**changes: Any) -> dict[str, Any]:
    return {"hooks": (replace(HOOK, **changes),)}


def mail(**headers: str) -> dict[str, Any]:
    made = READY.mails["sam"]
    assert not isinstance(made, str)
    return {"mails": {"sam": replace(made, headers={**made.headers, **headers})}}


HTTP_LINKS = Links("http://antiphon.example", "acme", LINKS.key)
WIDE = replace(ACCOUNT.settings, day_max=500)
ROUND_THE_CLOCK = Hours(zone="UTC")
NIGHTS = Hours(zone="UTC", quiet=QuietHours(20 * 60, 6 * 60))

# What is otherwise, the item that tells it, its verdict, and what it says.
CASES: dict[str, tuple[Mapping[str, Any], str, Word, str]] = {
    "no account": ({"accounts": ()}, "inbox limits", Word.FAIL, "no account"),
    "a mailbox with a wide limit": (
        account(settings=WIDE),
        "inbox limits",
        Word.WARN,
        "20/min, 1000/h, 500/day",
    ),
    "no pace": (
        rules(pace_min_s=0, pace_max_s=0),
        "pacing of mailboxes",
        Word.FAIL,
        "0 to 0 s between two",
    ),
    "always the same pace": (
        rules(pace_min_s=60, pace_max_s=60),
        "pacing of mailboxes",
        Word.WARN,
        "60 to 60 s",
    ),
    "plans day and night": (
        {"hours": {"p/a": ROUND_THE_CLOCK, "p/b": NIGHTS}},
        "business hours",
        Word.WARN,
        "1 of 2 sends are open day and night",
    ),
    "no plan": ({"hours": {}}, "business hours", Word.WARN, "no plan yet"),
    "weekends like any day": (
        rules(weekend=Weekend.NONE),
        "weekend",
        Word.WARN,
        "sent as on any day",
    ),
    "no zone": (rules(zone="UTC"), "zone", Word.WARN, "UTC"),
    "campaigns close together": (rules(apart_days=59), "60-day rule", Word.FAIL, "59 days"),
    "a low health will do": (rules(health_min=29), "health gate", Word.FAIL, "from 29 on"),
    "a burned account": (account(health=29), "health gate", Word.WARN, "sam send nothing"),
    "the tenant is paused": (
        rules(paused="operator"),
        "tenant pause",
        Word.FAIL,
        "paused: operator",
    ),
    "everything is paused": (
        {"global_paused": True},
        "global limit",
        Word.FAIL,
        "20000 an hour, paused",
    ),
    "nothing may be sent": ({"global_hour_max": 0}, "global limit", Word.FAIL, "0 an hour"),
    "no sender": ({"senders": ()}, "senders", Word.FAIL, "none"),
    "a sender without an account": (
        {"senders": (SAM, replace(SAM, sender="kim"))},
        "senders",
        Word.WARN,
        "without an account yet: kim",
    ),
    "an unverified sender": (
        account(verified=False),
        "senders",
        Word.FAIL,
        "not verified: sam",
    ),
    "a paused sender": (account(paused="bounces"), "senders", Word.WARN, "stopped: sam"),
    "no postal address": (
        {"senders": (replace(SAM, postal_address=" "),)},
        "postal address",
        Word.FAIL,
        "missing: sam",
    ),
    "no reply domain": (
        {"senders": (replace(SAM, reply_domain=""),)},
        "reply domain",
        Word.FAIL,
        "missing: sam",
    ),
    "links by http": (
        {"mails": {"sam": sample(SAM, HTTP_LINKS)}},
        "opt-out in a sample mail",
        Word.FAIL,
        "sam: List-Unsubscribe has no https address",
    ),
    "no one-click": (
        mail(**{"List-Unsubscribe-Post": ""}),
        "opt-out in a sample mail",
        Word.FAIL,
        "List-Unsubscribe-Post is not List-Unsubscribe=One-Click",
    ),
    "no opt-out by mail": (
        mail(**{"List-Unsubscribe": "<https://antiphon.example/u>"}),
        "opt-out in a sample mail",
        Word.FAIL,
        "has no mailto address",
    ),
    "a mail that cannot be rendered": (
        sender(postal_address=""),
        "opt-out in a sample mail",
        Word.FAIL,
        "sam: cannot be rendered",
    ),
    "no SPF": (domain(spf=()), "SPF", Word.FAIL, "none for mail.example"),
    "SPF unknown": (domain(spf=None), "SPF", Word.WARN, "could not be asked for mail.example"),
    "no DKIM": (domain(dkim=()), "DKIM", Word.FAIL, "none for mail.example"),
    "DKIM unknown": (domain(dkim=None), "DKIM", Word.WARN, "could not be asked"),
    "no DMARC": (domain(dmarc=()), "DMARC", Word.FAIL, "none for mail.example"),
    "DMARC unknown": (domain(dmarc=None), "DMARC", Word.WARN, "could not be asked"),
    "no https": (
        {"public_url": "http://antiphon.example"},
        "public address",
        Word.FAIL,
        "http://antiphon.example",
    ),
    "a local address": (
        {"public_url": "https://localhost:8000"},
        "public address",
        Word.FAIL,
        "localhost",
    ),
    "a drawn pepper": (settings(pepper=None), "pepper", Word.FAIL, "kept under home"),
    "no key for Mail Send": (
        settings(sendgrid_api_key=None),
        "SendGrid key",
        Word.FAIL,
        "not set",
    ),
    "a sandbox": (
        settings(sendgrid_base_url="http://127.0.0.1:9"),
        "SendGrid address",
        Word.FAIL,
        "http://127.0.0.1:9",
    ),
    "private endpoints": (
        settings(endpoints_allow_private=True),
        "endpoints",
        Word.FAIL,
        "machines of this network",
    ),
    "a fast clock": (settings(clock_factor=60.0), "clock", Word.FAIL, "60 times as fast"),
    "no admin": ({"admin_keys": 0}, "admin key", Word.FAIL, "none that is in force"),
    "no webhook key": ({"webhook_keys": ()}, "webhook key", Word.FAIL, "none"),
    "a webhook to elsewhere": (
        hook(url="https://elsewhere.example"),
        "webhook at SendGrid",
        Word.FAIL,
        f"no webhook posts to {URL}",
    ),
    "a webhook without a type": (
        hook(flags=frozenset(TYPES) - {"bounce"}),
        "webhook at SendGrid",
        Word.FAIL,
        "does not post bounce",
    ),
    "webhooks that could not be read": (
        {"hooks": "status_403"},
        "webhook at SendGrid",
        Word.WARN,
        "status_403",
    ),
    "a silent worker": (
        {"beats": {**READY.beats, "worker": 31.0}},
        "processes",
        Word.FAIL,
        "no sign of life: worker",
    ),
    "no ticker": (
        {"beats": {"web": 1.0, "worker": 1.0, "projector": 1.0}},
        "processes",
        Word.FAIL,
        "no sign of life: ticker",
    ),
    "late pages": ({"lag": 1_001}, "read models", Word.FAIL, "1001 facts behind"),
    "no Redis": ({"redis_fault": "refused"}, "Redis", Word.FAIL, "refused"),
    "old letters": ({"letters": 2}, "dead letters", Word.FAIL, "2 older than a day"),
    "contacts from nowhere": (
        {"without_country": 4},
        "countries",
        Word.WARN,
        "4 of 10 contacts have none",
    ),
    "addresses that nobody looks at": (
        settings(check_domains=False),
        "address checks",
        Word.FAIL,
        "off",
    ),
}


def item(running: Running, name: str) -> Item:
    return next(one for one in go_live(running) if one.name == name)


def test_nothing_stands_in_the_way_of_a_tenant_in_order() -> None:
    assert {one.name: one for one in go_live(READY) if one.verdict != Word.OK} == {}
    assert [one.mend for one in go_live(READY) if one.mend] == []


def test_each_item_is_told_once_and_each_can_go_wrong() -> None:
    names = [one.name for one in go_live(READY)]
    assert len(names) == len(set(names))
    proven_by_gates = {"instant pause"}
    assert {name for _, name, _, _ in CASES.values()} | proven_by_gates == set(names)


@pytest.mark.parametrize("case", CASES)
def test_what_is_not_in_order_is_told_with_its_mend(case: str) -> None:
    changes, name, verdict, seen = CASES[case]
    found = item(replace(READY, **changes), name)
    assert found.verdict == verdict, found
    assert seen in found.seen, found
    assert found.mend


def test_a_pause_that_no_gate_knows_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.go_live.sending_items.judge", lambda _seen, _now: None)
    found = item(READY, "instant pause")
    assert found.verdict == Word.FAIL
    assert found.seen == "a pause of campaign, tenant, everything holds nothing"


def test_the_pause_item_names_the_gate_and_its_place() -> None:
    assert "ask gate 'running', number 3 of" in item(READY, "instant pause").seen


@dataclass
class PlayedNames:
    """Implements infra.go_live.Names with a table; what is not in it has no record."""

    records: Mapping[str, list[str] | None]

    def texts(self, name: str) -> list[str]:
        found = self.records.get(name, [])
        if found is None:
            raise NotAsked("Timeout")
        return found


NAMES = PlayedNames(
    {
        "mail.example": ["unrelated", "v=spf1 include:sendgrid.net -all"],
        "s1._domainkey.mail.example": None,
        "_dmarc.mail.example": ["v=DMARC1; p=none"],
    }
)


@pytest.fixture
def name_server() -> Iterator[dns.resolver.Resolver]:
    """Knows one name, with a text in two parts; of any other it says that there is none."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server:
        server.bind(("127.0.0.1", 0))
        thread = Thread(target=_answer, args=(server, 2), daemon=True)
        thread.start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = server.getsockname()[1]
        yield resolver


def _answer(server: socket.socket, times: int) -> None:
    for _ in range(times):
        asked, whom = server.recvfrom(4096)
        query = dns.message.from_wire(asked)
        answer = dns.message.make_response(query)
        name = query.question[0].name
        if name.to_text() == "mail.example.":
            text = '"v=spf1 " "-all"'
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", text))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        server.sendto(answer.to_wire(), whom)


def test_texts_in_parts_are_put_together_and_a_name_that_is_not_there_has_none(
    name_server: dns.resolver.Resolver,
) -> None:
    names = DnsNames(name_server)
    assert names.texts("mail.example") == ["v=spf1 -all"]
    assert names.texts("nobody.example") == []


def test_where_nobody_answers_nothing_is_known() -> None:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = 1
    with pytest.raises(NotAsked):
        DnsNames(resolver, timeout_s=0.1).texts("mail.example")


@pytest.fixture(scope="module")
def house(servers: ServerUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(servers, tmp_path_factory.mktemp("go_live")) as opened:
        yield opened


@pytest.mark.postgres
@pytest.mark.redis
def test_the_running_system_is_looked_at_not_a_file(house: House) -> None:
    house.started(plan(send("hello", way("no_reply", "end", after="P1D")), stop()))
    with Heartbeat(house.system.database, "w1", "worker"):
        seen = look(house.system, house.tenant, NAMES)
    assert [one.sender for one in seen.senders] == ["sam"]
    assert [one.sender for one in seen.accounts] == ["sam"]
    assert seen.rules.weekend == Weekend.NONE
    assert seen.webhook_url == f"http://antiphon.example/webhooks/sendgrid/{house.tenant}"
    assert len(seen.hours) == 1
    assert seen.beats["worker"] < 30
    assert seen.redis_fault == ""
    assert (seen.global_paused, seen.global_hour_max) == (False, 1_000_000)
    assert (seen.contacts, seen.without_country) == (1, 1)
    assert seen.lag > 0
    assert isinstance(seen.hooks, str)


@pytest.mark.postgres
@pytest.mark.redis
def test_a_domain_is_asked_for_its_records_and_those_above_it(house: House) -> None:
    found = look(house.system, house.tenant, NAMES).domains["mail.example"]
    assert found.spf == ("v=spf1 include:sendgrid.net -all",)
    assert found.dkim is None
    assert found.dmarc == ("v=DMARC1; p=none",)


@pytest.mark.postgres
@pytest.mark.redis
def test_a_key_that_is_over_is_no_key(house: House) -> None:
    database, tenant = house.system.database, house.tenant
    over = house.system.clock.now() - timedelta(days=365)
    add_key(database, tenant, "admin", pepper=house.system.pepper, expires_at=over)
    assert look(house.system, tenant, NAMES).admin_keys == 0
    add_key(database, tenant, "admin", pepper=house.system.pepper)
    assert look(house.system, tenant, NAMES).admin_keys == 1


@pytest.mark.postgres
@pytest.mark.redis
def test_the_command_tells_every_item_and_ends_with_1_where_one_fails(
    servers: ServerUrls, house: House, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.cli.going_live.DnsNames", lambda: NAMES)
    cli = Cli(
        tmp_path,
        {
            "ANTIPHON_DATABASE_URL": servers.database_url,
            "ANTIPHON_REDIS_URL": servers.redis_url,
            "ANTIPHON_SENDGRID_BASE_URL": "http://127.0.0.1:1",
        },
    )
    found = cli.json("check", house.tenant, "--go-live", code=1)
    assert found["ready"] is False
    assert [one["name"] for one in found["items"]] == [one.name for one in go_live(READY)]
    told = cli("check", house.tenant, "--go-live")
    assert told.exit_code == 1
    assert "not yet" in told.stdout
    assert "ANTIPHON_PEPPER" in told.stdout

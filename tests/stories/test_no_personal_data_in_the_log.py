"""Canaries: no value of a contact and no rendered text is in the log or in the rows of work."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from domain.taxonomy import AnswerClass
from handlers.contacts import ContactRow
from handlers.ports import Answer, Called
from handlers.ports.vault import Consent
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

CANARIES: dict[str, Any] = {
    "external_id": "canary-external-7301",
    "email": "canary.mail.7302@canary-domain-7303.example",
    "first_name": "Canaryfirst7304",
    "last_name": "Canarylast7305",
    "title": "Canarytitle7306",
    "company": "Canarycompany7307",
    "city": "Canarycity7308",
    "timezone": "Pacific/Chatham",
    "linkedin_url": "https://www.linkedin.example/in/canary7309",
    "phone": "+4915112347310",
    "country": "NZ",
    "subscriber": "corporate",
    "consent": Consent(
        ground="contract",
        at=datetime(2026, 9, 1, tzinfo=UTC),
        source="canarysource7318",
        text_version="canaryversion7319",
    ),
    "tags": ("canarytag7311",),
    "attributes": {"nickname": "canarynick7312", "company.industry": "canaryindustry7313"},
}
CLASSES = ("country", "subscriber")
"""Short words of a closed list, which the log has for the reasons of its gates."""
TEXTS = ["canaryword7314", "canaryurl7315", "canaryreason7316", "canaryagent7317", "192.0.2.73"]

PLAN = plan(
    {
        "id": "tell",
        "type": "notify",
        "to": "canaryword7314",
        "text": "canaryword7314 {{ contact.first_name }}",
        "next": "note",
    },
    {
        "id": "note",
        "type": "update",
        "set": [{"field": "contact.nickname", "value": "canarynick7312"}],
        "addTags": ["canarytag7311"],
        "next": "hook",
    },
    {
        "id": "hook",
        "type": "webhook",
        "endpoint": "crm",
        "body": {"name": "canaryword7314 {{ contact.last_name }}"},
        "next": "intro",
    },
    send(
        "intro",
        way("clicked", "second", urlContains="canaryurl7315"),
        way("timeout", "second", after="P3D"),
        message={
            "subject": "canaryword7314 {{ contact.first_name }} {{ contact.nickname }}",
            "text": "{{ contact.last_name }} {{ company.name }} https://site.example/canaryurl7315",
        },
    ),
    send(
        "second",
        way("send_failed", "ring"),
        way("timeout", "end", after="P3D"),
        schedule={"delay": "PT12H"},
    ),
    {
        "id": "ring",
        "type": "task",
        "title": "canaryword7314 {{ contact.last_name }}",
        "instructions": "canaryword7314",
        "assignee": "canaryword7314",
        "transitions": [way("timeout", "end", after="P3D")],
    },
    stop(),
)


def test_every_field_of_a_contact_is_a_canary() -> None:
    assert set(CANARIES) == set(ContactRow.__struct_fields__)


def test_no_canary_is_in_the_log_the_work_rows_or_the_read_models(house: House) -> None:
    _with_endpoint(house)
    house.endpoint.answer = lambda: Called(ok=False, final=False, reason="http_503")
    stream = house.started(PLAN, **CANARIES)
    house.work()
    assert house.rows("SELECT kind FROM {s}.errands") == [("webhook",)]
    _nothing_in(house, "errands")
    house.clock.advance(timedelta(hours=1))
    told = {"email": CANARIES["email"], "useragent": "canaryagent7317", "ip": "192.0.2.73"}
    url = "https://site.example/canaryurl7315"
    house.hear(
        house.event(stream, "open", **told),
        house.event(stream, "click", url=url, **told),
        house.event(stream, "deferred", response="canaryreason7316", attempt=1, **told),
    )
    house.provider.answer = lambda _: Answer(
        kind=AnswerClass.REFUSED, reason="status_400", detail="canaryreason7316"
    )
    house.after(days=1)
    assert {"message_failed", "webhook_resolved", "task_created"} <= set(house.topics(stream))
    (notice,) = house.rows("SELECT text FROM {s}.notices")
    assert notice == ("canaryword7314 Canaryfirst7304",)
    kept = house.rows("SELECT mail FROM {s}.bodies")
    assert any(b"canaryword7314" in bytes(mail) for (mail,) in kept)  # the vault has them
    for table in ("events", "streams", "tracking", "projection_poison"):
        _nothing_in(house, table)
    for table in ("send_queue", "timers", "errands", "tasks"):
        _nothing_in(house, table)


def _with_endpoint(house: House) -> None:
    book: Any = house.ports.endpoints
    book.add("crm", "https://crm.example/in")


def _nothing_in(house: House, table: str) -> None:
    rows = house.rows(f"SELECT * FROM {{s}}.{table}")
    stored = b"\n".join(_bytes(value) for row in rows for value in row).lower()
    found = [canary for canary in _all() if canary.lower().encode() in stored]
    assert found == [], table


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def _all() -> list[str]:
    fields = [
        value for name, value in CANARIES.items() if isinstance(value, str) and name not in CLASSES
    ]
    consent = CANARIES["consent"]
    nested = [*CANARIES["tags"], *CANARIES["attributes"].values()]
    nested += [consent.source, consent.text_version]
    domain = CANARIES["email"].partition("@")[2]
    return [*fields, *nested, domain, *TEXTS]


def test_the_search_finds_what_is_there(house: House) -> None:
    _with_endpoint(house)
    stream = house.started(PLAN, **CANARIES)
    house.rows(
        "UPDATE {s}.send_queue SET reason = %(canary)s RETURNING 1", canary=CANARIES["last_name"]
    )
    assert stream
    with pytest.raises(AssertionError):
        _nothing_in(house, "send_queue")


def test_a_fact_tells_of_a_click_only_the_tag(house: House) -> None:
    _with_endpoint(house)
    stream = house.started(PLAN, **CANARIES)
    house.work()
    house.hear(house.event(stream, "click", url="https://site.example/canaryurl7315"))
    house.work()
    clicked = [
        msgspec.to_builtins(one.fact)
        for one in house.history(stream)
        if getattr(one.fact, "signal", "") == "clicked"
    ]
    assert len(clicked[0]["url_tags"]) == 1
    assert len(clicked[0]["url_tags"][0]) == 8

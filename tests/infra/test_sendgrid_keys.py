import json
from typing import Any
from uuid import UUID

import pytest

from domain.ids import TenantId
from infra.providers.sendgrid.webhook import SendGridWebhook
from tests.infra.sendgrid_events import (
    ACME,
    READER,
    SAME_FACT,
    VARIANTS,
    example,
    read,
    report,
)


def test_event_id_changes_on_retry() -> None:
    first, again, _ = read(*SAME_FACT)
    assert first.key == again.key


def test_two_links_are_two_clicks() -> None:
    first, _, other = read(*SAME_FACT)
    assert first.key != other.key


def test_forty_six_copies() -> None:
    copies = [example("click", sg_event_id=f"copy-{number}") for number in range(46)]
    assert len({it.key for it in read(*copies)}) == 1


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("click", {"url": "https://links.sender.example/c/2"}),
        ("click", {"url_offset": {"index": 1, "type": "html"}}),
        ("click", {"ip": "198.51.100.8"}),
        ("open", {"ip": "198.51.100.8"}),
        ("open", {"useragent": "other"}),
        ("deferred", {"attempt": 6}),
        ("deferred", {"response": "other"}),
        ("bounce", {"type": "blocked"}),
        ("bounce", {"reason": "other"}),
        ("dropped", {"reason": "Invalid"}),
        ("group_unsubscribe", {"asm_group_id": 11}),
        ("group_resubscribe", {"asm_group_id": 11}),
        ("delivered", {"timestamp": 1}),
        ("delivered", {"timestamp": 1730191981}),
        ("delivered", {"event": "processed"}),
        ("delivered", {"antiphon_attempt": "2"}),
        ("delivered", {"antiphon_message": str(UUID(int=1))}),
    ],
)
def test_what_makes_another_fact_makes_another_key(kind: str, change: dict[str, Any]) -> None:
    assert report(example(kind)).key != report(example(kind, **change)).key


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("delivered", {"event": "Delivered"}),
        ("delivered", {"timestamp": "1730191980"}),
        ("delivered", {"timestamp": 1730191980000}),
        ("delivered", {"response": "other", "ip": "192.0.2.11", "tls": "1"}),
        ("delivered", {"sg_event_id": "other", "category": []}),
        ("delivered", {"sg_message_id": "other", "smtp-id": "other", "email": "x@example.com"}),
        ("deferred", {"attempt": "5"}),
        ("click", {"useragent": "other"}),
        ("group_unsubscribe", {"asm_group_id": "10"}),
    ],
)
def test_what_is_the_same_fact_has_the_same_key(kind: str, change: dict[str, Any]) -> None:
    assert report(example(kind)).key == report(example(kind, **change)).key


def test_key_belongs_to_the_tenant() -> None:
    body = json.dumps([example("open")]).encode()
    keys = {READER.read(body, tenant=TenantId(it))[0].key for it in ("acme", "other")}
    assert len(keys) == 2


def test_fields_cannot_run_into_each_other() -> None:
    first = example("deferred", attempt="1", response="23")
    second = example("deferred", attempt="12", response="3")
    assert report(first).key != report(second).key


NAMELESS = {"antiphon_message": None, "antiphon_attempt": None}


def test_message_is_named_by_the_best_name_the_event_has() -> None:
    keys = [
        report(example("bounce", **NAMELESS)).key,
        report(example("bounce", **NAMELESS, sg_message_id="")).key,
        report(example("bounce", **NAMELESS, sg_message_id="", **{"smtp-id": ""})).key,
    ]
    assert len(set(keys)) == 3


def test_address_enters_the_key_only_under_the_pepper() -> None:
    bare = VARIANTS["asynchronous bounce: smtp-id also absent"]
    body = json.dumps([bare, {**bare, "email": " Contact@Example.com "}]).encode()
    one, same = READER.read(body, tenant=ACME)
    other = SendGridWebhook([], pepper=b"other").read(body, tenant=ACME)[0]
    assert one.key == same.key
    assert one.key != other.key

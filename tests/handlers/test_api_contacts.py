"""Contacts, senders and suppressions through the API."""

from typing import Any
from uuid import UUID

import pytest

from handlers.ports import Suppression
from tests.handlers.web_fakes import NOON, SAM, World


@pytest.fixture
def world() -> World:
    return World()


def pointers(answer: Any) -> list[str]:
    return [fault["pointer"] for fault in answer.json()["errors"]]


def test_contacts_are_written_and_shown_without_their_keys(world: World) -> None:
    given = {"external_id": "c1", "email": "ada@example.com", "attributes": {"vip": True}}
    (written,) = world.post("/v1/contacts", {"items": [given]}).json()["items"]
    assert written["created"]
    shown = world.get(f"/v1/contacts/{written['contact_id']}").json()
    assert shown["id"] == written["contact_id"]
    assert shown["attributes"] == {"vip": True}
    assert not {"vault_key", "email_hmac", "snapshot"} & set(shown)


def test_every_fault_of_a_body_is_told_by_its_pointer_and_nothing_is_written(world: World) -> None:
    items = [
        {"external_id": "c1", "email": "no address", "nick": "x"},
        {"external_id": "c2", "timezone": "PST"},
        {"first_name": "A\r\nBcc: x@y.example"},
        {"attributes": {"a": "\x00"}},
    ]
    answer = world.post("/v1/contacts", {"items": items})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(pointers(answer)) == {
        "/items/0/email",
        "/items/0/nick",
        "/items/1/timezone",
        "/items/2/first_name",
        "/items/3/attributes",
    }
    assert "no address" not in answer.text
    assert world.book.people_by_id == {}


@pytest.mark.parametrize("count", [0, 1001])
def test_a_body_has_one_to_a_thousand_contacts(world: World, count: int) -> None:
    assert world.post("/v1/contacts", {"items": [{}] * count}).status_code == 422


def test_a_page_has_a_cursor_to_the_next_and_the_last_one_has_none(world: World) -> None:
    for number in range(5):
        world.a_contact(f"c{number}")
    seen, cursor = [], None
    for _ in range(3):
        page = world.get(
            "/v1/contacts", params={"limit": 2, **({"cursor": cursor} if cursor else {})}
        )
        seen += [one["external_id"] for one in page.json()["items"]]
        cursor = page.json()["next_cursor"]
    assert seen == ["c0", "c1", "c2", "c3", "c4"]
    assert cursor is None


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 501}, {"cursor": "x" * 201}, {"colour": "red"}]
)
def test_a_query_that_cannot_be_is_refused(world: World, query: dict[str, Any]) -> None:
    assert world.get("/v1/contacts", params=query).status_code == 422


@pytest.mark.parametrize("cursor", ["!", "eA", "é", "", "bnVsbA", "W10", "IjEi"])
def test_a_cursor_that_is_none_of_ours_is_told_with_its_mend(world: World, cursor: str) -> None:
    answer = world.get("/v1/contacts", params={"cursor": cursor})
    assert answer.status_code == 400
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], "next_cursor" in fault["detail"]) == ("/cursor", True)


def test_a_change_touches_only_what_is_given_and_null_clears(world: World) -> None:
    contact = world.a_contact("c1")
    path = f"/v1/contacts/{contact}"
    world.call("PATCH", path, json={"first_name": "Ada", "attributes": {"a": 1, "b": 2}})
    shown = world.call("PATCH", path, json={"email": None, "attributes": {"a": None}}).json()
    assert (shown["first_name"], shown["email"], shown["attributes"]) == ("Ada", None, {"b": 2})
    assert shown["external_id"] == "c1"
    assert world.call("PATCH", path, json={"external_id": "c2"}).status_code == 422


CONSENT = {
    "ground": "implied_inquiry",
    "at": "2026-01-15T10:00:00Z",
    "source": "form",
    "text_version": "v3",
}


def test_a_consent_is_written_shown_with_its_end_changed_and_cleared(world: World) -> None:
    given = {"external_id": "c1", "country": "ca", "subscriber": "corporate", "consent": CONSENT}
    (written,) = world.post("/v1/contacts", {"items": [given]}).json()["items"]
    path = f"/v1/contacts/{written['contact_id']}"
    shown = world.get(path).json()
    assert (shown["country"], shown["subscriber"]) == ("CA", "corporate")
    assert shown["consent"] == {**CONSENT, "expires_at": "2026-07-15T10:00:00Z"}
    named = world.call("PATCH", path, json={"first_name": "Ada"}).json()
    assert named["consent"] == shown["consent"]
    express = {"ground": "express", "at": "2026-02-01"}
    changed = world.call("PATCH", path, json={"consent": express, "subscriber": None}).json()
    assert changed["consent"]["at"] == "2026-02-01T00:00:00Z"
    assert (changed["consent"]["expires_at"], changed["subscriber"]) == (None, None)
    assert world.call("PATCH", path, json={"consent": None}).json()["consent"] is None


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"country": "UK"}, "/country"),
        ({"subscriber": "firm"}, "/subscriber"),
        ({"consent": "express"}, "/consent"),
        ({"consent": {"ground": "express"}}, "/consent/at"),
        ({"consent": {"at": "2026-02-01"}}, "/consent/ground"),
        ({"consent": {**CONSENT, "at": 1_700_000_000}}, "/consent/at"),
        ({"consent": {**CONSENT, "proof": "x"}}, "/consent/proof"),
        ({"consent": {**CONSENT, "expires_at": "2025-01-01"}}, "/consent"),
    ],
)
def test_a_consent_that_proves_nothing_is_refused_where_it_is_wrong(
    world: World, given: dict[str, Any], pointer: str
) -> None:
    answer = world.call("PATCH", f"/v1/contacts/{world.a_contact('c1')}", json=given)
    assert answer.status_code == 422
    assert pointers(answer) == [pointer]


def test_who_has_the_address_of_another_contact_is_written_and_told(world: World) -> None:
    items = [
        {"external_id": "c1", "email": "ada@example.com"},
        {"external_id": "c2", "email": "ada@example.com"},
        {"external_id": "c3", "email": "bo@example.com"},
    ]
    written = world.post("/v1/contacts", {"items": items}).json()["items"]
    assert [one["same_address_as"] for one in written] == [["c2"], ["c1"], []]
    assert [one["created"] for one in written] == [True, True, True]


def test_a_contact_that_is_not_there_is_404(world: World) -> None:
    assert world.get(f"/v1/contacts/{UUID(int=5)}").status_code == 404
    assert world.get("/v1/contacts/not-an-id").status_code == 404


def test_a_csv_is_imported_and_its_bad_rows_are_told(world: World) -> None:
    raw = b"external_id,email\nc1,ada@example.com\nc2,bad\n"
    answer = world.call(
        "POST", "/v1/contacts/import", content=raw, headers={"Content-Type": "text/csv"}
    ).json()
    assert (answer["created"], answer["refused"], answer["faults"][0]["line"]) == (1, 1, 3)
    dry = world.call(
        "POST",
        "/v1/contacts/import?dry_run=true",
        content=b"external_id\nc9\n",
        headers={"Content-Type": "text/csv; charset=utf-8"},
    ).json()
    assert (dry["accepted"], len(world.book.people_by_id)) == (1, 1)


def test_a_csv_that_says_it_is_json_is_415(world: World) -> None:
    assert world.post("/v1/contacts/import", {}).status_code == 415


def test_a_sender_is_written_by_an_admin_and_listed(world: World) -> None:
    given = {
        "sender": "kim",
        "from_email": "kim@mail.example",
        "from_name": "Kim",
        "reply_domain": "reply.example",
        "postal_address": "2 Harbour Street\nLisbon",
    }
    assert world.post("/v1/senders", given).status_code == 200
    assert not world.papers.accounts["kim"].verified
    shown = world.get("/v1/senders").json()["items"]
    assert [one["sender"] for one in shown] == ["kim", SAM.sender]
    assert world.post("/v1/senders", {**given, "from_name": "K\nBcc: x"}).status_code == 422


def test_suppressions_are_added_listed_by_digest_and_lifted_with_a_reason(world: World) -> None:
    given = {
        "items": [{"address": "ada@example.com"}, {"family": "sms", "address": "+14155550123"}]
    }
    assert world.post("/v1/suppressions", given).json() == {"suppressed": 2}
    for ban in world.bans.held.values():
        assert (ban.ground, ban.source) == ("manual", "api")
        assert ban.cause is not None
        assert (ban.cause.kind, ban.cause.id.split("/")[0]) == ("operator", "id-admin")
    (first, _) = world.get("/v1/suppressions").json()["items"]
    assert "ada@example.com" not in str(first["address_hmac"])
    path, who = "/v1/suppressions", {"address": "ada@example.com"}
    assert world.call("DELETE", path, json=who).status_code == 422
    lifting = {**who, "reason": "asked to be written to again"}
    assert world.call("DELETE", path, json=lifting).json() == {"lifted": True}
    assert world.call("DELETE", path, json=lifting).status_code == 404
    assert world.papers.notes == [("suppression_lifted", "id-admin: asked to be written to again")]


def test_the_list_of_suppressions_goes_on_where_the_page_before_ended(world: World) -> None:
    world.bans.add(
        None, [Suppression("email", f"a{n}@b.example", "x", "y", NOON) for n in range(3)]
    )
    first = world.get("/v1/suppressions", params={"limit": 2}).json()
    second = world.get("/v1/suppressions", params={"cursor": first["next_cursor"]}).json()
    assert [len(first["items"]), len(second["items"])] == [2, 1]
    assert second["next_cursor"] is None

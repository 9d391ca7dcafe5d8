"""What every answer has: a request id, problem documents, one answer for one idempotency key."""

import asyncio
import json
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest
from starlette.requests import Request

from handlers.access import OPEN
from handlers.api.openapi import openapi_document
from handlers.api.operations import OPERATIONS
from handlers.errors import PROBLEMS, BodyTooLarge
from handlers.ports import Conflict
from handlers.receiving import read_within
from handlers.services import ContactCampaignRow, Journeys
from tests.handlers.web_fakes import OutOfReach, World

SECRET = "ada@secret.example"


def broken(error: Exception) -> World:
    """A world whose read models are away."""

    def fail(_: Journeys) -> list[ContactCampaignRow]:
        raise error

    world = World()
    setattr(world.tables, "journeys", fail)  # noqa: B010  # it fails
    return world


# --- problems -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/v1/contacts", "/t/o/x.gif", "/u/x"])
def test_every_answer_has_a_request_id_of_its_own(path: str) -> None:
    world = World()
    first, second = (world.client.get(path).headers["x-request-id"] for _ in range(2))
    assert UUID(first) != UUID(second)


def test_a_problem_names_its_code_and_its_request() -> None:
    answer = World().client.get("/v1/contacts")
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert told["code"] == "not_authenticated"
    assert told["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"


def test_an_unsigned_webhook_is_asked_for_a_signature_and_not_for_a_key() -> None:
    for path in ("/webhooks/sendgrid/acme", "/webhooks/sendgrid/acme/inbound/guessed"):
        answer = World().client.post(path, content=b"[]")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Signature realm="webhook"'


def test_every_401_of_the_table_has_its_challenge_and_nothing_else_has_one() -> None:
    for problem in PROBLEMS.values():
        assert bool(problem.challenge) == (problem.status == HTTPStatus.UNAUTHORIZED)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("PUT", "/v1/contacts", 405)]
)
def test_the_routers_own_refusals_are_problems_too(method: str, path: str, status: int) -> None:
    answer = World().client.request(method, path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert "/openapi.json" in answer.json()["detail"]


def test_an_unknown_field_and_a_wrong_word_are_told_in_words_that_mend() -> None:
    world = World()
    field = world.post("/v1/campaigns", {"name": "x", "colour": 1}).json()
    assert field["detail"] == "the body cannot be taken"
    assert field["errors"][0]["detail"] == "there is no such field; remove it or correct its name"
    word = world.get("/v1/contact-campaigns", params={"status": "running"}).json()
    assert word["detail"] == "the query cannot be taken"
    assert word["errors"][0]["detail"].startswith("must be 'draft'")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OutOfReach(SECRET), 503, "out_of_reach"),
        (Conflict(SECRET), 409, "conflict"),
        (RuntimeError(SECRET), 500, "internal_error"),
    ],
)
def test_an_error_is_answered_by_the_table_and_its_text_stays_inside(
    error: Exception, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = broken(error).get("/v1/contact-campaigns")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert SECRET not in answer.text + caplog.text
    assert (answer.headers["x-request-id"] in caplog.text) == (status >= 500)


def test_a_body_that_is_too_long_is_refused() -> None:
    world, headers = World(), {"Content-Type": "application/json"}
    for content in (b" " * 2**21, (b" " * 2**19 for _ in range(4))):
        answer = world.call("POST", "/v1/campaigns", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_body_without_a_length_is_read_no_further_than_its_limit() -> None:
    taken = []

    async def receive() -> dict[str, Any]:
        taken.append(1)
        return {"type": "http.request", "body": b"x" * 10, "more_body": True}

    request = Request({"type": "http", "headers": []}, receive)
    with pytest.raises(BodyTooLarge):
        asyncio.run(read_within(request, 25))
    assert len(taken) == 3


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "text/plain"}, b"{}", 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"{}", 415),
        ({"Content-Type": "application/json"}, b"", 400),
        ({"Content-Type": "application/json"}, b"{", 400),
        ({"Content-Type": "application/json"}, b'{"name": "\xff"}', 400),
    ],
)
def test_a_body_that_is_not_what_it_should_be_is_refused(
    headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = World().call("POST", "/v1/campaigns", content=body, headers=headers)
    assert answer.status_code == status


def test_head_asks_what_get_would_answer() -> None:
    world = World()
    assert world.call("HEAD", "/v1/contacts").status_code == 200
    assert world.client.head("/v1/contacts").status_code == 401


# --- idempotency ----------------------------------------------------------------------------------


def make(world: World, name: str, key: str = "k1") -> Any:
    return world.post("/v1/campaigns", {"name": name}, headers={"Idempotency-Key": key})


def test_second_click_of_send_button() -> None:
    """The same key and body get the same answer and do nothing twice; another body is 409."""
    world = World()
    first, second = make(world, "Autumn"), make(world, "Autumn")
    assert (first.status_code, first.content) == (201, second.content)
    assert second.headers["idempotent-replayed"] == "true"
    assert len(world.shelf.rows) == 1
    other = make(world, "Winter")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert make(world, "Winter", "k2").status_code == 201


def test_one_key_is_for_one_campaign_only() -> None:
    world = World()
    headers = {"Idempotency-Key": "k1"}
    one, two = (world.a_campaign(name).campaign_id for name in ("a", "b"))
    assert world.post(f"/v1/campaigns/{one}/launch", headers=headers).status_code == 200
    assert world.post(f"/v1/campaigns/{two}/launch", headers=headers).status_code == 409


def test_while_the_first_request_runs_the_second_waits() -> None:
    world = World()
    make(world, "Autumn")
    request, _ = world.memory.known["POST /v1/campaigns", "k1"]
    world.memory.known["POST /v1/campaigns", "k1"] = (request, None)
    answer = make(world, "Autumn")
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_in_use")
    assert answer.headers["retry-after"] == "1"


def test_a_request_that_was_refused_may_come_again_with_its_key() -> None:
    world = World()
    row = world.a_campaign("Autumn")
    assert make(world, "Autumn").status_code == 409
    del world.shelf.rows[row.campaign_id]
    assert make(world, "Autumn").status_code == 201


@pytest.mark.parametrize("key", ["", "k" * 201, "é"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    headers = {"Idempotency-Key": key.encode()}
    assert World().post("/v1/campaigns", {"name": "A"}, headers=headers).status_code == 400


# --- health and the document ----------------------------------------------------------------------


def test_the_process_is_ready_when_every_probe_is_well_and_says_which_is_not() -> None:
    def away() -> str:
        raise OutOfReach(SECRET)

    good = World(probes={"database": lambda: "answers"}).client.get("/readyz")
    bad = World(probes={"database": lambda: "answers", "redis": away}).client.get("/readyz")
    assert (good.status_code, good.json()["ok"]) == (200, True)
    assert (bad.status_code, bad.json()["probes"]["redis"]["ok"]) == (503, False)
    assert bad.json()["probes"]["database"]["told"] == "answers"
    assert SECRET not in bad.text
    assert World().client.get("/healthz").json() == {"ok": True}


def test_the_document_describes_what_is_served_and_nothing_else() -> None:
    document = World().client.get("/openapi.json").json()
    assert document == json.loads(json.dumps(openapi_document()))
    described = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    operations = {(one.method, one.path) for one in OPERATIONS}
    assert described == operations | OPEN | {("GET", "/v1/stream")}
    names = [
        one["operationId"]
        for path in document["paths"].values()
        for one in path.values()
        if "operationId" in one
    ]
    assert len(names) == len(set(names)) == len(OPERATIONS) + 1  # and the stream


def test_every_reference_of_the_document_leads_somewhere() -> None:
    document = openapi_document()
    text = json.dumps(document)
    named = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(document["components"]["schemas"])
    assert "#/$defs/" not in text


def test_answers_have_the_fields_that_the_document_says() -> None:
    world = World()
    made = world.post("/v1/campaigns", {"name": "Autumn"}).json()
    schemas = openapi_document()["components"]["schemas"]
    assert set(made) == set(schemas["CampaignShown"]["required"])
    page = world.get("/v1/campaigns").json()
    assert set(page) == set(schemas["Listed_CampaignShown_"]["properties"])
    problem = world.post("/v1/campaigns", {}).json()
    assert set(problem) <= set(schemas["ProblemDocument"]["properties"])


def test_every_write_takes_an_idempotency_key_but_those_whose_answers_may_not_be_kept() -> None:
    without = {
        (one.method, one.path) for one in OPERATIONS if one.method != "GET" and not one.writes
    }
    asking = {(one.method, one.path) for one in OPERATIONS if one.asks}
    secret = {("POST", "/v1/endpoints"), ("POST", "/v1/contacts/{id}/export")}
    assert without == asking | secret
    assert all(
        path.endswith(("what-if", "check", "simulate", "trace", "graph")) for _, path in asking
    )

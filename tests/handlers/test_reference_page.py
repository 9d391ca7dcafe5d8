"""The document of the API: its examples, its refusals, and the page that shows it."""

import re

from handlers.api.examples import EXAMPLES, example_of
from handlers.api.openapi import openapi_document
from handlers.api.operations import OPERATIONS
from tests.handlers.web_fakes import World


def test_every_body_has_an_example_and_every_example_a_body() -> None:
    models = {one.body.model.__name__ for one in OPERATIONS if one.body and one.body.model}
    assert models == EXAMPLES.keys()


def test_every_example_is_taken_by_the_model_that_it_shows() -> None:
    world = World()
    for one in OPERATIONS:
        if one.body is None or one.body.model is None:
            continue
        path = re.sub(r"\{id\}", "00000000-0000-0000-0000-00000000000a", one.path)
        path = path.replace("{name}", "sam").replace("{number}", "7")
        answer = world.call(one.method, path, json=example_of(one.body.model))
        told = answer.json()
        assert told.get("detail") != "the body cannot be taken", (one.path, told)
        assert (
            str(answer.status_code)
            in openapi_document()["paths"][one.path][one.method.lower()]["responses"]
        ), (one.path, told)
        assert answer.status_code not in (400, 415), (one.path, told)


def test_the_page_shows_every_call_and_runs_no_script() -> None:
    answer = World().client.get("/docs")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "<script" not in answer.text
    for one in OPERATIONS:
        assert one.path in answer.text
    links = set(re.findall(r'href="#([^"]+)"', answer.text))
    assert links <= set(re.findall(r'id="([^"]+)"', answer.text))

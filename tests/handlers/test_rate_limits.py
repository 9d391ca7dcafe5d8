"""How often a key may call."""

import pytest

from handlers.errors import TooManyCalls
from handlers.rate_limits import RateLimits
from tests.handlers.web_fakes import World


class Ticks:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_key_has_its_calls_at_once_and_gets_them_back_one_by_one() -> None:
    ticks = Ticks()
    limits = RateLimits(60, ticks)
    assert [limits.take("a").remaining for _ in range(60)] == list(range(59, -1, -1))
    with pytest.raises(TooManyCalls) as refused:
        limits.take("a")
    assert refused.value.retry_after_s == 1
    assert limits.take("b").remaining == 59, "every key has a bucket of its own"
    ticks.now += 2
    assert [limits.take("a").remaining for _ in range(2)] == [1, 0]
    with pytest.raises(TooManyCalls):
        limits.take("a")
    ticks.now += 3600
    assert limits.take("a").remaining == 59


def test_the_wait_that_is_told_is_enough() -> None:
    ticks = Ticks()
    limits = RateLimits(7, ticks)
    for _ in range(7):
        limits.take("a")
    with pytest.raises(TooManyCalls) as refused:
        limits.take("a")
    ticks.now += refused.value.retry_after_s
    assert limits.take("a").remaining == 0


def test_every_answer_to_a_key_says_what_is_left_and_too_many_calls_are_429() -> None:
    world = World(calls_per_minute=2)
    first = world.get("/v1/contacts")
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("2", "1")
    assert world.post("/v1/campaigns", {}).headers["ratelimit-remaining"] == "0"
    third = world.get("/v1/contacts")
    assert (third.status_code, third.json()["code"]) == (429, "too_many_calls")
    assert 1 <= int(third.headers["retry-after"]) <= 30
    assert "ratelimit-limit" not in world.client.get("/healthz").headers
    assert world.get("/v1/contacts", role="viewer").status_code == 200


def test_calls_of_tools_count_with_the_others() -> None:
    world = World(calls_per_minute=2)
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"Accept": "application/json, text/event-stream"}
    assert world.get("/v1/contacts").status_code == 200
    told = world.call("POST", "/mcp/", json=ping, headers=headers)
    assert (told.status_code, told.headers["ratelimit-remaining"]) == (200, "0")
    refused = world.call("POST", "/mcp/", json=ping, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_calls")

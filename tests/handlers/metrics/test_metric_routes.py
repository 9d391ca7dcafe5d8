"""The routes about numbers: what they take, what they refuse, in which forms they answer."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from domain.ids import CampaignId
from handlers.api.metric_operations import METRICS
from handlers.api.openapi import openapi_document
from handlers.metrics.reads import Bucket, People, PlaceTotals
from handlers.services import CampaignNumbers
from projections.metrics import COUNTERS
from tests.handlers.web_fakes import NOON, OutOfReach, World

NOTHING = dict.fromkeys(COUNTERS, 0)


@pytest.fixture
def world() -> World:
    world = World()
    world.tables.counters = NOTHING
    return world


def of_campaign(world: World, what: str) -> str:
    return f"/v1/metrics/campaigns/{world.a_campaign().campaign_id}/{what}"


def lines(answer: Any) -> list[list[str]]:
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.text, newline="")))


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"format": "xlsx"}, "/format"),
        ({"interval": "fortnight"}, "/interval"),
        ({"by": "contact"}, "/by"),
        ({"since": "yesterday"}, "/since"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "/since"),
        ({"until": "9999-12-31T23:59:59-14:00"}, "/until"),
        ({"since": "2026-03-02T00:00:00Z", "until": "2026-03-02T00:00:00Z"}, ""),
        ({"limit": "501"}, "/limit"),
        ({"cursor": "nonsense"}, "/cursor"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_series_is_not_asked_for_in_nonsense(
    world: World, query: dict[str, str], pointer: str
) -> None:
    answer = world.get(of_campaign(world, "timeseries"), params=query)
    assert answer.status_code == (400 if pointer == "/cursor" else 422)
    assert pointer in [fault["pointer"] for fault in answer.json()["errors"]]


@pytest.mark.parametrize("zone", ["Lisbon", "EST", "Europe/Atlantis", "", "x" * 65])
def test_a_zone_that_is_none_is_refused(world: World, zone: str) -> None:
    answer = world.get(of_campaign(world, "best-hours"), params={"zone": zone})
    assert answer.status_code == 422


@pytest.mark.parametrize("one", METRICS, ids=lambda one: one.path)
def test_every_route_about_numbers_has_a_file_in_the_document(one: Any) -> None:
    described = openapi_document()["paths"][one.path]["get"]
    assert set(described["responses"]["200"]["content"]) == {
        "application/json",
        "text/csv; charset=utf-8",
        "application/vnd.apache.parquet",
    }
    assert "format" in {given["name"] for given in described["parameters"]}


@pytest.mark.parametrize("what", ["summary", "timeseries", "funnel", "variants"])
@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_a_campaign_that_is_none_is_not_found_in_any_form(
    world: World, what: str, form: str
) -> None:
    path = f"/v1/metrics/campaigns/{CampaignId(world.rng.new_id())}/{what}"
    answer = world.get(path, params={"format": form})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_store_that_is_away_is_told_as_ever_when_a_file_was_asked_for(world: World) -> None:
    def away(_: Any) -> Any:
        raise OutOfReach

    world.sums.series = away  # type: ignore[assignment]  # a fake of ours
    answer = world.get("/v1/metrics/tenant/timeseries", params={"format": "csv"})
    assert (answer.status_code, answer.json()["code"]) == (503, "out_of_reach")


def test_a_sender_that_is_none_is_not_found(world: World) -> None:
    assert world.get("/v1/metrics/senders/nobody/usage").status_code == 404


def test_a_file_has_all_rows_and_not_only_a_page(world: World) -> None:
    world.sums.buckets = [
        Bucket(NOON + timedelta(hours=hour), "", NOTHING | {"accepted": hour})
        for hour in range(1_200)
    ]
    head, *found = lines(world.get("/v1/metrics/tenant/timeseries", params={"format": "csv"}))
    assert [line[head.index("accepted")] for line in found] == [str(n) for n in range(1_200)]
    assert {asked.limit for asked in world.sums.asked} == {500}


def test_a_key_that_begins_as_a_formula_is_harmless_in_a_file(world: World) -> None:
    world.sums.buckets = [Bucket(NOON, "=1+1", NOTHING)]
    answer = world.get("/v1/metrics/tenant/timeseries", params={"format": "csv", "by": "sender"})
    assert lines(answer)[1][1] == "'=1+1"
    assert world.get("/v1/metrics/tenant/timeseries").json()["items"][0]["key"] == "=1+1"


def test_opens_that_no_plan_asks_for_are_null_everywhere(world: World) -> None:
    message = {"subject": "a", "text": "b", "trackOpens": False, "trackClicks": True}
    world.papers.plans = {"h": {"nodes": [{"id": "intro", "type": "send", "message": message}]}}
    world.sums.hashes = ["h"]
    world.sums.buckets = [Bucket(NOON, "", NOTHING)]
    world.sums.at = [PlaceTotals("intro", "", NOON, NOTHING | {"planned": 3})]
    told = world.get(of_campaign(world, "summary")).json()
    assert (told["counters"]["opens"], told["counters"]["clicks"]) == (None, 0)
    (row,) = world.get(f"/v1/metrics/campaigns/{told['campaign_id']}/timeseries").json()["items"]
    assert (row["counters"]["machine_opens"], row["counters"]["clicks"]) == (None, 0)
    funnel = world.get(f"/v1/metrics/campaigns/{told['campaign_id']}/funnel").json()
    for stages in (funnel["messages"], funnel["steps"][0]["stages"]):
        counts = {stage["stage"]: stage["count"] for stage in stages}
        assert (counts["opened"], counts["clicked"]) == (None, 0)


def test_more_answers_than_messages_are_no_rate(world: World) -> None:
    """In a period they may answer what left before."""
    world.tables.counters = NOTHING | {"accepted": 2, "replies": 3}
    told = world.get(of_campaign(world, "summary")).json()
    assert told["counters"]["replies"] == 3
    assert (told["rates"]["reply_rate"], told["intervals"]["reply_rate"]) == (None, None)


def test_a_funnel_is_of_those_who_came_first(world: World) -> None:
    world.tables.numbers = lambda _: CampaignNumbers(  # type: ignore[method-assign]  # a fake's own
        NOTHING | {"enrolled": 10, "started": 8}, {}, {"converted": 1}
    )
    world.sums.reached = People(contacted=6, answered=3)
    told = world.get(of_campaign(world, "funnel")).json()["contacts"]
    assert [(stage["stage"], stage["count"]) for stage in told] == [
        ("enrolled", 10),
        ("started", 8),
        ("contacted", 6),
        ("answered", 3),
        ("converted", 1),
    ]
    assert [stage["of_first"]["value"] for stage in told] == [1.0, 0.8, 0.6, 0.3, 0.1]


@pytest.mark.parametrize("role", ["planner", "viewer", "agent", "admin"])
def test_whoever_may_read_metrics_may_read_them_as_a_file(world: World, role: str) -> None:
    path = of_campaign(world, "summary")
    assert world.get(path, role=role, params={"format": "parquet"}).content[:4] == b"PAR1"
    assert world.client.get(path, params={"format": "parquet"}).status_code == 401

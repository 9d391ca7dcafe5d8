"""Numbers on the command line: what they say to people, as JSON, and in files."""

import csv
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from handlers.metrics.counted import Rate
from infra.cli.metrics_shown import interval, number, span
from tests.infra.cli_running import Cli
from tests.stories.house import House
from tests.stories.lived import document, projected

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

ALL = ("summary", "hour", "day", "week", "month", "node", "variant", "reply-time", "weekday")


@pytest.fixture
def name(house: House) -> str:
    """A campaign of a few mails, in two variants, one of them opened."""
    row = house.campaign()
    streams = [
        house.enrol(document(tracked=True), house.contact(timezone="Europe/Lisbon"), row=row)
        for _ in range(4)
    ]
    house.after(minutes=5)
    (first, *_) = streams
    assert first.contact_campaign_id is not None
    house.hear(house.event(first.contact_campaign_id, "delivered"))
    house.work()
    projected(house)
    return row.name


def test_each_way_to_ask_is_answered_in_words_and_as_json(
    house: House, cli: Cli, name: str
) -> None:
    for by in ALL:
        shown = cli("metrics", house.tenant, name, "--by", by)
        assert (shown.exit_code, shown.stderr) == (0, ""), by
        assert max(map(len, shown.stdout.splitlines())) <= 100
        assert cli.json("metrics", house.tenant, name, "--by", by)


def test_a_summary_has_counters_rates_and_no_rows_of_nought(
    house: House, cli: Cli, name: str
) -> None:
    text = " ".join(cli("metrics", house.tenant, name).stdout.split())
    assert "accepted 4 delivered 1 " in text
    assert "reply rate 0.0 % (0.0 to 49.0)" in text
    assert "replies" not in text


def test_variants_are_shown_with_their_verdict(house: House, cli: Cli, name: str) -> None:
    lines = cli("metrics", house.tenant, name, "--by", "variant").stdout.splitlines()
    assert lines[0].startswith("intro: Too few to say: ") or "nothing to compare" in lines[0]


def test_all_campaigns_and_all_tenants_stand_side_by_side(
    house: House, cli: Cli, name: str
) -> None:
    shown = cli("metrics", house.tenant).stdout
    assert f"{name} " in shown
    assert house.tenant in cli("metrics").stdout
    (mine,) = [one for one in cli.json("metrics")["items"] if one["tenant"] == house.tenant]
    assert mine["counters"]["accepted"] == 4
    later = ("--since", "2026-09-08T00:00:00Z")
    (mine,) = [one for one in cli.json("metrics", *later)["items"] if one["tenant"] == house.tenant]
    assert mine["counters"]["accepted"] == 0


def test_a_series_goes_into_a_file(house: House, cli: Cli, name: str, tmp_path: Path) -> None:
    for form in ("csv", "parquet"):
        out = tmp_path / f"days.{form}"
        done = cli("metrics", house.tenant, name, "--by", "day", "--split", "node", "--out", out)
        assert (done.exit_code, done.stdout) == (0, "")
    rows = parquet.read_table(tmp_path / "days.parquet").to_pylist()
    with (tmp_path / "days.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert sum(row["accepted"] for row in rows) == 4
    assert [line["key"] for line in lines] == [row["key"] for row in rows] == ["", "intro"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("{t}", "--by", "variant"), "--by variant is about one campaign"),
        (("{t}", "nowhere"), "has no campaign 'nowhere'"),
        (("nobody",), "there is no tenant 'nobody'"),
        (("{t}", "--zone", "contact"), "--zone says nothing about --by summary"),
        (("{t}", "--split", "node"), "--split says nothing about --by summary"),
        (("{t}", "--by", "weekday", "--zone", "Mars"), "must be contact, tenant, or a zone"),
        (("{t}", "--out", "numbers.xlsx"), "give a name that ends in .csv or .parquet"),
        (("--by", "day"), "name a tenant"),
    ],
)
def test_wrong_use_says_what_to_do(
    house: House, cli: Cli, words: tuple[str, ...], told: str
) -> None:
    result = cli("metrics", *(word.format(t=house.tenant) for word in words))
    assert result.exit_code == 2
    assert told in result.stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, "-"),
        (Rate(0.125, 0.05, 0.3, 1, 8), "12.5 % (5.0 to 30.0)"),
    ],
)
def test_a_rate_is_shown_with_its_interval(given: Any, told: str) -> None:
    assert interval(given) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, "-"), (0, "0 seconds"), (90, "1.5 minutes"), (7200, "2 hours"), (129_600, "1.5 days")],
)
def test_a_length_of_time_is_told_in_one_unit(seconds: float | None, told: str) -> None:
    assert span(seconds) == told
    assert (number(None), number(0)) == ("-", 0)

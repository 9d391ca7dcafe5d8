"""Every number of every answer and view is what the facts of a lived tenant come to."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier
from pyarrow import parquet
from starlette.testclient import TestClient

from domain.ids import schema_of
from handlers.api.metric_times import LIMITS_S, QUANTILES
from handlers.app import create_app
from handlers.metrics.funnel import STAGES
from handlers.metrics.statistics import wilson
from infra.embedded.servers import ServerUrls
from infra.invariants.run import check
from infra.keys import add_key
from infra.services import make_services
from infra.tenancy import analyst_of
from projections.metrics import COUNTERS
from tests.stories.house import House, open_house
from tests.stories.lived import Life
from tests.stories.recount import Counted, Message, bucket, counted, grouped, messages, totals

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow]

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "analyse.md"
OPENS = ("opens", "unique_opens", "machine_opens", "unknown_opens")
CLICKS = ("clicks", "unique_clicks", "machine_clicks", "unknown_clicks")
COURSE = {"enrolled", "started", "completed", "exited"}
HAPPENS = {
    "enrolled",
    "started",
    "exited",
    "planned",
    "accepted",
    "delivered",
    *("opens", "unique_opens", "machine_opens"),
    *("clicks", "unique_clicks"),
    "replies",
    "auto_replies",
    "deferrals",
}
RATES = {
    "open_rate": "unique_opens",
    "click_rate": "unique_clicks",
    "reply_rate": "replies",
    "bounce_rate": "bounces",
    "complaint_rate": "complaints",
    "unsubscribe_rate": "unsubscribes",
}


class Lived:
    """A tenant with a life behind it, its facts, and who asks about it."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.life = Life(house, seed)
        self.histories = [house.history(stream) for stream in self.life.streams]
        self.rows = [row for history in self.histories for row in counted(history)]
        self.messages = [one for history in self.histories for one in messages(history)]
        self.tracked, self.untracked = (row.campaign_id for row in self.life.campaigns)
        self._client = TestClient(create_app(make_services(house.system)))
        system = house.system
        self._key = add_key(system.database, house.tenant, "viewer", pepper=system.pepper).text

    def get(self, path: str, **query: Any) -> Any:
        answer = self.raw(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def raw(self, path: str, **query: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._key}"}
        return self._client.get(f"/v1/metrics/{path}", headers=headers, params=query or None)

    def all(self, path: str, **query: Any) -> list[Any]:
        """Every item, some at a time."""
        page = self.get(path, limit=3, **query)
        items: list[Any] = page["items"]
        while page["next_cursor"]:
            page = self.get(path, limit=3, cursor=page["next_cursor"], **query)
            items += page["items"]
        return items

    def of(self, campaign: Any) -> list[Counted]:
        return [row for row in self.rows if row.campaign == campaign]

    def view(self, name: str) -> list[dict[str, Any]]:
        """What an analyst reads."""
        with self.house.system.database.direct() as connection:
            connection.execute(SQL("SET ROLE {}").format(Identifier(analyst_of(self.house.tenant))))
            query = SQL("SELECT * FROM {}").format(Identifier(schema_of(self.house.tenant), name))
            return connection.cursor(row_factory=dict_row).execute(query).fetchall()


@pytest.fixture(scope="module", params=[1, 2], ids=["seed 1", "seed 2"])
def lived(
    request: pytest.FixtureRequest,
    database_url: str,
    redis_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Lived]:
    home = tmp_path_factory.mktemp("lived")
    with open_house(ServerUrls(database_url, redis_url), home) as house:
        yield Lived(house, request.param)


def blank(sums: Mapping[str, int], *, tracked: bool) -> dict[str, int | None]:
    """As it is shown: null where no plan asks for it and nobody reported it."""
    missing = {
        name
        for names in (OPENS, CLICKS)
        if not tracked and not any(sums[name] for name in names if "unique" not in name)
        for name in names
    }
    return {name: None if name in missing else count for name, count in sums.items()}


def rate_of(sums: Mapping[str, int | None], hits: str, of: str = "accepted") -> Any:
    part, whole = sums[hits], sums[of]
    if part is None or not whole or part > whole:
        return None
    low, high = wilson(part, whole)
    return {"value": part / whole, "low": low, "high": high, "hits": part, "trials": whole}


def test_a_life_has_everything_that_is_counted(lived: Lived) -> None:
    assert {row.counter for row in lived.rows} >= HAPPENS
    found = check(
        lived.house.system.database, lived.house.tenant, clock_now=lived.house.clock.now()
    )
    assert [(one.id, one.examples) for one in found if one.broken] == []


def test_the_summary_is_the_recount(lived: Lived) -> None:
    for campaign, tracked in ((lived.tracked, True), (lived.untracked, False)):
        told = lived.get(f"campaigns/{campaign}/summary")
        sums = blank(totals(lived.of(campaign)), tracked=tracked)
        assert told["counters"] == sums
        assert told["intervals"] == {name: rate_of(sums, hits) for name, hits in RATES.items()}
        assert told["rates"] == {
            name: found and found["value"] for name, found in told["intervals"].items()
        }
        by_day = grouped(lived.of(campaign), lambda row: bucket(row.at, "day"))
        days = {datetime.fromisoformat(one["day"]): one["counters"] for one in told["last_7_days"]}
        today = bucket(lived.house.clock.now(), "day")
        assert sorted(days) == [today - timedelta(days=ago) for ago in range(6, -1, -1)]
        for day, counters in days.items():
            expected = by_day.get(day, dict.fromkeys(COUNTERS, 0))
            assert counters == blank(expected, tracked=tracked), day
        assert sum(told["contact_campaigns"].values()) == sums["enrolled"]
        ended = (sums["completed"] or 0) + (sums["exited"] or 0)
        assert sum(told["outcomes"].values()) == ended
        last = max(
            (one for history in lived.histories for one in history if one.campaign_id == campaign),
            key=lambda one: one.position if _shown(one) else 0,
        )
        assert datetime.fromisoformat(told["last_activity_at"]) == last.fact.at


def _shown(one: Any) -> bool:
    from projections.activity_feed import ACTIVITY_FEED  # noqa: PLC0415  # only here

    return any(True for _ in ACTIVITY_FEED.changes(one))


@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
@pytest.mark.parametrize("by", ["none", "node", "variant", "sender", "domain"])
def test_a_series_is_the_recount(lived: Lived, interval: str, by: str) -> None:
    for campaign, tracked in ((lived.tracked, True), (lived.untracked, False)):
        items = lived.all(f"campaigns/{campaign}/timeseries", interval=interval, by=by)
        expected = grouped(lived.of(campaign), partial(_place, interval, by))
        assert list(map(_key, items)) == sorted(expected)
        for item in items:
            shown = blank(expected[_key(item)], tracked=tracked)
            assert item["counters"] == shown, (campaign, item["bucket"])


def _place(interval: str, by: str, row: Counted) -> tuple[datetime, str]:
    key = "" if by == "none" else str(getattr(row, by))
    return bucket(row.at, interval), key


def _key(item: Mapping[str, Any]) -> tuple[datetime, str]:
    return datetime.fromisoformat(item["bucket"]), item["key"]


def test_the_series_of_the_tenant_is_the_recount_of_all_its_campaigns(lived: Lived) -> None:
    for by in ("none", "campaign", "sender"):
        items = lived.all("tenant/timeseries", by=by)
        expected = grouped(lived.rows, partial(_place, "day", by))
        assert {_key(item): item["counters"] for item in items} == expected
        assert len(items) == len(expected)


def test_a_period_has_what_began_in_it(lived: Lived) -> None:
    first = bucket(min(row.at for row in lived.rows), "day")
    since, until = first + timedelta(days=1, hours=5), first + timedelta(days=4, hours=17)
    told = lived.all("campaigns", since=since.isoformat(), until=until.isoformat())
    for one in told:
        inside = [
            row
            for row in lived.of(_campaign(lived, one["campaign_id"]))
            if since <= bucket(row.at, "hour") < until
        ]
        tracked = one["campaign_id"] == str(lived.tracked)
        sums = blank(totals(inside), tracked=tracked)
        assert one["counters"] == sums
        assert one["rates"] == {name: rate_of(sums, hits) for name, hits in RATES.items()}
    assert len(told) == 2


def _campaign(lived: Lived, text: str) -> Any:
    return next(one for one in (lived.tracked, lived.untracked) if str(one) == text)


def test_a_period_beside_the_one_before_is_the_recount_of_both(lived: Lived) -> None:
    until = bucket(lived.house.clock.now(), "hour")
    since = until - timedelta(days=4)
    told = lived.get("tenant/comparison", since=since.isoformat(), until=until.isoformat())
    for name, begin, end in (("before", since - timedelta(days=4), since), ("now", since, until)):
        inside = [row for row in lived.rows if begin <= bucket(row.at, "hour") < end]
        sums = totals(inside)
        assert told[name]["counters"] == sums
        assert told[name]["rates"] == {word: rate_of(sums, hits) for word, hits in RATES.items()}


def test_the_funnel_is_the_recount(lived: Lived) -> None:
    for campaign, tracked in ((lived.tracked, True), (lived.untracked, False)):
        told = lived.get(f"campaigns/{campaign}/funnel")
        sums = blank(totals(lived.of(campaign)), tracked=tracked)
        assert _stages(told["messages"]) == {name: sums[of] for name, of in STAGES.items()}
        mine = [history for history in lived.histories if history[0].campaign_id == campaign]
        people = {
            "enrolled": len(mine),
            "started": sums["started"],
            "contacted": sum(any(messages(history)) for history in mine),
            "answered": sum(_answered(history) for history in mine),
            "converted": 0,
        }
        assert _stages(told["contacts"]) == people
        nodes = grouped(lived.of(campaign), lambda row: row.node)
        assert {step["node"] for step in told["steps"]} == set(nodes) - {""}
        for step in told["steps"]:
            shown = blank(nodes[step["node"]], tracked=tracked)
            assert _stages(step["stages"]) == {name: shown[of] for name, of in STAGES.items()}
            assert step["entered"] == nodes[step["node"]]["planned"]
            for stage in step["stages"]:
                assert stage["of_first"] == rate_of(shown, STAGES[stage["stage"]], "planned")


def _answered(history: Any) -> bool:
    return any(getattr(one.fact, "signal", "") == "replied" for one in history)


def _stages(stages: Any) -> dict[str, int | None]:
    return {stage["stage"]: stage["count"] for stage in stages}


def test_the_variants_are_the_recount(lived: Lived) -> None:
    (node,) = lived.get(f"campaigns/{lived.tracked}/variants")["nodes"]
    expected = grouped([row for row in lived.of(lived.tracked) if row.variant], lambda r: r.variant)
    assert node["node"] == "intro"
    assert {one["variant"]: one["counters"] for one in node["variants"]} == expected
    for one in node["variants"]:
        sums = expected[one["variant"]]
        assert one["rates"] == {name: rate_of(sums, hits) for name, hits in RATES.items()}
    assert sum(one["best"] for one in node["variants"]) == pytest.approx(1, abs=1e-6)
    assert node["verdict"] == "too_few"
    (dark,) = lived.get(f"campaigns/{lived.untracked}/variants", on="opens")["nodes"]
    assert dark["verdict"] == "not_measured"


def test_reply_times_are_the_recount(lived: Lived) -> None:
    told = lived.get(f"campaigns/{lived.tracked}/reply-times")
    took = [
        max(0.0, (one.answered_at - one.accepted_at).total_seconds())
        for one in lived.messages
        if one.campaign == lived.tracked and one.answered_at
    ]
    edges = (0.0, *LIMITS_S, float("inf"))
    counts = Counter(next(n for n, end in enumerate(edges[1:]) if second < end) for second in took)
    assert told["replies"] == len(took) > 1
    assert [band["replies"] for band in told["bands"]] == [counts[n] for n in range(len(edges) - 1)]
    cuts = quantiles(took, n=100, method="inclusive")
    expected = {name: cuts[round(part * 100) - 1] for name, part in QUANTILES.items()}
    assert told["quantiles_s"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("zone", ["contact", "tenant", "Asia/Kolkata"])
def test_hours_of_the_week_are_the_recount(lived: Lived, zone: str) -> None:
    people = lived.house.ports.vault.people({one.contact for one in lived.messages})
    sent, replied, arriving = Counter[Any](), Counter[Any](), Counter[Any]()
    unknown = 0

    def place(one: Message, at: datetime) -> tuple[int, int]:
        known = {"contact": people[one.contact].timezone, "tenant": "UTC"}.get(zone, zone)
        local = at.astimezone(ZoneInfo(known or "UTC"))
        return local.isoweekday(), local.hour

    for one in lived.messages:
        sent[place(one, one.accepted_at)] += 1
        unknown += zone == "contact" and people[one.contact].timezone is None
        if one.answered_at:
            replied[place(one, one.accepted_at)] += 1
            arriving[place(one, one.answered_at)] += 1
    told = lived.get("tenant/best-hours", zone=zone)
    assert (told["without_zone"], len(told["hours"])) == (unknown, 168)
    for cell in told["hours"]:
        at = cell["weekday"], cell["hour"]
        assert (cell["accepted"], cell["replied"]) == (sent[at], replied[at]), at
        assert cell["arriving"] == arriving[at], at


def test_the_days_of_a_sender_are_the_recount(lived: Lived) -> None:
    told = lived.get("senders/sam/usage", days=60)
    mine = [row for row in lived.rows if row.sender == "sam"]
    expected = grouped(mine, lambda row: bucket(row.at, "day"))
    days = {datetime.fromisoformat(one["day"]): one for one in told["days"]}
    assert sorted(days) == sorted(expected)
    for day, sums in expected.items():
        for name in ("accepted", "delivered", "bounces", "complaints", "replies"):
            assert days[day][name] == sums[name], (day, name)
    since = lived.house.clock.now() - timedelta(hours=1)
    (hour,) = [one for one in told["limits"] if one["limit_name"] == "sender_hour"]
    assert hour["used"] >= sum(row.counter == "accepted" and row.at > since for row in mine)


def test_the_views_are_the_recount(lived: Lived) -> None:
    daily = grouped(lived.rows, lambda row: (row.campaign, bucket(row.at, "day").date()))
    found = lived.view("v_campaign_daily")
    assert {(row["campaign_id"], row["day"]): _counters(row) for row in found} == daily
    variants = [row for row in lived.rows if row.variant]
    by_variant = grouped(variants, lambda row: (row.campaign, row.node, row.variant))
    found = lived.view("v_variant_results")
    assert {(row["campaign_id"], row["node"], row["variant"]): _counters(row) for row in found} == {
        key: _without_course(sums) for key, sums in by_variant.items()
    }
    senders = [row for row in lived.rows if row.sender]
    by_sender = grouped(senders, lambda row: (row.sender, bucket(row.at, "day").date()))
    found = lived.view("v_sender_daily")
    assert {(row["sender"], row["day"]): _counters(row) for row in found} == {
        key: _without_course(sums) for key, sums in by_sender.items()
    }
    assert len(found) == len(by_sender)


def test_the_views_of_single_things_are_the_recount(lived: Lived) -> None:
    sent = lived.view("v_messages")
    accepted = [row for row in sent if row["state"] == "ACCEPTED"]
    assert sorted(
        (row["contact_id"], row["accepted_at"], row["replied_at"]) for row in accepted
    ) == sorted((one.contact, one.accepted_at, one.answered_at) for one in lived.messages)
    assert len(sent) == sum(row.counter == "planned" for row in lived.rows)
    courses = lived.view("v_contact_campaigns")
    assert len(courses) == len(lived.histories)
    ended = Counter(row["status"] for row in courses)
    assert ended["completed"] == sum(row.counter == "completed" for row in lived.rows)
    activity = lived.view("v_activity")
    shown = [one for history in lived.histories for one in history if _shown(one)]
    assert {row["position"] for row in activity} == {one.position for one in shown}
    assert len(activity) == len(shown)


def _counters(row: Mapping[str, Any]) -> dict[str, int]:
    return {name: row[name] for name in COUNTERS if name in row}


def _without_course(sums: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in sums.items() if name not in COURSE}


PATHS = [
    "campaigns/{c}/summary",
    "campaigns/{c}/timeseries?interval=hour&by=domain",
    "campaigns/{c}/funnel",
    "campaigns/{c}/variants",
    "campaigns/{c}/reply-times",
    "campaigns/{c}/best-hours",
    "campaigns",
    "tenant/timeseries",
    "tenant/comparison",
    "tenant/best-hours",
    "senders/sam/usage",
]


@pytest.mark.parametrize("path", PATHS)
def test_csv_and_parquet_have_the_same_cells(lived: Lived, path: str) -> None:
    where = path.format(c=lived.tracked)
    joint = "&" if "?" in where else "?"
    plain = lived.raw(f"{where}{joint}format=csv")
    packed = lived.raw(f"{where}{joint}format=parquet")
    assert plain.headers["content-type"] == "text/csv; charset=utf-8"
    assert plain.headers["content-disposition"].endswith('.csv"')
    table = parquet.read_table(io.BytesIO(packed.content))
    head, *lines = list(csv.reader(io.StringIO(plain.text, newline="")))
    assert head == table.column_names
    assert len(lines) == table.num_rows > 0
    for line, row in zip(lines, table.to_pylist(), strict=True):
        assert line == [_text(row[name]) for name in head]


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return "" if value is None else str(value)


def test_a_series_as_a_table_is_the_recount(lived: Lived) -> None:
    path = f"campaigns/{lived.tracked}/timeseries?format=parquet&by=variant"
    rows = parquet.read_table(io.BytesIO(lived.raw(path).content)).to_pylist()
    expected = grouped(lived.of(lived.tracked), partial(_place, "day", "variant"))
    assert {(row["bucket"], row["key"]): _counters(row) for row in rows} == expected


def test_the_queries_of_the_guide_run_and_find_something(lived: Lived) -> None:
    text = GUIDE.read_text("utf-8").replace("acme", lived.house.tenant)
    role = Identifier(analyst_of(lived.house.tenant))
    first, *queries = re.findall(r"^```sql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    with lived.house.system.database.direct() as connection:
        with connection.transaction(force_rollback=True):
            connection.execute(first)
        connection.execute(SQL("SET ROLE {}").format(role))
        for query in queries:
            assert connection.execute(query).fetchall(), query
    assert len(queries) > 5


@pytest.mark.parametrize("table", ["metrics_daily", "metrics_hourly"])
def test_a_counter_that_is_one_too_high_is_found(lived: Lived, table: str) -> None:
    """So the comparisons above can fail."""
    spoil = SQL("UPDATE {} SET accepted = accepted + %s WHERE node = 'intro' AND accepted > 0")
    name = Identifier(schema_of(lived.house.tenant), table)
    with lived.house.system.database.direct() as connection:
        connection.execute(spoil.format(name), (1,))
        try:
            interval = "day" if table == "metrics_daily" else "hour"
            with pytest.raises(AssertionError):
                test_a_series_is_the_recount(lived, interval, "node")
        finally:
            connection.execute(spoil.format(name), (-1,))
    test_a_series_is_the_recount(lived, "day", "node")

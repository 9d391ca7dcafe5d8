"""What operators watch: the numbers are true, name nobody, and every alert is made of them."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from handlers.app import create_app
from infra.cli import CONTENTS
from infra.prometheus import PrometheusMeter
from infra.services import make_services
from tests.stories.house import House, plan, send, stop, way

DOCS = Path(__file__).resolve().parents[2] / "docs"
ALERTS = (DOCS / "operations" / "alerts.yml").read_text("utf-8")
DASHBOARD = json.loads((DOCS / "operations" / "grafana-dashboard.json").read_text("utf-8"))
RUNBOOKS = DOCS / "runbooks"
TWO = plan(send("intro", way("timeout", "end", after="P3D")), stop())
NAME = re.compile(r"\bantiphon_[a-z_]+")


class Scrape:
    """The samples of a page by their names."""

    def __init__(self, page: str) -> None:
        self.samples = [
            one for family in text_string_to_metric_families(page) for one in family.samples
        ]

    def names(self) -> set[str]:
        return {one.name for one in self.samples}

    def value(self, name: str, /, **labels: str) -> float:
        (found,) = [
            one.value
            for one in self.samples
            if one.name == name and labels.items() <= one.labels.items()
        ]
        return float(found)


def scraped(house: House) -> Scrape:
    """The page of a web process that has just been started; it is read afresh."""
    return Scrape(TestClient(create_app(make_services(house.system))).get("/metrics").text)


def known_names() -> set[str]:
    """Every name of a metric that the code has."""
    sources = (Path(__file__).resolve().parents[2] / "infra" / "prometheus").glob("*.py")
    named = {
        name
        for source in sources
        for name in re.findall(r'"(antiphon_[a-z_]+)"', source.read_text("utf-8"))
    }
    histograms = {f"{name}_bucket" for name in named if name.endswith("_seconds")}
    return named | {f"{name}_total" for name in named} | histograms


# --- alerts ---------------------------------------------------------------------------------------


def expressions() -> Iterator[str]:
    yield from re.findall(r"expr: (?:>-\n)?((?:.+\n)(?:          .+\n)*)", ALERTS)
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    named = re.findall(r"runbook: docs/runbooks/(\S+)", ALERTS)
    assert len(named) == len(re.findall(r"- alert: ", ALERTS)) == len(set(named))
    assert set(named) == {one.name for one in RUNBOOKS.glob("*.md")}


def test_every_metric_that_alerts_and_dashboard_name_is_there() -> None:
    asked = {name for text in expressions() for name in NAME.findall(text)}
    assert len(asked) >= 14
    assert asked - known_names() == set()


def test_every_command_that_a_runbook_names_is_there() -> None:
    for page in RUNBOOKS.glob("*.md"):
        for command in re.findall(r"`antiphon ([a-z-]+)", page.read_text("utf-8")):
            assert command in CONTENTS, (page.name, command)


def test_the_aims_are_those_of_the_requirements() -> None:
    for aim in ("antiphon_send_success_ratio < 0.99", ") > 0.1\n", "> 0.01"):
        assert aim in ALERTS


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.redis
def test_the_numbers_of_a_tenant_are_those_of_its_tables(house: House) -> None:
    tag = house.ports.tag
    for _ in range(3):
        house.started(TWO)
    house.work_but_sends()
    before = scraped(house)
    assert before.value("antiphon_messages_waiting", tenant=tag, state="QUEUED") == 3
    assert before.value("antiphon_messages_due", tenant=tag) == 3
    house.clock.advance(timedelta(seconds=90))
    assert scraped(house).value("antiphon_messages_due_age_seconds", tenant=tag) == 90
    house.send()
    stream = house.started(TWO)
    house.work()
    house.hear(
        house.event(stream, "delivered"), {"event": "odd", "timestamp": 1, "sg_event_id": "x"}
    )
    waiting = scraped(house)
    assert waiting.value("antiphon_inbox_waiting", tenant=tag, state="new") == 2
    house.work()
    after = scraped(house)
    assert after.value("antiphon_messages_due", tenant=tag) == 0
    assert after.value("antiphon_dead_letters", tenant=tag) == 1
    assert after.value("antiphon_event_latency_seconds_bucket", tenant=tag, le="+Inf") == 1
    assert after.value("antiphon_projector_lag_facts", tenant=tag) > 0


@pytest.mark.postgres
@pytest.mark.redis
def test_every_name_of_the_code_is_on_the_page_and_no_label_names_a_person(house: House) -> None:
    stream = house.started(TWO, email="canary.8301@canary.example", first_name="Canary8302")
    house.work()
    house.hear(house.event(stream, "open", email="canary.8301@canary.example"))
    house.work()
    services = make_services(house.system)
    client = TestClient(create_app(services), raise_server_exceptions=False)
    client.get("/v1/contacts/canary.8301@canary.example")
    client.post("/webhooks/sendgrid/canary8303", content=b"[]")
    page = client.get("/metrics").text
    assert "canary" not in page.lower()
    assert str(house.tenant) not in page.replace(house.ports.tag, "")
    assert 'route="none"' in page
    on_it = Scrape(page).names()
    seldom = {
        "antiphon_operation",
        "antiphon_webhooks_refused",
        "antiphon_senders_paused",
        "antiphon_messages_held",
        "antiphon_heartbeat_age_seconds",
    }
    for name in known_names():
        if not name.endswith(("_total", "_bucket")) and name not in seldom:
            assert {name, f"{name}_total", f"{name}_bucket"} & on_it, name


def test_what_a_process_counts_is_told_by_why() -> None:
    meter = PrometheusMeter()
    meter.count("webhook.refused.InvalidSignature")
    meter.count("link.open.lost")
    meter.served("GET", "/v1/contacts/{id}", 200, 0.02)
    told = Scrape(meter.page().decode())
    value: Any = told.value
    assert value("antiphon_webhooks_refused_total", reason="InvalidSignature") == 1
    assert value("antiphon_operation_total", name="link.open.lost") == 1
    assert value("antiphon_http_requests_total", route="/v1/contacts/{id}", status="200") == 1
    assert value("antiphon_http_request_seconds_bucket", le="0.025") == 1

from importlib.resources import files as package_files

import pytest

from plans.verify.check import check
from tests.plans.plan_cases import EXAMPLES, Json, files, read

NAMES = [path.name for path in files(EXAMPLES)]
RUNNING = {"send", "wait", "branch", "stop"}
VARIABLES = ("contact.first_name", "company.name", "sender.first_name", "sender.calendar_url")


def example(name: str) -> Json:
    return read(EXAMPLES / name)


def test_the_promised_examples_are_there() -> None:
    assert {"two_step.json", "reactive_click.json", "branch_by_role.json"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_accepted_without_any_rewriting(name: str) -> None:
    report = check(example(name)).report
    assert report.ok
    assert report.normalized == ()


@pytest.mark.parametrize("name", NAMES)
def test_an_example_uses_only_what_this_release_runs(name: str) -> None:
    assert {node["type"] for node in example(name)["nodes"]} <= RUNNING


@pytest.mark.parametrize("name", NAMES)
def test_an_example_keeps_office_hours(name: str) -> None:
    plan = example(name)
    assert plan["window"]["days"] == ["MO", "TU", "WE", "TH", "FR"]
    assert plan["quietHours"]["start"] > plan["window"]["end"]


@pytest.mark.parametrize("name", NAMES)
def test_every_watching_node_of_an_example_ends_with_a_timer(name: str) -> None:
    timers = {"timeout", "no_reply", "no_open", "no_click"}
    watching = [node for node in example(name)["nodes"] if node["type"] in ("send", "wait")]
    assert {node["transitions"][-1]["on"] for node in watching} <= timers
    assert all("after" in node["transitions"][-1] for node in watching)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_speaks_to_the_contact(name: str) -> None:
    text = (EXAMPLES / name).read_text()
    assert all(f"{{{{ {variable} }}}}" in text for variable in VARIABLES)
    assert "{{ contact.city | default: 'your region' }}" in text


def test_examples_are_found_as_package_data() -> None:
    folder = package_files("plans") / "examples"
    assert (folder / "two_step.json").read_bytes()

"""An auditor at the command line: verify, prove, look at what people ordered."""

import json
from hashlib import sha256

import pytest

from domain.ids import StreamId, schema_of
from tests.infra.cli_running import Cli
from tests.stories.house import House, plan, send, stop, way

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

PLAN = plan(
    send("intro", way("clicked", "more", within="P2D"), way("no_reply", "end", after="P5D")),
    send("more", way("no_reply", "end", after="P5D"), schedule={"delay": "P1D"}),
    stop(),
)
NOBODY = "6a1f0c9e-2b7d-5e43-9a57-0d4c1b8e2f10"


def _journey(house: House) -> StreamId:
    stream = house.started(PLAN)
    house.after(minutes=10)
    house.hear(house.event(stream, "delivered"))
    house.work()
    return stream


def _rewrite(house: House) -> None:
    name = schema_of(house.tenant)
    with house.system.database.direct() as owner:
        owner.execute(
            f"UPDATE {name}.events SET state = convert_to(replace(convert_from(state, 'utf8'), "
            "'\"at\":\"2026', '\"at\":\"2025'), 'utf8') WHERE originator_version = 2"
        )


def test_a_log_is_verified_with_the_checkpoints_of_this_installation(
    house: House, cli: Cli
) -> None:
    _journey(house)
    before = cli("audit", "verify", house.tenant)
    assert before.exit_code == 0
    assert "no checkpoint to hold it against" in before.stderr
    taken = cli.json("audit", "checkpoint", house.tenant)
    assert taken["new"] == sum(taken["sizes"].values()) > 5
    shown = cli("audit", "verify", house.tenant)
    assert shown.exit_code == 0
    assert "nothing was changed" in shown.stdout
    assert "self-attested only" in shown.stderr
    told = cli.json("audit", "verify", house.tenant)
    assert {one["log"]: one["covered"] for one in told["logs"]} == taken["sizes"]
    assert (told["holds"], told["self_attested"]) == (True, True)


def test_a_fact_that_was_changed_ends_with_one_and_is_named(house: House, cli: Cli) -> None:
    stream = _journey(house)
    cli.json("audit", "checkpoint", house.tenant)
    _rewrite(house)
    shown = cli("audit", "verify", house.tenant)
    assert shown.exit_code == 1
    assert f"(stream {stream}, 2)" in " ".join(shown.stdout.split())
    told = cli.json("audit", "verify", house.tenant, code=1)
    assert [one["log"] for one in told["logs"] if one["broken"]] == ["events"]


def test_an_auditor_verifies_with_a_file_and_a_key_of_his_own(house: House, cli: Cli) -> None:
    _journey(house)
    copy = cli.folder / "auditor"
    given = {"ANTIPHON_AUDIT_COPY": str(copy)}
    assert cli("audit", "checkpoint", house.tenant, **given).exit_code == 0
    key = cli.json("audit", "key")["items"][0]["key"]
    file = copy / f"{house.tenant}.notes"
    (cli.folder / "home" / "audit").rename(cli.folder / "lost")
    words = ("audit", "verify", house.tenant, "--checkpoint", file, "--key", key)
    told = cli.json(*words)
    assert (told["holds"], told["self_attested"]) == (True, False)
    assert cli("audit", "verify", house.tenant, "--key", "abc").exit_code == 2


def test_a_contact_campaign_is_exported_and_that_is_an_act(house: House, cli: Cli) -> None:
    stream, out = _journey(house), cli.folder / "export.json"
    early = cli("audit", "export", house.tenant, str(stream))
    assert (early.exit_code, "antiphon audit checkpoint" in early.stderr) == (2, True)
    cli.json("audit", "checkpoint", house.tenant)
    assert cli("audit", "export", house.tenant, str(stream), "--out", out).exit_code == 0
    made = json.loads(out.read_text("utf-8"))
    assert [one["topic"] for one in made["events"]] == house.topics(stream)
    assert all(one["proof"] for one in made["events"])
    assert cli("audit", "export", house.tenant, NOBODY).exit_code == 2
    acts = cli.json("admin-events", house.tenant)["items"]
    assert [one["subject"] for one in acts if one.get("act") == "audit.export"][-1] == str(stream)


def test_two_checkpoints_are_proven_to_be_of_one_log(house: House, cli: Cli) -> None:
    _journey(house)
    first = cli.json("audit", "checkpoint", house.tenant)["sizes"]["events"]
    _journey(house)
    last = cli.json("audit", "checkpoint", house.tenant)["sizes"]["events"]
    made = cli.json("audit", "consistency", house.tenant, "--from", str(first))
    assert f"\n{first}\n" in made["older"]
    assert f"\n{last}\n" in made["newer"]
    assert made["proof"]
    wrong = cli("audit", "consistency", house.tenant, "--from", "3")
    assert (wrong.exit_code, f"{first}, {last}" in wrong.stderr) == (2, True)


def test_a_new_key_signs_and_the_old_one_stays_known(house: House, cli: Cli) -> None:
    _journey(house)
    cli.json("audit", "checkpoint", house.tenant)
    old = cli.json("audit", "key")
    fresh = cli.json("audit", "key", "--rotate")
    assert {one["id"] for one in fresh["items"]} == {old["signing"], fresh["signing"]}
    _journey(house)
    cli.json("audit", "checkpoint", house.tenant)
    assert cli.json("audit", "verify", house.tenant)["holds"]


def test_what_is_ordered_at_the_command_line_is_an_act(house: House, cli: Cli) -> None:
    key = cli.json("key", "add", house.tenant, "--role", "viewer")
    cli("key", "revoke", key["id"])
    cli("tenant", "retention", house.tenant, "--raw-days", "14")
    cli("suppressions", "add", house.tenant, "ada@home.example")
    reason = "she agrees"
    cli("suppressions", "remove", house.tenant, "ada@home.example", "--reason", reason)
    cli("rebuild", house.tenant, "activity_feed")
    cli("sending", "pause", "--all", "--reason", "a drill")
    cli("sending", "resume", "--all", "--reason", "a drill")
    told = cli.json("admin-events", house.tenant)["items"]
    assert [one["act"] for one in reversed(told)] == [
        "key.add",
        "key.revoke",
        "retention.set",
        "suppression.add",
        "suppression.lift",
        "projection.rebuild",
        "all_sending.pause",
        "all_sending.resume",
    ]
    assert {one["actor"] for one in told} == {"cli"}
    retention = next(one for one in told if one["act"] == "retention.set")
    assert (retention["before"]["raw_days"], retention["after"]["raw_days"]) == (30, 14)
    shown = cli("admin-events", house.tenant)
    assert shown.exit_code == 0
    assert "raw_days 30 -> 14" in " ".join(shown.stdout.split())


def test_what_changed_between_two_instants_is_told_with_the_facts_that_did_it(
    house: House, cli: Cli
) -> None:
    stream = str(_journey(house))
    events = cli.json("timeline", house.tenant, stream)["events"]
    begin = events[0]["recorded_at"]
    told = cli.json("timeline", house.tenant, stream, "--diff", begin, "2030-01-01T00:00:00Z")
    changed = {one["field"]: one for one in told["difference"]["changed"]}
    assert changed["sends"]["before"] == 0
    assert changed["sends"]["after"] == 1
    versions = [one["version"] for one in told["events"]]
    assert set(changed["sends"]["by"]) <= set(versions)
    shown = cli("timeline", house.tenant, stream, "--diff", begin, "2030-01-01T00:00:00Z")
    assert "changed since" in shown.stdout
    assert any(line.split()[:4] == ["sends", "0", "->", "1"] for line in shown.stdout.splitlines())
    both = cli("timeline", house.tenant, stream, "--as-of", begin, "--diff", begin, begin)
    assert both.exit_code == 2


def test_an_explanation_leads_back_to_the_bytes_that_were_posted(house: House, cli: Cli) -> None:
    stream = _journey(house)
    house.after(minutes=30)
    house.hear(house.event(stream, "click", url="https://acme.example/", ip="192.0.2.1"))
    house.work()
    second = str(house.message(stream))
    told = cli.json("explain", house.tenant, second)
    outside = told["because"][0]
    rows = house.rows("SELECT delivery_id, body FROM {s}.webhook_deliveries")
    bodies = {str(delivery): bytes(body) for delivery, body in rows}
    raw = outside["raw"]
    digest = sha256(bodies[raw["delivery_id"]])
    assert raw["body_sha256"] == digest.hexdigest()
    assert raw["delivery_id"].replace("-", "").endswith(digest.hexdigest()[:16])
    assert raw["delivery_id"] in outside["told"]
    assert digest.hexdigest() in cli("explain", house.tenant, second).stdout

import json
from pathlib import Path

import pytest

from plans.canonical import canonical_document, canonical_json, plan_hash
from plans.schema import Plan
from plans.verify.check import check
from tests.plans.plan_cases import DATA, END, files, mail, plan, read

HASHES = {
    "00_seed_shape": "a835a2bf1feb75245dc44a7f54d4a4c91a4e54cdf18573fe4136f595c930fde4",
    "01_two_step": "d98f744930bff92c95ebec46dc63647125cb93a914884592d9e5e9d541b2ed29",
    "02_reactive_open_click": "27471760c7889cafe71b97b0fe0a6657e68805802bd2a0c7baa474d0a5d63e20",
    "03_ab": "e07bf9ade54b07d70621fab402880f3712d838e947491c71a5871cbd100d8119",
    "05_loop_bounded": "688a752862c594c99c41e3682a1541e7bed88a81111504bc76876efc19f215e9",
    "07_lite_authoring": "b2b67b85264ab4449f932a4b9c401ed80d3f9792afb936bbd75ca95a7a06210a",
}
CHECK_VALUE = {
    "timezone": "UTC",
    "startNodeId": "a",
    "nodes": [
        {
            "id": "a",
            "type": "send",
            "channel": "email",
            "message": {"subject": "Olá", "text": "x"},
            "transitions": [{"on": "sent", "to": "z"}],
        },
        {"id": "z", "type": "stop"},
    ],
    "metadata": {"k": 1},
}
CANONICAL = (
    '{"autoReply":{"action":"defer","by":"P3D"},"defaults":{"jitter":{"max":"PT16M","min":"PT6M"},'
    '"timers":{"no_accept":"P7D","no_click":"PT24H","no_open":"PT72H","no_reply":"P3D"}},'
    '"goals":[{"on":"meeting_booked","outcome":"converted"}],'
    '"holidays":{"calendars":[],"dates":[]},'
    '"limits":{"maxDuration":"P60D","maxSends":10,"minSpacing":"PT12H","minSpacingAny":"PT15M"},'
    '"nodes":[{"channel":"email","id":"a",'
    '"message":{"subject":"Olá","text":"x","trackClicks":true,"trackOpens":true},'
    '"schedule":{"delay":"PT0S","ifPast":"send"},'
    '"transitions":[{"about":"anchor","on":"sent","to":"z"}],"type":"send","variants":[]},'
    '{"id":"z","outcome":"completed","type":"stop"}],'
    '"startNodeId":"a","timezone":"UTC","version":"1.0"}'
)


def canonical(document: object) -> dict[str, object]:
    return canonical_document(Plan.model_validate(document))


def test_the_check_value_of_the_language_holds() -> None:
    document = canonical(CHECK_VALUE)
    assert canonical_json(document).decode() == CANONICAL
    expected = "sha256:2a6d8a101b7185e031c0fe2a6c201b44155fc38c08a8399b31c634af82f32cdb"
    assert plan_hash(document) == expected


@pytest.mark.parametrize("path", files(DATA / "valid"), ids=lambda path: path.stem)
def test_the_hash_of_each_example_is_the_published_one(path: Path) -> None:
    assert check(read(path)).report.plan_hash == f"sha256:{HASHES[path.stem]}"


def test_a_canonical_document_is_its_own_canonical_document() -> None:
    for path in files(DATA / "valid"):
        once = check(read(path)).document
        assert once is not None
        assert canonical(once) == once


def test_metadata_and_key_order_do_not_change_the_hash() -> None:
    turned = dict(reversed(plan(metadata={"campaign": "spring"}).items()))
    assert plan_hash(canonical(turned)) == plan_hash(canonical(plan()))


def test_a_written_default_hashes_like_an_absent_one() -> None:
    written = plan(defaults={"timers": {"no_open": "PT72H"}}, autoReply={"by": "P3D"})
    assert plan_hash(canonical(written)) == plan_hash(canonical(plan()))


def test_durations_stay_as_written() -> None:
    hours, days = plan(limits={"maxDuration": "PT240H"}), plan(limits={"maxDuration": "P10D"})
    assert plan_hash(canonical(hours)) != plan_hash(canonical(days))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2026-12-01T17:00:00Z", "2026-12-01T17:00:00Z"),
        ("2026-12-01T09:00:00-08:00", "2026-12-01T17:00:00Z"),
        ("2026-12-01T09:00:00.9-08:00", "2026-12-01T17:00:00Z"),
        ("0900-01-01T00:00:00Z", "0900-01-01T00:00:00Z"),
    ],
)
def test_an_absolute_time_is_kept_in_utc(written: str, kept: str) -> None:
    document = canonical(plan(mail(schedule={"at": written}), END))
    assert document["nodes"][0]["schedule"]["at"] == kept  # type: ignore[index]  # plain JSON


def test_numbers_without_a_fraction_are_integers_at_every_level() -> None:
    hook = {
        "id": "hook",
        "type": "webhook",
        "endpoint": "crm",
        "body": {"score": 2.0, "parts": [1.0, {"share": 0.5}]},
        "next": "end",
    }
    document = canonical(plan(hook, END, limits={"maxSends": 3.0}))
    text = canonical_json(document).decode()
    assert '"body":{"parts":[1,{"share":0.5}],"score":2}' in text
    assert '"maxSends":3,' in text


def test_only_quotes_backslashes_and_control_characters_are_escaped() -> None:
    text = 'é 😀 "q" \\ / \b\f\n\r\t\x1f\x7f'
    document = canonical(plan(mail(message={"subject": "s", "text": text}), END))
    written = canonical_json(document).decode()
    assert '"text":"é 😀 \\"q\\" \\\\ / \\b\\f\\n\\r\\t\\u001f\x7f"' in written
    assert json.loads(written) == document


def test_keys_are_sorted_by_code_point() -> None:
    hook = {"id": "h", "type": "webhook", "endpoint": "x", "next": "end"}
    document = canonical(plan({**hook, "body": {"é": 1, "z": 1, "Z": 1, "😀": 1, "￿": 1}}, END))
    assert '{"Z":1,"z":1,"é":1,"￿":1,"😀":1}' in canonical_json(document).decode()

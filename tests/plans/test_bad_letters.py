"""Letters that are not what they seem: ids, words and times are plain."""

import json

import pytest

from plans.normalise import normalise
from plans.verify.check import check
from tests.plans.odd_letters import BROKEN, TRICKS
from tests.plans.plan_cases import END, Json, mail, plan

TOO_LARGE = [("E_VALUE", "")]


def issues(document: object) -> list[tuple[str, str]]:
    return [(each.code, each.path) for each in check(document).report.issues]


def written(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


# --- letters that are not what they seem ----------------------------------------------------------


@pytest.mark.parametrize("trick", TRICKS)
def test_an_id_has_plain_letters_only(trick: str) -> None:
    name = TRICKS[trick]
    way = [{"on": "no_reply", "after": "P3D", "to": name}]
    document = plan(mail(transitions=way), {**END, "id": name}, startNodeId="mail")
    assert issues(document) == [
        ("E_FORMAT", "/nodes/0/transitions/0/to"),
        ("E_FORMAT", "/nodes/1/id"),
    ]


@pytest.mark.parametrize("trick", BROKEN)
def test_a_letter_that_is_none_is_refused_wherever_it_stands(trick: str) -> None:
    name = BROKEN[trick]
    assert issues(plan(mail(name=name), END)) == [("E_VALUE", "/nodes/0/name")]
    assert [code for code, _ in issues(plan(metadata={name: 1}))] == ["E_VALUE"]


@pytest.mark.parametrize(
    ("field", "code", "values"),
    [
        ("version", "E_FORMAT", ["1.\uff10", "\u0661.0", "1.0\n"]),
        ("timezone", "E_TIMEZONE", ["Europe/\u0412erlin", "UTC\u200b", "\uff35TC", "utc"]),
        ("quietHours", "E_FORMAT", [{"start": "2\uff11:00", "end": "07:30"}]),
        ("limits", "E_DURATION", [{"maxDuration": "P\uff11D"}, {"maxDuration": "P3D\n"}]),
        (
            "goals",
            "E_EVENT",
            [[{"on": "clic\u212a"}], [{"on": "bloc\u212aed"}], [{"on": "x_\u00e9"}]],
        ),
        ("holidays", "E_VALUE", [{"dates": ["2026-1\uff12-24"]}]),
    ],
)
def test_words_numbers_and_times_have_plain_letters_only(
    field: str, code: str, values: list[Json]
) -> None:
    for value in values:
        ((found, path),) = issues(plan(**{field: value}))
        assert found == code
        assert path.startswith(f"/{field}")


def test_an_alias_in_letters_that_look_alike_is_no_alias() -> None:
    kelvin = {"on": "clic\u212a", "outcome": "converted"}
    assert normalise(plan(goals=[kelvin])).document["goals"] == [kelvin]

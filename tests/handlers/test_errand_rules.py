"""The pure part of errands: contact data after an update, words filled in, when to call again."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.ids import CampaignId, ContactId, ErrandId, StreamId, TenantId
from handlers.errands.asking import WORDS_MAX, filled, words
from handlers.errands.calling import next_try, posted
from handlers.errands.changing import after
from handlers.ports import Called, DueErrand, Person
from handlers.values import guard_values

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADA = Person(
    contact_id=ContactId(UUID(int=1)),
    snapshot=1,
    vault_key=b"k" * 32,
    external_id="c1",
    email="ada@example.com",
    first_name="Ada",
    company="Acme",
    tags=("vip", "west"),
    attributes={"seats": 3, "company.size": 10},
)
CALL = DueErrand(
    errand_id=ErrandId(UUID(int=5)),
    stream=StreamId(UUID(int=6)),
    campaign_id=CampaignId(UUID(int=7)),
    contact_id=ADA.contact_id,
    plan_hash="sha256:p",
    kind="webhook",
    node="crm",
    visit=1,
    endpoint="crm",
    requested_at=NOON,
    give_up_at=NOON + HOUR,
    attempt=1,
    fence=1,
)


class Longest:
    """Chance that always takes the most."""

    def uniform(self, _: float, high: float) -> float:
        return high

    def new_id(self) -> UUID:
        raise NotImplementedError


# --- contact data ---------------------------------------------------------------------------------


def put(field: str, value: Any) -> dict[str, Any]:
    return {"set": [{"field": field, "value": value}]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contact.title", "CTO"),
        ("contact.city", "Porto"),
        ("contact.timezone", "Europe/Lisbon"),
        ("contact.email", "ada@acme.example"),
        ("contact.seats", 12),
        ("contact.interested", True),
        ("contact.company", "a word of its own"),
        ("company.name", "Acme Ltd"),
        ("company.size", 250),
        ("company.tier", "gold"),
    ],
)
def test_what_an_update_sets_is_what_guards_and_templates_then_read(field: str, value: Any) -> None:
    person, refused = after(ADA, put(field, value))
    assert refused == []
    assert guard_values(person)[field] == value
    others = guard_values(ADA).keys() - {field}
    assert {name: guard_values(person)[name] for name in others} == {
        name: guard_values(ADA)[name] for name in others
    }
    assert after(person, put(field, value)) == (person, [])


def test_an_empty_text_clears_a_field() -> None:
    assert after(ADA, put("contact.first_name", " "))[0].first_name is None
    assert after(ADA, put("company.name", ""))[0].company is None


def test_tags_are_added_and_removed_once_each_in_order() -> None:
    node = {"removeTags": ["west", "gone"], "addTags": ["won", "vip", "won"]}
    assert after(ADA, node)[0].tags == ("vip", "won")
    assert after(ADA, {"removeTags": ["vip"], "addTags": ["vip"]})[0].tags == ("west", "vip")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contact.email", "not an address"),
        ("contact.timezone", "PST"),
        ("contact.phone", 5),
        ("contact.title", "two\nlines"),
        ("company.name", "x" * 201),
        ("contact.notes", "x" * 17_000),
    ],
)
def test_a_value_that_the_contact_cannot_have_is_told_and_keeps_back_no_other(
    field: str, value: Any
) -> None:
    node = {"set": [{"field": field, "value": value}, {"field": "contact.city", "value": "Porto"}]}
    person, refused = after(ADA, node)
    assert [one.field for one in refused] == [field]
    assert person == msgspec.structs.replace(ADA, city="Porto")


# --- words ----------------------------------------------------------------------------------------

VALUES = {"contact": {"first_name": "Ada"}}


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("Call {{ contact.first_name }} on {{ contact.phone }}", "Call Ada on "),
        ("Call {{ contact.first_name", "Call {{ contact.first_name"),
        (
            "{% for a in (1..99999) %}{{ a }}{% endfor %}",
            "{% for a in (1..99999) %}{{ a }}{% endfor %}",
        ),
    ],
)
def test_a_text_is_filled_in_as_far_as_it_goes(source: str, shown: str) -> None:
    assert filled(source, VALUES) == shown


def test_words_for_a_person_are_no_longer_than_a_person_reads() -> None:
    loop = "{% for a in (1..200) %}" + "x" * 900 + "{% endfor %}"
    assert len(words(loop, VALUES)) == WORDS_MAX
    assert words("Call {{ contact.first_name }}", VALUES) == "Call Ada"


def test_only_the_texts_of_a_body_are_filled_in() -> None:
    body = {"{{ key }}": ["{{ contact.first_name }}", 7, None, True, {"a": "{{ nobody }}"}]}
    told = msgspec.json.decode(posted(TenantId("acme"), CALL, {"body": body}, VALUES))
    assert told["body"] == {"{{ key }}": ["Ada", 7, None, True, {"a": ""}]}


def test_a_posted_body_says_whose_and_which_errand_it_is() -> None:
    node = {"body": {"name": "{{ contact.first_name }}"}}
    assert msgspec.json.decode(posted(TenantId("acme"), CALL, node, VALUES)) == {
        "id": str(CALL.errand_id),
        "tenant": "acme",
        "contact_campaign_id": str(CALL.stream),
        "campaign_id": str(CALL.campaign_id),
        "contact_id": str(CALL.contact_id),
        "node": "crm",
        "visit": 1,
        "plan_hash": "sha256:p",
        "occurred_at": "2026-03-02T12:00:00Z",
        "body": {"name": "Ada"},
    }


# --- once more ------------------------------------------------------------------------------------

BUSY = Called(ok=False, final=False, reason="http_503")


def tried(attempt: int, called: Called = BUSY, now: datetime = NOON) -> datetime | None:
    return next_try(msgspec.structs.replace(CALL, attempt=attempt), called, now, Longest())


def test_each_wait_may_be_twice_the_one_before() -> None:
    waits = [tried(attempt) for attempt in range(1, 7)]
    assert [(at - NOON).total_seconds() for at in waits if at] == [30, 60, 120, 240, 480, 960]


def test_after_an_hour_there_is_no_other_try() -> None:
    assert tried(3, now=NOON + timedelta(minutes=57)) is not None
    assert tried(3, now=NOON + timedelta(minutes=58)) is None
    assert tried(500) is None


def test_an_endpoint_may_ask_for_a_longer_wait_and_not_for_a_shorter_one() -> None:
    asked = msgspec.structs.replace(BUSY, retry_after_s=600.0)
    assert tried(1, asked) == NOON + timedelta(seconds=600)
    assert tried(5, msgspec.structs.replace(BUSY, retry_after_s=1.0)) == NOON + timedelta(
        seconds=480
    )
    assert tried(1, msgspec.structs.replace(BUSY, retry_after_s=4000.0)) is None


def test_what_was_taken_or_refused_for_good_is_not_tried_again() -> None:
    assert tried(1, Called(ok=True)) is None
    assert tried(1, Called(ok=False, reason="http_404")) is None

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.taxonomy import Signal
from handlers.webhooks.verdicts import judge
from infra.providers.sendgrid.meanings import MEANING_OF
from infra.providers.sendgrid.webhook import UNREADABLE
from tests.infra.sendgrid_events import (
    ACME,
    EVENTS,
    MESSAGE,
    OLD_EVENTS,
    READER,
    VARIANTS,
    example,
    read,
    report,
)

MEANINGS = [
    # event, signal, suppresses, accepted, reason
    (example("processed"), None, False, True, ""),
    (example("deferred"), Signal.DEFERRED, False, True, ""),
    (example("delivered"), Signal.DELIVERED, False, True, ""),
    (example("open"), Signal.OPENED, False, True, ""),
    (example("click"), Signal.CLICKED, False, True, ""),
    (example("bounce"), Signal.BOUNCED, True, True, "invalid_address"),
    (example("bounce", type="blocked"), Signal.DEFERRED, False, True, "blocked"),
    (example("bounce", type="Blocked"), Signal.DEFERRED, False, True, "blocked"),
    (example("bounce", type=None), Signal.BOUNCED, True, True, "invalid_address"),
    (example("bounce", bounce_classification="New"), Signal.BOUNCED, True, True, "unclassified"),
    (example("dropped"), Signal.BOUNCED, True, True, "bounced_address"),
    (example("dropped", reason="Unsubscribed Address"), Signal.BOUNCED, True, True,
     "unsubscribed_address"),
    (example("dropped", reason="spam reporting address"), Signal.BOUNCED, True, True,
     "spam_reporting_address"),
    (example("dropped", reason="Invalid SMTPAPI header"), Signal.BOUNCED, False, True,
     "invalid_smtpapi"),
    (example("dropped", reason="Spam Content"), Signal.BOUNCED, False, True, "spam_content"),
    (example("dropped", reason="Invalid"), Signal.BOUNCED, False, True, "invalid"),
    (example("dropped", reason="Recipient List over Package Quota"), Signal.BOUNCED, False, True,
     "over_quota"),
    (example("dropped", reason="x@example.com is new"), Signal.BOUNCED, False, True, "other"),
    (example("spamreport"), Signal.SPAM_REPORTED, True, True, ""),
    (example("unsubscribe"), Signal.UNSUBSCRIBED, True, True, ""),
    (example("group_unsubscribe"), Signal.UNSUBSCRIBED, True, True, ""),
    (example("group_resubscribe"), None, False, True, ""),
    (example("account_status_change"), None, False, False, "compliance_suspend"),
]  # fmt: skip


@pytest.mark.parametrize(("event", "signal", "suppresses", "accepted", "reason"), MEANINGS)
def test_each_event_has_its_meaning(
    event: dict[str, Any], signal: Signal | None, *, suppresses: bool, accepted: bool, reason: str
) -> None:
    found = report(event)
    assert (found.signal, found.reason) == (signal, reason)
    assert (found.suppresses, found.accepted) == (suppresses, accepted)
    assert found.problem is None


def test_every_event_type_is_handled() -> None:
    found = read(*EVENTS)
    assert {it.kind for it in found} == set(MEANING_OF)
    assert len(MEANING_OF) == 12
    assert [it.problem for it in found] == [None] * len(EVENTS)


def test_event_carries_our_marks_back() -> None:
    found = report(example("click"))
    assert (found.message_id, found.attempt, found.tenant_tag) == (MESSAGE, 1, "7f3a")
    assert found.provider_id == "kq3vTnQ4RfWm8zJ0aLxY1g"
    assert found.address == "contact@example.com"
    assert found.url == "https://links.sender.example/c/1"
    assert found.sight is not None
    assert (found.sight.ip, found.sight.at) == ("198.51.100.7", found.at)
    assert found.sight.useragent


def test_event_time_is_provider_time() -> None:
    assert report(example("open", timestamp=1730191800)).at == datetime(
        2024, 10, 29, 8, 50, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (1730191800, datetime(2024, 10, 29, 8, 50, tzinfo=UTC)),
        ("1730191800", datetime(2024, 10, 29, 8, 50, tzinfo=UTC)),
        (1730191800.0, datetime(2024, 10, 29, 8, 50, tzinfo=UTC)),
        (1730191800123, datetime(2024, 10, 29, 8, 50, 0, 123000, tzinfo=UTC)),
        ("1730191800123", datetime(2024, 10, 29, 8, 50, 0, 123000, tzinfo=UTC)),
    ],
)
def test_timestamp_comes_as_number_or_text_in_seconds_or_milliseconds(
    timestamp: object, expected: datetime
) -> None:
    assert report(example("open", timestamp=timestamp)).at == expected


@pytest.mark.parametrize(
    "timestamp", [None, "", "soon", True, [], {}, -1, 0, 10**30, "9" * 400, 1.7e300, "\u0661" * 20]
)
def test_event_without_a_usable_timestamp_is_a_problem_that_still_suppresses(
    timestamp: object,
) -> None:
    found = report(example("unsubscribe", timestamp=timestamp))
    assert found.problem is not None
    assert found.at is None
    assert (found.suppresses, found.address) == (True, "contact@example.com")


@pytest.mark.parametrize("name", VARIANTS)
def test_variant_is_read_without_a_problem(name: str) -> None:
    assert report(VARIANTS[name]).problem is None


def test_documented_events_of_earlier_years_are_read() -> None:
    found = read(*OLD_EVENTS)
    assert len(found) == len(OLD_EVENTS)
    assert {it.kind for it in found} == set(MEANING_OF) - {"account_status_change"}
    assert [it.problem for it in found if it.problem] == []


def test_unknown_type_is_kept_and_means_nothing() -> None:
    found = report(VARIANTS["unknown event type"])
    assert (found.kind, found.signal, found.suppresses) == ("rendered", None, False)
    assert found.message_id == MESSAGE


def test_async_bounce_without_ids() -> None:
    by_smtp_id = report(VARIANTS["asynchronous bounce: sg_message_id empty, no custom_args, no ip"])
    assert (by_smtp_id.message_id, by_smtp_id.provider_id) == (None, None)
    assert by_smtp_id.smtp_id == "<kq3vTnQ4RfWm8zJ0aLxY1g@geopod-ismtpd-12>"
    bare = report(VARIANTS["asynchronous bounce: smtp-id also absent"])
    assert (bare.message_id, bare.provider_id, bare.smtp_id) == (None, None, None)
    for found in (by_smtp_id, bare):
        assert (found.suppresses, found.address) == (True, "contact@example.com")


def test_bounce_before_processed_suppresses() -> None:
    assert report(example("bounce")).suppresses


def test_name_of_a_filter_is_no_provider_id() -> None:
    name = "sg_message_id without the X-Message-Id prefix (dropped before queueing)"
    assert report(VARIANTS[name]).provider_id is None


def test_marks_that_are_not_ours_are_left_out() -> None:
    found = report(example("open", antiphon_message="x", antiphon_attempt="-1", antiphon_tenant=[]))
    assert (found.message_id, found.attempt, found.tenant_tag) == (None, None, None)
    assert found.problem is None


def test_raw_event_is_kept_byte_by_byte_and_reads_the_same_again() -> None:
    event = b'{"event":"open",  "timestamp":1730191800,"x":"\\u003c\xc5\x82"}'
    found = READER.read(b"[" + event + b',\r\n{"event":"click"}]\r\n', tenant=ACME)
    assert found[0].raw == event
    assert [READER.translate(it.raw, tenant=ACME) for it in found] == found


# --- machines


def verdict(event: dict[str, Any]) -> tuple[bool, str]:
    """What is thought of an event as long as nothing else is known."""
    sight = report(event).sight
    assert sight is not None
    found = judge(sight)
    return found.machine, found.evidence


def test_machine_open_is_not_interest() -> None:
    assert verdict(example("open", sg_machine_open=True))[0]
    assert verdict(example("open")) == (False, "2:B11")


def test_absent_machine_flag_is_not_a_no() -> None:
    event = example("open", sg_machine_open=None, useragent="Mozilla/5.0")
    assert verdict(event) == (True, "2:B2")


def test_scanner_clicks_do_not_branch() -> None:
    assert verdict(example("click", useragent="Barracuda Sentinel (EE)")) == (True, "2:B9")


def test_only_opens_and_clicks_are_judged() -> None:
    assert report(example("group_unsubscribe", useragent="curl/8.5")).sight is None


def test_links_of_one_mail_are_told_apart() -> None:
    first = report(example("click", url="https://a.example", url_offset={"index": 0})).sight
    again = report(example("click", url="https://a.example", url_offset={"index": 1})).sight
    other = report(example("click", url="https://b.example", url_offset={"index": 0})).sight
    links = [one.link for one in (first, again, other) if one is not None]
    assert len(set(links)) == 3


def test_who_leaves_a_group_and_comes_back_is_known_by_the_group() -> None:
    left = report(example("group_unsubscribe", asm_group_id=17))
    back = report(example("group_resubscribe", asm_group_id="17"))
    assert (left.ground, left.suppresses, left.lifts) == ("group:17", True, False)
    assert (back.ground, back.suppresses, back.lifts) == ("group:17", False, True)
    assert report(example("unsubscribe")).ground == ""


# --- whatever was posted


@pytest.mark.parametrize(
    "bad", ["5", "null", '"open"', "[]", "{}", '{"event":null}', '{"event":[1]}', '{"event":" "}']
)
def test_bad_event_is_kept_and_the_others_are_read(bad: str) -> None:
    good = json.dumps(example("open"))
    found = READER.read(f"[{good},{bad},{good}]".encode(), tenant=ACME)
    assert [it.problem is None for it in found] == [True, False, True]
    assert (found[1].kind, found[1].raw) == (UNREADABLE, bad.encode())


def test_broken_character_costs_only_itself() -> None:
    good = json.dumps(example("open"))
    body = f'[{{"event":"open","timestamp":1730191800,"useragent":"\\ud83d"}},{good}]'.encode()
    found = READER.read(body.replace(b"Mozilla", b"Moz\xffilla"), tenant=ACME)
    assert [it.problem for it in found] == [None, None]
    agents = [it.sight.useragent for it in found if it.sight is not None]
    assert len(agents) == 2
    assert not any("\ud83d" in agent for agent in agents)


def test_cut_body_keeps_what_came_whole() -> None:
    body = json.dumps([example("open"), example("click")]).encode()[:-20]
    found = READER.read(body, tenant=ACME)
    assert [it.kind for it in found] == ["open", UNREADABLE]


@pytest.mark.parametrize(
    "body", [b"", b" ", b"x", b"nul", b"NaN", b"5", b"\xff\xfe", b"\xef\xbb\xbf[]"]
)
def test_body_that_is_no_batch_is_one_unreadable_report(body: bytes) -> None:
    (found,) = READER.read(body, tenant=ACME)
    assert (found.kind, found.raw, found.signal) == (UNREADABLE, body, None)


@pytest.mark.parametrize("opened", [b"[", b'[{"event":'])
def test_bottomless_body_is_one_unreadable_report(opened: bytes) -> None:
    (found,) = READER.read(opened * 50_000, tenant=ACME)
    assert found.kind == UNREADABLE


def test_single_event_without_an_array_is_read() -> None:
    body = json.dumps(example("open")).encode()
    assert [it.signal for it in READER.read(body, tenant=ACME)] == [Signal.OPENED]


def test_empty_batch_has_no_reports() -> None:
    assert READER.read(b"[]\r\n", tenant=ACME) == []


def test_texts_can_be_stored() -> None:
    found = report(example("click", url="https://x/\x00", useragent="a\nb", email="\x00"))
    assert found.sight is not None
    assert (found.url, found.sight.useragent, found.address) == ("https://x/", "a\nb", None)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from([*example("click"), *example("bounce"), *example("deferred")])


@settings(max_examples=300)
@given(event=st.sampled_from(EVENTS), odd=st.dictionaries(FIELDS, JSON_VALUES, max_size=4))
def test_no_field_of_any_shape_raises(event: dict[str, Any], odd: dict[str, Any]) -> None:
    found = report({**event, **odd})
    assert len(found.key) == 32
    for text in (found.kind, found.address, found.url, found.tenant_tag, found.reason):
        assert "\x00" not in (text or "")
        (text or "").encode()


@settings(max_examples=300)
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_body_raises(body: bytes) -> None:
    for found in READER.read(body, tenant=ACME):
        assert READER.translate(found.raw, tenant=ACME) == found

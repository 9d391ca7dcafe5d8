"""The facts of accounts: stored by name, without words of people; rules, caps, rotation."""

import re
from collections import Counter
from datetime import timedelta
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import accounts
from domain.accounts import (
    INITIAL_SENDING,
    AccountEvent,
    AccountSettings,
    Caps,
    PauseReason,
    Profile,
    Rules,
    SenderEvent,
    Sending,
    SendingEvent,
    SettingRefused,
    Weekend,
    caps_of,
    choose,
    fold_sending,
)
from domain.accounts.facts import RulesChanged
from domain.accounts.rules import SETTABLE
from domain.events import Event, topic_of
from domain.ids import TenantId
from domain.taxonomy import CapName
from tests.domain.account_story import T0

WORDS_IN_FACTS = {"sender", "key"}
"""Names that tenants give to senders; campaign ids and classes of domains."""


def test_facts_have_no_field_for_free_text() -> None:
    texts = {
        name
        for fact in get_args(AccountEvent)
        for name, hint in get_type_hints(fact).items()
        if name in fact.__struct_fields__ and str in {hint, *get_args(hint)}
    }
    assert texts - {"changed"} == WORDS_IN_FACTS


def test_every_fact_has_a_name_of_its_own_that_no_fact_of_the_other_log_has() -> None:
    topics = Counter(topic_of(fact) for fact in get_args(AccountEvent))
    assert max(topics.values()) == 1
    assert not set(topics) & {topic_of(fact) for fact in get_args(Event)}
    assert all(re.fullmatch("[a-z_]+", topic) for topic in topics)


def test_the_log_has_the_facts_of_both_aggregates() -> None:
    assert set(get_args(AccountEvent)) == {*get_args(SenderEvent), *get_args(SendingEvent)}


def test_streams_are_the_same_each_time_and_differ_by_tenant_and_name() -> None:
    one, two = TenantId("one"), TenantId("two")
    streams = [
        accounts.sender_stream(one, "sam"),
        accounts.sender_stream(one, "jo"),
        accounts.sender_stream(two, "sam"),
        accounts.sending_stream(one),
        accounts.sending_stream(two),
    ]
    assert len(set(streams)) == 5
    assert accounts.sender_stream(one, "sam") == streams[0]


# --- the tenant's sending -------------------------------------------------------------------------


def test_everything_is_paused_and_resumed_once() -> None:
    facts = accounts.pause_sending(INITIAL_SENDING, reason=PauseReason.OPERATOR, at=T0)
    paused = fold_sending(facts)
    assert paused.rules.paused == "operator"
    assert accounts.pause_sending(paused, reason=PauseReason.OPERATOR, at=T0) == []
    resumed = fold_sending(accounts.resume_sending(paused, at=T0), paused)
    assert resumed.rules.paused == ""
    assert accounts.resume_sending(resumed, at=T0) == []


def test_rules_change_by_what_is_new_only() -> None:
    changes = {"tenant_hour_max": 10, "apart_days": 60, "weekend": "reduced"}
    facts = accounts.change_rules(INITIAL_SENDING, changes=changes, at=T0)
    assert facts == [
        RulesChanged(changed={"tenant_hour_max": 10, "weekend": Weekend.REDUCED}, at=T0)
    ]
    state = fold_sending(facts)
    assert state.rules == Rules(tenant_hour_max=10, weekend=Weekend.REDUCED)
    assert accounts.change_rules(state, changes=changes, at=T0) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sender_minute_max", 0),
        ("sender_hour_max", -1),
        ("tenant_hour_max", 2**31),
        ("domain_hour_max", True),
        ("sender_day_max", "many"),
        ("apart_days", -1),
        ("weekend", "sometimes"),
        ("weekend_percent", 0),
        ("weekend_percent", 101),
        ("health_min", 101),
        ("strict_consent", "yes"),
        ("zone", "Mars/Olympus"),
        ("pace_min_s", 91),
        ("paused", "operator"),
        ("no_such_rule", 1),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_name(field: str, value: object) -> None:
    changes: Any = {field: value}
    with pytest.raises(SettingRefused, match=field):
        accounts.change_rules(INITIAL_SENDING, changes=changes, at=T0)


def test_a_refused_change_changes_nothing_else() -> None:
    with pytest.raises(SettingRefused, match="health_min"):
        accounts.change_rules(INITIAL_SENDING, changes={"apart_days": 3, "health_min": -1}, at=T0)


def test_a_rule_of_another_release_does_not_break_a_replay() -> None:
    facts = [
        RulesChanged(changed={"a_later_rule": 3, "apart_days": 9}, at=T0),
        RulesChanged(changed={"apart_days": -7}, at=T0),
    ]
    assert fold_sending(facts).rules == Rules(apart_days=9)


def test_the_limits_of_the_tenant_are_told_and_lifted() -> None:
    reach = {"cap": CapName.DOMAIN_HOUR, "until": T0 + timedelta(hours=1), "amount": (200, 200)}
    state = Sending()
    for key in ("gmail.com", "other"):
        state = fold_sending(accounts.reach_cap(state, key=key, at=T0, **reach), state)
    assert accounts.reach_cap(state, key="other", at=T0, **reach) == []
    lifted = accounts.expire_tenant_caps(state, at=T0 + timedelta(hours=1))
    assert [fact.key for fact in lifted] == ["gmail.com", "other"]
    assert accounts.expire_tenant_caps(fold_sending(lifted, state), at=T0) == []


def test_all_rules_but_the_pause_can_be_set() -> None:
    assert {*SETTABLE, "paused"} == set(Rules.__struct_fields__)
    for name in SETTABLE:
        value = getattr(Rules(), name)
        assert accounts.change_rules(Sending(), changes={name: value}, at=T0) == []


@pytest.mark.parametrize(
    ("settings", "caps"),
    [
        (AccountSettings(), Caps(20, 1_000, None)),
        (AccountSettings(day_max=7), Caps(20, 1_000, 7)),
        (AccountSettings(profile=Profile.MAILBOX), Caps(20, 1_000, 100)),
        (AccountSettings(profile=Profile.MAILBOX, day_max=40, minute_max=1), Caps(1, 1_000, 40)),
        (AccountSettings(hour_max=9), Caps(20, 9, None)),
    ],
)
def test_caps_are_the_accounts_own_before_the_tenants(
    settings: AccountSettings, caps: Caps
) -> None:
    assert caps_of(settings, Rules()) == caps


# --- rotation -------------------------------------------------------------------------------------

names = st.sets(st.text("abcdef", min_size=1, max_size=4), max_size=6)


def test_nobody_is_chosen_where_nobody_may_send() -> None:
    assert choose([], "subject") is None


@given(names, st.text(max_size=20))
def test_the_choice_does_not_depend_on_the_order(members: set[str], subject: str) -> None:
    assert choose(sorted(members), subject) == choose(sorted(members, reverse=True), subject)


@given(names, st.text(max_size=20))
def test_who_leaves_takes_only_its_own_subjects_along(members: set[str], subject: str) -> None:
    chosen = choose(members, subject)
    for gone in members - {chosen}:
        assert choose(members - {gone}, subject) == chosen


def test_subjects_are_shared_out_about_evenly() -> None:
    chosen = Counter(choose(["a", "b", "c"], str(number)) for number in range(3_000))
    assert all(850 < number < 1_150 for number in chosen.values())


def test_settings_that_are_the_tenants_take_no_room() -> None:
    assert msgspec.json.encode(AccountSettings()) == b"{}"

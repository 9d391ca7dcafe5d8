"""Orders to a sender account: what each writes, that it writes once, and what is refused."""

from datetime import timedelta
from functools import partial

import pytest

from domain import accounts
from domain.accounts import (
    INITIAL,
    AccountSettings,
    AccountUnknown,
    Counts,
    PauseReason,
    Profile,
    ReasonRequired,
    SettingRefused,
    VerifiedBy,
    fold,
)
from domain.accounts.facts import SenderPaused, SenderResumed
from domain.taxonomy import CapName
from tests.domain.account_story import T0, Story, an_account

MAILBOX = AccountSettings(profile=Profile.MAILBOX, zone="Europe/Lisbon", day_max=40)


def test_an_account_is_registered_once() -> None:
    story = Story().when(accounts.register, sender="sam", settings=MAILBOX)
    story.then("sender_registered")
    assert story.state.settings == MAILBOX
    assert not story.state.verified


def test_settings_change_once() -> None:
    story = an_account().when(accounts.configure, settings=MAILBOX).then("sender_configured")
    assert story.state.settings.zone == "Europe/Lisbon"


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"day_max": 0}, "day_max"),
        ({"hour_max": -5}, "hour_max"),
        ({"minute_max": 0}, "minute_max"),
        ({"minute_max": 2**31}, "minute_max"),
        ({"zone": "Europe/Nowhere"}, "zone"),
        ({"rotation_set": "x" * 41}, "rotation_set"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(
    settings: dict[str, object], field: str
) -> None:
    with pytest.raises(SettingRefused, match=field):
        accounts.register(INITIAL, sender="sam", settings=AccountSettings(**settings), at=T0)
    with pytest.raises(SettingRefused, match=field):
        accounts.configure(an_account().state, settings=AccountSettings(**settings), at=T0)


def test_a_cap_of_zero_is_answered_with_what_to_do_instead() -> None:
    with pytest.raises(SettingRefused, match="pause instead"):
        accounts.register(INITIAL, sender="sam", settings=AccountSettings(day_max=0), at=T0)


def test_an_address_is_verified_and_loses_it() -> None:
    story = an_account()
    assert story.state.verified
    story.when(accounts.unverify, by=VerifiedBy.PROVIDER).then("sender_unverified")
    story.when(accounts.verify, by=VerifiedBy.PROVIDER).then("sender_verified")
    assert story.state.verified_by is VerifiedBy.PROVIDER


@pytest.mark.parametrize(
    ("before", "listed", "after"),
    [
        (VerifiedBy.OPERATOR, None, True),
        (VerifiedBy.OPERATOR, True, True),
        (VerifiedBy.OPERATOR, False, False),
        (VerifiedBy.PROVIDER, None, False),
        (VerifiedBy.PROVIDER, True, True),
        (VerifiedBy.PROVIDER, False, False),
        (None, None, False),
        (None, True, True),
        (None, False, False),
    ],
)
def test_the_providers_list_decides_only_on_what_it_lists_or_has_given(
    *, before: VerifiedBy | None, listed: bool | None, after: bool
) -> None:
    story = Story().when(accounts.register, sender="sam", settings=AccountSettings())
    if before:
        story.when(accounts.verify, by=before)
    story.when(accounts.check_verified, listed=listed)
    assert story.state.verified is after
    assert accounts.check_verified(story.state, listed=listed, at=T0) == []


def test_each_reason_pauses_for_itself_and_the_gravest_is_shown() -> None:
    story = an_account().when(accounts.pause, reason=PauseReason.OPERATOR).then("sender_paused")
    story.when(accounts.pause, reason=PauseReason.ACCOUNT_TROUBLE).then("sender_paused")
    assert story.paused() == "account_trouble"
    story.when(accounts.resume, reasons=[PauseReason.ACCOUNT_TROUBLE]).then("sender_resumed")
    assert story.paused() == "operator"
    story.when(accounts.resume).then("sender_resumed")
    assert story.paused() == ""


def test_the_stop_for_complaints_is_lifted_only_with_a_reason() -> None:
    stopped = fold([SenderPaused(reason=PauseReason.COMPLAINT_STOP, at=T0)], an_account().state)
    with pytest.raises(ReasonRequired):
        accounts.resume(stopped, at=T0)
    lifted = accounts.resume(stopped, explained=True, counts=Counts(900, 900, 0, 3), at=T0)
    assert lifted == [
        SenderResumed(reasons=(PauseReason.COMPLAINT_STOP,), at=T0, excused=Counts(900, 900, 0, 3))
    ]


def test_an_absence_is_told_once_and_ends() -> None:
    until = T0 + timedelta(days=2)
    story = an_account().when(accounts.go_away, until=until).then("sender_away")
    story.when(accounts.go_away).then("sender_away")
    story.when(accounts.come_back).then("sender_back")
    with pytest.raises(SettingRefused, match="until"):
        accounts.go_away(story.state, until=T0, at=T0)


def test_an_absence_that_is_over_ends_by_itself() -> None:
    story = an_account().when(accounts.go_away, until=T0 + timedelta(hours=3))
    story.when(accounts.expire).then()
    story.after(hours=3).when(accounts.expire).then("sender_back")
    story.when(accounts.go_away).after(days=900).when(accounts.expire).then()


def test_access_is_lost_and_found() -> None:
    story = an_account().when(accounts.disconnect).then("sender_disconnected")
    assert not story.state.connected
    story.when(accounts.connect).then("sender_connected")
    assert story.state.connected


def test_a_deleted_account_takes_no_orders() -> None:
    story = an_account().when(accounts.delete).then("sender_deleted")
    for order in (
        accounts.disconnect,
        accounts.come_back,
        partial(accounts.pause, reason=PauseReason.OPERATOR),
        partial(accounts.configure, settings=MAILBOX),
        partial(accounts.override_health, score=3),
        partial(accounts.begin_warmup, caps=[5], on=T0.date()),
    ):
        with pytest.raises(AccountUnknown):
            order(story.state, at=T0)


def test_pauses_outlive_an_account_that_is_deleted_and_made_again() -> None:
    story = an_account().when(accounts.pause, reason=PauseReason.COMPLAINT_STOP)
    story.when(accounts.delete).when(accounts.register, sender="sam", settings=MAILBOX)
    story.then("sender_registered")
    assert story.state.paused is PauseReason.COMPLAINT_STOP


def test_an_identity_that_is_written_becomes_an_account_as_it_is() -> None:
    story = Story().when(accounts.take_over, sender="sam", verified=True, paused=True)
    story.then("sender_registered", "sender_verified", "sender_paused")
    story.when(accounts.take_over, sender="sam", verified=False, paused=False)
    story.then("sender_unverified", "sender_resumed")


def test_an_identity_written_as_not_paused_keeps_the_pauses_that_mails_earned() -> None:
    story = an_account().when(accounts.pause, reason=PauseReason.COMPLAINT_STOP)
    story.when(accounts.pause, reason=PauseReason.ACCOUNT_TROUBLE)
    story.when(accounts.take_over, sender="sam", verified=True, paused=False)
    story.then("sender_resumed")
    assert story.state.paused is PauseReason.COMPLAINT_STOP


def reach(hours: float, key: str = "sam") -> dict[str, object]:
    until = T0 + timedelta(hours=hours)
    return {"cap": CapName.SENDER_HOUR, "key": key, "until": until, "amount": (20, 20)}


def test_a_cap_is_told_once_and_lifted_when_its_window_is_over() -> None:
    story = an_account().when(accounts.reach_cap, **reach(1)).then("cap_reached")
    story.when(accounts.reach_cap, **reach(1.5)).then()
    story.after(minutes=59).when(accounts.expire).then()
    story.after(minutes=1).when(accounts.expire).then("cap_lifted")


def test_a_cap_reached_again_before_its_lifting_was_told_is_a_second_time() -> None:
    story = an_account().when(accounts.reach_cap, **reach(1)).after(hours=2)
    story.when(accounts.reach_cap, **reach(3)).then("cap_lifted", "cap_reached")


def test_caps_of_different_keys_are_different_caps() -> None:
    story = an_account().when(accounts.reach_cap, **reach(1))
    story.when(accounts.reach_cap, **reach(2, key="jo")).then("cap_reached")
    story.after(hours=1).when(accounts.expire).then("cap_lifted")
    assert [key for _, key in story.state.caps] == ["jo"]

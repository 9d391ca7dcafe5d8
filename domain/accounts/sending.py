"""The sending of a tenant as a whole: its state, what facts make of it, decisions."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import reduce
from typing import assert_never

import msgspec
from msgspec.structs import asdict, replace

from domain.accounts.account import CapKey, caps_after
from domain.accounts.errors import SettingRefused
from domain.accounts.facts import (
    CapLifted,
    CapReached,
    RulesChanged,
    RuleValue,
    SendingEvent,
    SendingPaused,
    SendingResumed,
)
from domain.accounts.rules import SETTABLE, Rules, changed_rules
from domain.accounts.words import PauseReason


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """The rules in force, a pause of everything, and the limits that are used up."""

    rules: Rules = Rules()
    caps: Mapping[CapKey, datetime] = {}


INITIAL_SENDING = Sending()


def fold_sending(events: Iterable[SendingEvent], state: Sending = INITIAL_SENDING) -> Sending:
    """The state after these facts."""
    return reduce(evolve_sending, events, state)


def evolve_sending(state: Sending, event: SendingEvent) -> Sending:
    """Apply one fact. Total: every fact has a case, and no case can fail."""
    match event:
        case SendingPaused(reason=reason):
            return replace(state, rules=replace(state.rules, paused=reason.value))
        case SendingResumed():
            return replace(state, rules=replace(state.rules, paused=""))
        case RulesChanged(changed=changed):
            return replace(state, rules=_with(state.rules, changed))
        case CapReached() | CapLifted():
            return replace(state, caps=caps_after(state.caps, event))
        case _:
            assert_never(event)


def pause_sending(state: Sending, *, reason: PauseReason, at: datetime) -> list[SendingEvent]:
    """Let nothing of the tenant leave; a restored log says so besides any other pause."""
    paused = state.rules.paused
    said = paused if reason != PauseReason.RESTORED else paused == reason
    return [] if said else [SendingPaused(reason=reason, at=at)]


def resume_sending(state: Sending, *, at: datetime) -> list[SendingEvent]:
    """Let the tenant send again."""
    return [SendingResumed(at=at)] if state.rules.paused else []


def change_rules(
    state: Sending, *, changes: Mapping[str, RuleValue], at: datetime
) -> list[SendingEvent]:
    """Change rules; raises SettingRefused with the field, and then changes none."""
    after = changed_rules(state.rules, changes)
    before = asdict(state.rules)
    news = {name: value for name, value in asdict(after).items() if value != before[name]}
    return [RulesChanged(changed=news, at=at)] if news else []


def _with(rules: Rules, changed: Mapping[str, RuleValue]) -> Rules:
    """A rule that this release does not know is left out, one it cannot read as it was."""
    known = {name: value for name, value in changed.items() if name in SETTABLE}
    try:
        return changed_rules(rules, known)
    except SettingRefused:
        return rules

"""Sender accounts and a tenant's sending: facts, states, one function a decision.

Every decision is `(state, *, input, at) -> facts`: pure, and silent when it is asked again.
"""

from domain.accounts.account import INITIAL, Account, Circuit, Warmup, evolve, fold
from domain.accounts.caps import OF_SENDER, UNTOLD, expire, expire_tenant_caps, reach_cap
from domain.accounts.circuit import AnswerCounts, Failures, close_circuit, judge_answers
from domain.accounts.daily import Numbers, look_after
from domain.accounts.errors import (
    AccountUnknown,
    ReasonRequired,
    SettingRefused,
    WarmupRefused,
    WarmupUnderWay,
)
from domain.accounts.facts import AccountEvent, AccountSettings, Counts, SenderEvent, SendingEvent
from domain.accounts.health import lift_override, override_health, score, score_of
from domain.accounts.opening import opened_by
from domain.accounts.orders import (
    check_verified,
    come_back,
    configure,
    connect,
    delete,
    disconnect,
    go_away,
    pause,
    register,
    resume,
    take_over,
    unverify,
    verify,
)
from domain.accounts.recorded import (
    AccountEnvelope,
    AccountRecorded,
    AccountStream,
    sender_stream,
    sending_stream,
)
from domain.accounts.rotation import choose
from domain.accounts.rules import Caps, Rules, caps_of
from domain.accounts.sending import (
    INITIAL_SENDING,
    Sending,
    change_rules,
    evolve_sending,
    fold_sending,
    pause_sending,
    resume_sending,
)
from domain.accounts.warmup import (
    DEFAULT_SCHEDULE,
    begin_warmup,
    end_warmup,
    schedule_of,
    step_warmup,
)
from domain.accounts.words import (
    CircuitCause,
    ClosedBy,
    PauseReason,
    Profile,
    VerifiedBy,
    WarmupHold,
    Weekend,
)

__all__ = [
    "DEFAULT_SCHEDULE",
    "INITIAL",
    "INITIAL_SENDING",
    "OF_SENDER",
    "UNTOLD",
    "Account",
    "AccountEnvelope",
    "AccountEvent",
    "AccountRecorded",
    "AccountSettings",
    "AccountStream",
    "AccountUnknown",
    "AnswerCounts",
    "Caps",
    "Circuit",
    "CircuitCause",
    "ClosedBy",
    "Counts",
    "Failures",
    "Numbers",
    "PauseReason",
    "Profile",
    "ReasonRequired",
    "Rules",
    "SenderEvent",
    "Sending",
    "SendingEvent",
    "SettingRefused",
    "VerifiedBy",
    "Warmup",
    "WarmupHold",
    "WarmupRefused",
    "WarmupUnderWay",
    "Weekend",
    "begin_warmup",
    "caps_of",
    "change_rules",
    "check_verified",
    "choose",
    "close_circuit",
    "come_back",
    "configure",
    "connect",
    "delete",
    "disconnect",
    "end_warmup",
    "evolve",
    "evolve_sending",
    "expire",
    "expire_tenant_caps",
    "fold",
    "fold_sending",
    "go_away",
    "judge_answers",
    "lift_override",
    "look_after",
    "opened_by",
    "override_health",
    "pause",
    "pause_sending",
    "reach_cap",
    "register",
    "resume",
    "resume_sending",
    "schedule_of",
    "score",
    "score_of",
    "sender_stream",
    "sending_stream",
    "step_warmup",
    "take_over",
    "unverify",
    "verify",
]

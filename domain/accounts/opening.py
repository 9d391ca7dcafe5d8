"""Which gates a fact about accounts and rules may have opened."""

from collections.abc import Iterable, Mapping
from typing import Final

from domain.accounts.facts import (
    CircuitClosed,
    HealthOverridden,
    HealthScored,
    OverrideLifted,
    RulesChanged,
    SenderAway,
    SenderBack,
    SenderConfigured,
    SenderConnected,
    SenderEvent,
    SenderRegistered,
    SenderResumed,
    SenderVerified,
    SendingEvent,
    SendingResumed,
    WarmupEnded,
    WarmupStarted,
    WarmupStepped,
)
from domain.events import Fact
from domain.taxonomy import HoldReason

NOTHING: Final[frozenset[HoldReason]] = frozenset()
_OF_DAY = frozenset({HoldReason.SENDER_DAY, HoldReason.WARMUP_DAY, HoldReason.CAMPAIGN_DAY})
_CAPS = frozenset({HoldReason.SENDER_MINUTE, HoldReason.SENDER_HOUR, HoldReason.SENDER_DAY})
_HEALTH = frozenset({HoldReason.SENDER_HEALTH})
_AWAY = frozenset({HoldReason.SENDER_AWAY})
_WARMUP = frozenset({HoldReason.WARMUP_DAY})
_PAUSED = frozenset({HoldReason.SENDER_PAUSED})

OPENS: Final[Mapping[type[Fact], frozenset[HoldReason]]] = {
    SenderRegistered: frozenset({HoldReason.SENDER_GONE, HoldReason.SENDER_UNVERIFIED}),
    SenderConfigured: _CAPS,
    SenderVerified: frozenset({HoldReason.SENDER_UNVERIFIED}),
    SenderResumed: _PAUSED,
    SenderConnected: _PAUSED,
    SenderAway: _AWAY,  # until another time
    SenderBack: _AWAY,
    HealthScored: _HEALTH,
    HealthOverridden: _HEALTH,
    OverrideLifted: _HEALTH,
    WarmupStarted: _WARMUP,
    WarmupStepped: _WARMUP,
    WarmupEnded: _WARMUP,
    CircuitClosed: frozenset({HoldReason.CIRCUIT_OPEN}),
    SendingResumed: frozenset({HoldReason.TENANT_PAUSED}),
}
OF_RULE: Final[Mapping[str, frozenset[HoldReason]]] = {
    "zone": _OF_DAY,
    "sender_minute_max": frozenset({HoldReason.SENDER_MINUTE}),
    "sender_hour_max": frozenset({HoldReason.SENDER_HOUR}),
    "sender_day_max": frozenset({HoldReason.SENDER_DAY}),
    "tenant_hour_max": frozenset({HoldReason.TENANT_HOUR}),
    "domain_hour_max": frozenset({HoldReason.DOMAIN_HOUR}),
    "touch_gap_h": frozenset({HoldReason.TOUCH_GAP}),
    "weekend": _OF_DAY | {HoldReason.WEEKEND},
    "weekend_percent": _OF_DAY,
    "strict_consent": frozenset({HoldReason.REGION_HOURS}),
    "health_min": _HEALTH,
}
"""What each rule holds; the other ones end messages, or hold them for a minute or so."""


def opened_by(facts: Iterable[SenderEvent | SendingEvent]) -> frozenset[HoldReason]:
    """The holds that may be over by these facts; too many do no harm."""
    return NOTHING.union(*map(_opened, facts))


def _opened(fact: SenderEvent | SendingEvent) -> frozenset[HoldReason]:
    if isinstance(fact, RulesChanged):
        return NOTHING.union(*(OF_RULE.get(name, NOTHING) for name in fact.changed))
    return OPENS.get(type(fact), NOTHING)

"""What ends a hold: an order, a rule that is changed, or time alone."""

from typing import Final

from domain.taxonomy import HoldReason

PAUSES: Final = frozenset(
    {
        HoldReason.PAUSED,
        HoldReason.CAMPAIGN_PAUSED,
        HoldReason.TENANT_PAUSED,
        HoldReason.GLOBAL_PAUSED,
        HoldReason.SENDER_PAUSED,
    }
)
"""Somebody stopped it to let it go on later: the time behind such a gate does not count."""

WOKEN: Final = frozenset(
    {
        HoldReason.CAMPAIGN_PAUSED,
        HoldReason.TENANT_PAUSED,
        HoldReason.SENDER_PAUSED,
        HoldReason.SENDER_GONE,
        HoldReason.SENDER_UNVERIFIED,
        HoldReason.CIRCUIT_OPEN,
    }
)
"""Where no time is known these end by an order only, which wakes what it lets go."""

DATED_BY_RULE: Final = frozenset(
    {HoldReason.WEEKEND, HoldReason.REGION_HOURS, HoldReason.TOUCH_GAP}
)
"""The message got a later due time by a rule of the tenant, which may be another one by then."""

FULL: Final = frozenset(
    {
        HoldReason.SENDER_MINUTE,
        HoldReason.SENDER_HOUR,
        HoldReason.SENDER_DAY,
        HoldReason.WARMUP_DAY,
        HoldReason.TENANT_HOUR,
        HoldReason.DOMAIN_HOUR,
        HoldReason.CAMPAIGN_DAY,
    }
)
"""A limit was used up, which may be raised."""

MAY_END_EARLY: Final = (
    PAUSES | WOKEN | DATED_BY_RULE | FULL | {HoldReason.SENDER_AWAY, HoldReason.SENDER_HEALTH}
)
"""Holds whose gate may be asked again before the time that was told."""

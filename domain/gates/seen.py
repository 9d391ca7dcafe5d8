"""What was seen of a message, its recipient and its sender at the instant it came to be claimed."""

from datetime import datetime

import msgspec

from domain.ids import CampaignId
from domain.taxonomy import CapName, Channel

RULES_VERSION = 1
"""Of the gates: what an older release saw is judged by the gates of this one, and that is told."""


class Cap(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """How much of one limit was used, before this message."""

    name: CapName
    used: int
    limit: int

    @property
    def full(self) -> bool:
        """Whether there is no room for one more."""
        return self.used >= self.limit


class Seen(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """All inputs of all gates; each default is what lets a message through.

    It is kept in the fact that the gates led to, so it holds words, numbers and ids only.
    `looked` is false where the plan alone was asked, as in a simulation.
    """

    rules: int = RULES_VERSION
    looked: bool = False
    # the recipient
    channel: Channel = Channel.EMAIL
    known: bool = True
    reachable: bool = True
    suppressed: str = ""
    """Why the address must not be written to; empty: it may."""
    address: str = "valid"
    """What the checks of the address said: valid, unchecked, risky or invalid."""
    jurisdiction: str = ""
    subscriber: str = ""
    consent: str = ""
    consent_until: datetime | None = None
    strict_consent: bool = False
    region_until: datetime | None = None
    """Until when the law of the recipient's place lets nobody write."""
    contacted_at: datetime | None = None
    """When the same person was last written to by another contact-campaign."""
    contacted_by: CampaignId | None = None
    apart_days: int = 60
    touched_at: datetime | None = None
    """When the same person was last written to at all."""
    touch_gap_h: int = 0
    # orders of people
    campaign: str = "active"
    tenant_paused: str = ""
    global_paused: bool = False
    # the plan and its message
    stage: str = "active"
    expires_at: datetime | None = None
    send_if: bool = True
    sends: int = 0
    sends_max: int = 0
    open: bool = True
    spaced_until: datetime | None = None
    weekend: str = "none"
    """The tenant's rule for Saturdays and Sundays: hard_stop, reduced or none."""
    weekend_until: datetime | None = None
    """Until when it is weekend where the recipient is, if the tenant stops then."""
    # the sender
    sender: str = ""
    sender_known: bool = True
    sender_gone: bool = False
    sender_verified: bool = True
    sender_paused: str = ""
    away_until: datetime | None = None
    health: int = 100
    health_min: int = 30
    circuit_until: datetime | None = None
    """Until when the circuit is open; in the past: one message may probe it."""
    circuit_needs_operator: bool = False
    probing: bool = False
    """A message is under way that probes this circuit."""
    # how much
    caps: tuple[Cap, ...] = ()
    free_at: datetime | None = None
    """When the first full cap has room again."""
    paced_until: datetime | None = None
    smoothed_by: str = ""
    smoothed_until: datetime | None = None
    limits_seen: bool = True
    # the mail
    rendered: bool = True
    readdressed: bool = False
    """The mail is made out to an address that is the recipient's no longer."""
    opt_out: bool = True
    postal_address: bool = True


CLEAR = Seen()
"""Nothing stands in the way but what the plan itself says."""

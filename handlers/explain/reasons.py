"""Why a message waits or is not sent, in plain words with the numbers that were looked at."""

from collections.abc import Mapping
from datetime import datetime
from string import Formatter
from typing import Any

from domain.taxonomy import CancelReason, CapName, HoldReason
from handlers.explain.shapes import GateTold

_CAPS: Mapping[CapName, str] = {
    CapName.SENDER_MINUTE: "the sender's {limit} messages of a minute",
    CapName.SENDER_HOUR: "the sender's {limit} messages of an hour",
    CapName.SENDER_DAY: "the sender's {limit} messages of the day",
    CapName.WARMUP_DAY: "the {limit} messages that the sender's warm-up allows today",
    CapName.TENANT_HOUR: "the tenant's {limit} messages of an hour",
    CapName.GLOBAL_HOUR: "the {limit} messages of an hour of all tenants together",
    CapName.DOMAIN_HOUR: "the {limit} messages of an hour to this recipient's domain",
    CapName.CAMPAIGN_DAY: "the campaign's {limit} messages of the day",
}
"""Of each limit what it counts; the hold reason has the same name."""

_HELD: Mapping[HoldReason, str] = {
    HoldReason.HOURS: "this is no open hour of its plan",
    HoldReason.SPACING: "the plan's time between two messages is not over",
    HoldReason.PAUSED: "its contact-campaign is paused",
    HoldReason.CAMPAIGN_PAUSED: "its campaign does not run ({campaign})",
    HoldReason.AUTO_REPLIED: "an automatic reply came, and the plan waits for some days then",
    HoldReason.OPERATOR: "an operator holds it back",
    HoldReason.RELEASED: "an operator released it, and its plan wants it later",
    HoldReason.CIRCUIT_OPEN: "the provider fails for this sender and is left alone for now",
    HoldReason.SENDER_UNVERIFIED: "the sender {sender} is not known here, or not verified",
    HoldReason.BACKOFF: "an attempt did not leave, and the next one comes later",
    HoldReason.GATE_ERROR: "a gate could not be decided, and then nothing leaves",
    HoldReason.TENANT_PAUSED: "all sending of the tenant is paused ({tenant_paused})",
    HoldReason.GLOBAL_PAUSED: "all sending of this installation is paused",
    HoldReason.SENDER_PAUSED: "the sender {sender} is paused ({sender_paused})",
    HoldReason.SENDER_GONE: "the sender {sender} was deleted",
    HoldReason.SENDER_AWAY: "the sender {sender} is away",
    HoldReason.SENDER_HEALTH: "the sender's health is too low ({health}, and {health_min} is the "
    "least)",
    HoldReason.WEEKEND: "it is the weekend where the recipient is",
    HoldReason.REGION_HOURS: "the law of the recipient's place ({jurisdiction}) allows no message "
    "at this hour",
    HoldReason.TOUCH_GAP: "this person was written to not long ago (at {touched_at}, and "
    "{touch_gap_h} h must be between)",
    HoldReason.SAME_PERSON: "another message to the same person is being claimed",
    HoldReason.PACING: "the sender writes like a person, one message after the other",
    HoldReason.SMOOTHED: "a limit is used evenly, and it is not its turn yet ({smoothed_by})",
    HoldReason.LIMITS_UNSEEN: "nobody can see how much of the limits is used, and then nothing "
    "leaves",
    HoldReason.ADDRESS_UNCHECKED: "its address was not checked yet",
    HoldReason.READDRESSED: "its recipient has another address since it was rendered",
    HoldReason.MAIL_INCOMPLETE: "the mail is not whole: it needs its text, an opt-out and a postal "
    "address",
} | {
    HoldReason(cap.value): f"{words} are used up ({{used}} of {{limit}})"
    for cap, words in _CAPS.items()
}

_NEVER: Mapping[CancelReason, str] = {
    CancelReason.REPLIED: "the person replied",
    CancelReason.BOUNCED: "a message to this address bounced",
    CancelReason.UNSUBSCRIBED: "the person opted out or complained",
    CancelReason.GOAL: "the goal of the plan was reached",
    CancelReason.ENDED: "the contact-campaign ended",
    CancelReason.STOPPED: "it was stopped by order",
    CancelReason.SUPPRESSED: "the address must not be written to ({suppressed})",
    CancelReason.NO_IDENTITY: "the contact has no address for this channel",
    CancelReason.SEND_IF: "the plan's condition for sending it did not hold any more",
    CancelReason.PAST: "its time was over, and the plan skips it then",
    CancelReason.EXPIRED: "it could not leave within three days of its due time ({expires_at})",
    CancelReason.POLICY: "the plan's limit of sends is reached ({sends} of {sends_max})",
    CancelReason.OPERATOR: "an operator skipped it",
    CancelReason.ERASED: "the contact was erased",
    CancelReason.REVISED: "the plan was replaced by one that does not want it",
    CancelReason.NO_CONSENT: "the law of the recipient's place ({jurisdiction}) wants a consent "
    "that is not there",
    CancelReason.CONSENT_EXPIRED: "the consent ran out ({consent_until})",
    CancelReason.CONTACTED_ELSEWHERE: "another campaign wrote to this person not long ago "
    "(at {contacted_at}, and {apart_days} days must be between)",
    CancelReason.ADDRESS_INVALID: "its address cannot receive mail",
}


def held_words(reason: HoldReason, gate: GateTold | None = None) -> str:
    """Why a message waits; with the gate that holds it, by the gate's own numbers."""
    return _filled(_HELD[reason], _numbers(reason, gate))


def never_words(reason: CancelReason, gate: GateTold | None = None) -> str:
    """Why a message is not sent."""
    return _filled(_NEVER[reason], {} if gate is None else gate.inputs)


def objection_words(gate: GateTold) -> str:
    """What a gate that says no says."""
    assert gate.reason is not None
    if gate.verdict == "held":
        return held_words(HoldReason(gate.reason), gate)
    return never_words(CancelReason(gate.reason), gate)


def told_time(at: datetime) -> str:
    """An instant as sentences have it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _numbers(reason: HoldReason, gate: GateTold | None) -> Mapping[str, Any]:
    """What the gate looked at, and of a full limit how much was used."""
    if gate is None:
        return {}
    full = [cap for cap in gate.inputs.get("caps", ()) if cap["name"] == reason.value]
    return gate.inputs | (full[0] if full else {})


def _filled(text: str, values: Mapping[str, Any]) -> str:
    """The text with its numbers; where nobody looked, without what it says in brackets."""
    names = [name for _, name, _, _ in Formatter().parse(text) if name]
    if all(values.get(name) not in (None, "") for name in names):
        shown = {name: _shown(values[name]) for name in names}
        return text.format(**shown)
    return _without_numbers(text)


def _shown(value: Any) -> str:  # noqa: ANN401  # any input of a gate
    return told_time(value) if isinstance(value, datetime) else str(value)


def _without_numbers(text: str) -> str:
    head, mark, tail = text.partition(" (")
    if mark and "{" in tail:
        text = head + tail.partition(")")[2]
    return " ".join(word for word in text.split(" ") if "{" not in word)

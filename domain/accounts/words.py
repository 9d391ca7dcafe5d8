"""The closed word lists of sender accounts."""

from enum import StrEnum


class Profile(StrEnum):
    """How a sender sends: like a person, one mail at a time, or in volume."""

    MAILBOX = "mailbox"
    BULK = "bulk"


class PauseReason(StrEnum):
    """Why a sender, or a tenant, sends nothing; the gravest comes first."""

    COMPLAINT_STOP = "complaint_stop"
    ACCOUNT_TROUBLE = "account_trouble"
    RESTORED = "restored"
    OPERATOR = "operator"
    COMPLAINTS = "complaints"
    BOUNCES = "bounces"


RECOVERS = (PauseReason.COMPLAINTS, PauseReason.BOUNCES)
"""Pauses that end by themselves when the rates are good again; the others end by order."""


class VerifiedBy(StrEnum):
    """Who says that an address may be sent from."""

    OPERATOR = "operator"
    PROVIDER = "provider"


class WarmupHold(StrEnum):
    """Why a warm-up stays on its step for one day more."""

    BOUNCES = "bounces"
    COMPLAINTS = "complaints"
    UNUSED = "unused"
    HELD_BACK = "held_back"


class CircuitCause(StrEnum):
    """What opened a circuit."""

    DOUBTS = "doubts"
    NOT_SENT = "not_sent"
    PROBE = "probe"
    ACCOUNT_REFUSED = "account_refused"


class ClosedBy(StrEnum):
    """What closed a circuit."""

    ANSWER = "answer"
    CREDENTIALS = "credentials"
    OPERATOR = "operator"


class Weekend(StrEnum):
    """What a tenant does on Saturdays and Sundays."""

    HARD_STOP = "hard_stop"
    REDUCED = "reduced"
    NONE = "none"

"""The closed word lists that the log, SQL, the plan language and the pages share."""

from enum import StrEnum


class Channel(StrEnum):
    """Ways to reach a person."""

    EMAIL = "email"
    SMS = "sms"
    LINKEDIN_INVITE = "linkedin_invite"
    LINKEDIN_MESSAGE = "linkedin_message"


class Family(StrEnum):
    """Channels that share an address, a suppression and a spacing."""

    EMAIL = "email"
    SMS = "sms"
    LINKEDIN = "linkedin"


FAMILY_OF = {
    Channel.EMAIL: Family.EMAIL,
    Channel.SMS: Family.SMS,
    Channel.LINKEDIN_INVITE: Family.LINKEDIN,
    Channel.LINKEDIN_MESSAGE: Family.LINKEDIN,
}


class Signal(StrEnum):
    """Something reported from outside, in our words (plan-dsl.md 3). Custom ones begin with x_."""

    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"
    AUTO_REPLIED = "auto_replied"
    BOUNCED = "bounced"
    DEFERRED = "deferred"
    SPAM_REPORTED = "spam_reported"
    UNSUBSCRIBED = "unsubscribed"
    INVITE_ACCEPTED = "invite_accepted"
    MEETING_BOOKED = "meeting_booked"
    TASK_DONE = "task_done"
    TASK_SKIPPED = "task_skipped"
    WEBHOOK_OK = "webhook_ok"
    WEBHOOK_FAILED = "webhook_failed"
    SEND_FAILED = "send_failed"
    SEND_SKIPPED = "send_skipped"


class Synthetic(StrEnum):
    """Events made by a timer; each but `timeout` is silenced by a fact."""

    NO_OPEN = "no_open"
    NO_CLICK = "no_click"
    NO_REPLY = "no_reply"
    NO_ACCEPT = "no_accept"
    TIMEOUT = "timeout"


SYNTHETIC = frozenset(word.value for word in Synthetic)

SILENCED_BY = {
    Synthetic.NO_OPEN: Signal.OPENED,
    Synthetic.NO_CLICK: Signal.CLICKED,
    Synthetic.NO_REPLY: Signal.REPLIED,
    Synthetic.NO_ACCEPT: Signal.INVITE_ACCEPTED,
}


class Outcome(StrEnum):
    """How a contact-campaign ended; the last three only the engine gives."""

    COMPLETED = "completed"
    CONVERTED = "converted"
    REPLIED = "replied"
    NOT_INTERESTED = "not_interested"
    HANDED_OFF = "handed_off"
    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    NO_RESPONSE = "no_response"
    DISQUALIFIED = "disqualified"
    UNDELIVERABLE = "undeliverable"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class MessageState(StrEnum):
    """States of an outbound message (trust.md 1)."""

    PLANNED = "PLANNED"
    QUEUED = "QUEUED"
    SENDING = "SENDING"
    ACCEPTED = "ACCEPTED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    PRESUMED_LOST = "PRESUMED_LOST"
    CANCELLED = "CANCELLED"


class CancelReason(StrEnum):
    """Why a message was not sent though it was planned."""

    REPLIED = "replied"
    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    GOAL = "goal"
    ENDED = "ended"
    STOPPED = "stopped"
    SUPPRESSED = "suppressed"
    NO_IDENTITY = "no_identity"
    SEND_IF = "send_if"
    PAST = "past"
    EXPIRED = "expired"
    POLICY = "policy"
    OPERATOR = "operator"
    ERASED = "erased"
    REVISED = "revised"
    NO_CONSENT = "no_consent"
    CONSENT_EXPIRED = "consent_expired"
    CONTACTED_ELSEWHERE = "contacted_elsewhere"
    ADDRESS_INVALID = "address_invalid"


SKIPS = frozenset(
    {
        CancelReason.SUPPRESSED,
        CancelReason.NO_IDENTITY,
        CancelReason.SEND_IF,
        CancelReason.PAST,
        CancelReason.EXPIRED,
        CancelReason.POLICY,
        CancelReason.OPERATOR,
        CancelReason.NO_CONSENT,
        CancelReason.CONSENT_EXPIRED,
        CancelReason.CONTACTED_ELSEWHERE,
        CancelReason.ADDRESS_INVALID,
    }
)
"""Cancellations that the plan sees as `send_skipped` (A27); the others follow from an exit."""


class TaskKind(StrEnum):
    """What a person is asked to do."""

    CALL = "call"
    LINKEDIN_MANUAL = "linkedin_manual"
    EMAIL_MANUAL = "email_manual"
    REVIEW = "review"
    CUSTOM = "custom"


class TaskEnd(StrEnum):
    """How a task ended: by the person, or because the plan went on without it."""

    DONE = "done"
    SKIPPED = "skipped"
    WITHDRAWN = "withdrawn"


class AddressVerdict(StrEnum):
    """Whether an address takes mail, as far as it was looked at."""

    VALID = "valid"
    RISKY = "risky"
    INVALID = "invalid"
    UNCHECKED = "unchecked"


class CapName(StrEnum):
    """The limits on how much is sent: of whom or of what, in which window."""

    SENDER_MINUTE = "sender_minute"
    SENDER_HOUR = "sender_hour"
    SENDER_DAY = "sender_day"
    WARMUP_DAY = "warmup_day"
    TENANT_HOUR = "tenant_hour"
    GLOBAL_HOUR = "global_hour"
    DOMAIN_HOUR = "domain_hour"
    CAMPAIGN_DAY = "campaign_day"


class HoldReason(StrEnum):
    """Why a due message waits; a full cap goes by its name."""

    HOURS = "hours"
    SPACING = "spacing"
    PAUSED = "paused"
    CAMPAIGN_PAUSED = "campaign_paused"
    AUTO_REPLIED = "auto_replied"
    OPERATOR = "operator"
    CIRCUIT_OPEN = "circuit_open"
    SENDER_UNVERIFIED = "sender_unverified"
    RELEASED = "released"
    BACKOFF = "backoff"
    GATE_ERROR = "gate_error"
    TENANT_PAUSED = "tenant_paused"
    GLOBAL_PAUSED = "global_paused"
    SENDER_PAUSED = "sender_paused"
    SENDER_GONE = "sender_gone"
    SENDER_AWAY = "sender_away"
    SENDER_HEALTH = "sender_health"
    WEEKEND = "weekend"
    REGION_HOURS = "region_hours"
    TOUCH_GAP = "touch_gap"
    SAME_PERSON = "same_person"
    PACING = "pacing"
    SMOOTHED = "smoothed"
    LIMITS_UNSEEN = "limits_unseen"
    ADDRESS_UNCHECKED = "address_unchecked"
    MAIL_INCOMPLETE = "mail_incomplete"
    READDRESSED = "readdressed"
    SENDER_MINUTE = "sender_minute"
    SENDER_HOUR = "sender_hour"
    SENDER_DAY = "sender_day"
    WARMUP_DAY = "warmup_day"
    TENANT_HOUR = "tenant_hour"
    GLOBAL_HOUR = "global_hour"
    DOMAIN_HOUR = "domain_hour"
    CAMPAIGN_DAY = "campaign_day"


ENDING_SIGNALS = frozenset({Signal.UNSUBSCRIBED, Signal.SPAM_REPORTED})
"""Hard exits: they end a plan at once, also while it is paused."""


class AnswerClass(StrEnum):
    """What a provider's answer means for the message (trust.md 1.3)."""

    ACCEPTED = "ACCEPTED"
    NOT_SENT = "NOT_SENT"
    REFUSED = "REFUSED"
    AMBIGUOUS = "AMBIGUOUS"


class Via(StrEnum):
    """How an acceptance became known."""

    ANSWER = "answer"
    WEBHOOK = "webhook"
    REPLY = "reply"
    ACTIVITY = "activity"


class CauseKind(StrEnum):
    """What made an append happen."""

    REQUEST = "request"
    WEBHOOK = "webhook"
    REPLY = "reply"
    TIMER = "timer"
    DISPATCH = "dispatch"
    LINK = "link"
    SWEEP = "sweep"
    OPERATOR = "operator"
    IMPORT = "import"


MAILBOX_DOMAINS = (
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "yahoo.com",
    "icloud.com",
    "aol.com",
    "gmx.net",
    "proton.me",
)
"""Public mailbox providers; any other domain may name a person and is logged as `other`."""


def domain_class(address: str) -> str:
    """The recipient domain without personal data: a public mailbox provider or `other`."""
    domain = address.rpartition("@")[2].strip().lower()
    return domain if domain in MAILBOX_DOMAINS else "other"

"""What a decision may refuse, each with a code that the edge maps to an answer."""


class CampaignError(Exception):
    """A refused decision; `code` is stable, the text is for people."""

    code = "campaign_error"


class CampaignNotStarted(CampaignError):
    """The contact-campaign has no plan yet or was not started."""

    code = "campaign_not_started"


class CampaignEnded(CampaignError):
    """The contact-campaign is over; nothing restarts it."""

    code = "campaign_ended"


class AlreadyEnrolled(CampaignError):
    """This contact is already in this campaign with another plan."""

    code = "already_enrolled"


class StreamTooLong(CampaignError):
    """A stream may not grow past its bound (invariant I29)."""

    code = "stream_too_long"


class MessageUnknownHere(CampaignError):
    """The stream has no message of that id."""

    code = "message_unknown"


class NotLost(CampaignError):
    """The message may not be sent again: nobody can take it as lost yet."""

    code = "not_lost"


class GroundsMissing(CampaignError):
    """The plan of the stream is no longer in the vault; nothing can be decided on it."""

    code = "grounds_missing"


class DecisionFailed(CampaignError):
    """A decision broke on something nobody foresaw; its input is set aside, the others go on."""

    code = "decision_failed"


class RevisionStale(CampaignError):
    """The plan in force is another one than the revision names."""

    code = "revision_stale"


class RevisionRefused(CampaignError):
    """The new plan does not fit where the contact-campaign stands; the pointer names the place."""

    code = "revision_refused"

    def __init__(self, issue: str, pointer: str, why: str) -> None:
        super().__init__(why)
        self.issue = issue
        self.pointer = pointer

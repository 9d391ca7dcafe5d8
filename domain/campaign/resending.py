"""Another attempt of what may be lost, by the order of a person who knows the risk."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.campaign import placing
from domain.campaign.revising import apply_kept
from domain.campaign.sending import AGAIN
from domain.campaign.state import Campaign, Message
from domain.campaign.walk import Walk
from domain.errors import CampaignEnded, NotLost
from domain.events import Event, ResendOrdered
from domain.ids import MessageId
from domain.plan import Grounds
from domain.taxonomy import MessageState

RESEND_AFTER = timedelta(hours=72)
"""How long a doubt must have stood before a person may answer it by sending again."""


def resend(
    state: Campaign,
    grounds: Grounds,
    *,
    message_id: MessageId,
    author: str,
    at: datetime,
) -> Sequence[Event]:
    """Order another attempt of what is taken as lost, or in doubt for three days.

    The plan that waits for a doubtful message goes on to wait; one that took it as lost has gone
    on, and the message only follows. Nothing is sent again once the contact-campaign is over.
    """
    message = state.messages.get(message_id)
    if message is not None and message.resent and message.state in AGAIN:
        return []
    if state.ended:
        raise CampaignEnded(f"it ended with {state.outcome}; enrol the contact again")
    if message is None or not _perhaps_lost(message, at):
        raise NotLost("only what is presumed lost, or in doubt for 72 hours, can be sent again")
    walk = Walk(state, grounds, at)
    walk.say(
        ResendOrdered(
            message_id=message_id,
            author=author,
            due_at=at,
            expires_at=at + placing.EXPIRES_AFTER,
            at=at,
        )
    )
    apply_kept(walk, at)
    return walk.facts


def _perhaps_lost(message: Message, at: datetime) -> bool:
    if message.state == MessageState.UNKNOWN:
        return message.tried_at is not None and at >= message.tried_at + RESEND_AFTER
    return message.state == MessageState.PRESUMED_LOST

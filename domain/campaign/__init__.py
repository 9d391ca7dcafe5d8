"""The contact-campaign: one contact in one campaign, one run; state, evolve, decisions.

Every decision is `(state, grounds, *, input) -> facts`: pure, and silent when it is asked again.
"""

from domain.campaign.control import pause, resume, stop
from domain.campaign.dispatch import LOOK_AGAIN, look_again, start_attempt
from domain.campaign.enrolment import accept, enrol, start
from domain.campaign.errands import Called, resolve_task, resolve_webhook
from domain.campaign.evolve import evolve, fold
from domain.campaign.fitting import Revision, standing_at
from domain.campaign.judging import Judged, judge_again
from domain.campaign.resending import resend
from domain.campaign.revising import in_force, revise
from domain.campaign.sending import (
    Acceptance,
    accept_message,
    doubt,
    give_up,
    hold,
    keep_waiting,
    lose,
    queue,
    refuse,
    return_attempt,
    skip,
)
from domain.campaign.signals import Reported, expire, hear, record, time_out
from domain.campaign.state import INITIAL, Campaign, Heard, Message, Phase

__all__ = [
    "INITIAL",
    "LOOK_AGAIN",
    "Acceptance",
    "Called",
    "Campaign",
    "Heard",
    "Judged",
    "Message",
    "Phase",
    "Reported",
    "Revision",
    "accept",
    "accept_message",
    "doubt",
    "enrol",
    "evolve",
    "expire",
    "fold",
    "give_up",
    "hear",
    "hold",
    "in_force",
    "judge_again",
    "keep_waiting",
    "look_again",
    "lose",
    "pause",
    "queue",
    "record",
    "refuse",
    "resend",
    "resolve_task",
    "resolve_webhook",
    "resume",
    "return_attempt",
    "revise",
    "skip",
    "standing_at",
    "start",
    "start_attempt",
    "stop",
    "time_out",
]

"""What time and numbers ask of an account, in one look: what is over, health and rates, warm-up."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial

import msgspec

from domain.accounts.account import Account, fold
from domain.accounts.caps import expire
from domain.accounts.facts import Counts, SenderEvent
from domain.accounts.health import score
from domain.accounts.warmup import step_warmup

Decision = Callable[[Account], Sequence[SenderEvent]]


class Numbers(msgspec.Struct, frozen=True):
    """What became of a sender's mails: in the last seven days with this one, and yesterday."""

    week: Counts = Counts()
    yesterday: Counts = Counts()


def look_after(
    state: Account, *, numbers: Numbers, on: date, health_min: int, at: datetime
) -> list[SenderEvent]:
    """Take every decision that nobody orders. Safe to take every minute."""
    facts: list[SenderEvent] = []
    decisions: tuple[Decision, ...] = (
        partial(expire, at=at),
        partial(score, counts=numbers.week, on=on, health_min=health_min, at=at),
        partial(step_warmup, yesterday=numbers.yesterday, on=on, health_min=health_min, at=at),
    )
    for decide in decisions:
        news = decide(state)
        state = fold(news, state)
        facts += news
    return facts

"""given / when / then for sender accounts: decisions in order, and each asked twice."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Self

from domain.accounts import (
    INITIAL,
    Account,
    AccountSettings,
    SenderEvent,
    VerifiedBy,
    fold,
    register,
    verify,
)
from domain.events import topic_of

T0 = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
Step = Callable[[Account], Sequence[SenderEvent]]


class Story:
    """An account that is told step by step; its clock stands until `after`."""

    def __init__(self, state: Account = INITIAL) -> None:
        self.state = state
        self.now = T0
        self.news: Sequence[SenderEvent] = ()
        self._step: Step = lambda _: ()

    def when(self, decide: Callable[..., Sequence[SenderEvent]], **given: object) -> Self:
        def step(state: Account) -> Sequence[SenderEvent]:
            return decide(state, **given, at=self.now)

        self._step = step
        self.news = step(self.state)
        self.state = fold(self.news, self.state)
        return self

    def then(self, *topics: str) -> Self:
        """These facts and no others; asked again, nothing."""
        assert [topic_of(fact) for fact in self.news] == list(topics)
        assert list(self._step(self.state)) == []
        return self

    def paused(self) -> str:
        """The gravest reason, or nothing."""
        return self.state.paused or ""

    def after(self, **passed: float) -> Self:
        self.now += timedelta(**passed)
        return self


def an_account(**settings: object) -> Story:
    """Sam is registered and verified."""
    return (
        Story()
        .when(register, sender="sam", settings=AccountSettings(**settings))
        .when(verify, by=VerifiedBy.OPERATOR)
    )

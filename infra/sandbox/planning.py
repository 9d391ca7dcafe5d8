"""From an accepted request to everything that will come of it; a restart plans the same again."""

from datetime import UTC, datetime, timedelta

import msgspec

from infra.sandbox import mail_send
from infra.sandbox.ledger import Accepted
from infra.sandbox.mail import Mail, mails_of
from infra.sandbox.persons import BROWSERS, Kind, Rates, Reaction, behaviour
from infra.sandbox.suppressions import BLOCKED, DROP_REASON

STEPS_MAX = 1_000_000
"""More than a request has by itself."""
_BY_BROWSER = frozenset({Kind.OPENED, Kind.CLICKED})
_IP = "198.51.100.7"
DROPPED = tuple(DROP_REASON.values())


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One reaction with its instant of simulated time; (number, step) names it for good."""

    number: int
    step: int
    at: datetime
    provider_id: str
    mail: Mail
    reaction: Reaction

    @property
    def name(self) -> tuple[int, int]:
        """What the ledger settles."""
        return self.number, self.step


def plan(accepted: Accepted, seed: int, rates: Rates) -> list[Planned]:
    """All reactions to a request, of all its recipients."""
    pairs = [
        (mail, reaction)
        for mail, recipient in zip(
            mails_of(mail_send.read(bytes(accepted.request))), accepted.recipients, strict=True
        )
        for reaction in _reactions(mail, recipient.ordinal, recipient.refusal, (seed, rates))
    ]
    return [
        Planned(
            number=accepted.number,
            step=step,
            at=_leaves_at(accepted, mail) + timedelta(seconds=reaction.delay_s),
            provider_id=accepted.provider_id,
            mail=mail,
            reaction=reaction,
        )
        for step, (mail, reaction) in enumerate(pairs)
    ]


def at_once(accepted: Accepted, kind: Kind, at: datetime, ordinal: int) -> Planned:
    """What the first recipient of a request does because somebody says so, for the nth time."""
    agent = BROWSERS[0] if kind in _BY_BROWSER else ""
    return Planned(
        number=accepted.number,
        step=STEPS_MAX + ordinal,
        at=at,
        provider_id=accepted.provider_id,
        mail=mails_of(mail_send.read(bytes(accepted.request)))[0],
        reaction=Reaction(delay_s=0, kind=kind, agent=agent, ip=_IP),
    )


def _reactions(mail: Mail, ordinal: int, refusal: str, chance: tuple[int, Rates]) -> list[Reaction]:
    if refusal == BLOCKED:
        processed = Reaction(delay_s=0.5, kind=Kind.PROCESSED)
        return [processed, Reaction(delay_s=3.0, kind=Kind.BLOCKED)]
    if refusal:
        return [Reaction(delay_s=0.5, kind=Kind.DROPPED, choice=DROPPED.index(refusal))]
    seed, rates = chance
    return behaviour(seed, mail.to, ordinal, links=len(mail.links), rates=rates)


def _leaves_at(accepted: Accepted, mail: Mail) -> datetime:
    if mail.send_at is None:
        return accepted.at
    return max(accepted.at, datetime.fromtimestamp(mail.send_at, tz=UTC))

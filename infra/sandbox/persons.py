"""Seeded recipients: what the person behind an address does about each message, and when.

The part of a local-part before the first `+` may force a conduct, see FORCED:
`bounce+x@`, `block+x@`, `latebounce+x@`, `defer+x@`, `silent+x@`, `open+x@`, `click+x@`,
`reply+x@`, `ooo+x@`, `unsub+x@`, `spam+x@`, `machine+x@`, `scanner+x@`.
Everybody else acts by Rates.
"""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from infra.sandbox.dice import Dice

MINUTE_S = 60.0
HOUR_S = 3600.0
DAY_S = 86_400.0

RELAY_AGENT = "Mozilla/5.0"
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/129.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.6 Safari/605",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
)
# How a mail gateway looks at links: method and user agent, each known by another sign.
SCANNERS = (
    ("HEAD", BROWSERS[0]),
    ("GET", "Mozilla/5.0 (compatible; BarracudaCentral/1.0; bot)"),
    ("GET", RELAY_AGENT),
)


class Kind(StrEnum):
    """What the sandbox does about a message."""

    PROCESSED = "processed"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounce"
    BLOCKED = "blocked"
    BOUNCED_LATE = "late_bounce"
    DROPPED = "dropped"
    OPENED = "open"
    MACHINE_OPENED = "machine_open"
    CLICKED = "click"
    MACHINE_CLICKED = "machine_click"
    REPLIED = "reply"
    AWAY = "out_of_office"
    UNSUBSCRIBED = "unsubscribe"
    COMPLAINED = "spamreport"


class Delivery(StrEnum):
    """How the receiving server ends the matter."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    BLOCKED = "blocked"
    BOUNCED_LATE = "bounced_late"


class Answer(StrEnum):
    """What a person does to the sender, at most one of them in all."""

    NONE = "none"
    REPLY = "reply"
    UNSUBSCRIBE = "unsubscribe"
    COMPLAINT = "complaint"


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of persons who ever do it, or of messages it happens to."""

    bounce: float = 0.02  # persons
    late_bounce: float = 0.15  # of the bouncing persons: reported hours later, without ids
    blocked: float = 0.02  # messages
    deferred: float = 0.03  # delivered messages
    open: float = 0.45  # delivered messages
    click: float = 0.25  # opened messages with a link
    reply: float = 0.11  # persons
    away: float = 0.03  # delivered messages
    unsubscribe: float = 0.015  # persons
    complaint: float = 0.003  # persons
    relay: float = 0.15  # persons whose mail program fetches all images by itself
    scanner: float = 0.04  # persons behind a gateway that follows all links


DEFAULT_RATES = Rates()
ANSWERED_AT = (0.6, 0.9)  # a person answers the first, the second or else the third message


class Conduct(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to one message, without the times."""

    delivery: Delivery = Delivery.DELIVERED
    deferrals: int = 0
    relayed: bool = False
    scanned: bool = False
    opens: bool = False
    clicks: bool = False
    away: bool = False
    answer: Answer = Answer.NONE


FORCED = {
    "bounce": Conduct(delivery=Delivery.BOUNCED),
    "block": Conduct(delivery=Delivery.BLOCKED),
    "latebounce": Conduct(delivery=Delivery.BOUNCED_LATE),
    "defer": Conduct(deferrals=2),
    "silent": Conduct(),
    "open": Conduct(opens=True),
    "click": Conduct(opens=True, clicks=True),
    "reply": Conduct(opens=True, answer=Answer.REPLY),
    "ooo": Conduct(away=True),
    "unsub": Conduct(opens=True, answer=Answer.UNSUBSCRIBE),
    "spam": Conduct(opens=True, answer=Answer.COMPLAINT),
    "machine": Conduct(relayed=True),
    "scanner": Conduct(scanned=True),
}


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """One act, so many simulated seconds after the message was due to leave."""

    delay_s: float
    kind: Kind
    choice: int = 0  # which link or wording, modulo their number
    agent: str = ""
    ip: str = ""
    method: str = "GET"


def behaviour(
    seed: int, address: str, ordinal: int, *, links: int = 1, rates: Rates = DEFAULT_RATES
) -> list[Reaction]:
    """All that follows from the ordinal-th message to an address, in order of time."""
    person = address.strip().lower()
    conduct = conduct_of(seed, person, ordinal, rates)
    reactions = list(_delivery(conduct, Dice(seed, "delivery", person, ordinal)))
    if conduct.delivery is Delivery.DELIVERED:
        arrived_s = reactions[-1].delay_s
        reactions += _machines(seed, person, ordinal, conduct, (arrived_s, links))
        reactions += _reading(seed, person, ordinal, conduct, (arrived_s, links))
    return sorted(reactions, key=lambda reaction: reaction.delay_s)


def conduct_of(seed: int, person: str, ordinal: int, rates: Rates = DEFAULT_RATES) -> Conduct:
    """The forced conduct of the address, or else one drawn from its traits and the message."""
    forced = FORCED.get(person.partition("@")[0].partition("+")[0]) if "+" in person else None
    if forced is not None:
        return forced
    traits = Dice(seed, "traits", person)
    bounces, late = traits.chance(rates.bounce), traits.chance(rates.late_bounce)
    answer, answered_at = _answer(traits, rates)
    relayed, scanned = traits.chance(rates.relay), traits.chance(rates.scanner)
    if bounces:
        return Conduct(delivery=Delivery.BOUNCED_LATE if late else Delivery.BOUNCED)
    dice = Dice(seed, "message", person, ordinal)
    if dice.chance(rates.blocked):
        return Conduct(delivery=Delivery.BLOCKED)
    now = answer if ordinal == answered_at else Answer.NONE
    opens = dice.chance(rates.open) or now is not Answer.NONE
    return Conduct(
        deferrals=1 + dice.whole(3) if dice.chance(rates.deferred) else 0,
        relayed=relayed,
        scanned=scanned,
        opens=opens,
        clicks=opens and dice.chance(rates.click),
        away=dice.chance(rates.away),
        answer=now,
    )


def _answer(traits: Dice, rates: Rates) -> tuple[Answer, int]:
    """What the person will do to the sender, and about which message."""
    drawn, when = traits.throw(), traits.throw()
    answered_at = 1 + sum(when >= limit for limit in ANSWERED_AT)
    for answer, share in (
        (Answer.REPLY, rates.reply),
        (Answer.UNSUBSCRIBE, rates.unsubscribe),
        (Answer.COMPLAINT, rates.complaint),
    ):
        if drawn < share:
            return answer, answered_at
        drawn -= share
    return Answer.NONE, answered_at


def _delivery(conduct: Conduct, dice: Dice) -> Iterator[Reaction]:
    """From the provider's queue to the receiving server's last word."""
    at_s = dice.between(0.0, 1.0)
    yield Reaction(delay_s=at_s, kind=Kind.PROCESSED)
    at_s += dice.between(1.0, 5.0)
    for attempt in range(1, conduct.deferrals + 1):
        yield Reaction(delay_s=at_s, kind=Kind.DEFERRED, choice=attempt)
        at_s += dice.between(5, 15) * MINUTE_S
    if conduct.delivery is Delivery.BLOCKED:
        yield Reaction(delay_s=at_s, kind=Kind.BLOCKED, choice=dice.whole(100))
    elif conduct.delivery is Delivery.BOUNCED:
        yield Reaction(delay_s=at_s, kind=Kind.BOUNCED, choice=dice.whole(100))
    else:
        yield Reaction(delay_s=at_s, kind=Kind.DELIVERED)
    if conduct.delivery is Delivery.BOUNCED_LATE:
        late_s = at_s + dice.between(1, 9) * HOUR_S
        yield Reaction(delay_s=late_s, kind=Kind.BOUNCED_LATE, choice=dice.whole(100))


def _machines(
    seed: int, person: str, ordinal: int, conduct: Conduct, arrival: tuple[float, int]
) -> Iterator[Reaction]:
    """What programs do to a message that has arrived."""
    arrived_s, links = arrival
    dice = Dice(seed, "machines", person, ordinal)
    ip = f"203.0.113.{1 + dice.whole(250)}"
    if conduct.scanned:
        method, agent = SCANNERS[Dice(seed, "scanner", person).whole(len(SCANNERS))]
        for link in range(links):
            yield Reaction(
                delay_s=arrived_s + 0.3 + 0.2 * link,
                kind=Kind.MACHINE_CLICKED,
                choice=link,
                agent=agent,
                ip=ip,
                method=method,
            )
    if conduct.relayed:
        opened_s = arrived_s + min(dice.log_normal(2 * MINUTE_S, 1.5), DAY_S)
        yield Reaction(delay_s=opened_s, kind=Kind.MACHINE_OPENED, agent=RELAY_AGENT, ip=ip)
    if conduct.away:
        yield Reaction(
            delay_s=arrived_s + dice.between(5, 90), kind=Kind.AWAY, choice=dice.whole(100)
        )


def _reading(
    seed: int, person: str, ordinal: int, conduct: Conduct, arrival: tuple[float, int]
) -> Iterator[Reaction]:
    """What the person does with a message that has arrived."""
    arrived_s, links = arrival
    if not conduct.opens:
        return
    traits = Dice(seed, "reader", person)
    agent, ip = traits.pick(BROWSERS), f"198.51.100.{1 + traits.whole(250)}"
    dice = Dice(seed, "reading", person, ordinal)
    opened_s = arrived_s + 10 + min(dice.log_normal(2 * HOUR_S, 1.4), 5 * DAY_S)
    yield Reaction(delay_s=opened_s, kind=Kind.OPENED, agent=agent, ip=ip)
    if dice.chance(0.2):
        again_s = opened_s + dice.between(1, 48) * HOUR_S
        yield Reaction(delay_s=again_s, kind=Kind.OPENED, agent=agent, ip=ip)
    choice, answer_choice = dice.whole(1000), dice.whole(1000)
    pauses = {
        Answer.REPLY: (Kind.REPLIED, 60 + min(dice.log_normal(3 * HOUR_S, 1.2), 4 * DAY_S)),
        Answer.UNSUBSCRIBE: (Kind.UNSUBSCRIBED, 20 + dice.log_normal(MINUTE_S, 0.8)),
        Answer.COMPLAINT: (Kind.COMPLAINED, 30 + dice.log_normal(5 * MINUTE_S, 0.8)),
    }
    if conduct.clicks and links:
        clicked_s = opened_s + 10 + min(dice.log_normal(MINUTE_S, 1.0), HOUR_S)
        yield Reaction(delay_s=clicked_s, kind=Kind.CLICKED, choice=choice, agent=agent, ip=ip)
    if conduct.answer in pauses:
        kind, pause_s = pauses[conduct.answer]
        yield Reaction(
            delay_s=opened_s + pause_s, kind=kind, choice=answer_choice, agent=agent, ip=ip
        )

"""How often and how soon simulated people do what; built in are guesses."""

from collections.abc import Mapping

import msgspec

from domain.taxonomy import Channel

DELAY_MAX_S = 30 * 86_400.0
"""No simulated reaction comes later than this: the long tail ends here."""

_MINUTE_S, _HOUR_S, _DAY_S = 60.0, 3_600.0, 86_400.0


class Delay(msgspec.Struct, frozen=True):
    """A log-normal time: half are shorter than the median, two thirds within e^sigma of it."""

    median_s: float
    sigma: float


class ChannelRates(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of the messages of one channel.

    `refused` is of attempts, `bounce` of addresses (it comes of the first message or never), all
    others of messages that arrived. Who does something to a message has read it: where `open` is
    above zero, clicks, answers and meetings are drawn among openers, so that the shares come out
    as given. Messages are independent of each other otherwise, and machines are not simulated.
    """

    refused: float = 0.0
    bounce: float = 0.0
    open: float = 0.0
    click: float = 0.0
    reply: float = 0.0
    auto_reply: float = 0.0
    unsubscribe: float = 0.0
    spam: float = 0.0
    accept: float = 0.0
    meeting: float = 0.0


SHARES = ChannelRates.__struct_fields__


class Delays(msgspec.Struct, frozen=True, kw_only=True):
    """Times from the acceptance of a message, or from the beginning of a task or call."""

    bounce: Delay
    open: Delay
    click: Delay
    reply: Delay
    auto_reply: Delay
    unsubscribe: Delay
    spam: Delay
    accept: Delay
    meeting: Delay
    custom: Delay
    task: Delay
    webhook: Delay


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is drawn.

    `task_done` and `task_skipped` are shares of tasks, the rest stays open; `webhook_ok` of calls;
    `links` shares of clicks on a URL with this `urlContains` text, by default all texts of the
    plan and one other link alike; `custom` shares of messages followed by this `x_` event.
    """

    channels: Mapping[Channel, ChannelRates]
    delays: Delays
    task_done: float
    task_skipped: float
    webhook_ok: float
    links: Mapping[str, float] = {}
    custom: Mapping[str, float] = {}


# Guesses, for want of a tenant's own figures. Email: the order of magnitude that public reports on
# cold outreach give (opens 25-60 % with machine opens, replies 1-9 %, bounces 1-5 %, spam reports
# below the 0.3 % at which mailbox providers cut a sender off); delays as in the sandbox: half of
# those who open do it within two hours. Sms and linkedin: few public figures, taken low.
# An invitation is accepted by about one in four, within days. Nobody should bet on them.
BUILT_IN = Rates(
    channels={
        Channel.EMAIL: ChannelRates(
            refused=0.002,
            bounce=0.02,
            open=0.40,
            click=0.05,
            reply=0.03,
            auto_reply=0.03,
            unsubscribe=0.007,
            spam=0.001,
            meeting=0.004,
        ),
        Channel.SMS: ChannelRates(
            refused=0.005, bounce=0.02, click=0.06, reply=0.05, unsubscribe=0.02, meeting=0.004
        ),
        Channel.LINKEDIN_INVITE: ChannelRates(refused=0.005, reply=0.02, accept=0.25),
        Channel.LINKEDIN_MESSAGE: ChannelRates(refused=0.005, reply=0.08, meeting=0.005),
    },
    delays=Delays(
        bounce=Delay(10.0, 1.5),
        open=Delay(2 * _HOUR_S, 1.4),
        click=Delay(2.5 * _HOUR_S, 1.4),
        reply=Delay(6 * _HOUR_S, 1.3),
        auto_reply=Delay(45.0, 0.8),
        unsubscribe=Delay(2 * _HOUR_S, 1.4),
        spam=Delay(2 * _HOUR_S, 1.4),
        accept=Delay(1.5 * _DAY_S, 1.3),
        meeting=Delay(8 * _HOUR_S, 1.3),
        custom=Delay(1 * _DAY_S, 1.2),
        task=Delay(6 * _HOUR_S, 1.2),
        webhook=Delay(1.0, 1.0),
    ),
    task_done=0.85,
    task_skipped=0.08,
    webhook_ok=0.98,
)


def inconsistencies(rates: Rates) -> list[str]:
    """Shares that cannot hold together, in words."""
    faults = []
    for channel, shares in rates.channels.items():
        answers = shares.reply + shares.unsubscribe + shares.spam
        most = shares.open or 1.0
        if max(shares.click, shares.meeting, answers) > most:
            faults.append(
                f"{channel}: click, meeting, and reply + unsubscribe + spam must each be at most"
                f" open ({most:g}): who does these has read the message"
            )
    if rates.task_done + rates.task_skipped > 1:
        faults.append("taskDone + taskSkipped must be at most 1")
    if sum(rates.links.values()) > 1:
        faults.append("the shares of links must be at most 1 together")
    return faults

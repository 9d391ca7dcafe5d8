"""A sender as the command line shows it: a row of a list, or all that is known."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from handlers.sender_accounts import AccountFact, AccountShown, SenderShown, UsageShown
from infra.cli.plan_excerpt import shown_as


def row_of(shown: SenderShown) -> tuple[object, ...]:
    """One sender in the list of all."""
    account = shown.account
    if account is None:
        return shown.sender, shown.from_email, "no account yet", "", "", "", ""
    used = {one.limit_name: one for one in account.usage}
    warmup = account.warmup
    return (
        shown.sender,
        shown.from_email,
        state_of(account),
        account.health.score,
        _share(used.get("sender_hour")),
        _share(used.get("sender_day")),
        "" if warmup is None else f"day {warmup.day} of {len(warmup.caps)}: {warmup.cap}",
    )


def state_of(account: AccountShown) -> str:
    """Whether messages leave from it, or the first reason why not."""
    return next(_objections(account), "sends")


def print_sender(shown: SenderShown) -> None:
    """All that is known of a sender."""
    click.echo(f"{shown.sender} <{shown.from_email}>")
    if shown.account is None:
        click.echo("  no account yet: nothing leaves from it until the next sweep has made one")
        return
    for word, text in _lines(shown.account):
        click.echo(f"  {word:<9}{text}")


def print_orders(orders: Sequence[AccountFact]) -> None:
    """What people ordered, each on a line: when, what, who and why."""
    for one in orders:
        why = f": {shown_as(one.reason)}" if one.reason else ""
        what = one.kind.replace("_", " ")
        click.echo(f"  {'order':<9}{one.at:%Y-%m-%d %H:%M} UTC, {what} by {one.actor}{why}")


def event_row(one: AccountFact) -> tuple[object, ...]:
    """One thing that happened to an account, in the list of all."""
    when, what = f"{one.at:%Y-%m-%d %H:%M:%S}", one.kind.replace("_", " ")
    return when, what, _words(one.data), one.actor, shown_as(one.reason)


def _objections(account: AccountShown) -> Iterator[str]:
    for says, word in (
        (account.deleted, "deleted"),
        (not account.verified, "not verified"),
        (not account.connected, "disconnected"),
        (account.away, _until("away", account.away_until)),
        (account.health.score < account.health.least, "health too low"),
    ):
        if says:
            yield word
    for pause in account.pauses:
        yield f"paused: {pause.reason}"
    if account.circuit.needs_operator:
        yield "circuit open: see to the account, then reset it"
    elif account.circuit.half_open:
        yield "circuit half open: one message may try the provider"
    elif account.circuit.open:
        yield _until("circuit open", account.circuit.until)


def _until(word: str, until: datetime | None) -> str:
    return word if until is None else f"{word} until {until:%Y-%m-%d %H:%M} UTC"


def _lines(account: AccountShown) -> Iterator[tuple[str, str]]:
    yield "state", "; ".join(_objections(account)) or "sends"
    for pause in account.pauses:
        yield "paused", f"{pause.reason} since {pause.since:%Y-%m-%d %H:%M} UTC"
    own = account.own
    named = f", in the rotation set {own.rotation_set}" if own.rotation_set else ""
    yield "profile", f"{own.profile.value}, zone {own.zone or 'of the tenant'}{named}"
    day = "no limit" if account.day_max is None else str(account.day_max)
    yield "caps", f"{account.minute_max} a minute, {account.hour_max} an hour, {day} a day"
    yield "used", ", ".join(f"{one.limit_name} {_share(one)}" for one in account.usage)
    yield "health", _health(account)
    if account.warmup is not None:
        warmup = account.warmup
        yield "warm-up", f"day {warmup.day} of {len(warmup.caps)}: up to {warmup.cap}"
    for full in account.reached:
        yield "used up", f"{full.limit_name} until {full.until:%Y-%m-%d %H:%M} UTC"


def _health(account: AccountShown) -> str:
    health = account.health
    numbers = (
        f"of {health.accepted} accepted in seven days {health.delivered} delivered, "
        f"{health.hard_bounces} bounced, {health.complaints} called spam"
    )
    if health.set_to is None:
        return f"{health.score} ({numbers})"
    until = "" if health.set_until is None else f" until {health.set_until:%Y-%m-%d %H:%M} UTC"
    return f"{health.score}, set by hand{until}; reckoned {health.reckoned} ({numbers})"


def _share(used: UsageShown | None) -> str:
    return "" if used is None else f"{used.used}/{used.limit}"


def _words(data: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in data.items())


def _plain(value: Any) -> str:  # noqa: ANN401  # any field of a fact
    """One field without the signs of a programming language; what is empty is a dash."""
    match value:
        case Mapping():
            told = " ".join(f"{name} {_plain(each)}" for name, each in value.items())
        case list() | tuple():
            told = " ".join(map(_plain, value))
        case _:
            told = "" if value is None else str(value)
    return told or "-"

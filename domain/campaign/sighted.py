"""Opens and clicks as they are remembered: who is behind each, and what a later verdict moves."""

from datetime import datetime

from msgspec.structs import replace

from domain.campaign.state import Campaign, Heard, Message, Sighting
from domain.events import SignalJudged, SignalRecorded, TimerSet
from domain.taxonomy import Signal

SIGHTED = (Signal.OPENED, Signal.CLICKED)
"""Signals that a machine may be behind."""


def noted(state: Campaign, fact: SignalRecorded, *, no: int) -> Campaign:
    """Remember an open or a click with its number, for a verdict that may come later."""
    message = state.messages.get(fact.message_id) if fact.message_id else None
    if message is None or fact.signal not in SIGHTED:
        return state
    sighting = Sighting(
        no=no,
        signal=fact.signal,
        at=fact.at,
        key=fact.key,
        machine=fact.machine,
        reader=fact.reader,
        derived=fact.derived,
        counted=fact.first,
        url_tags=fact.url_tags,
    )
    return _with(state, replace(message, sightings=(*message.sightings, sighting)))


def judged(state: Campaign, fact: SignalJudged) -> Campaign:
    """Take a report for a machine's, or for a person's, from here on."""
    message = state.messages.get(fact.message_id)
    before = None if message is None else _numbered(message, fact.signal_no)
    if message is None or before is None:
        return state
    latched, spent = _latched(state, message, before, machine=fact.machine)
    sightings = tuple(
        replace(one, machine=fact.machine, reader=fact.reader, spent=spent)
        if one.no == fact.signal_no
        else one
        for one in message.sightings
    )
    if fact.counted_at is not None:
        sightings = tuple(_counted(one, fact) for one in sightings)
    message = replace(message, sightings=sightings)
    message = replace(message, heard_at=heard_at(message, fact.signal))
    timers = _merged(state.timers, fact.timers)
    return replace(_with(state, message), latched=latched, timers=timers)


def _numbered(message: Message, no: int) -> Sighting | None:
    return next((one for one in message.sightings if one.no == no), None)


def _latched(
    state: Campaign, message: Message, sighting: Sighting, *, machine: bool
) -> tuple[tuple[Heard, ...], bool]:
    """What is latched then, and whether a transition has used this signal: that happens once."""
    others = tuple(heard for heard in state.latched if heard.no != sighting.no)
    if machine:
        used = len(others) == len(state.latched) and not sighting.machine
        return others, sighting.spent or used
    if sighting.spent or not sighting.machine:
        return state.latched, sighting.spent
    heard = Heard(sighting.no, sighting.signal, sighting.at, message.id, sighting.url_tags)
    return (*others, heard), False


def _counted(sighting: Sighting, fact: SignalJudged) -> Sighting:
    """Of one kind at most one is counted: none any more, or the one that is a person's now."""
    if sighting.signal != fact.signal:
        return sighting
    return replace(sighting, counted=not fact.machine and sighting.no == fact.signal_no)


def heard_at(message: Message, signal: str, *, without: int | None = None) -> dict[str, datetime]:
    """The first instants of the human signals of a message, one kind told by its sightings."""
    by_people = [
        one.at
        for one in message.sightings
        if one.signal == signal and not one.machine and one.no != without
    ]
    others = {name: at for name, at in message.heard_at.items() if name != signal}
    return {**others, signal: min(by_people)} if by_people else others


def _merged(timers: tuple[TimerSet, ...], again: tuple[TimerSet, ...]) -> tuple[TimerSet, ...]:
    by_index = {timer.index: timer for timer in (*timers, *again)}
    return tuple(by_index[index] for index in sorted(by_index))


def _with(state: Campaign, message: Message) -> Campaign:
    return replace(state, messages={**state.messages, message.id: message})

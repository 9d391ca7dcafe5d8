"""One contact in one campaign: drag through its time, see where it stood, ask what if."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from pydantic import AwareDatetime, Field

from domain.ids import StreamId
from handlers.access import Permission
from handlers.api import journey_calls
from handlers.api.calls import Given, Reason
from handlers.api.plan_bodies import PlanBody
from handlers.api.what_if_calls import do_what_if
from handlers.timeline import Difference, Moment, Timeline, timeline
from handlers.web.console.drawing import journey_drawing
from handlers.web.console.naming import names_of
from handlers.web.console.visits import Moved, Shown, Visit
from handlers.what_if import Compared
from plans.intake import read_json

STEPS_MAX = 10_000
_BY_USER = re.compile("operator:(u_[0-9a-f]+)/")


class When(Given):
    """The instant to look at, or the number of the event to look at, from 1; and since when."""

    as_of: AwareDatetime | None = None
    diff_from: AwareDatetime | None = None
    step: int | None = Field(None, ge=1, le=STEPS_MAX)


def journey(visit: Visit) -> Shown:
    """The contact-campaign as it stood at an instant, beside what is known of it now."""
    return _shown(visit)


def what_if(visit: Visit) -> Shown:
    """The same page with the recorded history run against another plan."""
    text = visit.form.get("plan", ("",))[0]
    submitted = read_json(text.encode())
    compared = do_what_if(visit.call(body=PlanBody(submitted, None)))
    return _shown(visit, compared, text)


def ordered(word: str) -> Callable[[Visit], Moved]:
    """The page that gives one order to it."""
    orders = {
        "pause": journey_calls.do_pause,
        "resume": journey_calls.do_resume,
        "stop": journey_calls.do_stop,
    }

    def perform(visit: Visit) -> Moved:
        done = orders[word](visit.call(body=visit.told(Reason)))
        return Moved(f"/contact-campaigns/{done.id}", word)

    return perform


def _shown(visit: Visit, compared: Compared | None = None, plan_text: str = "") -> Shown:
    asked = visit.asked(When)
    whole = journey_calls.told(visit.call(query=journey_calls.When()))
    step, told = _at(visit, whole, asked)
    stream = StreamId(whole.contact_campaign_id)
    plans = journey_calls.plans(visit.call()).plans
    return Shown(
        "journey.html",
        {
            "whole": whole,
            "told": told,
            "state": told.state,
            "step": step,
            "difference": _since(visit, told, asked),
            "asked": asked,
            "one_day": timedelta(days=1),
            "final": step == len(whole.events),
            "drawing": journey_drawing(
                visit, told.state.plan_hash, told.state.node, been(told.events)
            ),
            "by": _people_in(visit, whole.events),
            "messages": visit.reads.messages_of(stream),
            "plans": plans,
            "notes": _notes(visit),
            "names": names_of(visit, [whole]),
            "compared": compared,
            "plan_text": plan_text or _latest(plans),
            "stage_now": whole.state.stage,
            "opens": visit.may(Permission.READ_MESSAGES),
        },
    )


def _at(visit: Visit, whole: Timeline, asked: When) -> tuple[int, Timeline]:
    """The number of the last event that is looked at, and the timeline until then."""
    stream = whole.contact_campaign_id
    told = timeline(visit.tenant.history, stream, asked.as_of, first=asked.step)
    assert told is not None  # the whole one was just read
    return len(told.events), told


def _since(visit: Visit, told: Timeline, asked: When) -> Difference | None:
    """What changed since an instant; unless one is asked for, since the recording before."""
    last = told.events[-1].recorded_at if told.events else None
    earlier = [one.recorded_at for one in told.events if one.recorded_at != last]
    since = asked.diff_from or (earlier[-1] if earlier else None)
    if since is None:
        return None
    stream = told.contact_campaign_id
    found = timeline(visit.tenant.history, stream, asked.as_of, since, first=asked.step)
    return None if found is None else found.difference


def _people_in(visit: Visit, events: Sequence[Moment]) -> Mapping[str, str]:
    """The names of those who gave orders, by the causes that name them by their ids."""
    ids = {one.cause: found[1] for one in events if (found := _BY_USER.match(one.cause))}
    known = visit.stock.users.names(visit.session.tenant, set(ids.values())) if ids else {}
    return {cause: known[user] for cause, user in ids.items() if user in known}


def been(events: Sequence[Moment]) -> frozenset[str]:
    """The nodes that were entered."""
    return frozenset(str(one.data["node"]) for one in events if one.kind == "node_entered")


def _notes(visit: Visit) -> Sequence[Any]:
    if not visit.may(Permission.READ_MESSAGES):
        return ()
    return journey_calls.notes(visit.call()).notes


def _latest(plans: Sequence[Any]) -> str:
    """The plan in force, to be changed and tried."""
    document = plans[-1].plan if plans else None
    if document is None:
        return ""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()

"""The send queue: lanes of senders, messages in the order of leaving, and orders to them."""

from datetime import timedelta
from urllib.parse import quote

from handlers.access import Permission
from handlers.api import queue_calls, reading_calls, sending_calls
from handlers.api.calls import Call
from handlers.errors import Fault, NotAcceptable
from handlers.sender_accounts import sending
from handlers.web.console.naming import names_of
from handlers.web.console.visits import Moved, Shown, Visit

ON_A_PAGE = 50
AHEAD = timedelta(days=2)
HOURS_MAX = 24 * 60


class Which(reading_calls.WhichMessages):
    """Which messages."""

    limit: int = ON_A_PAGE


class Held(queue_calls.SkippedMessage):
    """Why a message is held, and for how many hours; without them, until it is released."""

    hours: int | None = None


def queue(visit: Visit) -> Shown:
    """What waits, lane by lane and message by message."""
    asked = visit.asked(Which)
    listed = reading_calls.queue(visit.call(query=asked))
    return Shown(
        "queue.html",
        {
            "messages": listed.items,
            "next_cursor": listed.next_cursor,
            "asked": asked,
            "states": reading_calls.State.__args__,  # type: ignore[attr-defined]  # of a Literal
            "ahead": visit.reads.ahead(visit.now, visit.now + AHEAD),
            "stopped": {
                row.sender: row.paused for row in visit.tenant.ports.accounts.rows() if row.paused
            },
            "paused": sending(visit.tenant.ports, visit.now).rules.paused,
            "names": names_of(visit, listed.items),
            "opens": visit.may(Permission.READ_MESSAGES),
        },
    )


def skip(visit: Visit) -> Moved:
    """Do not send it."""
    queue_calls.do_skip(visit.call(body=visit.told(queue_calls.SkippedMessage)))
    return _back(visit, "skip")


def hold(visit: Visit) -> Moved:
    """Keep it back."""
    given = visit.told(Held)
    if given.hours is not None and not 1 <= given.hours <= HOURS_MAX:
        raise NotAcceptable("the form cannot be taken", [Fault("/hours", "range", "1 to 1440")])
    until = None if given.hours is None else visit.now + timedelta(hours=given.hours)
    body = queue_calls.HeldMessage(reason=given.reason, until=until)
    queue_calls.do_hold(visit.call(body=body))
    return _back(visit, "hold")


def release(visit: Visit) -> Moved:
    """Let it go."""
    queue_calls.do_release(visit.call(body=visit.told(queue_calls.ReleasedMessage)))
    return _back(visit, "release")


def pause_all(visit: Visit) -> Moved:
    """Let nothing of the tenant leave."""
    sending_calls.pause_sending(_reasoned(visit))
    return Moved("/queue", "pause")


def resume_all(visit: Visit) -> Moved:
    """Let the tenant send again."""
    sending_calls.resume_sending(_reasoned(visit))
    return Moved("/queue", "resume")


def _reasoned(visit: Visit) -> Call:
    return visit.call(body=visit.told(sending_calls.NeededReason))


def _back(visit: Visit, done: str) -> Moved:
    """To the message where the order came from its page, else to the queue."""
    if visit.form.get("from", ("",))[0] == "message" and visit.may(Permission.READ_MESSAGES):
        return Moved(f"/messages/{quote(str(visit.path['id']))}", done)
    return Moved("/queue", done)

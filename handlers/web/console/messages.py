"""One message: why it left or did not, the mail as it was rendered, and what came back."""

from uuid import UUID

import nh3
from starlette.responses import HTMLResponse, Response

from handlers.api import queue_calls, reading_calls
from handlers.errors import NotHere
from handlers.web.console.naming import names_of
from handlers.web.console.visits import Moved, Shown, Visit

SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
TAGS = nh3.ALLOWED_TAGS - {"img", "map", "area"}
"""No picture: one that is fetched tells the other side who reads, when and where."""
RELEASABLE = ("PLANNED", "QUEUED")


def message(visit: Visit) -> Shown:
    """The message with every decision about it."""
    call = visit.call()
    explained = queue_calls.told(call)
    shown = reading_calls.message(call)
    return Shown(
        "message.html",
        {
            "told": explained,
            "message": shown.message,
            "mail": shown.mail,
            "replies": visit.reads.replies([shown.message.id]),
            "waits": shown.message.state in RELEASABLE,
            "names": names_of(visit, [shown.message]),
        },
    )


def resend(visit: Visit) -> Moved:
    """Order another attempt."""
    done = queue_calls.do_resend(visit.call(body=visit.told(queue_calls.ResentMessage)))
    return Moved(f"/messages/{done.id}", "resend")


def mail_html(visit: Visit) -> Response:
    """The mail as it went out, for a frame that may do nothing."""
    shown = reading_calls.message(visit.call())
    if shown.mail is None or shown.mail.html is None:
        raise NotHere("this message has no HTML")
    return framed(shown.mail.html)


def reply_html(visit: Visit) -> Response:
    """What a person wrote back, for a frame that may do nothing."""
    reply_id: UUID = visit.path["id"]
    found = visit.reads.reply(reply_id)
    if found is None or found.html is None:
        raise NotHere("no reply has this id")
    return framed(found.html)


def framed(html: str) -> Response:
    """HTML of strangers without scripts, styles, pictures and forms, under a policy of its own."""
    clean = nh3.clean(html, tags=TAGS, link_rel="noopener noreferrer nofollow")
    text = (
        f'<!doctype html><html lang="und"><meta charset="utf-8"><title>Mail</title>{clean}</html>'
    )
    headers = {
        "Content-Security-Policy": SANDBOX,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return HTMLResponse(text, headers=headers)

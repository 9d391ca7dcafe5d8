"""Codes of plan-dsl.md 10: another plan that does not fit a contact-campaign that runs."""

from plans.catalogue.entry import entry, example
from plans.catalogue.sample import (
    MESSAGE,
    NO_REPLY,
    Document,
    add,
    mail,
    nudge,
    plan,
    replace,
)

IN_FORCE = "sha256:067a77ffc83976f41a84490ac98b1a86347f4a561e651c12550f43e418d31ffb"
"""The hash of the plan below."""
_LED_ON = {**NO_REPLY, "to": "nudge"}
_RUNNING = plan(mail(_LED_ON), nudge())
_STANDS = 'The contact has got "mail" and is watched there.'


def _command(changed: Document, **fields: object) -> Document:
    return {"ifPlanHash": IN_FORCE, "reason": "one more day", **fields, "plan": changed}


def _slower(*nodes: Document) -> Document:
    """The plan in force with these nodes instead of its first ones, and a later second mail."""
    later = nudge(schedule={"delay": "P2D"}, message={"subject": "Docks", "text": "Any thoughts?"})
    return plan(*(nodes or (mail(_LED_ON),)), later)


ENTRIES = (
    entry(
        "E_REVISION_STALE",
        "/ifPlanHash of the command",
        "Somebody else revised the plan in the meantime; look at the plan in force and decide "
        "again.",
        example(
            _command(_slower(), ifPlanHash="sha256:" + "0" * 64),
            "/ifPlanHash",
            replace("/ifPlanHash", IN_FORCE),
            "/ifPlanHash",
            running=_RUNNING,
            note="The right one is the hash of the plan in force.",
        ),
    ),
    entry(
        "E_REVISION_NODE",
        "/resumeAt of the command if it has one, else /map",
        "The contact stands at a node, and the new plan must say where that is now: a node of the "
        "same type and channel, or one to resume at.",
        example(
            _command(_slower({**mail(_LED_ON), "id": "intro"})),
            "/map",
            add("/map", {"mail": "intro"}),
            ("/plan/nodes/0/id", "/map"),
            running=_RUNNING,
            note=_STANDS,
        ),
        example(
            _command(_slower(), resumeAt="follow_up"),
            "/resumeAt",
            replace("/resumeAt", "nudge"),
            ("/resumeAt", "/plan/nodes/1/id"),
            running=_RUNNING,
            note=_STANDS,
        ),
    ),
    entry(
        "E_REVISION_CHANNEL",
        "/nodes/i/channel of the new plan",
        "What was sent is history: the id of a node that has sent stays with its channel.",
        example(
            _command(
                _slower(
                    mail(
                        _LED_ON,
                        channel="sms",
                        message={"text": "A call? Text STOP to opt out."},
                    )
                ),
                resumeAt="nudge",
            ),
            "/nodes/0/channel",
            (
                replace("/plan/nodes/0/channel", "email"),
                replace("/plan/nodes/0/message", MESSAGE),
            ),
            ("/plan/nodes/0/id", "/plan/nodes/0/channel", "/resumeAt"),
            running=_RUNNING,
            note='"mail" was sent by email. A node on another channel takes another id.',
        ),
    ),
)

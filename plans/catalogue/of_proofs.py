"""Codes of stage 5: what cannot be proven of the plan as it would run."""

from plans.catalogue.entry import entry, example
from plans.catalogue.sample import (
    CALL,
    MESSAGE,
    NO_REPLY,
    Document,
    add,
    mail,
    nudge,
    plan,
    remove,
    replace,
    text_message,
)

_WAYS = "/nodes/0/transitions"
_NO_REPLY_NUDGE = {**NO_REPLY, "to": "nudge"}
_REPLIED = {"on": "replied", "to": "call"}
_CLICKED = {"on": "clicked", "to": "call"}
_SMS = "Hi {{ contact.first_name }}, worth a call? Text STOP to opt out."
_ERRANDS = ("one", "two", "three", "four")


def _errands(visits: int) -> list[Document]:
    """Four errands, each done so many times at most, in any order."""
    cases = [
        {"when": {"all": [{"field": f"contact.{name}", "op": "exists"}]}, "to": name}
        for name in _ERRANDS
    ]
    hub = {"id": "hub", "type": "branch", "cases": cases, "otherwise": "end"}
    bounds = {"maxVisits": visits, "onMaxVisits": "end"}
    notify = {"type": "notify", "text": "Look here", "next": "hub", **bounds}
    return [hub, *({"id": name, **notify} for name in _ERRANDS)]


ENTRIES = (
    entry(
        "E_EVENT_CHANNEL",
        "/nodes/i/transitions/j/on",
        "It is never reported there, so a plan that waits for it waits in vain.",
        example(
            plan(
                text_message(
                    "linkedin_message",
                    "Worth a call?",
                    {"on": "opened", "to": "call"},
                    _REPLIED,
                    NO_REPLY,
                ),
                CALL,
            ),
            f"{_WAYS}/0/on",
            remove(f"{_WAYS}/0"),
            ("/nodes/0/channel", _WAYS),
        ),
    ),
    entry(
        "E_NO_ANCHOR",
        "/nodes/i/transitions/j/on",
        "There is no message yet that the event could be about.",
        example(
            plan(
                {
                    "id": "pause",
                    "type": "wait",
                    "transitions": [{"on": "no_reply", "after": "P2D", "to": "mail"}],
                },
                mail(),
            ),
            f"{_WAYS}/0/on",
            replace(f"{_WAYS}/0/on", "timeout"),
            "/nodes/0",
        ),
    ),
    entry(
        "E_NO_LINK",
        "/nodes/i/transitions/j/on",
        "Nobody can click in a message without a link.",
        example(
            plan(mail(_CLICKED, NO_REPLY, message={**MESSAGE, "text": "A call?"}), CALL),
            f"{_WAYS}/0/on",
            replace("/nodes/0/message/text", "A call? {{ sender.calendar_url }}"),
            ("/nodes/0/message", _WAYS),
        ),
    ),
    entry(
        "E_TRACKING_OFF",
        "/nodes/i/transitions/j/on",
        "With tracking off nobody learns of the event.",
        example(
            plan(mail(_CLICKED, NO_REPLY, message={**MESSAGE, "trackClicks": False}), CALL),
            f"{_WAYS}/0/on",
            remove("/nodes/0/message/trackClicks"),
            ("/nodes/0/message", _WAYS),
        ),
    ),
    entry(
        "E_STUCK",
        "/nodes/i",
        "A contact who does something at the wrong time would wait for ever; the witness says "
        "what and when.",
        example(
            plan(
                mail(
                    {**_CLICKED, "within": "P1D"}, {"on": "no_click", "after": "P2D", "to": "end"}
                ),
                CALL,
            ),
            "/nodes/0",
            add(f"{_WAYS}/-", {"on": "timeout", "after": "P7D", "to": "end"}),
            _WAYS,
            note="A click on the second day is too late for `clicked`, and silences `no_click`.",
        ),
        example(
            plan(mail(_REPLIED, _CLICKED), CALL),
            "/nodes/0",
            add(f"{_WAYS}/-", NO_REPLY),
            _WAYS,
            note="Most people do neither: a list of transitions ends with a timer.",
        ),
    ),
    entry(
        "E_SEND_AFTER_REPLY",
        "/nodes/i/transitions/j/to",
        "Somebody who answered is owed an answer by a person; only after a task may the plan "
        "write again.",
        example(
            plan(mail({"on": "replied", "to": "nudge"}, _NO_REPLY_NUDGE), nudge()),
            f"{_WAYS}/0/to",
            remove(f"{_WAYS}/0"),
            _WAYS,
            note="Without the transition a reply ends the plan as replied.",
        ),
    ),
    entry(
        "E_SEND_AFTER_BOUNCE",
        "/nodes/i/transitions/j/to",
        "What bounced once bounces again, and costs the sender its standing.",
        example(
            plan(
                mail({"on": "bounced", "to": "other"}, NO_REPLY),
                {**mail(), "id": "other", "message": {"subject": "Docks", "text": _SMS}},
            ),
            f"{_WAYS}/0/to",
            (replace("/nodes/1/channel", "sms"), remove("/nodes/1/message/subject")),
            (_WAYS, "/nodes/1/channel", "/nodes/1/message"),
        ),
    ),
    entry(
        "E_SMS_OPT_OUT",
        "/nodes/i/message/text, /nodes/i/variants/k/message/text",
        "The first SMS must say how to opt out, with STOP in capitals.",
        example(
            plan(text_message("sms", "Hi {{ contact.first_name }}, worth a call?")),
            "/nodes/0/message/text",
            replace("/nodes/0/message/text", _SMS),
            "/nodes/0/message",
        ),
    ),
    entry(
        "E_MAX_SENDS",
        "/limits/maxSends",
        "The limit is a promise to the contact; the witness is a path that breaks it.",
        example(
            plan(mail(_NO_REPLY_NUDGE), nudge(), limits={"maxSends": 1}),
            "/limits/maxSends",
            replace("/limits/maxSends", 2),
            ("/limits", _WAYS),
        ),
    ),
    entry(
        "E_MAX_DURATION",
        "/limits/maxDuration",
        "The plan would be ended as expired in the middle.",
        example(
            plan(mail(_NO_REPLY_NUDGE), nudge(), limits={"maxDuration": "P5D"}),
            "/limits/maxDuration",
            replace("/limits/maxDuration", "P14D"),
            ("/limits", _WAYS, "/nodes/1/schedule", "/nodes/1/transitions"),
            note="Three days, one day and three days; closed hours and jitter come on top.",
        ),
    ),
    entry(
        "E_SPACING",
        "/nodes/i/transitions/j of the earlier send",
        "Two messages within hours read like a machine; `limits.minSpacing` says how far apart "
        "they are, PT12H by default.",
        example(
            plan(mail({**_NO_REPLY_NUDGE, "after": "PT2H"}), nudge(schedule=None)),
            f"{_WAYS}/0",
            replace(f"{_WAYS}/0/after", "P2D"),
            _WAYS,
        ),
    ),
    entry(
        "E_TOO_COMPLEX",
        "/nodes",
        "What cannot be explored to its end cannot be proven; loops that cross multiply.",
        example(
            plan(*_errands(visits=10)),
            "/nodes",
            tuple(replace(f"/nodes/{index + 1}/maxVisits", 2) for index in range(len(_ERRANDS))),
            ("/nodes/0/cases", "/nodes/1"),
            note="Four such loops through one branch, in any order: over 20,000 states.",
        ),
    ),
    entry(
        "W_OPEN_UNRELIABLE",
        "/nodes",
        "Mail clients open for their users, or block the image that would tell.",
        example(
            plan(mail({"on": "no_open", "after": "P2D", "to": "nudge"}, NO_REPLY), nudge()),
            "/nodes",
            replace(f"{_WAYS}/0/on", "no_click"),
            _WAYS,
        ),
    ),
    entry(
        "W_STOP_ON_OPEN",
        "/nodes/i/transitions/j",
        "An open is no success, and after the stop a reply leads nowhere any more.",
        example(
            plan(
                mail({"on": "opened", "to": "won"}, NO_REPLY),
                {"id": "won", "type": "stop", "outcome": "converted"},
            ),
            f"{_WAYS}/0",
            replace(f"{_WAYS}/0/on", "replied"),
            (_WAYS, "/nodes/1"),
        ),
    ),
)

"""Codes of stage 4 on when and where to: schedules, windows, limits, ways out."""

from plans.catalogue.entry import entry, example
from plans.catalogue.sample import (
    CALL,
    NO_REPLY,
    add,
    mail,
    nudge,
    plan,
    remove,
    replace,
    text_message,
)

_WAYS = "/nodes/0/transitions"
_CALLED = {"on": "replied", "to": "call"}

ENTRIES = (
    entry(
        "E_QUIET_EMPTY",
        "/quietHours",
        "It reads as all day to one and as never to another; the rest of the check takes it as "
        "no quiet time.",
        example(
            plan(mail(), quietHours={"start": "21:00", "end": "21:00"}),
            "/quietHours",
            replace("/quietHours/end", "08:00"),
            "/quietHours",
        ),
    ),
    entry(
        "E_JITTER",
        "/defaults/jitter, /nodes/i/schedule/jitter",
        "There is no delay between a least that is more and a most that is less.",
        example(
            plan(mail(), defaults={"jitter": {"min": "PT20M", "max": "PT5M"}}),
            "/defaults/jitter",
            replace("/defaults/jitter", {"min": "PT5M", "max": "PT20M"}),
            "/defaults/jitter",
        ),
    ),
    entry(
        "E_SCHEDULE_CONFLICT",
        "/nodes/i/schedule/at",
        "An instant and a time counted from the entry cannot both decide.",
        example(
            plan(mail(schedule={"at": "2026-12-02T09:00:00-05:00", "delay": "P1D"})),
            "/nodes/0/schedule/at",
            remove("/nodes/0/schedule/delay"),
            "/nodes/0/schedule",
        ),
    ),
    entry(
        "E_WINDOW_EMPTY",
        "/nodes/i/schedule/window, else /window, else /quietHours",
        "Nothing could ever be sent.",
        example(
            plan(mail(), window={"start": "17:00", "end": "09:00"}),
            "/window",
            replace("/window", {"start": "09:00", "end": "17:00"}),
            "/window",
        ),
    ),
    entry(
        "E_POLICY_LIMIT",
        "/limits/maxDuration; /nodes/i/channel for a channel not allowed; in stage 5 /nodes "
        "for the tenant's maxSends",
        "The tenant's policy holds for all its plans.",
        example(
            plan(mail(), limits={"maxDuration": "P90D"}),
            "/limits/maxDuration",
            replace("/limits/maxDuration", "P60D"),
            "/limits",
            note='The tenant\'s policy: `{"maxDuration": "P60D"}`.',
            policy={"maxDuration": "P60D"},
        ),
        example(
            plan(text_message("linkedin_message", "Worth a call?")),
            "/nodes/0/channel",
            (
                replace("/nodes/0/channel", "email"),
                add("/nodes/0/message/subject", "Dock times"),
            ),
            ("/nodes/0/channel", "/nodes/0/message"),
            note='The tenant\'s policy: `{"allowedChannels": ["email"]}`.',
            policy={"allowedChannels": ["email"]},
        ),
        example(
            plan(mail({**NO_REPLY, "to": "nudge"}), nudge()),
            "/nodes",
            (replace(f"{_WAYS}/0/to", "end"), remove("/nodes/1")),
            (_WAYS, "/nodes/1"),
            stage=5,
            note='The tenant\'s policy: `{"maxSends": 1}`.',
            policy={"maxSends": 1},
        ),
    ),
    entry(
        "E_GUARD_EMPTY",
        "/nodes/i/cases/j/when",
        "A case that is always true hides the cases after it and the `otherwise`.",
        example(
            plan(
                {
                    "id": "role",
                    "type": "branch",
                    "cases": [{"when": {}, "to": "mail"}],
                    "otherwise": "end",
                },
                mail(),
            ),
            "/nodes/0/cases/0/when",
            add(
                "/nodes/0/cases/0/when/all",
                [{"field": "company.size", "op": "gte", "value": 50}],
            ),
            "/nodes/0",
        ),
    ),
    entry(
        "E_HARD_EXIT",
        "/nodes/i/transitions/j/to",
        "Whoever opted out is left in peace; without the transition the plan ends as unsubscribed.",
        example(
            plan(mail(_CALLED, {"on": "unsubscribed", "to": "call"}, NO_REPLY), CALL),
            f"{_WAYS}/1/to",
            remove(f"{_WAYS}/1"),
            _WAYS,
        ),
    ),
    entry(
        "E_DEAD_TRANSITION",
        "/nodes/i/transitions/j; .../within if that is zero on an event other than sent",
        "A transition that nothing can take is a mistake about which event comes first.",
        example(
            plan(mail({**_CALLED, "after": "P2D", "within": "P1D"}, NO_REPLY), CALL),
            f"{_WAYS}/0",
            (replace(f"{_WAYS}/0/after", "P1D"), replace(f"{_WAYS}/0/within", "P2D")),
            _WAYS,
            note="`within` is over before `after` has come.",
        ),
        example(
            plan(mail(NO_REPLY, {"on": "timeout", "after": "P7D", "to": "call"}), CALL),
            f"{_WAYS}/1",
            (remove(f"{_WAYS}/1"), replace(f"{_WAYS}/0/to", "call")),
            _WAYS,
            stage=5,
            note="`late`: by then a reply or `no_reply` has always ended the wait.",
        ),
        example(
            plan(
                mail({"on": "replied", "to": "end"}, {**_CALLED, "within": "P1D"}, NO_REPLY), CALL
            ),
            f"{_WAYS}/1",
            (remove(f"{_WAYS}/1"), add(f"{_WAYS}/0", {**_CALLED, "within": "P1D"})),
            _WAYS,
            stage=5,
            note="`shadowed`: an earlier transition takes every such event; put the "
            "narrower one first.",
        ),
        example(
            plan(
                mail({"on": "clicked", "to": "read"}, NO_REPLY),
                {
                    "id": "read",
                    "type": "wait",
                    "transitions": [{"on": "no_click", "after": "P1D", "to": "end"}, NO_REPLY],
                },
            ),
            "/nodes/1/transitions/0",
            remove("/nodes/1/transitions/0"),
            (_WAYS, "/nodes/1"),
            stage=5,
            note="`fact`: only a click leads to this wait, so `no_click` cannot fire.",
        ),
    ),
    entry(
        "E_FIELD_EVENT",
        "/nodes/i/transitions/j/urlContains",
        "Only a click has a URL; on another event the field would be ignored.",
        example(
            plan(mail({"on": "replied", "urlContains": "cal", "to": "call"}, NO_REPLY), CALL),
            f"{_WAYS}/0/urlContains",
            replace(f"{_WAYS}/0/on", "clicked"),
            _WAYS,
        ),
    ),
    entry(
        "E_TIMER_NO_AFTER",
        "/nodes/i/transitions/j",
        "The other timers have default times, a timeout has none; the rest of the check assumes "
        "P3D.",
        example(
            plan(mail({"on": "timeout", "to": "end"})),
            f"{_WAYS}/0",
            add(f"{_WAYS}/0/after", "P3D"),
            _WAYS,
        ),
    ),
    entry(
        "W_WINDOW_NARROW",
        "as E_WINDOW_EMPTY",
        "A small delay misses a stretch under 30 minutes, and then the message waits for the next.",
        example(
            plan(mail(), window={"start": "09:00", "end": "09:20"}),
            "/window",
            replace("/window/end", "11:00"),
            "/window",
        ),
    ),
)

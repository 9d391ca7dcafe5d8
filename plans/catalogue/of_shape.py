"""Codes of stage 1: the plan has not the shape of a plan."""

from plans.catalogue.entry import entry, example
from plans.catalogue.sample import CALL, NO_REPLY, add, mail, move, plan, replace

_FIRST = "/nodes/0/transitions/0"

ENTRIES = (
    entry(
        "E_MISSING",
        "the missing field itself, such as /startNodeId",
        "A field without a default has no value anybody could guess.",
        example(
            plan(mail({"on": "no_reply", "after": "P3D"})),
            f"{_FIRST}/to",
            add(f"{_FIRST}/to", "end"),
            _FIRST,
        ),
    ),
    entry(
        "E_UNKNOWN_FIELD",
        "the field",
        "A misspelt field, were it ignored, would leave the plan without what its writer meant.",
        example(
            plan(mail({"on": "replied", "withn": "P2D", "to": "end"}, NO_REPLY)),
            f"{_FIRST}/withn",
            move(f"{_FIRST}/withn", f"{_FIRST}/within"),
            _FIRST,
        ),
    ),
    entry(
        "E_NODE_TYPE",
        "/nodes/i/type",
        "The type decides which other fields a node has, so nothing else of it can be read.",
        example(
            plan(mail({**NO_REPLY, "to": "call"}), {**CALL, "type": "tsk"}),
            "/nodes/1/type",
            replace("/nodes/1/type", "task"),
            "/nodes/1",
        ),
    ),
    entry(
        "E_ENUM",
        "the field, such as a channel, op, outcome or weekday",
        "The engine acts on a closed list of words and on no other.",
        example(
            plan(mail(channel="mail")),
            "/nodes/0/channel",
            replace("/nodes/0/channel", "email"),
            "/nodes/0/channel",
        ),
    ),
    entry(
        "E_FORMAT",
        "the field, such as an id or a time of day",
        "One way of writing leaves no doubt what was meant.",
        example(
            plan(mail(), quietHours={"start": "9 pm", "end": "08:00"}),
            "/quietHours/start",
            replace("/quietHours/start", "21:00"),
            "/quietHours",
        ),
    ),
    entry(
        "E_DURATION",
        "the field",
        "Days keep the wall time and hours do not, so a duration says which it is: P1D or PT24H.",
        example(
            plan(mail({**NO_REPLY, "after": "3 days"})),
            f"{_FIRST}/after",
            replace(f"{_FIRST}/after", "P3D"),
            _FIRST,
        ),
    ),
    entry(
        "E_TIMEZONE",
        "/timezone",
        "An abbreviation stands for several zones and knows no daylight saving time.",
        example(
            plan(mail()) | {"timezone": "PST"},
            "/timezone",
            replace("/timezone", "America/Los_Angeles"),
            "/timezone",
        ),
    ),
    entry(
        "E_EVENT",
        "/nodes/i/transitions/j/on, /goals/k/on; in stage 4 /defaults/timers/<word>",
        "A transition on a word that is no event would never be taken.",
        example(
            plan(mail({"on": "answered", "to": "end"}, NO_REPLY)),
            f"{_FIRST}/on",
            replace(f"{_FIRST}/on", "replied"),
            _FIRST,
        ),
        example(
            plan(mail(), defaults={"timers": {"no_repyl": "P5D"}}),
            "/defaults/timers/no_repyl",
            move("/defaults/timers/no_repyl", "/defaults/timers/no_reply"),
            "/defaults",
            stage=4,
            note="Only `no_open`, `no_click`, `no_reply` and `no_accept` have a default time.",
        ),
    ),
    entry(
        "E_VALUE",
        "the field",
        "A wrong type, a number out of range, a list too long: nothing is converted or cut.",
        example(
            plan(mail(), limits={"maxSends": "5"}),
            "/limits/maxSends",
            replace("/limits/maxSends", 5),
            "/limits",
        ),
    ),
    entry(
        "E_VERSION",
        "/version",
        "A newer minor version may say things that this release would miss.",
        example(plan(mail(), version="1.7"), "/version", replace("/version", "1.0"), "/version"),
    ),
    entry(
        "E_CALENDAR",
        "/holidays/calendars/k",
        "A calendar that nobody knows would close no day, and mails would leave on holidays.",
        example(
            plan(mail(), holidays={"calendars": ["us-federl"]}),
            "/holidays/calendars/0",
            replace("/holidays/calendars/0", "us-federal"),
            "/holidays",
            note='The tenant has one calendar, "us-federal".',
            policy={"calendars": {"us-federal": ["2026-11-26", "2026-12-25"]}},
        ),
    ),
)

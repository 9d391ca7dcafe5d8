"""Codes of stages 2 and 3: references that lead nowhere, and graphs that cannot end."""

from plans.catalogue.entry import entry, example
from plans.catalogue.sample import (
    CALL,
    END,
    NO_REPLY,
    add,
    mail,
    nudge,
    plan,
    replace,
)

_WAYS = "/nodes/0/transitions"
_REPLIED = {"on": "replied", "to": "end"}

ENTRIES = (
    entry(
        "E_DUPLICATE_ID",
        "/nodes/i/id of the later node",
        "A transition to that id could mean either node; the first one keeps it.",
        example(
            plan(mail(_REPLIED, NO_REPLY), {**END, "outcome": "replied"}),
            "/nodes/2/id",
            (replace("/nodes/2/id", "silent"), replace(f"{_WAYS}/1/to", "silent")),
            (_WAYS, "/nodes/1", "/nodes/2"),
        ),
    ),
    entry(
        "E_TARGET_UNKNOWN",
        "the reference: /startNodeId, .../to, .../otherwise, .../next, .../onError, "
        ".../onMaxVisits",
        "A contact who took this way would be nowhere.",
        example(
            plan(mail({**NO_REPLY, "to": "the_end"})),
            f"{_WAYS}/0/to",
            replace(f"{_WAYS}/0/to", "end"),
            (_WAYS, "/nodes/1"),
        ),
    ),
    entry(
        "E_ABOUT",
        "/nodes/i/about, .../about of a transition, .../message/replyTo, .../field of a guard",
        "What is watched, answered or asked about must be a message: a send node, for `replyTo` "
        "one by email; only `state.visits.<id>` takes any node.",
        example(
            plan(
                mail({**NO_REPLY, "to": "nudge"}),
                nudge(message={"replyTo": "male", "text": "Any thoughts?"}),
            ),
            "/nodes/1/message/replyTo",
            replace("/nodes/1/message/replyTo", "mail"),
            "/nodes/1/message",
        ),
    ),
    entry(
        "E_UNREACHABLE",
        "/nodes/i",
        "A node that no path comes to is most often one that a transition was forgotten for.",
        example(
            plan(mail(), nudge()),
            "/nodes/1",
            replace(f"{_WAYS}/0/to", "nudge"),
            (_WAYS, "/nodes/1"),
        ),
    ),
    entry(
        "E_NO_STOP",
        "/nodes",
        "A plan that cannot end keeps its contact for good.",
        example(
            {**plan(mail()), "nodes": [{**mail(), "transitions": []}]},
            "/nodes",
            (add("/nodes/-", END), add(f"{_WAYS}/-", NO_REPLY)),
            (_WAYS, "/nodes/1"),
        ),
    ),
    entry(
        "E_NO_PATH_TO_STOP",
        "/nodes/i",
        "Some contacts would end, but one who came to this node never.",
        example(
            plan(mail({"on": "replied", "to": "call"}, NO_REPLY), {**CALL, "transitions": []}),
            "/nodes/1",
            add("/nodes/1/transitions", CALL["transitions"]),
            "/nodes/1",
        ),
    ),
    entry(
        "E_LOOP_UNBOUNDED",
        "/nodes/i, the first node in document order on the cycle that is reported",
        "Without a count of visits a silent contact would get the same mail for ever.",
        example(
            plan(mail(_REPLIED, {**NO_REPLY, "to": "mail"})),
            "/nodes/0",
            (add("/nodes/0/maxVisits", 3), add("/nodes/0/onMaxVisits", "end")),
            (_WAYS, "/nodes/0/maxVisits", "/nodes/0/onMaxVisits"),
        ),
    ),
    entry(
        "E_LOOP_NO_EXIT",
        "/nodes/i/maxVisits",
        "After the last visit the contact would have nowhere to go.",
        example(
            plan(mail(_REPLIED, {**NO_REPLY, "to": "mail"}, maxVisits=3)),
            "/nodes/0/maxVisits",
            add("/nodes/0/onMaxVisits", "end"),
            (_WAYS, "/nodes/0/maxVisits", "/nodes/0/onMaxVisits"),
        ),
    ),
)

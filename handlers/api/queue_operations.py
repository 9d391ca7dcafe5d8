"""The part of the table of the API about single messages and reports that came to nothing."""

from handlers.api import queue_calls
from handlers.api.bodies import json_body
from handlers.api.calls import Operation
from handlers.api.paging import Listed
from handlers.dead_letters import DeadLetter
from handlers.explain import Explained
from handlers.services import QueueRow

QUEUE = (
    Operation(
        method="GET",
        path="/v1/messages/{id}/explain",
        does="Why it was sent, held, skipped or cancelled: each decision with every gate",
        perform=queue_calls.told,
        answers=Explained,
    ),
    *(
        Operation(
            method="POST",
            path=f"/v1/send-queue/{{id}}/{how}",
            does=does,
            perform=perform,
            answers=QueueRow,
            body=json_body(model),
        )
        for how, does, perform, model in (
            ("skip", "Do not send it", queue_calls.do_skip, queue_calls.SkippedMessage),
            ("hold", "Keep it back", queue_calls.do_hold, queue_calls.HeldMessage),
            (
                "release",
                "Let it go that was held by order",
                queue_calls.do_release,
                queue_calls.ReleasedMessage,
            ),
        )
    ),
    Operation(
        method="POST",
        path="/v1/messages/{id}/resend",
        does="Send once more what is taken as lost; it may come twice",
        perform=queue_calls.do_resend,
        answers=QueueRow,
        body=json_body(queue_calls.ResentMessage),
    ),
    Operation(
        method="GET",
        path="/v1/webhook-inbox",
        does="List reports that were set aside or found no message, oldest first",
        perform=queue_calls.letters,
        answers=Listed[DeadLetter],
        query=queue_calls.WhichLetters,
    ),
    Operation(
        method="POST",
        path="/v1/webhook-inbox/{number}/release",
        does="Have a report tried again",
        perform=queue_calls.do_release_letter,
        answers=DeadLetter,
    ),
)

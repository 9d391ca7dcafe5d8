"""The part of the table of the API about sender accounts and the rules of sending."""

from handlers.api import sender_calls, sending_calls
from handlers.api.bodies import json_body
from handlers.api.calls import Operation, Page
from handlers.api.paging import Listed
from handlers.sender_accounts import AccountFact, SenderShown, SendingShown

_REASON = json_body(sender_calls.SenderReason, needed=False)

SENDERS = (
    Operation(
        method="GET",
        path="/v1/senders",
        does="List senders with their accounts: caps and use, health, pauses, warm-up, circuit",
        perform=sender_calls.senders,
        answers=Listed[SenderShown],
        query=Page,
    ),
    Operation(
        method="POST",
        path="/v1/senders",
        does="Write a sender and set its account up",
        perform=sender_calls.put_sender,
        answers=SenderShown,
        body=json_body(sender_calls.NewSender),
    ),
    Operation(
        method="DELETE",
        path="/v1/senders/{name}",
        does="Take a sender account away; what was to leave from it waits",
        perform=sender_calls.remove,
        answers=SenderShown,
        body=json_body(sender_calls.RemovedSender),
    ),
    Operation(
        method="GET",
        path="/v1/senders/{name}/events",
        does="All that happened to a sender account, with who ordered it",
        perform=sender_calls.told,
        answers=Listed[AccountFact],
        query=Page,
    ),
    *(
        Operation(
            method="POST",
            path=f"/v1/senders/{{name}}/{how}",
            does=does,
            perform=perform,
            answers=SenderShown,
            body=body,
        )
        for how, does, perform, body in (
            ("pause", "Let nothing leave from a sender", sender_calls.do_pause, _REASON),
            ("resume", "Let messages leave from it again", sender_calls.do_resume, _REASON),
            ("verify", "Say that its address may be sent from", sender_calls.do_verify, _REASON),
            (
                "health",
                "Set its health by hand, or let the reckoned one count again",
                sender_calls.do_health,
                json_body(sender_calls.SetHealth),
            ),
            (
                "away",
                "Say that nobody is there to read answers",
                sender_calls.do_away,
                json_body(sender_calls.Absence, needed=False),
            ),
            ("back", "Say that somebody is there again", sender_calls.do_back, _REASON),
            (
                "warmup",
                "Begin a warm-up day by day, or end it",
                sender_calls.do_warmup,
                json_body(sender_calls.NewWarmup),
            ),
            (
                "reset-circuit",
                "Have its provider called again",
                sender_calls.do_reset_circuit,
                _REASON,
            ),
        )
    ),
    Operation(
        method="GET",
        path="/v1/sending",
        does="The rules of the tenant's sending",
        perform=sending_calls.rules,
        answers=SendingShown,
    ),
    Operation(
        method="PATCH",
        path="/v1/sending",
        does="Change rules of the tenant's sending; all of them or none",
        perform=sending_calls.change_rules,
        answers=SendingShown,
        body=json_body(sending_calls.NewRules),
    ),
    *(
        Operation(
            method="POST",
            path=f"/v1/sending/{how}",
            does=does,
            perform=perform,
            answers=SendingShown,
            body=json_body(sending_calls.NeededReason),
        )
        for how, does, perform in (
            ("pause", "Let nothing of the tenant leave, at once", sending_calls.pause_sending),
            ("resume", "Let the tenant send again", sending_calls.resume_sending),
        )
    ),
)

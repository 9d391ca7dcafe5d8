"""Sender accounts: health, caps and their use, warm-up; pause, resume, reset."""

from handlers.api import sender_calls
from handlers.sender_accounts import all_senders, sending
from handlers.web.console.visits import Moved, Shown, Visit


def accounts(visit: Visit) -> Shown:
    """Every sender, and the rules of the tenant's sending."""
    ports, now = visit.tenant.ports, visit.now
    return Shown(
        "accounts.html", {"senders": all_senders(ports, now), "sending": sending(ports, now)}
    )


def pause(visit: Visit) -> Moved:
    """Let nothing leave from it."""
    sender_calls.do_pause(visit.call(body=visit.told(sender_calls.SenderReason)))
    return _back(visit, "pause")


def resume(visit: Visit) -> Moved:
    """Let messages leave again."""
    sender_calls.do_resume(visit.call(body=visit.told(sender_calls.SenderReason)))
    return _back(visit, "resume")


def reset(visit: Visit) -> Moved:
    """Call the provider again."""
    sender_calls.do_reset_circuit(visit.call(body=visit.told(sender_calls.SenderReason)))
    return _back(visit, "reset")


def _back(visit: Visit, done: str) -> Moved:
    to = "/queue" if visit.form.get("from", ("",))[0] == "queue" else "/accounts"
    return Moved(to, done)

"""Items about who sends: identities, their mails, and what DNS says of their domains."""

from collections.abc import Callable, Iterator

from handlers.ports import Mail
from infra.go_live.item import Item, fail, ok, warn
from infra.go_live.running import DomainSeen, Running

ONE_CLICK = "List-Unsubscribe=One-Click"


def senders_verified(running: Running) -> Item:
    """Each identity may be sent from."""
    name = "senders"
    if not running.senders:
        return fail(name, "none", "antiphon sender add TENANT FILE")
    known = {row.sender: row for row in running.accounts}
    strangers = [one.sender for one in running.senders if one.sender not in known]
    if strangers:
        return warn(
            name, f"without an account yet: {_named(strangers)}", "the ticker begins them: start it"
        )
    unverified = [sender for sender, row in known.items() if not row.verified]
    if unverified:
        return fail(name, f"not verified: {_named(unverified)}", "verify them at the provider")
    stopped = [
        sender
        for sender, row in known.items()
        if row.paused or not row.connected or row.circuit_needs_operator
    ]
    if stopped:
        return warn(name, f"stopped: {_named(stopped)}", "see why, and resume or reconnect them")
    return ok(name, f"verified: {_named(list(known))}")


def postal_address(running: Running) -> Item:
    """The law wants to know who writes."""
    missing = [one.sender for one in running.senders if not one.postal_address.strip()]
    if missing:
        return fail("postal address", f"missing: {_named(missing)}", "give postal_address")
    return ok("postal address", "in the foot of every mail")


def reply_domain(running: Running) -> Item:
    """Replies come back to us."""
    missing = [one.sender for one in running.senders if "." not in one.reply_domain]
    if missing:
        return fail("reply domain", f"missing: {_named(missing)}", "give reply_domain")
    told = sorted({one.reply_domain for one in running.senders})
    return ok("reply domain", _named(told))


def opt_out(running: Running) -> Item:
    """A mail of each sender, rendered now, lets its reader opt out with one click."""
    name = "opt-out in a sample mail"
    faults = [
        f"{sender}: {fault}"
        for sender, mail in running.mails.items()
        for fault in _mail_faults(mail)
    ]
    if faults:
        return fail(name, _named(faults), "mend the sender, and ANTIPHON_PUBLIC_URL")
    return ok(name, f"{len(running.mails)} mails: List-Unsubscribe by https and mailto, one click")


def _mail_faults(mail: Mail | str) -> Iterator[str]:
    if isinstance(mail, str):
        yield f"cannot be rendered: {mail}"
        return
    listed = mail.headers.get("List-Unsubscribe", "")
    if "<https://" not in listed:
        yield "List-Unsubscribe has no https address"
    if "<mailto:" not in listed:
        yield "List-Unsubscribe has no mailto address"
    if mail.headers.get("List-Unsubscribe-Post") != ONE_CLICK:
        yield f"List-Unsubscribe-Post is not {ONE_CLICK}"
    if "Unsubscribe:" not in mail.text:
        yield "no opt-out in the text"


def spf(running: Running) -> Item:
    """Who may send for a domain is told."""
    return _of_domains(running, "SPF", lambda one: one.spf, "publish a TXT record v=spf1 ...")


def dkim(running: Running) -> Item:
    """Mails of a domain are signed with a key that is published."""
    mend = "authenticate the domain at SendGrid and publish s1._domainkey and s2._domainkey"
    return _of_domains(running, "DKIM", lambda one: one.dkim, mend)


def dmarc(running: Running) -> Item:
    """What becomes of mails that are neither is told."""
    mend = "publish a TXT record _dmarc: v=DMARC1; p=..."
    return _of_domains(running, "DMARC", lambda one: one.dmarc, mend)


def _of_domains(
    running: Running, name: str, of: Callable[[DomainSeen], tuple[str, ...] | None], mend: str
) -> Item:
    missing = [domain for domain, one in running.domains.items() if of(one) == ()]
    if missing:
        return fail(name, f"none for {_named(missing)}", mend)
    unknown = [domain for domain, one in running.domains.items() if of(one) is None]
    if unknown:
        return warn(
            name, f"could not be asked for {_named(unknown)}", "check again where DNS can be asked"
        )
    if not running.domains:
        return fail(name, "no domain", "antiphon sender add TENANT FILE")
    return ok(name, _named(list(running.domains)))


def items(running: Running) -> Iterator[Item]:
    """All of them."""
    for item in (senders_verified, postal_address, reply_domain, opt_out, spf, dkim, dmarc):
        yield item(running)


def _named(words: list[str]) -> str:
    return ", ".join(words)

"""Whom a send reaches: a channel the tenant allows, at an address that may be written to."""

from collections.abc import Iterator, Mapping

from domain.taxonomy import FAMILY_OF, Channel
from plans.context import ContactContext, Identity, TenantPolicy
from plans.schema.models import Send
from plans.verify.content.places import Sends
from plans.verify.report import Issue, issue, quoted


def identity(
    sends: Sends, context: ContactContext | None, policy: TenantPolicy | None
) -> Iterator[Issue]:
    """Channels that the tenant or this contact rules out. No address is repeated in an issue."""
    known: Mapping[str, Identity] = {} if context is None else dict(context.channels.items())
    allowed = None if policy is None else policy.allowed_channels
    for at, send in sends:
        path = at + "/channel"
        if allowed is not None and send.channel not in allowed:
            yield _not_allowed(path, send, allowed)
        if context is not None:
            yield from _out_of_reach(path, send, known)


def _not_allowed(path: str, send: Send, allowed: list[Channel]) -> Issue:
    return issue(
        "E_POLICY_LIMIT",
        path,
        f"the tenant does not allow {send.channel}",
        node=send.id,
        expected=list(allowed),
        got=send.channel,
        suggestion="use a channel that is allowed",
    )


def _out_of_reach(path: str, send: Send, known: Mapping[str, Identity]) -> Iterator[Issue]:
    family = FAMILY_OF[send.channel]
    found = known.get(family)
    if found is None or not found.address.strip():
        yield issue(
            "E_NO_IDENTITY",
            path,
            f"the contact has no address for {family}",
            node=send.id,
            expected=list(known),
            got=send.channel,
            suggestion="use a channel that the contact has",
        )
    elif found.suppressed is not None:
        yield issue(
            "E_SUPPRESSED",
            path,
            f"the contact's address for {family} is suppressed",
            node=send.id,
            got=quoted(found.suppressed),
            suggestion="use another channel; a suppression is lifted by its cause only",
        )
    elif send.channel is Channel.SMS and found.consent is None:
        yield issue(
            "E_SMS_CONSENT",
            path,
            "the contact has not agreed to SMS, as far as is recorded",
            node=send.id,
            suggestion="use another channel, or record the consent first",
        )

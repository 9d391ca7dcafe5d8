"""Whether SendGrid posts what we need to where we listen: its webhook settings, looked at."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from infra.providers.sendgrid.suppression_lists import SendGridApi

TYPES = (
    "processed",
    "dropped",
    "delivered",
    "deferred",
    "bounce",
    "open",
    "click",
    "spam_report",
    "unsubscribe",
    "group_unsubscribe",
    "group_resubscribe",
    "account_status_change",
)
"""The flags of a webhook, as the settings call the types of events."""
UNNEEDED = frozenset({"open", "click"})
"""Reported by our own pixel and links; SendGrid's are a second witness."""


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook of the account; the flags that its type has are in `flags`."""

    id: str = ""
    url: str = ""
    enabled: bool = False
    public_key: str = ""
    flags: frozenset[str] = frozenset()


def read_webhooks(api: SendGridApi) -> list[Hook]:
    """The webhooks of the account; raises ListsOutOfReach."""
    found = msgspec.json.decode(api.get("/v3/user/webhooks/event/settings/all"))
    listed = found.get("webhooks", []) if isinstance(found, dict) else []
    return [_hook(one) for one in listed if isinstance(one, dict)]


def webhook_settings_faults(hooks: Sequence[Hook], url: str, keys: Sequence[str]) -> list[str]:
    """All that is wrong with the webhooks for posts to `url` signed with one of `keys`.

    Empty when exactly one enabled webhook posts every needed type there, signed.
    """
    ours = [hook for hook in hooks if hook.url == url]
    live = [hook for hook in ours if hook.enabled]
    return [
        *_of_target(hooks, ours, live, url),
        *(fault for hook in live for fault in _of_hook(hook, keys)),
    ]


def _of_target(
    hooks: Sequence[Hook], ours: Sequence[Hook], live: Sequence[Hook], url: str
) -> Iterator[str]:
    if not ours:
        yield f"no webhook posts to {url}"
        near = [hook for hook in hooks if _host(hook.url) == _host(url)]
        yield from (f"webhook {hook.id} has a wrong URL: {hook.url}" for hook in near)
    elif not live:
        yield f"the webhook to {url} is not enabled"
    if len(live) > 1:
        names = ", ".join(hook.id for hook in live)
        yield f"{len(live)} webhooks post to {url}: {names}; each event comes as often"


def _of_hook(hook: Hook, keys: Sequence[str]) -> Iterator[str]:
    missing = [name for name in TYPES if name not in hook.flags | UNNEEDED]
    if missing:
        yield f"webhook {hook.id} does not post {', '.join(missing)}"
    if not hook.public_key:
        yield f"webhook {hook.id} is not signed: its posts are refused"
    elif hook.public_key not in keys:
        yield f"webhook {hook.id} signs with a key that is not registered here"


def _hook(settings: dict[str, Any]) -> Hook:
    return Hook(
        id=str(settings.get("id", "")),
        url=str(settings.get("url", "")),
        enabled=settings.get("enabled") is True,
        public_key=str(settings.get("public_key") or ""),
        flags=frozenset(name for name in TYPES if settings.get(name) is True),
    )


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].lower()

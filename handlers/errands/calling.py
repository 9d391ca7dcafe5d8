"""Calls of registered endpoints: what is posted, when it is tried again, when it is given up."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from domain.ids import TenantId
from handlers.errands.asking import Node, filled
from handlers.ports import Called, DueErrand, Rng
from handlers.values import Values

BACK_OFF_S = 30.0
DOUBLINGS_MAX = 10
"""An hour has room for seven or so; a longer one keeps the power small."""

EXPIRED = Called(ok=False, reason="expired")
UNKNOWN_ENDPOINT = Called(ok=False, reason="endpoint_unknown")
BROKEN = Called(ok=False, final=False, reason="broken")
DISABLED_ENDPOINT = Called(ok=False, reason="endpoint_disabled")
ERASED = Called(ok=False, reason="contact_erased")
TOO_LONG = Called(ok=False, reason="body_too_long")
TEXTS_MAX = 256 * 1024
"""Characters of all texts of one body: as many as a plan may have that does not loop."""


class BodyTooLong(Exception):
    """The texts of a body have become too long."""


def posted(tenant: TenantId, errand: DueErrand, node: Node, values: Values) -> bytes:
    """The JSON body of a call; `id` is the same at each try, so the endpoint can tell repeats.

    Raises BodyTooLong.
    """
    body: dict[str, Any] = {
        "id": errand.errand_id,
        "tenant": tenant,
        "contact_campaign_id": errand.stream,
        "campaign_id": errand.campaign_id,
        "contact_id": errand.contact_id,
        "node": errand.node,
        "visit": errand.visit,
        "plan_hash": errand.plan_hash,
        "occurred_at": errand.requested_at,
        "body": _filled(node.get("body", {}), _Texts(values)),
    }
    return msgspec.json.encode(body)


class _Texts:
    """Fills in the texts of one body as long as there is room."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._left = TEXTS_MAX

    def filled(self, source: str) -> str:
        text = filled(source, self._values)
        self._left -= len(text)
        if self._left < 0:
            raise BodyTooLong
        return text


def _filled(value: Any, texts: _Texts) -> Any:  # noqa: ANN401  # any JSON
    """JSON whose texts are filled in; keys, numbers and the rest stay as they are."""
    match value:
        case str():
            return texts.filled(value)
        case list():
            return [_filled(item, texts) for item in value]
        case dict():
            return {key: _filled(item, texts) for key, item in value.items()}
        case _:
            return value


def next_try(errand: DueErrand, called: Called, now: datetime, rng: Rng) -> datetime | None:
    """When to call again: full jitter under a doubling bound, never before the endpoint asks.

    None when there is no point, or no time left before the call is given up.
    """
    assert errand.give_up_at is not None
    if called.ok or called.final:
        return None
    bound = BACK_OFF_S * 2.0 ** min(errand.attempt - 1, DOUBLINGS_MAX)
    wait_s = max(rng.uniform(0.0, bound), called.retry_after_s or 0.0)
    at = now + timedelta(seconds=wait_s)
    return at if at < errand.give_up_at else None

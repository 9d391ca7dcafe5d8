"""Calls of registered endpoints: what is posted, when it is tried again, when it is given up."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from domain.ids import TenantId
from handlers.errands.asking import Node, filled_json
from handlers.ports import Called, DueErrand, Rng
from handlers.values import Values

BACK_OFF_S = 30.0
DOUBLINGS_MAX = 10
"""An hour has room for seven or so; a longer one keeps the power small."""

EXPIRED = Called(ok=False, reason="expired")
UNKNOWN_ENDPOINT = Called(ok=False, reason="endpoint_unknown")
BROKEN = Called(ok=False, final=False, reason="broken")
DISABLED_ENDPOINT = Called(ok=False, reason="endpoint_disabled")


def posted(tenant: TenantId, errand: DueErrand, node: Node, values: Values) -> bytes:
    """The JSON body of a call; `id` is the same at each try, so the endpoint can tell repeats."""
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
        "body": filled_json(node.get("body", {}), values),
    }
    return msgspec.json.encode(body)


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

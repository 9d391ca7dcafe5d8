"""What a report comes to: recorded, no news, parked with its reason, or tried again later."""

import logging

from domain.errors import CampaignError, DecisionFailed, GroundsMissing
from handlers.ports import InboxItem, Match, Report, Result, Settled

LOG = logging.getLogger("antiphon.signals")
ACCOUNT_TROUBLE = frozenset({"account_status_change", "over_quota"})
ORPHAN_TRIES_MAX = 170
"""About seven days of hourly tries; then an orphan stays in the list and is tried no more."""


def foreign(report: Report, tag: str) -> bool:
    """Whether it names another tenant than the one with this tag."""
    return report.tenant_tag is not None and report.tenant_tag != tag


def unusable(report: Report, tag: str) -> tuple[str, str] | None:
    """What a report comes to that is about no message, or that nobody may or can use."""
    if foreign(report, tag):
        LOG.error("a report names another tenant and is set aside")
        return "parked", "other_tenant"
    if report.problem is not None:
        return "parked", report.problem
    if report.at is None:
        return "parked", "no_time"
    if report.kind in ACCOUNT_TROUBLE:
        return "no_news", ""  # the senders are held by now
    if report.signal is None and not report.accepted:
        LOG.error("a report of a kind that nobody knows is set aside")
        return "parked", f"unknown_kind:{report.kind}"
    return None


def unmatched(item: InboxItem, match: Match | None) -> tuple[str, str] | None:
    """What a report comes to whose message is not found."""
    return ("orphan", _again(item, "no_message")) if match is None else None


def _again(item: InboxItem, reason: str) -> str:
    return "given_up" if item.tries >= ORPHAN_TRIES_MAX else reason


def settled(result: Result) -> Settled:
    """What a report comes to by the decision on it."""
    item, _, match = result.ref
    if isinstance(result.refused, DecisionFailed | GroundsMissing):
        # it may be a "no": tried again until somebody has mended what broke
        reason = _again(item, _reason(result.refused))
        return Settled(item, "orphan", reason, match.stream, match.message_id)
    if result.refused is not None:
        return Settled(item, "parked", _reason(result.refused), match.stream, match.message_id)
    state = "recorded" if result.facts else "no_news"
    return Settled(item, state, "", match.stream, match.message_id)


def _reason(refused: CampaignError) -> str:
    return refused.code

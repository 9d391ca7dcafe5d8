"""The table of codes of a check result (plan-dsl.md 11.2): stages, severity, meaning."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Code(NamedTuple):
    """What a code means and which stages of the check give it."""

    stages: tuple[int, ...]
    meaning: str
    severity: Severity = "error"


CODES: Mapping[str, Code] = {
    "E_MISSING": Code((1,), "a required field is absent"),
    "E_UNKNOWN_FIELD": Code((1,), "the field is not part of the plan language"),
    "E_NODE_TYPE": Code((1,), "the node's type is unknown or missing"),
    "E_ENUM": Code((1,), "not one of the listed words"),
    "E_FORMAT": Code((1,), "the text does not match its pattern"),
    "E_DURATION": Code((1,), "not a duration such as P3D or PT4H"),
    "E_TIMEZONE": Code((1,), "not an IANA zone name; abbreviations are refused"),
    "E_EVENT": Code((1, 4), "an unknown event or timer word"),
    "E_VALUE": Code((1,), "a wrong type, range, length or date"),
    "E_VERSION": Code((1,), "the plan is written in a newer minor version"),
    "E_CALENDAR": Code((1,), "the tenant has no holiday calendar of that name"),
    "E_DUPLICATE_ID": Code((2,), "an earlier node has that id"),
    "E_TARGET_UNKNOWN": Code((2,), "no node has that id"),
    "E_ABOUT": Code((2,), "names no node of the kind that is needed there"),
    "E_UNREACHABLE": Code((3,), "no path leads here from the start node"),
    "E_NO_STOP": Code((3,), "no stop node can be reached"),
    "E_NO_PATH_TO_STOP": Code((3,), "no stop can be reached from this node"),
    "E_LOOP_UNBOUNDED": Code((3,), "a cycle that no maxVisits ends"),
    "E_LOOP_NO_EXIT": Code((3,), "maxVisits without onMaxVisits"),
    "E_QUIET_EMPTY": Code((4,), "quiet hours start and end at the same time"),
    "E_JITTER": Code((4,), "the least jitter is more than the most"),
    "E_VARIANT_ID": Code((4,), "ids of variants or arms repeat"),
    "E_GUARD_EMPTY": Code((4,), "a case without conditions is always true"),
    "E_HARD_EXIT": Code((4,), "an opt-out leads to a node that is not a stop"),
    "E_DEAD_TRANSITION": Code((4, 5), "the transition can never be taken"),
    "E_FIELD_EVENT": Code((4,), "urlContains on an event other than clicked"),
    "E_TIMER_NO_AFTER": Code((4,), "a timeout without after"),
    "E_MESSAGE_MISSING": Code((4,), "neither message nor variants"),
    "E_MESSAGE_AND_VARIANTS": Code((4,), "both message and variants"),
    "E_MESSAGE_FIELD": Code((4,), "wrong content for the channel"),
    "E_MESSAGE_TOO_LONG": Code((4,), "the text is longer than the channel allows"),
    "E_SCHEDULE_CONFLICT": Code((4,), "an absolute time together with a relative one"),
    "E_WINDOW_EMPTY": Code((4,), "no open minute in the week"),
    "E_NO_IDENTITY": Code((4,), "the contact has no address in that channel family"),
    "E_SUPPRESSED": Code((4,), "the address is suppressed"),
    "E_SMS_CONSENT": Code((4,), "no recorded consent for SMS"),
    "E_TEMPLATE_SYNTAX": Code((4,), "the template does not parse as Liquid"),
    "E_TEMPLATE_UNRESOLVED": Code((4,), "the template needs variables this contact lacks"),
    "E_PLACEHOLDER": Code((4,), "a placeholder was left in the text"),
    "E_POLICY_LIMIT": Code((4, 5), "beyond the tenant's policy"),
    "E_EVENT_CHANNEL": Code((5,), "that event cannot happen there"),
    "E_NO_ANCHOR": Code((5,), "on some path no message was sent before this node"),
    "E_NO_LINK": Code((5,), "a click is awaited, but the watched message has no link"),
    "E_TRACKING_OFF": Code((5,), "the awaited event is not tracked in the watched message"),
    "E_STUCK": Code((5,), "the node can wait for ever"),
    "E_SEND_AFTER_REPLY": Code((5,), "an automatic send follows a reply"),
    "E_SEND_AFTER_BOUNCE": Code((5,), "a send on the same channel family follows a bounce"),
    "E_SMS_OPT_OUT": Code((5,), "the first SMS on some path lacks the word STOP"),
    "E_MAX_SENDS": Code((5,), "some path sends more than maxSends"),
    "E_MAX_DURATION": Code((5,), "the longest path is longer than maxDuration"),
    "E_SPACING": Code((5,), "the next send can follow too soon"),
    "E_TOO_COMPLEX": Code((5,), "more states than the check explores"),
    "E_REVISION_STALE": Code((), "the running plan is another one than the revision names"),
    "E_REVISION_NODE": Code((), "the current node has no counterpart in the new plan"),
    "E_REVISION_CHANNEL": Code((), "a node already sent changes its channel"),
    "W_WINDOW_NARROW": Code((4,), "the longest open stretch is under 30 minutes", "warning"),
    "W_OPEN_UNRELIABLE": Code((5,), "opens are unreliable", "warning"),
    "W_STOP_ON_OPEN": Code((5,), "an open or delivery ends the plan as a success", "warning"),
}

"""Whether a person or a machine opened or clicked: one versioned table of rules (providers.md 6).

Here are the rules that one report is enough for. B5 to B8 need the history of the message or lists
of networks and are not here; B10 holds only when the caller knows how long ago the message was
delivered or opened.
"""

import re
from collections.abc import Callable
from enum import StrEnum

import msgspec

from domain.taxonomy import Signal

RULES_VERSION = 1
AFTER_OPEN_S_MIN = 2.0
AFTER_DELIVERY_S_MIN = 30.0

_PRIVACY_PREFETCH = "Mozilla/5.0"
_IMAGE_PROXIES = ("GoogleImageProxy", "YahooMailProxy")
BOTS = re.compile(
    r"(?<!cu)bot\b|crawler|spider|preview|scanner|headlesschrome|phantomjs|barracuda|mimecast|proofpoint"
    r"|facebookexternalhit|^curl/|^wget/|^java/|^okhttp/|libwww-perl|python-requests|python-urllib"
    r"|python-httpx|aiohttp|go-http-client|apache-httpclient|node-fetch|^axios/|scrapy",
    re.IGNORECASE,
)
"""User agents of programs, as of 2026-11; Cubot is the name of a phone."""


class Reader(StrEnum):
    """Who is behind an open or a click."""

    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one open or click at the moment of judging; None is "not known"."""

    signal: Signal
    flagged: bool = False
    useragent: str = ""
    method: str = "GET"
    prefetch: bool = False
    since_open_s: float | None = None
    since_delivery_s: float | None = None


class Rule(msgspec.Struct, frozen=True):
    """One line of the table."""

    code: str
    reader: Reader
    holds: Callable[[Sight], bool]


class Verdict(msgspec.Struct, frozen=True):
    """Who it was, and as evidence the version of the rules with the codes that held: `1:B1,B2`."""

    reader: Reader
    evidence: str

    @property
    def machine(self) -> bool:
        """Whether the plan is to see nothing of it (A14)."""
        return self.reader is Reader.MACHINE


def _clicked_at_leisure(sight: Sight) -> bool:
    after_open = sight.since_open_s is not None and sight.since_open_s >= AFTER_OPEN_S_MIN
    after_delivery = (
        sight.since_delivery_s is not None and sight.since_delivery_s > AFTER_DELIVERY_S_MIN
    )
    return sight.signal is Signal.CLICKED and (after_open or after_delivery)


EVIDENCE_RULES = (
    Rule("B1", Reader.MACHINE, lambda sight: sight.flagged),
    Rule("B2", Reader.MACHINE, lambda sight: sight.useragent == _PRIVACY_PREFETCH),
    Rule("B3", Reader.UNKNOWN, lambda sight: any(it in sight.useragent for it in _IMAGE_PROXIES)),
    Rule("B4", Reader.MACHINE, lambda sight: sight.method == "HEAD" or sight.prefetch),
    Rule("B9", Reader.MACHINE, lambda sight: BOTS.search(sight.useragent) is not None),
)
DEFAULT_RULES = (
    Rule("B10", Reader.HUMAN, _clicked_at_leisure),
    Rule("B11", Reader.HUMAN, lambda sight: sight.signal is Signal.OPENED),
)
"""Tried only when no evidence was found."""


def judge(sight: Sight) -> Verdict:
    """Machine when a rule says so, else unknown when one does, else human or unknown by default."""
    found = [rule for rule in EVIDENCE_RULES if rule.holds(sight)]
    found = found or [rule for rule in DEFAULT_RULES if rule.holds(sight)]
    readers = {rule.reader for rule in found}
    for reader in (Reader.MACHINE, Reader.UNKNOWN, Reader.HUMAN):
        if reader in readers:
            return Verdict(reader, f"{RULES_VERSION}:{','.join(rule.code for rule in found)}")
    return Verdict(Reader.UNKNOWN, f"{RULES_VERSION}:")

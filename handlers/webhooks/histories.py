"""What is known of opened and clicked messages, read from the raw reports that are kept of them."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec

from domain.campaign import Judged
from domain.ids import MessageId, TenantId
from handlers.ports import Past, Report, Sight, WebhookReader
from handlers.webhooks.verdicts import (
    NOTHING_KNOWN,
    History,
    Thresholds,
    Verdict,
    judge,
)


class Known(msgspec.Struct, frozen=True):
    """The history of one message, and the verdict of now on each sight in it."""

    history: History
    verdicts: Mapping[bytes, Verdict]
    judged: Sequence[Judged]
    size: int


class Histories:
    """Judges opens and clicks by all that came about their message, settled or not.

    A report that cannot be translated any more says nothing; it stops nobody. Those `at_hand` have
    been translated already, and are found by the keys that they are kept under.
    """

    def __init__(
        self,
        past: Sequence[Past],
        readers: Mapping[str, WebhookReader],
        tenant: TenantId,
        thresholds: Thresholds,
        at_hand: Mapping[bytes, Report] = MappingProxyType({}),
    ) -> None:
        self._readers = readers
        self._tenant = tenant
        self._thresholds = thresholds
        self._at_hand = at_hand
        self._known = {one.message_id: self._read(one) for one in past}

    @property
    def sizes(self) -> Mapping[MessageId, int]:
        """How many reports are known about each message that was opened or clicked."""
        return {message_id: known.size for message_id, known in self._known.items()}

    def verdict(self, message_id: MessageId, report: Report) -> Verdict | None:
        """Who opened or clicked, as far as is known now; None for what is neither."""
        if report.sight is None:
            return None
        known = self._known.get(message_id)
        if known is None:
            return judge(report.sight, NOTHING_KNOWN, self._thresholds)
        return known.verdicts.get(report.key) or judge(
            report.sight, known.history, self._thresholds
        )

    def judged(self, message_id: MessageId) -> Sequence[Judged]:
        """The verdict of now on each kept open and click of a message."""
        known = self._known.get(message_id)
        return () if known is None else known.judged

    def _read(self, past: Past) -> Known:
        keyed = list(self._keyed(past))
        history = History(
            sent_at=past.sent_at,
            delivered_at=past.delivered_at,
            replied_at=past.replied_at,
            sights=[sight for _, sight in keyed],
        )
        verdicts = {key: judge(sight, history, self._thresholds) for key, sight in keyed}
        judged = [_judged(key, verdict) for key, verdict in verdicts.items()]
        return Known(history, verdicts, judged, past.size)

    def _keyed(self, past: Past) -> Iterator[tuple[bytes, Sight]]:
        for provider, raw, key in past.sights:
            reader = self._readers.get(provider)
            if reader is not None:
                report = self._at_hand.get(key) or reader.translate(raw, tenant=self._tenant)
                if report.problem is None and report.sight is not None:
                    yield report.key, report.sight


def fact_key(key: bytes) -> str:
    """A semantic key as facts have it."""
    return key.hex()[:24]


def _judged(key: bytes, verdict: Verdict) -> Judged:
    return Judged(
        key=fact_key(key),
        machine=verdict.machine,
        reader=verdict.reader,
        evidence=verdict.evidence,
    )

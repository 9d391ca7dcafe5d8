"""What is known of opened and clicked messages, read from the raw reports that are kept of them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from domain.ids import MessageId, TenantId
from domain.taxonomy import Signal
from handlers.ports import Past, Report, Sight, WebhookReader
from handlers.webhooks.verdicts import (
    NOTHING_KNOWN,
    History,
    Thresholds,
    Verdict,
    judge,
)


class Known(msgspec.Struct, frozen=True):
    """The history of one message, and the key of each sight in it."""

    history: History
    keyed: Sequence[tuple[bytes, Sight]]
    size: int


class Histories:
    """Judges opens and clicks by all that came about their message, settled or not.

    A report that cannot be translated any more says nothing; it stops nobody.
    """

    def __init__(
        self,
        past: Sequence[Past],
        readers: Mapping[str, WebhookReader],
        tenant: TenantId,
        thresholds: Thresholds,
    ) -> None:
        self._readers = readers
        self._tenant = tenant
        self._thresholds = thresholds
        self._known = {one.message_id: self._read(one) for one in past}
        self._judged: dict[MessageId, list[tuple[bytes, Verdict]]] = {}

    @property
    def sizes(self) -> Mapping[MessageId, int]:
        """How many reports are known about each message that was opened or clicked."""
        return {message_id: known.size for message_id, known in self._known.items()}

    def judge(self, message_id: MessageId, sight: Sight) -> Verdict:
        """Who opened or clicked, as far as is known now."""
        known = self._known.get(message_id)
        return judge(sight, known.history if known else NOTHING_KNOWN, self._thresholds)

    def verdicts(self, message_id: MessageId) -> Sequence[tuple[bytes, Verdict]]:
        """The verdict of now on each kept open and click of a message."""
        if message_id not in self._judged:
            known = self._known.get(message_id)
            self._judged[message_id] = [] if known is None else self._all(known)
        return self._judged[message_id]

    def _all(self, known: Known) -> list[tuple[bytes, Verdict]]:
        return [(key, judge(sight, known.history, self._thresholds)) for key, sight in known.keyed]

    def _read(self, past: Past) -> Known:
        reports = list(self._translated(past))
        keyed = [(report.key, report.sight) for report in reports if report.sight is not None]
        history = History(
            sent_at=past.sent_at,
            delivered_at=_first(reports, Signal.DELIVERED),
            replied_at=_last(reports, Signal.REPLIED),
            sights=[sight for _, sight in keyed],
        )
        return Known(history, keyed, len(past.kept))

    def _translated(self, past: Past) -> Iterator[Report]:
        for provider, raw, _ in past.kept:
            reader = self._readers.get(provider)
            if reader is not None:
                report = reader.translate(raw, tenant=self._tenant)
                if report.problem is None:
                    yield report


def _first(reports: Sequence[Report], signal: Signal) -> datetime | None:
    return min(_instants(reports, signal), default=None)


def _last(reports: Sequence[Report], signal: Signal) -> datetime | None:
    return max(_instants(reports, signal), default=None)


def _instants(reports: Sequence[Report], signal: Signal) -> list[datetime]:
    return [report.at for report in reports if report.signal == signal and report.at is not None]

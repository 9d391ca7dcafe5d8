"""What providers report and people do: from the inbox to decisions, in batches. Safe to repeat."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType

import msgspec

from domain import campaign
from domain.campaign import Acceptance, Judged, Reported
from domain.ids import ContactId, MessageId
from domain.recorded import Cause
from domain.taxonomy import CauseKind, Family, Signal, Via
from handlers.ports import (
    InboxItem,
    Input,
    Lift,
    Match,
    Past,
    Report,
    Result,
    Settled,
    Suppression,
    TenantPorts,
    Transaction,
    WebhookReader,
)
from handlers.webhooks.histories import Histories, fact_key
from handlers.webhooks.outcomes import ACCOUNT_TROUBLE, foreign, settled, unmatched, unusable
from handlers.webhooks.verdicts import DEFAULT_THRESHOLDS, Thresholds

LOG = logging.getLogger("antiphon.signals")
BATCH = 500
NOTHING: Mapping[bytes, Report] = MappingProxyType({})
TELLING = frozenset({Signal.OPENED, Signal.CLICKED, Signal.DELIVERED, Signal.REPLIED})
"""What a verdict on an open or a click looks at."""


class Ingest:
    """Turns the inbox of one tenant into facts."""

    def __init__(
        self,
        ports: TenantPorts,
        readers: Mapping[str, WebhookReader],
        thresholds: Thresholds = DEFAULT_THRESHOLDS,
    ) -> None:
        self._ports = ports
        self._readers = readers
        self._thresholds = thresholds

    def take_batch(self) -> int:
        """Settle one batch of reports: recorded, no news, orphan or parked; the number taken."""
        ports = self._ports
        items = ports.inbox.claim(BATCH)
        if not items:
            return 0
        reports = [self._translated(item) for item in items]
        batch = _Batch(items, reports, ports.clock.now())
        ports.campaigns.transact_found(partial(self._inputs, batch), along=self._settle)
        self._judge_overtaken(batch)
        return len(items)

    def _inputs(self, batch: "_Batch", tx: Transaction) -> Sequence[Input]:
        """What is to be decided.

        Bans, and what is set aside, are committed before and stand, whatever comes of the rest.
        """
        ports, items, reports, now = self._ports, batch.items, batch.reports, batch.now
        matches = ports.outbox.find(tx, reports)
        past = self._past(tx, _told(reports, matches))
        self._suppress(items, reports, matches, now)
        self._hold_senders(reports)
        at_hand = {item.key: report for item, report in zip(items, reports, strict=True)}
        known = batch.known = self._histories(past, at_hand)
        given: list[Input] = []
        aside: list[Settled] = []
        for item, report, match in zip(items, reports, matches, strict=True):
            refused = unusable(report, ports.tag) or unmatched(item, match)
            if refused is not None:
                aside.append(Settled(item, *refused))
            elif match is not None:
                given.append(_input(item, report, match, known, now))
        ports.inbox.settle(None, aside)
        # by the time of what happened, so that one stream hears it in order (A7)
        given.sort(key=lambda one: (one.ref[1].at or now, one.ref[0].inbox_id))
        batch.given = given
        return given

    def _translated(self, item: InboxItem) -> Report:
        try:
            return self._readers[item.provider].translate(item.raw, tenant=self._ports.tenant)
        except Exception as error:  # noqa: BLE001  # one report must not hold back all others
            LOG.warning("report %d was not translated: %s", item.inbox_id, type(error).__name__)
            return Report(
                provider=item.provider,
                kind="unreadable",
                raw=item.raw,
                key=item.key,
                problem="untranslatable",
            )

    def _suppress(
        self,
        items: Sequence[InboxItem],
        reports: Sequence[Report],
        matches: Sequence[Match | None],
        now: datetime,
    ) -> None:
        """A ban stands at once, also for a report whose message is not found (providers.md 1.2)."""
        ours = [
            (item, one, _sayer(one, match))
            for item, one, match in zip(items, reports, matches, strict=True)
            if not foreign(one, self._ports.tag)
        ]
        about = [each for each in ours if each[1].address or each[2]]
        bans = [_ban(item, one, who, now) for item, one, who in about if one.suppresses]
        self._ports.suppressions.add(None, bans)
        self._ports.suppressions.lift([_lift(one, who, now) for _, one, who in about if one.lifts])

    def _past(self, tx: Transaction, known: Mapping[MessageId, int]) -> Sequence[Past]:
        return self._ports.inbox.past(tx, known) if known else []

    def _histories(
        self, past: Sequence[Past], at_hand: Mapping[bytes, Report] = NOTHING
    ) -> Histories:
        return Histories(past, self._readers, self._ports.tenant, self._thresholds, at_hand)

    def _judge_overtaken(self, batch: "_Batch") -> None:
        """What came while this batch was decided may be of another worker's batch that knew less.

        Whoever is last to commit sees all of it, and judges what both have recorded.
        """
        assert batch.known is not None
        if not batch.known.sizes:
            return
        with self._ports.transactions.begin() as tx:
            past = self._past(tx, batch.known.sizes)
        again = self._histories(past)
        latest = {one.ref[2].message_id: one for one in batch.given}
        overtaken = [mid for mid in again.sizes if mid in latest]
        self._ports.campaigns.transact_many(
            [
                Input(
                    latest[mid].stream,
                    partial(
                        campaign.hear,
                        acceptance=None,
                        reported=None,
                        judged=again.judged(mid),
                        now=batch.now,
                    ),
                    latest[mid].cause,
                    latest[mid].correlation,
                )
                for mid in overtaken
            ]
        )

    def _hold_senders(self, reports: Sequence[Report]) -> None:
        """Trouble with the account itself: nothing is sent until an operator has looked."""
        kinds = {report.kind for report in reports} | {report.reason for report in reports}
        if kinds & ACCOUNT_TROUBLE:
            LOG.error("senders of %s held: %s", self._ports.tenant, sorted(kinds & ACCOUNT_TROUBLE))
            self._ports.register.hold_senders()

    def _settle(self, tx: Transaction, results: Sequence[Result]) -> None:
        self._ports.inbox.settle(tx, [settled(result) for result in results])


class _Batch(msgspec.Struct):
    """Reports that were taken together, and what a look at them came to."""

    items: Sequence[InboxItem]
    reports: Sequence[Report]
    now: datetime
    known: Histories | None = None
    given: Sequence[Input] = ()


def _told(reports: Sequence[Report], matches: Sequence[Match | None]) -> Mapping[MessageId, int]:
    """The messages whose verdicts these reports may change; nothing is known of them yet."""
    return {
        match.message_id: 0
        for report, match in zip(reports, matches, strict=True)
        if match is not None and report.signal in TELLING
    }


def _sayer(report: Report, match: Match | None) -> ContactId | None:
    """The contact whose word it is: a bounce is nobody's, and an address alone proves nobody."""
    if match is None or match.weak or report.signal == Signal.BOUNCED:
        return None
    return match.contact_id


def _ban(item: InboxItem, report: Report, contact: ContactId | None, now: datetime) -> Suppression:
    return Suppression(
        Family.EMAIL,
        report.address or "",
        report.kind,
        report.provider,
        report.at or now,
        ground=report.ground,
        cause=_cause(item),
        contact_id=contact,
    )


def _lift(report: Report, contact: ContactId | None, now: datetime) -> Lift:
    address = report.address or ""
    return Lift(Family.EMAIL, address, report.ground, report.at or now, contact)


def _input(item: InboxItem, report: Report, match: Match, known: Histories, now: datetime) -> Input:
    at = report.at or now
    decide = partial(
        campaign.hear,
        acceptance=_acceptance(report, match, at),
        reported=_reported(report, match, known, at),
        judged=_judged(report, match, known),
        now=now,
    )
    return Input(match.stream, decide, _cause(item), item.delivery_id, ref=(item, report, match))


def _cause(item: InboxItem) -> Cause:
    """The delivery that a report came in, and its place in the inbox."""
    kind = CauseKind.LINK if item.provider == "link" else CauseKind.WEBHOOK
    return Cause(kind, f"{item.delivery_id}#{item.inbox_id}")


def _judged(report: Report, match: Match, known: Histories) -> Sequence[Judged]:
    """The verdicts on all that is kept of the message: the decision records those that changed."""
    return known.judged(match.message_id) if report.signal in TELLING else ()


def _acceptance(report: Report, match: Match, at: datetime) -> Acceptance | None:
    """Proof that an attempt left: only where the report itself names the attempt."""
    if not report.accepted or match.weak or match.attempt is None:
        return None
    return Acceptance(
        message_id=match.message_id,
        attempt=match.attempt,
        at=at,
        via=Via.REPLY if report.signal in ("replied", "auto_replied") else Via.WEBHOOK,
        provider_id=(report.provider_id or "").partition(".")[0],
    )


def _reported(report: Report, match: Match, known: Histories, at: datetime) -> Reported | None:
    if report.signal is None:
        return None
    verdict = known.verdict(match.message_id, report)
    return Reported(
        signal=report.signal,
        at=at,
        key=fact_key(report.key),
        message_id=match.message_id,
        machine=verdict is not None and verdict.machine,
        weak=match.weak,
        reader=verdict.reader if verdict else "",
        evidence=verdict.evidence if verdict else "",
        url=report.url,
    )

"""Which message a report is about: our own id first, the address last (providers.md 1.2)."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from domain.ids import ContactId, MessageId, StreamId
from handlers.ports import Match, Report, Transaction
from infra.statements import Statements

WEAK_WITHIN = timedelta(days=7)
_OUR_MESSAGE_ID: Final = re.compile(
    r"<?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.(\d{1,4})@"
)

AddressMac = Callable[[str], bytes]
"""The HMAC of a normalised address under the tenant's pepper."""


class Matcher:
    """Finds messages for reports, a query a way and not a report."""

    def __init__(self, schema: str, address_mac: AddressMac) -> None:
        self._sql = Statements(schema)
        self._address_mac = address_mac

    def domain_key(self, domain: str) -> str:
        """The keyed digest of a mail domain, for what is counted by it."""
        return self._address_mac(f"@{domain}").hex()[:32]

    def find(self, tx: Transaction, reports: Sequence[Report]) -> list[Match | None]:
        """The message of each report in order, or None: an orphan."""
        found: list[Match | None] = [None] * len(reports)
        for way in (self._by_our_id, self._by_provider_id, self._by_address):
            open_ = [index for index, match in enumerate(found) if match is None]
            for index, match in way(tx, {index: reports[index] for index in open_}).items():
                found[index] = match
        return found

    def _by_our_id(self, tx: Transaction, reports: Mapping[int, Report]) -> dict[int, Match]:
        named = {index: _named(report) for index, report in reports.items()}
        ids = [name[0] for name in named.values() if name is not None]
        known = {row[0]: row for row in self._sql.rows(tx, _BY_ID, {"ids": ids})} if ids else {}
        return {
            index: _match(known[name[0]], name[1])
            for index, name in named.items()
            if name is not None and name[0] in known
        }

    def _by_provider_id(self, tx: Transaction, reports: Mapping[int, Report]) -> dict[int, Match]:
        named = {
            index: report.provider_id.partition(".")[0]
            for index, report in reports.items()
            if report.provider_id
        }
        if not named:
            return {}
        rows = self._sql.rows(tx, _BY_PROVIDER_ID, {"ids": list(named.values())})
        known = {row[3]: row for row in rows}
        return {index: _match(known[name], None) for index, name in named.items() if name in known}

    def _by_address(self, tx: Transaction, reports: Mapping[int, Report]) -> dict[int, Match]:
        """The latest message to this address in the days before, if one campaign wrote: weak."""
        asked = {
            index: (self._address_mac(report.address), report.at)
            for index, report in reports.items()
            if report.address and report.at and not report.message_id
        }
        if not asked:
            return {}
        params = {
            "nos": list(asked),
            "macs": [mac for mac, _ in asked.values()],
            "times": [at for _, at in asked.values()],
            "within": WEAK_WITHIN,
        }
        rows = self._sql.rows(tx, _BY_ADDRESS, params)
        return {row[3]: _match(row, None, weak=True) for row in rows}


def _named(report: Report) -> tuple[MessageId, int | None] | None:
    if report.message_id is not None:
        return report.message_id, report.attempt
    ours = _OUR_MESSAGE_ID.search(report.smtp_id or "")
    return (MessageId(UUID(ours[1])), int(ours[2])) if ours else None


def _match(row: Sequence[Any], attempt: int | None, *, weak: bool = False) -> Match:
    return Match(StreamId(row[1]), MessageId(row[0]), ContactId(row[2]), attempt, weak)


_BY_ID = """
SELECT message_id, stream_id, contact_id FROM {s}.send_queue WHERE message_id = ANY(%(ids)b)
"""

_BY_PROVIDER_ID = """
SELECT message_id, stream_id, contact_id, provider_id FROM {s}.send_queue
 WHERE provider_id = ANY(%(ids)b)
"""

# Several messages to one address are no doubt as long as they are of one contact-campaign.
_BY_ADDRESS = """
SELECT (array_agg(q.message_id ORDER BY q.accepted_at DESC))[1],
       (array_agg(q.stream_id))[1], (array_agg(q.contact_id))[1], u.no
  FROM unnest(%(nos)b::bigint[], %(macs)b::bytea[], %(times)b::timestamptz[]) AS u (no, mac, at)
  JOIN {s}.contacts c ON c.email_hmac = u.mac
  JOIN {s}.send_queue q ON q.contact_id = c.contact_id AND q.state = 'ACCEPTED'
   AND q.accepted_at BETWEEN u.at - %(within)s AND u.at
 GROUP BY u.no HAVING count(DISTINCT q.stream_id) = 1
"""

"""The log of accounts: read by this release, folded into the rows of gates, told in turns.

It also tells when which day began and when nothing was to leave, for what is judged by that.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
from msgspec.json import Decoder

from domain.accounts import (
    AccountEnvelope,
    AccountEvent,
    AccountStream,
    SenderEvent,
    Sending,
    SendingEvent,
    fold,
    fold_sending,
    sending_stream,
)
from infra.accounts.log import TOPICS
from infra.invariants.account_times import Span, closed_times, zone_times
from infra.invariants.account_turns import cap_faults, caps_standing, circuit_faults
from infra.invariants.finding import EXAMPLES_MAX, Finding, Tally
from infra.invariants.snapshot import Snapshot
from projections.projection import Change, Put
from projections.sender_accounts import ACCOUNTS, RULES, account_changes, rule_changes

_EVENTS = """
SELECT originator_id, originator_version, topic, state FROM {s}.account_events
 ORDER BY originator_id, originator_version
"""
_LIVE_ACCOUNTS = "SELECT to_jsonb(a) FROM {s}.sender_accounts a"
_LIVE_RULES = "SELECT to_jsonb(r) FROM {s}.sending_rules r"
_ZONES = """
INSERT INTO pg_temp.zones
SELECT sender, zone, since, until + %(skew)s
  FROM unnest(%(senders)s::text[], %(words)s::text[], %(sinces)s::timestamptz[],
              %(untils)s::timestamptz[]) AS u (sender, zone, since, until)
  JOIN pg_timezone_names n ON n.name = u.zone
"""
_CLOSED = """
INSERT INTO pg_temp.closed
SELECT * FROM unnest(%(senders)s::text[], %(words)s::text[], %(sinces)s::timestamptz[],
                     %(untils)s::timestamptz[])
"""
# A pause is committed when its order ends, and a call may have been claimed just before.
_WHILE_CLOSED = """
INSERT INTO pg_temp.while_closed
SELECT a.message, a.attempt, a.position, a.at, c.why, c.since
  FROM pg_temp.attempts a JOIN pg_temp.closed c ON c.sender = a.sender
 WHERE a.sender <> '' AND a.at > c.since AND a.at < c.until
UNION ALL
SELECT a.message, a.attempt, a.position, a.at, c.why, c.since
  FROM pg_temp.closed c JOIN pg_temp.attempts a ON a.at > c.since AND a.at < c.until
 WHERE c.sender = ''
"""


class AccountsKept:
    """The log of accounts of one tenant, decoded once."""

    def __init__(self, taken: Snapshot) -> None:
        self._taken = taken
        self._readable = Tally("I28", "")
        self._gapless = Tally("I20", "")
        self._rows = Tally("I23", "")
        self._turns = Tally("I20", "")
        self._lifted = Tally("I18", "")
        self._facts = self._read()
        tenant = self._facts.get(sending_stream(taken.tenant), [])
        self._sending = cast("list[SendingEvent]", tenant)
        self._senders = {
            stream: cast("list[SenderEvent]", facts)
            for stream, facts in self._facts.items()
            if stream != sending_stream(taken.tenant)
        }

    def _read(self) -> dict[AccountStream, list[AccountEvent]]:
        decoder: Decoder[AccountEnvelope] = Decoder(AccountEnvelope)
        found: dict[AccountStream, list[AccountEvent]] = {}
        last: dict[AccountStream, int] = {}
        for stream, version, topic, state in self._taken.rows(_EVENTS):
            self._gapless.examined += 1
            if version != last.get(stream, 0) + 1:
                self._gapless.add(
                    f"account {stream}: version {version} after {last.get(stream, 0)}"
                )
            last[stream] = version
            try:
                fact = decoder.decode(state).fact if topic in TOPICS else None
            except msgspec.DecodeError as error:
                fact, topic = None, f"{topic}: {error}"  # noqa: PLW2901  # told below
            if fact is None:
                self._readable.add(f"account {stream}, version {version}: {topic}")
            else:
                found.setdefault(stream, []).append(fact)
        self._readable.examined = len(last)
        return found

    def tell_times(self, skew: timedelta) -> None:
        """Put into temporary tables which zone was when in force, and when nothing was to leave."""
        self._insert(_ZONES, zone_times(self._sending, self._senders.values()), skew)
        self._insert(_CLOSED, closed_times(self._sending, self._senders.values()), skew)
        self._taken.run(_WHILE_CLOSED)

    def _insert(self, text: Any, spans: Sequence[Span], skew: timedelta) -> None:  # noqa: ANN401  # a literal
        columns = ("senders", "words", "sinces", "untils")
        lists = zip(*spans, strict=True) if spans else ((), (), (), ())
        self._taken.run(text, {**dict(zip(columns, map(list, lists), strict=True)), "skew": skew})

    def findings(self, now: datetime, late: timedelta) -> list[Finding]:
        """What is wrong with the log and with the rows that the gates read."""
        self._compare()
        for stream, facts in self._facts.items():
            self._take_turns(stream, facts, now - late)
        tallies = (self._readable, self._gapless, self._turns, self._rows, self._lifted)
        return [tally.finding() for tally in tallies]

    # --- rows -------------------------------------------------------------------------------------

    def _compare(self) -> None:
        folded = {
            str(stream): change
            for stream, facts in self._senders.items()
            for change in account_changes(stream, fold(facts))
        }
        live = {row["stream_id"]: row for (row,) in self._taken.rows(_LIVE_ACCOUNTS)}
        for stream in sorted(folded.keys() | live.keys()):
            self._compare_row(f"{ACCOUNTS.name} {stream}", live.get(stream), folded.get(stream))
        (rules,) = rule_changes(self._tenant_state())
        rows = [row for (row,) in self._taken.rows(_LIVE_RULES)]
        self._compare_row(RULES.name, rows[0] if rows else None, rules)

    def _tenant_state(self) -> Sending:
        return fold_sending(self._sending)

    def _compare_row(
        self, name: str, live: Mapping[str, Any] | None, folded: Change | None
    ) -> None:
        self._rows.examined += 1
        if live is None or folded is None:
            self._rows.add(f"{name}: {'missing' if live is None else 'not from the log'}")
            return
        assert isinstance(folded, Put)
        wanted = {column: _plain(value) for column, value in folded.row.items()}
        other = [
            f"{column} is {live[column]!r}, folded {value!r}"
            for column, value in wanted.items()
            if _plain(live[column], like=folded.row[column]) != value
        ]
        if other:
            self._rows.add(f"{name}: {'; '.join(other)}")

    # --- turns ------------------------------------------------------------------------------------

    def _take_turns(
        self, stream: AccountStream, facts: Sequence[AccountEvent], before: datetime
    ) -> None:
        for fault in (*circuit_faults(facts), *cap_faults(facts)):
            self._turns.add(f"account {stream}: {fault}")
        caps = caps_standing(facts)
        self._lifted.examined += len(caps)
        for fact in caps:
            if fact.until < before:
                self._lifted.add(
                    f"account {stream}: {fact.cap.value} {fact.key} was reached, its window was "
                    f"over at {fact.until.isoformat()}, and nothing says so"
                )


def _plain(value: Any, like: Any = None) -> Any:  # noqa: ANN401  # a column
    """As JSON has it, instants in UTC."""
    if isinstance(value, str) and isinstance(like, datetime):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return msgspec.to_builtins(value)


def merged(findings: Sequence[Finding]) -> list[Finding]:
    """Findings of one id as one: the title is the first one's, an empty one adds nothing to it."""
    found: dict[str, Finding] = {}
    for one in findings:
        known = found.get(one.id)
        if known is None:
            found[one.id] = one
            continue
        found[one.id] = Finding(
            one.id,
            known.title + one.title,
            known.examined + one.examined,
            known.broken + one.broken,
            (*known.examples, *one.examples)[:EXAMPLES_MAX],
        )
    return list(found.values())

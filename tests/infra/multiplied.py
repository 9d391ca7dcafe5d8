"""A tenant with a great many messages: some that were really lived through, copied with new ids.

Copies are made of the rows as text, so that every fact has the shape that this release writes. A
copy lives some weeks after the one before, and shares its instants with some others.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from domain.ids import schema_of
from tests.infra.invariants_stage import project
from tests.stories.house import House, plan, send, stop, way

PLAN = plan(
    send("hello", way("clicked", "won"), way("no_click", "again", after="P2D")),
    send("again", way("no_reply", "silent", after="P3D")),
    stop("won", outcome="handed_off"),
    stop("silent", outcome="no_response"),
)
MESSAGES_EACH = 12
"""Messages of six contacts, each written to twice."""
TOGETHER = 50
"""Copies that share their instants."""
TABLES: Mapping[str, str] = {
    "events": "originator_id",
    "streams": "stream_id",
    "send_queue": "stream_id",
    "timers": "stream_id",
    "contact_campaigns": "stream_id",
    "activity_feed": "stream_id",
    "webhook_inbox": "stream_id",
    "outreach": "stream_id",
}
POSITIONS = ("notification_id", "position", "inbox_id")
KEYS = ("campaign_id", "bucket", "node", "variant", "sender", "domain")

_HEX = "(?:3[0-9]|6[1-6])"
_DIGIT = "3[0-9]"
MARKS = re.compile(
    rf"(?P<id>[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-)[0-9a-f]{{12}}"
    rf"|(?P<stored>{_HEX}{{8}}(?:2d{_HEX}{{4}}){{3}}2d){_HEX}{{12}}"
    rf"|(?P<at>(?P<day>2026-\d\d-\d\d) )"
    rf"|(?P<told>32303236(?:2d{_DIGIT}{_DIGIT}){{2}})54"
    rf"|@(?P<position>\d+)@"
    rf"|(?<![0-9a-f:])(?P<mac>[0-9a-f]{{52}})[0-9a-f]{{12}}(?![0-9a-f])"
    rf"|(?<=22)(?P<key>{_HEX}{{52}}){_HEX}{{12}}(?=22)"
)
INDEXES = """
ALTER TABLE {s}.events ADD CONSTRAINT events_pkey PRIMARY KEY (originator_id, originator_version);
CREATE UNIQUE INDEX events_notification_id_idx ON {s}.events (notification_id)
"""
"""Made anew: every row that is added to them by itself costs far more."""
OWN_PROVIDER_IDS = """
UPDATE {s}.events SET state = convert_to(replace(convert_from(state, 'UTF8'), 'provider-1',
       convert_from(state, 'UTF8')::json -> 'f' ->> 'message_id'), 'UTF8')
 WHERE topic = 'message_accepted'
"""
WIDE_CAPS = r"""
UPDATE {s}.events SET state = convert_to(regexp_replace(convert_from(state, 'UTF8'),
       '(\["[a-z_]+"),\d+,\d+\]', '\1,999998,999999]', 'g'), 'UTF8')
 WHERE topic = 'send_attempt_started'
"""


class Multiplied:
    """Lives through six contact-campaigns in a house, then copies them."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.schema = schema_of(house.tenant)
        self.campaign = house.campaign()
        self._live()

    def _live(self) -> None:
        house = self.house
        streams = [house.enrol(PLAN, row=self.campaign).contact_campaign_id for _ in range(6)]
        house.work()
        house.after(hours=5)
        for stream in streams:
            assert stream is not None
            house.hear(house.event(stream, "delivered"))
        assert streams[0] is not None
        house.hear(
            house.event(streams[0], "open"),
            house.event(streams[0], "click", url="https://site.example/a"),
        )
        house.after(days=3)
        house.after(days=4)
        project(house)

    def copy(self, messages: int) -> int:
        """Have about so many messages; how many there are."""
        with self.house.system.database.direct() as owner, owner.transaction():
            self._prepare(owner)
            groups = max(1, round(messages / MESSAGES_EACH / TOGETHER))
            head = self._head(owner)
            for table, column in TABLES.items():
                self._copy(owner, table, column, groups * TOGETHER, head)
            self._run(owner, INDEXES)
            self._copy_people(owner, groups * TOGETHER, head)
            for table in ("metrics_hourly", "metrics_daily"):
                self._count(owner, table, groups)
            times = 1 + groups * TOGETHER
            self._run(owner, "UPDATE {s}.passages SET times = times * %s", [times])
            self._run(owner, "UPDATE {s}.tracking SET notification_id = %s", [head * times])
        with self.house.system.database.direct() as owner:
            owner.execute("SET statement_timeout = 0")
            owner.execute("VACUUM ANALYZE")
            rows = self._rows(owner, "SELECT count(*) FROM {s}.send_queue")
        return int(rows[0][0])

    def _prepare(self, owner: Connection[TupleRow]) -> None:
        """Provider ids that are not shared, limits that so many calls at once keep to."""
        self._run(owner, "SET LOCAL statement_timeout = 0")
        self._run(owner, "SET LOCAL idle_in_transaction_session_timeout = 0")
        self._run(owner, "ALTER TABLE {s}.events DROP CONSTRAINT events_pkey")
        self._run(owner, "DROP INDEX {s}.events_notification_id_idx")
        self._run(owner, "DELETE FROM {s}.bodies")
        self._run(owner, "UPDATE {s}.send_queue SET provider_id = message_id")
        self._run(owner, OWN_PROVIDER_IDS)
        self._run(owner, WIDE_CAPS)

    def _head(self, owner: Connection[TupleRow]) -> int:
        return int(self._rows(owner, "SELECT max(notification_id) FROM {s}.events")[0][0])

    # --- copying ----------------------------------------------------------------------------------

    def _copy(
        self, owner: Connection[TupleRow], table: str, column: str, copies: int, head: int
    ) -> None:
        columns = [
            row[0]
            for row in owner.execute(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
                [self.schema, table],
            ).fetchall()
        ]
        selected = sql.SQL(", ").join(
            sql.SQL("'@' || {} || '@'").format(sql.Identifier(name))
            if name in POSITIONS
            else sql.Identifier(name)
            for name in columns
        )
        source = sql.SQL("SELECT {} FROM {} WHERE {} IS NOT NULL").format(
            selected, sql.Identifier(self.schema, table), sql.Identifier(column)
        )
        self._multiply(owner, table, columns, source, copies, head)

    def _copy_people(self, owner: Connection[TupleRow], copies: int, head: int) -> None:
        for table, columns in (
            ("contacts", ["contact_id", "email", "email_hmac", "first_name", "vault_key"]),
            ("plan_contacts", ["plan_hash", "contact_id"]),
        ):
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            source = sql.SQL("SELECT {} FROM {}").format(names, sql.Identifier(self.schema, table))
            self._multiply(owner, table, columns, source, copies, head)

    def _multiply(
        self,
        owner: Connection[TupleRow],
        table: str,
        columns: Sequence[str],
        source: sql.Composed,
        copies: int,
        head: int,
    ) -> None:
        curs = owner.cursor()
        with curs.copy(sql.SQL("COPY ({}) TO STDOUT").format(source)) as out:
            text = "".join(bytes(part).decode() for part in out)
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(self.schema, table), names)
        whole = Template(text, keep={str(self.campaign.campaign_id)})
        with curs.copy(into) as copy:
            for number in range(1, copies + 1):
                copy.write(whole.copy(number, head))

    def _count(self, owner: Connection[TupleRow], table: str, groups: int) -> None:
        counters = [
            row[0]
            for row in owner.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = %s"
                " AND table_name = %s AND NOT column_name = ANY(%s)",
                [self.schema, table, list(KEYS)],
            ).fetchall()
        ]
        names = sql.SQL(", ").join(map(sql.Identifier, (*KEYS, *counters)))
        values = sql.SQL(", ").join(
            sql.SQL("{} * {}").format(sql.Identifier(name), TOGETHER) for name in counters
        )
        owner.execute(
            sql.SQL(
                "INSERT INTO {t} ({names}) SELECT campaign_id, bucket + n * interval '168 hours',"
                " node, variant, sender, domain, {values} FROM {t},"
                " generate_series(1, {groups}) AS n"
            ).format(
                t=sql.Identifier(self.schema, table), names=names, values=values, groups=groups
            )
        )

    def _run(self, owner: Connection[TupleRow], text: Any, params: Sequence[Any] = ()) -> None:
        owner.execute(sql.SQL(text).format(s=sql.Identifier(self.schema)), params or None)

    def _rows(self, owner: Connection[TupleRow], text: Any) -> list[TupleRow]:
        return owner.execute(sql.SQL(text).format(s=sql.Identifier(self.schema))).fetchall()


class Template:
    """Rows as text, cut at every id, date, digest and position."""

    def __init__(self, text: str, keep: set[str]) -> None:
        stored = {one.encode().hex() for one in keep}
        self._parts: list[str] = []
        self._slots: list[tuple[str, str]] = []
        end = 0
        for found in MARKS.finditer(text):
            if found[0] in keep | stored:
                continue
            kind = found.lastgroup or ""
            kind = "day" if kind == "at" else kind
            self._parts.append(text[end : found.start()])
            self._slots.append((kind, found[kind]))
            end = found.end()
        self._parts.append(text[end:])
        self._distinct = sorted(set(self._slots))

    def copy(self, number: int, head: int) -> str:
        """The rows of one copy."""
        weeks = timedelta(weeks=(number - 1) // TOGETHER + 1)
        new = {slot: _new(*slot, number, weeks, head) for slot in self._distinct}
        return "".join(self._interleaved(new))

    def _interleaved(self, new: Mapping[tuple[str, str], str]) -> Iterator[str]:
        for part, slot in zip(self._parts, self._slots, strict=False):
            yield part
            yield new[slot]
        yield self._parts[-1]


def _new(kind: str, old: str, number: int, weeks: timedelta, head: int) -> str:
    ending = f"{number:012x}"
    match kind:
        case "id" | "mac":
            return old + ending
        case "stored" | "key":
            return old + ending.encode().hex()
        case "day":
            return f"{date.fromisoformat(old) + weeks} "
        case "told":
            day = date.fromisoformat(bytes.fromhex(old).decode()) + weeks
            return day.isoformat().encode().hex() + "54"
        case _:
            return str(int(old) + number * head)

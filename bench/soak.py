"""Half an hour of everything at half load: what memory, tables and the lag of read models do.

A round is a minute. Time runs two minutes a second, so that whole lives are lived: two mails, what
is reported on them, timers. The series of all samples is written as JSON, for plots.
"""

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from bench.load.api import Api
from bench.load.customer import Customer, mail, plan_of, way
from bench.load.posts import Poster, events, signed
from bench.load.providing import Place, providing
from bench.load.sampling import Sample, Sampler
from bench.load.stand import Stand, standing
from bench.load.watching import is_settled, until
from bench.measuring import Row, percentile, rate_row, tell
from domain.events import MessageAccepted
from domain.ids import MessageId
from infra.invariants import check

ROUNDS = 30
LIVES_PER_S = 15
"""About half of what one worker, one web process and one projector carry on two cores."""
FACTOR = 120.0
SAMPLE_S = 5.0
WARM = 0.1
"""The share of the time after which memory and tables are compared with."""
AFTER_SENT = timedelta(minutes=5)
POSTERS = 4
PER_POST = 100
SERIES = Path("soak.json")
PLAN = plan_of(
    [
        mail("hello", way("clicked", "again"), way("no_click", "again", after="P1D")),
        mail("again", way("no_reply", "end", after="P1D"), schedule={"delay": "PT12H"}),
        {"id": "end", "type": "stop", "outcome": "no_response"},
    ]
)


def run(
    rounds: int,
    lives_per_s: int = LIVES_PER_S,
    minute_s: float = 60.0,
    series: Path = SERIES,
) -> list[Row]:
    """Rows of what changed over so many minutes."""
    with standing() as stand, providing(stand) as provider:
        stand.factor = FACTOR
        customer = stand.customer("soak")
        with stand.running(more=_told(provider)) as processes:
            load = _Load(stand, customer, lives_per_s)
            with Sampler(stand, customer, processes, min(SAMPLE_S, minute_s)) as sampler:
                load.run(rounds * minute_s)
            load.close()
            _drain(customer)
        _require_true(stand, customer, provider, load)
    samples = sampler.samples
    series.write_text(json.dumps({"lives_per_s": lives_per_s, "samples": samples}), "utf-8")
    tell(f"the series of {len(samples)} samples is in {series.resolve()}")
    minutes = minutes_of(samples, minute_s)
    return [*_load_rows(load), *memory(minutes), *_tables(minutes), *_waiting(minutes)]


def _told(provider: Place) -> dict[str, str]:
    return {
        "ANTIPHON_SENDGRID_BASE_URL": provider.plain,
        "ANTIPHON_CALL_THREADS": "64",
        "ANTIPHON_ENDPOINTS_ALLOW_PRIVATE": "true",
    }


class _Load:
    """Enrols so many contacts a second, and reports on every mail that was accepted."""

    def __init__(self, stand: Stand, customer: Customer, per_s: int) -> None:
        self._stand = stand
        self._customer = customer
        self._per_s = per_s
        self._api = Api(stand.web_url, customer)
        url = f"{stand.web_url}/webhooks/sendgrid/{customer.tenant}"
        self._poster = Poster(url, POSTERS)
        self._position = 0
        self._accepted: deque[tuple[datetime, MessageId]] = deque()
        self.enrolled = self.reported = 0
        self.turns_s: list[float] = []

    def run(self, seconds: float) -> None:
        """One turn a second; a turn that takes longer makes the next one late, never fewer."""
        began = monotonic()
        for turn in range(int(seconds)):
            sleep(max(began + turn - monotonic(), 0.0))
            started = monotonic()
            self._enrol()
            self._report()
            self.turns_s.append(monotonic() - started)
            if turn % 60 == 0:
                tell(f"minute {turn // 60}: {self.enrolled} enrolled, {self.reported} reported")

    def close(self) -> None:
        """Give the connections back."""
        self._poster.close()
        self._api.close()

    def _enrol(self) -> None:
        names = [f"p{self.enrolled + nth:07d}" for nth in range(self._per_s)]
        people = [
            {"external_id": name, "email": f"{name}@harbor.example", "first_name": "Dana"}
            for name in names
        ]
        made = self._api.post("/v1/contacts", {"items": people})["items"]
        items = [{"contact_id": one["contact_id"], "plan": PLAN} for one in made]
        path = f"/v1/campaigns/{self._customer.campaign.campaign_id}/enrolments"
        told = self._api.post(path, {"items": items})["items"]
        assert all(one["status"] == "started" for one in told), told[0]
        self.enrolled += self._per_s

    def _report(self) -> None:
        """What was accepted some simulated minutes ago; half of it is clicked too."""
        for one in self._customer.log.page(self._position, 5_000, ("message_accepted",)):
            assert isinstance(one.fact, MessageAccepted)
            self._position = one.position
            self._accepted.append((one.fact.at, one.fact.message_id))
        now = self._stand.simulated_now()
        due = []
        while self._accepted and self._accepted[0][0] + AFTER_SENT <= now:
            due.append(self._accepted.popleft()[1])
        told = [
            one
            for one in events(due, self._customer.ports.tag, now - AFTER_SENT)
            if one["event"] != "click" or one["antiphon_message"][-1] in "01234567"
        ]
        self._poster.at_once(signed(told, PER_POST, self._stand.key, self._stand.database.now()))
        self.reported += len(told)


# --- what must be true at the end -----------------------------------------------------------------


def _drain(customer: Customer) -> None:
    tell("the load is over; what is left is worked off …")
    until(lambda: is_settled(customer), "reports are left")
    until(lambda: not customer.count(_SENDING), "messages are being sent still")


def _require_true(stand: Stand, customer: Customer, provider: Place, load: _Load) -> None:
    assert customer.count("SELECT count(*) FROM {s}.streams") == load.enrolled
    taken, accepted = provider.told()["taken"], customer.count(_ACCEPTED)
    assert taken == accepted, (taken, accepted)
    found = check(
        customer.system.database,
        customer.tenant,
        clock_now=stand.simulated_now(),
        clock_factor=FACTOR,
    )
    broken = {one.id: one.examples for one in found if one.broken}
    assert not broken, broken


# --- rows -----------------------------------------------------------------------------------------


def _load_rows(load: _Load) -> list[Row]:
    busy = sum(took > 1.0 for took in load.turns_s) / len(load.turns_s)
    return [
        rate_row("soak_lives", "lives", [load.enrolled]),
        rate_row("soak_reports", "events", [load.reported]),
        rate_row("soak_late_turns_share", "share", [busy]),
    ]


Minutes = Sequence[Sequence[Sample]]
"""All samples, by the minute they were taken in."""


def minutes_of(samples: Sequence[Sample], minute_s: float) -> Minutes:
    """Samples at a pace, by their minutes."""
    return [list(some) for _, some in groupby(samples, lambda one: int(one["at_s"] // minute_s))]


def _over_time(row: Row, minutes: Minutes, value_of: Callable[[Sample], float]) -> Row:
    """The same row with the highest of each minute, which is what a round is here."""
    return row._replace(by_round=[max(map(value_of, minute)) for minute in minutes])


def memory(minutes: Minutes) -> list[Row]:
    """At the end, against soon after the start."""
    samples = list(chain(*minutes))
    warm = samples[int(len(samples) * WARM)]["memory_mb"]
    last = samples[-1]["memory_mb"]
    return [
        _over_time(
            rate_row(f"soak_memory_{name}_mb", "MB", [last[name]], [warm[name]]),
            minutes,
            partial(_memory_mb, name=name),
        )
        for name in last
    ]


def _memory_mb(sample: Sample, name: str) -> float:
    found: float = sample["memory_mb"].get(name, 0.0)  # not there while it is started anew
    return found


def _tables(minutes: Minutes) -> list[Row]:
    """The share of dead rows at its highest, and the size at the end, where there is anything."""
    samples = list(chain(*minutes))
    last: Mapping[str, Any] = samples[-1]["tables"]
    wanted = [name for name, table in last.items() if table["live"] > 0 and table["updates"] > 0]
    rows = []
    for name in wanted:
        shares = [_dead_share(sample["tables"][name]) for sample in samples]
        rows.append(rate_row(f"soak_dead_share_{name}", "share", [max(shares)]))
    big = sorted(last, key=lambda name: -_size_mb(samples[-1], name))[:8]
    sizes = [
        _over_time(
            rate_row(f"soak_size_{name}_mb", "MB", [_size_mb(samples[-1], name)]),
            minutes,
            partial(_size_mb, name=name),
        )
        for name in big
    ]
    return [*rows, *sizes]


def _size_mb(sample: Sample, name: str) -> float:
    size: int = sample["tables"][name]["bytes"]
    return size / 2**20


def _dead_share(table: Mapping[str, int]) -> float:
    return table["dead"] / max(table["dead"] + table["live"], 1)


def _waiting(minutes: Minutes) -> list[Row]:
    rows: list[Row] = []
    for name in ("behind", "reports_waiting", "messages_waiting", "timers_waiting"):
        *some, most = _shares(name, [sample[name] for sample in chain(*minutes)])
        rows += [*some, _over_time(most, minutes, itemgetter(name))]
    return rows


def _shares(name: str, values: Sequence[float]) -> list[Row]:
    return [
        rate_row(f"soak_{name}_p{share * 100:.0f}", "rows", [percentile(values, share)])
        for share in (0.5, 0.95, 1.0)
    ]


_SENDING = """
SELECT count(*) FROM {s}.send_queue WHERE state IN ('SENDING', 'QUEUED')
"""
_ACCEPTED = "SELECT count(*) FROM {s}.send_queue WHERE state = 'ACCEPTED'"

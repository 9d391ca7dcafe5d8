"""What processes and tables take, sampled while a load is on; Linux only."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any, Self

from bench.load.customer import Customer
from bench.load.stand import Stand
from bench.load.watching import behind
from bench.measuring import cpu_s, family_cpu_s
from tests.faults.processes import Processes

Sample = dict[str, Any]

_WORK = """
SELECT (SELECT count(*) FROM {s}.webhook_inbox WHERE state = 'new')
       + (SELECT count(*) FROM {s}.webhook_inbox WHERE state = 'claimed') AS reports,
       (SELECT count(*) FROM {s}.send_queue WHERE state = 'QUEUED' AND not_before <= %(now)s)
       + (SELECT count(*) FROM {s}.send_queue WHERE state = 'PLANNED' AND due_at <= %(now)s),
       (SELECT count(*) FROM {s}.timers WHERE state = 'due' AND due_at <= %(now)s)
"""
_TABLES = """
SELECT relname, n_live_tup, n_dead_tup, n_tup_hot_upd, n_tup_upd,
       pg_total_relation_size(relid), pg_indexes_size(relid)
  FROM pg_stat_user_tables WHERE schemaname = %(schema)s ORDER BY relname
"""


class Sampler:
    """Samples at a steady pace in a thread of its own, inside a `with` block."""

    def __init__(
        self, stand: Stand, customer: Customer, processes: Processes, every_s: float
    ) -> None:
        self._stand = stand
        self._customer = customer
        self._processes = processes
        self._names = {event.name for _, event in processes.events}
        self._every_s = every_s
        self._over = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._broken: list[BaseException] = []
        self.samples: list[Sample] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._broken:
            raise self._broken[0]

    def _run(self) -> None:
        began = monotonic()
        try:
            while True:
                self.samples.append({"at_s": round(monotonic() - began, 1), **self._sample()})
                if self._over.wait(self._every_s):
                    return
        except BaseException as error:  # noqa: BLE001  # raised where the block ends
            self._broken.append(error)

    def _sample(self) -> Sample:
        customer = self._customer
        now = self._stand.simulated_now()
        ((reports, messages, timers),) = customer.rows(_WORK, now=now)
        return {
            "memory_mb": self._memory(),
            "behind": behind(customer),
            "reports_waiting": reports,
            "messages_waiting": messages,
            "timers_waiting": timers,
            "tables": {
                row[0]: _table(row[1:]) for row in customer.rows(_TABLES, schema=customer.schema)
            },
        }

    def _memory(self) -> Mapping[str, float]:
        pids = {name: self._processes.pid(name) for name in self._names}
        found = {name: _proportional_mb([pid]) for name, pid in pids.items() if pid}
        server = self._stand.postgres_pid()
        assert server is not None
        return found | {"postgres": _proportional_mb([server, *_children(server)])}


def used_cpu_s(stand: Stand, processes: Processes) -> dict[str, float]:
    """Processor seconds so far of each process and of the server with all its sessions."""
    pids = {name: processes.pid(name) for name in {event.name for _, event in processes.events}}
    server = stand.postgres_pid()
    assert server is not None
    return {name: cpu_s(pid) for name, pid in sorted(pids.items()) if pid} | {
        "postgres": family_cpu_s(server)
    }


def _table(row: Sequence[Any]) -> Mapping[str, int]:
    names = ("live", "dead", "hot_updates", "updates", "bytes", "index_bytes")
    return dict(zip(names, map(int, row), strict=True))


def _proportional_mb(pids: Sequence[int]) -> float:
    """Memory with shared pages counted by their share: the sum over processes is what is taken."""
    return round(sum(map(_proportional_kb, pids)) / 1024, 1)


def _proportional_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except (OSError, ProcessLookupError):  # it ended meanwhile
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        return []
    return [int(one) for one in text.split()]

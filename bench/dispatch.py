"""Sends a second against a provider that takes 100 ms, by one real worker with all its gates.

The limit is what so many calls under way can do at that latency, in-flight / latency; it is no
measurement, and nothing on this machine could be above it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from bench.load.copies import OF_STREAMS, PEOPLE, Copies
from bench.load.customer import Customer, mail, plan_of, way
from bench.load.providing import LATENCY_S, Place, providing
from bench.load.sampling import used_cpu_s
from bench.load.stand import Stand, standing
from bench.load.watching import until
from bench.measuring import Row, rate_row, tell

ROUNDS = 3
IN_FLIGHT = (16, 64, 256)
SECONDS = 5
"""For so long there is work at the limit; less where the engine is slower."""
MOST = 4_000
LIVED = 50
PLAN = plan_of(
    [
        mail("hello", way("no_reply", "end", after="P60D")),
        {"id": "end", "type": "stop", "outcome": "no_response"},
    ]
)


class Sent(NamedTuple):
    """What came of one round: sends a second, and the processor time of a send."""

    per_s: float
    worker_us: float
    postgres_us: float


def run(
    rounds: int,
    in_flight: Sequence[int] = IN_FLIGHT,
    most: int = MOST,
) -> list[Row]:
    """A row for each number of calls at once, plain and over TLS."""
    with standing() as stand, providing(stand) as provider:
        found: dict[tuple[str, int], list[Sent]] = {}
        for number in range(rounds):
            for kind in ("plain", "tls"):
                for calls in in_flight:
                    wanted = min(int(calls / LATENCY_S * SECONDS), most)
                    customer = _due(stand, f"{kind}{calls}r{number}", wanted)
                    sent = _sent(stand, provider, customer, kind, calls)
                    found.setdefault((kind, calls), []).append(sent)
    return [
        row
        for (kind, calls), sent in found.items()
        for row in _rows(f"dispatch_{kind}_{calls}", sent, calls / LATENCY_S)
    ]


def _rows(name: str, sent: Sequence[Sent], limit: float) -> list[Row]:
    return [
        rate_row(name, "sends/s", [one.per_s for one in sent], [limit]),
        rate_row(f"{name}_cpu_worker", "us", [one.worker_us for one in sent]),
        rate_row(f"{name}_cpu_postgres", "us", [one.postgres_us for one in sent]),
    ]


def _due(stand: Stand, name: str, wanted: int) -> Customer:
    """A tenant with so many messages that are rendered and due now."""
    customer = stand.customer(name)
    customer.enrol(PLAN, LIVED)
    customer.project()
    keep = {str(customer.campaign.campaign_id)}
    tables = (*OF_STREAMS, *PEOPLE)
    Copies(customer.system.database, customer.schema, keep).make(wanted // LIVED, tables)
    assert customer.compose() == LIVED * (wanted // LIVED + 1)
    return customer


def _sent(stand: Stand, provider: Place, customer: Customer, kind: str, calls: int) -> Sent:
    """Sends a second, from the first call to the last answer recorded."""
    queued = customer.count(_IN, state="QUEUED")
    assert queued
    provider.told()
    more = {
        "ANTIPHON_CALL_THREADS": str(calls),
        "ANTIPHON_SENDGRID_BASE_URL": provider.secure if kind == "tls" else provider.plain,
        "SSL_CERT_FILE": provider.certificate,
    }
    with stand.running(("worker", "ticker"), more=more) as processes:
        before = used_cpu_s(stand, processes)
        ended = until(lambda: customer.count(_IN, state="ACCEPTED") == queued, "not all were sent")
        used = used_cpu_s(stand, processes)
    cpu = {name: (used[name] - before[name]) / queued * 1e6 for name in used}
    told = provider.told()
    assert told["taken"] == queued, told
    assert told["at_once"] <= calls
    per_s = queued / (ended - told["first_at"])
    tell(f"{kind}, {calls} at once: {per_s:.0f}/s ({told['at_once']} were, of {queued} mails)")
    return Sent(per_s, cpu["worker-0"], cpu["postgres"])


_IN = "SELECT count(*) FROM {s}.send_queue WHERE state = %(state)s"

"""Whole journeys: enrol, first send, half answered by a click and half by silence, second send.

The engine works as in production, with every gate, every fact and its read models beside; the
provider takes each mail at once, so that what is measured is the engine. The floor does the same in
plain tables. Contacts are there before; plans are checked, mails rendered and kept, posts verified.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from bench.engine.latency import step_times
from bench.engine.rounds import engine_round, own_plans_s
from bench.floor.latency import floor_step_times
from bench.floor.rounds import floor_round
from bench.measuring import Row, percentile, rate_row, tell, time_row
from bench.peers.asking import Answers, ask_peers
from bench.running.course import Round
from bench.running.servers import Bed, fresh_servers

ROUNDS = 3
CONTACTS = 20_000
OWN_PLANS = 1_000
"""Contacts with a plan of their own each: its check is most of what their enrolment takes."""
PEERS = 2_000
"""Contacts of a peer: some would take an hour for as many as ours."""
WARM_UP_SHARE = 20
LATENCIES = ("p50", "p95", "p99")
HURRIED_S = 0.01
"""Between a step and the next click, where nobody waits for the processes to be idle."""


class Sides(NamedTuple):
    """The rounds of ours and of the floor."""

    ours: Sequence[Round]
    floor: Sequence[Round]


def run(rounds: int, contacts: int = CONTACTS) -> list[Row]:
    """All rows."""
    own = min(contacts, OWN_PLANS)
    with fresh_servers() as bed:
        tell("warm-up")
        engine_round(bed, "warm", max(contacts // WARM_UP_SHARE, 1), workers=1)
        one, two = (_rounds(bed, rounds, contacts, workers=workers) for workers in (1, 2))
        own_s = [own_plans_s(bed, f"own{number}", own) for number in range(rounds)]
    with fresh_servers() as bed:
        latencies = _latencies(bed, rounds)
    peers = ask_peers(min(contacts, PEERS))
    return [
        *rows_of(one, peers),
        *_rates(two, "_2_workers", {}),
        rate_row("own_plans_enrolled_per_s", "1/s", [own / took_s for took_s in own_s]),
        *latencies,
    ]


def rows_of(sides: Sides, peers: Answers) -> list[Row]:
    """What rounds came to: rates, sizes and processor time."""
    return [*_rates(sides, "", peers), *_sizes(sides, peers), *_costs(sides)]


def _rounds(bed: Bed, rounds: int, contacts: int, *, workers: int) -> Sides:
    """Ours and the floor in turn, so that both meet the same weather."""
    found = Sides([], [])
    for number in range(rounds):
        name = f"w{workers}r{number}"
        tell(f"round {number + 1} of {rounds}, {workers} workers: the floor")
        floor = floor_round(bed, f"floor_{name}", contacts, workers=workers)
        tell(f"round {number + 1} of {rounds}, {workers} workers: the engine")
        ours = engine_round(bed, name, contacts, workers=workers)
        tell(f"  {contacts / ours.course.to_first_send_s:.0f} first sends a second")
        found = Sides([*found.ours, ours], [*found.floor, floor])
    return found


_RATES: Mapping[str, tuple[float, Callable[[Round], float]]] = {
    "enrol_to_first_send": (1.0, lambda one: one.course.to_first_send_s),
    "signals": (0.5, lambda one: one.course.heard_s),
    "enrolments": (1.0, lambda one: one.course.enrolled_s),
    "first_sends": (1.0, lambda one: one.course.first_sent_s),
    "delivered_reports": (1.0, lambda one: one.course.delivered_s),
    "timeouts": (0.5, lambda one: one.course.fired_s),
    "second_sends": (1.0, lambda one: one.course.second_sent_s),
    "completions": (1.0, lambda one: one.course.ended_s),
}
"""What share of the contacts a phase is about, and its seconds."""


def _rates(sides: Sides, suffix: str, peers: Answers) -> list[Row]:
    found = []
    for measure, (share, seconds_of) in _RATES.items():
        ours, floor = (
            [one.contacts * share / seconds_of(one) for one in rounds] for rounds in sides
        )
        name = f"{measure}{suffix}_per_s"
        found.append(rate_row(name, "1/s", ours, floor, peers.get(name)))
    return found


def _latencies(bed: Bed, rounds: int) -> list[Row]:
    ours = step_times(bed, "live", rounds)
    hurried = step_times(bed, "hurried", rounds, rest_s=HURRIED_S)
    floor = floor_step_times(bed, rounds)
    found = [_latency("signal_to_next_step", name, ours, floor) for name in LATENCIES]
    found += [_latency("hurried_signal_to_next_step", name, hurried) for name in LATENCIES]
    return found


def _latency(
    measure: str,
    name: str,
    ours: Sequence[Sequence[float]],
    floor: Sequence[Sequence[float]] = (),
) -> Row:
    share = int(name.removeprefix("p")) / 100
    times, limits = ([percentile(one, share) for one in each] for each in (ours, floor))
    return time_row(f"{measure}_{name}_ms", "ms", times, limits)


def _sizes(sides: Sides, peers: Answers) -> list[Row]:
    ours, floor = sides
    return [
        rate_row(
            "disk_bytes_per_journey",
            "B",
            [one.disk_bytes / one.journeys for one in ours],
            [one.disk_bytes / one.journeys for one in floor],
        ),
        rate_row(
            "log_bytes_per_event",
            "B",
            [one.log_bytes / one.events for one in ours],
            peers=peers.get("log_bytes_per_event"),
        ),
        rate_row("events_per_journey", "1", [one.events / one.journeys for one in ours]),
        rate_row(
            "wal_bytes_per_journey",
            "B",
            [one.wal_bytes / one.journeys for one in ours],
            [one.wal_bytes / one.journeys for one in floor],
        ),
        rate_row(
            "rss_bytes_per_waiting_contact",
            "B",
            [one.course.grown_bytes / one.contacts for one in ours],
            [one.course.grown_bytes / one.contacts for one in floor],
        ),
    ]


_COSTS: Mapping[str, Callable[[Round], float]] = {
    "worker_cpu": lambda one: one.course.cpu_s,
    "projector_cpu": lambda one: one.projector_cpu_s,
    "server_cpu": lambda one: one.server_cpu_s,
}


def _costs(sides: Sides) -> list[Row]:
    """The processor time of one journey, by who takes it, and how late the read models were."""
    found = []
    for measure, seconds_of in _COSTS.items():
        ours, floor = ([seconds_of(one) / one.journeys for one in rounds] for rounds in sides)
        limit = floor if any(floor) else None
        found.append(time_row(f"{measure}_per_journey_ms", "ms", ours, limit))
    late = [one.catch_up_s for one in sides.ours]
    return [*found, time_row("read_models_behind_at_the_end_s", "s", late)]

"""Reports of a provider: how many are acknowledged and settled a second, how soon plans go on.

Signed batches go over HTTP to a real web process; a worker, a projector and a ticker run beside it.
The floor is one process that only verifies and reads the same bodies.
"""

from collections.abc import Mapping, Sequence
from time import perf_counter

from bench.load.copies import Copies
from bench.load.customer import Customer, mail, plan_of, way
from bench.load.posts import Post, Poster, clicks, events, signed
from bench.load.sampling import used_cpu_s
from bench.load.stand import LATER, MONDAY, Stand, standing
from bench.load.watching import Stored, is_settled, until
from bench.measuring import Row, percentile, rate_row, tell
from domain.ids import MessageId

ROUNDS = 3
BATCHES = (1, 10, 100, 1_000)
RATES = (100, 500, 1_000)
SECONDS = 10
"""How long each rate is offered."""
PER_POST = 10
"""Events in a post where a rate is offered."""
EACH_ROUND = {1: 1_500, 10: 6_000, 100: 12_000, 1_000: 12_000}
"""Events in a round, by the size of its batches."""
LIVED = 50
CONNECTIONS = 8
OPEN_CONNECTIONS = 32
STEP = ("node_entered",)
PLAN = plan_of(
    [
        mail("hello", way("clicked", "more"), way("no_click", "more", after="P20D")),
        mail("more", way("no_reply", "end", after="P3D"), schedule={"delay": "P5D"}),
        {"id": "end", "type": "stop", "outcome": "no_response"},
    ]
)


def run(
    rounds: int,
    batches: Sequence[int] = BATCHES,
    rates: Sequence[int] = RATES,
    seconds: float = SECONDS,
    shrunk: int = 1,
) -> list[Row]:
    """Rows for each size of batch and each rate; `shrunk` divides the number of events."""
    with standing() as stand:
        rows: list[Row] = []
        for batch in batches:
            wanted = max(EACH_ROUND.get(batch, 6_000) // shrunk // 3, batch)
            messages = _Messages(stand, f"batch{batch}", wanted * (rounds + 1))
            with stand.running() as processes:
                before = used_cpu_s(stand, processes)
                rows += _batched(stand, messages, batch, wanted, rounds)
                rows += _cpu(before, used_cpu_s(stand, processes), batch, 3 * wanted * (rounds + 1))
        for rate in rates:
            wanted = int(rate * seconds)
            messages = _Messages(stand, f"rate{rate}", wanted * (rounds + 1))
            with stand.running():
                rows += _offered(stand, messages, rate, wanted, rounds)
        return rows


class _Messages:
    """Messages of a tenant that were accepted by the provider, to be reported on once each."""

    def __init__(self, stand: Stand, name: str, number: int) -> None:
        tell(f"{name}: {number} messages are made …")
        self.customer = customer = stand.customer(name)
        customer.enrol(PLAN, LIVED)
        assert customer.compose() == LIVED
        assert customer.send() == LIVED
        customer.project()
        copies = -(-number // LIVED)
        keep = {str(customer.campaign.campaign_id)}
        Copies(customer.system.database, customer.schema, keep).make(copies)
        found = customer.rows(
            "SELECT message_id, stream_id FROM {s}.send_queue WHERE state = 'ACCEPTED'"
            " ORDER BY md5(message_id::text)"
        )
        assert len(found) == LIVED * (copies + 1)
        self._left = [MessageId(row[0]) for row in found]
        self.streams = {MessageId(row[0]): row[1] for row in found}

    def take(self, number: int) -> list[MessageId]:
        """Some that nothing was reported on."""
        taken, self._left = self._left[:number], self._left[number:]
        assert len(taken) == number
        return taken


def _batched(stand: Stand, messages: _Messages, batch: int, wanted: int, rounds: int) -> list[Row]:
    customer = messages.customer
    acknowledged, settled, floor = [], [], []
    poster = Poster(_url(stand, customer), CONNECTIONS)
    for number in range(rounds + 1):
        given = list(events(messages.take(wanted), customer.ports.tag, MONDAY + LATER))
        posts = signed(given, batch, stand.key, stand.database.now())
        before = perf_counter()
        took = poster.at_once(posts)
        until(lambda: is_settled(customer), "not settled")
        whole = perf_counter() - before
        if number:  # the first one warms up
            acknowledged.append(len(given) / took)
            settled.append(len(given) / whole)
            floor.append(len(given) / _verified(stand, customer, posts))
            tell(f"batch {batch}: {acknowledged[-1]:.0f} acknowledged, {settled[-1]:.0f} settled/s")
    poster.close()
    _require_steps(customer, wanted * (rounds + 1))
    return [
        rate_row(f"webhook_acknowledged_in_{batch}s", "events/s", acknowledged, floor),
        rate_row(f"webhook_settled_in_{batch}s", "events/s", settled, floor),
    ]


def _cpu(
    before: Mapping[str, float], after: Mapping[str, float], batch: int, number: int
) -> list[Row]:
    """Processor time an event, which other work on the machine does not change much."""
    return [
        rate_row(
            f"webhook_cpu_{name}_in_{batch}s", "us", [(after[name] - before[name]) / number * 1e6]
        )
        for name in before
    ]


def _verified(stand: Stand, customer: Customer, posts: Sequence[Post]) -> float:
    """Seconds to verify and read them, in this process alone."""
    reader = stand.system.sendgrid_webhook(customer.tenant)
    now, began = stand.database.now(), perf_counter()
    for post in posts:
        assert not reader.verify(post.headers, post.body, now=now)
        assert reader.read(post.body, tenant=customer.tenant)
    return perf_counter() - began


def _offered(stand: Stand, messages: _Messages, rate: int, wanted: int, rounds: int) -> list[Row]:
    """Latencies at a rate that does not wait for answers."""
    customer = messages.customer
    poster = Poster(_url(stand, customer), OPEN_CONNECTIONS)
    steps: dict[float, list[float]] = {0.5: [], 0.95: [], 0.99: []}
    answers: list[float] = []
    for number in range(rounds + 1):
        given = list(clicks(messages.take(wanted), customer.ports.tag, MONDAY + LATER))
        posts = signed(given, PER_POST, stand.key, stand.database.now())
        with Stored(customer, STEP) as stored:
            began, acknowledged = poster.paced(posts, rate / PER_POST)
            until(lambda: len(stored.at) >= wanted, "not every plan went on")
        took = [
            stored.at[messages.streams[message]] - began - nth * PER_POST / rate
            for nth, post in enumerate(posts)
            for message in post.messages
        ]
        until(lambda: is_settled(customer), "not settled")
        if number:
            for share, found in steps.items():
                found.append(percentile(took, share) * 1e3)
            answers.append(percentile(acknowledged, 0.99) * 1e3)
            told = ", ".join(
                f"p{share * 100:.0f} {found[-1]:.0f}" for share, found in steps.items()
            )
            tell(f"{rate} events/s: next step after {told} ms")
    poster.close()
    _require_steps(customer, wanted * (rounds + 1))
    return [
        *(
            rate_row(f"webhook_step_at_{rate}_p{share * 100:.0f}_ms", "ms", found)
            for share, found in steps.items()
        ),
        rate_row(f"webhook_acknowledged_at_{rate}_p99_ms", "ms", answers),
    ]


def _require_steps(customer: Customer, clicked: int) -> None:
    """Every click moved its plan to the next mail, and nothing was set aside."""
    went_on = "SELECT count(*) FROM {s}.send_queue WHERE node = 'more' AND state = 'PLANNED'"
    aside = "SELECT count(*) FROM {s}.webhook_inbox WHERE state IN ('parked', 'orphan')"
    assert customer.count(went_on) == clicked
    assert customer.count(aside) == 0


def _url(stand: Stand, customer: Customer) -> str:
    return f"{stand.web_url}/webhooks/sendgrid/{customer.tenant}"

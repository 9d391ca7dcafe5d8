"""So many posts in a minute, per tenant, whatever strangers send; over it 429, counted."""

from hypothesis import given
from hypothesis import strategies as st

from domain.ids import TenantId
from handlers.webhooks.limit import TENANTS_MAX, PostLimit
from tests.handlers.web_fakes import World

ACME, OTHER = TenantId("acme"), TenantId("other")
EVENTS = "/webhooks/sendgrid/acme"
GOOD = {"x-twilio-signed": "good", "content-type": "application/json"}


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_tenant_that_posts_too_much_is_told_to_wait_and_it_is_counted() -> None:
    world = World(webhook_per_minute=3)
    answers = [world.client.post(EVENTS, content=b"[]", headers=GOOD) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [204, 204, 204, 429]
    assert answers[3].headers["retry-after"] == "10"
    assert answers[3].json()["code"] == "too_many_posts"
    assert world.counted == ["webhook.refused.TooManyPosts"]
    assert len(world.box.kept) == 3


def test_who_has_not_the_key_cannot_use_up_the_limit() -> None:
    world = World(webhook_per_minute=2)
    for _ in range(9):
        assert world.client.post(EVENTS, content=b"[]").status_code == 401
    assert world.client.post(EVENTS, content=b"[]", headers=GOOD).status_code == 204


def test_replies_count_to_the_same_limit() -> None:
    world = World(webhook_per_minute=1, inbound_secret="s3cret")
    path = f"{EVENTS}/inbound/s3cret"
    assert [world.client.post(path, content=b"x").status_code for _ in range(2)] == [204, 429]
    assert len(world.papers.replies) == 1


def test_a_bucket_fills_evenly_and_not_over_its_brim() -> None:
    ticks = Ticks()
    limit = PostLimit(60, ticks)
    assert sum(limit.admits(ACME) for _ in range(100)) == 60
    ticks.now += 1.0
    assert [limit.admits(ACME), limit.admits(ACME)] == [True, False]
    assert limit.admits(OTHER), "each tenant has its own"
    ticks.now += 3600.0
    assert sum(limit.admits(ACME) for _ in range(100)) == 60


def test_no_more_buckets_are_kept_than_a_process_has_room_for() -> None:
    limit = PostLimit(1, Ticks())
    for number in range(TENANTS_MAX + 5):
        limit.admits(TenantId(f"t{number}"))
    assert limit.admits(TenantId("t0")), "the longest unused went first"
    assert not limit.admits(TenantId(f"t{TENANTS_MAX}"))


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 20))
def test_no_minute_has_more_than_twice_the_limit(pauses: list[float], per_minute: int) -> None:
    """A full bucket and what flows in meanwhile."""
    ticks, taken = Ticks(), list[float]()
    limit = PostLimit(per_minute, ticks)
    for pause in pauses:
        ticks.now += pause
        taken += [ticks.now] * sum(limit.admits(ACME) for _ in range(5))
    for start in taken:
        assert sum(start <= at < start + 60 for at in taken) <= 2 * per_minute

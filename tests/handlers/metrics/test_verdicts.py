"""What is said of variants and hours: only what the numbers bear."""

from random import Random  # noqa: TID251  # seeded: the same trials for the same seed

import pytest

from handlers.metrics.counted import Measured, asked_by
from handlers.metrics.hours import of_week
from handlers.metrics.reads import LocalHour, PlaceTotals
from handlers.metrics.statistics import Arm
from handlers.metrics.variants import On, compared, judged
from projections.metrics import COUNTERS
from tests.handlers.web_fakes import NOON


def verdict(*arms: tuple[int, int]) -> str:
    names = "ABCDE"[: len(arms)]
    return judged(names, [Arm(*arm) for arm in arms], "replies").verdict


def place(variant: str, accepted: int, node: str = "intro", **counted: int) -> PlaceTotals:
    counters = dict.fromkeys(COUNTERS, 0) | {"accepted": accepted} | counted
    return PlaceTotals(node, variant, NOON, counters)


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        (((1, 12), (3, 14)), "too_few"),
        (((0, 0), (0, 0)), "too_few"),
        (((0, 500), (0, 500)), "too_few"),
        (((40, 1500), (90, 1500)), "better"),
        (((2, 200), (60, 200)), "better"),  # before the sample is whole, for it is so clear
        (((0, 8), (8, 8)), "too_few"),  # clear too, but of eight
        (((5000, 100_000), (5010, 100_000)), "alike"),
        (((150, 3000), (176, 3000)), "undecided"),
        (((75, 1500), (88, 1500), (160, 1500)), "better"),
    ],
)
def test_a_verdict_is_as_bold_as_the_sample_is_large(
    arms: tuple[tuple[int, int], ...], expected: str
) -> None:
    assert verdict(*arms) == expected


def test_too_few_says_how_many_and_how_many_more() -> None:
    found = judged("AB", [Arm(1, 12), Arm(3, 40)], "replies")
    assert found.told.startswith("Too few to say: 12 of about ")
    assert str(found.needed) in found.told


def test_a_winner_is_named_with_how_sure_and_at_what_price() -> None:
    found = judged("AB", [Arm(90, 1500), Arm(40, 1500)], "replies")
    assert found.leader == "A"
    assert found.told.startswith("A gets more replies: over 99.9 % sure. ")
    assert found.told.endswith("gives away less than 0.01 replies in 100 messages on average.")


def test_a_variant_that_is_not_measured_is_compared_with_nothing() -> None:
    asked = asked_by([{"nodes": [_node(track=False)]}])
    places = [place("A", 900), place("B", 900, replies=30, unique_opens=30)]
    (by_opens,) = compared(places, Measured(asked=asked), "opens")
    assert (by_opens.verdict, by_opens.variants[0].best) == ("not_measured", None)
    assert {one.counters["unique_opens"] for one in by_opens.variants} == {None}
    (by_replies,) = compared(places, Measured(asked=asked), "replies")
    assert by_replies.verdict == "better"


def _node(*, track: bool) -> dict[str, object]:
    message = {"trackOpens": track, "trackClicks": track}
    variants = [{"id": name, "message": message} for name in "AB"]
    return {"id": "intro", "type": "send", "variants": variants}


@pytest.mark.parametrize("on", ["replies", "clicks", "opens"])
def test_one_variant_has_no_rival_and_a_node_without_is_left_out(on: On) -> None:
    places = [place("A", 900), place("", 900, node="again")]
    (found,) = compared(places, Measured(), on)
    assert (found.node, found.verdict) == ("intro", "one_variant")


def test_what_one_message_asks_for_is_measured_in_the_whole() -> None:
    asked = asked_by([{"nodes": [_node(track=False), {**_node(track=True), "id": "other"}]}])
    known = Measured(asked=asked)
    nothing = dict.fromkeys(COUNTERS, 0)
    assert known.shown(nothing)["opens"] == 0
    assert known.shown(nothing, "intro")["opens"] is None
    assert known.shown(nothing, "intro", "A")["machine_opens"] is None
    assert known.shown(nothing, "never looked at")["opens"] == 0
    assert known.shown(nothing | {"machine_opens": 1}, "intro")["opens"] == 0
    assert known.shown(nothing | {"unique_opens": 1}, "intro")["unique_opens"] is None


def week(*cells: tuple[int, int, int, int]) -> list[LocalHour]:
    return [LocalHour(day, hour, sent, replied, replied, 0) for day, hour, sent, replied in cells]


def test_an_hour_that_is_surely_better_is_named() -> None:
    many = [(day, hour, 400, 12) for day in range(1, 6) for hour in range(8, 18)]
    found = of_week(week((6, 11, 400, 80), *many), "contact", "UTC")
    assert found.told == "More answers than in other hours: Saturday 11:00."
    assert [(one.weekday, one.hour) for one in found.best] == [(6, 11)]
    assert len(found.hours) == 168


def test_the_best_of_many_hours_is_not_good_by_chance_alone() -> None:
    """Fifty hours with one rate: some are ahead, and none is called better."""
    called = 0
    for seed in range(20):
        chance = Random(seed)  # noqa: S311  # repeatable on purpose
        drawn = [
            (day, hour, 300, sum(chance.random() < 0.05 for _ in range(300)))
            for day in range(1, 6)
            for hour in range(8, 18)
        ]
        called += of_week(week(*drawn), "contact", "UTC").verdict == "better"
    assert called <= 3


def test_a_week_of_few_messages_says_so() -> None:
    found = of_week(week((1, 9, 40, 2)), "tenant", "Europe/Lisbon")
    assert found.verdict == "too_few"
    assert found.told.startswith("Too few to say: the fullest hour has 40 of about ")
    assert of_week([], "tenant", "UTC").verdict == "too_few"

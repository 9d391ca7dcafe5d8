"""Rates: guesses, files over them, and history that takes their place as it grows."""

import pytest
from pydantic import ValidationError

from domain.taxonomy import Channel
from plans.simulate import BUILT_IN, Counts, RatesGiven, rates_from, rates_from_counts
from plans.simulate.chance import Chance
from plans.simulate.figures import quantile, wilson
from plans.simulate.history import HISTORY_ENOUGH
from plans.simulate.rates import inconsistencies

EMAIL, SMS = Channel.EMAIL, Channel.SMS
GUESS = BUILT_IN.channels[EMAIL]


def test_the_built_in_guesses_hold_together_and_cover_every_channel() -> None:
    assert inconsistencies(BUILT_IN) == []
    assert set(BUILT_IN.channels) == set(Channel)


def test_what_a_file_does_not_give_stays_built_in() -> None:
    given = {
        "channels": {"email": {"open": 0.6, "autoReply": 0.1}},
        "delays": {"reply": {"medianS": 60, "sigma": 0.5}},
        "taskDone": 0.5,
        "custom": {"x_demo": 0.02},
    }
    rates = rates_from(RatesGiven.model_validate(given))
    assert (rates.channels[EMAIL].open, rates.channels[EMAIL].auto_reply) == (0.6, 0.1)
    assert rates.channels[EMAIL].bounce == GUESS.bounce
    assert rates.channels[SMS] == BUILT_IN.channels[SMS]
    assert (rates.delays.reply.median_s, rates.delays.open) == (60, BUILT_IN.delays.open)
    assert (rates.task_done, rates.webhook_ok) == (0.5, BUILT_IN.webhook_ok)
    assert rates.custom == {"x_demo": 0.02}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"channels": {"email": {"opens": 0.5}}}, "opens"),
        ({"channels": {"email": {"open": 1.5}}}, "less than or equal to 1"),
        ({"channels": {"fax": {}}}, "fax"),
        ({"channels": {"email": {"open": float("nan")}}}, "nan"),
        ({"channels": {"email": {"open": 0.1, "click": 0.2}}}, "at most open"),
        ({"taskDone": 0.9, "taskSkipped": 0.2}, "taskDone"),
        ({"links": {"a": 0.7, "b": 0.7}}, "links"),
        ({"custom": {"demo": 0.1}}, "custom"),
        ({"delays": {"open": {"medianS": -1, "sigma": 1}}}, "greater than or equal to 0"),
    ],
)
def test_rates_that_cannot_be_are_refused_with_the_reason(given: object, told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RatesGiven.model_validate(given)
    assert told in str(refused.value)


def test_long_history_speaks_alone() -> None:
    counts = Counts(sends=1000, bounce=100, open=450, click=90, reply=45)
    drawn = rates_from_counts({EMAIL: counts}, {EMAIL})
    shares = drawn.rates.channels[EMAIL]
    assert (drawn.source, drawn.sample_size) == ("history", {"email": 1000})
    assert (shares.bounce, shares.open, shares.click, shares.reply) == (0.1, 0.5, 0.1, 0.05)
    assert shares.spam == 0.0


def test_bounces_are_a_share_of_the_contacts_that_were_written_to() -> None:
    drawn = rates_from_counts({EMAIL: Counts(sends=1000, contacts=400, bounce=20)}, {EMAIL})
    assert drawn.rates.channels[EMAIL].bounce == 0.05


def test_short_history_is_filled_up_with_guesses_to_what_is_enough() -> None:
    drawn = rates_from_counts({EMAIL: Counts(sends=50, open=50)}, {EMAIL})
    assert (drawn.source, drawn.sample_size) == ("history_and_built_in", {"email": 50})
    filled = (GUESS.open * (HISTORY_ENOUGH - 50) + 50) / HISTORY_ENOUGH
    assert drawn.rates.channels[EMAIL].open == pytest.approx(filled)


def test_history_of_one_channel_says_nothing_of_another() -> None:
    counts = {EMAIL: Counts(sends=5000)}
    both = rates_from_counts(counts, {EMAIL, SMS})
    assert (both.source, both.sample_size) == (
        "history_and_built_in",
        {"email": 5000, "sms": 0},
    )
    assert both.rates.channels[SMS] == BUILT_IN.channels[SMS]
    none = rates_from_counts(counts, {SMS})
    assert (none.source, none.sample_size) == ("built_in", {"sms": 0})


def test_history_with_blocked_images_still_holds_together() -> None:
    counts = Counts(sends=1000, open=10, click=300, reply=200, unsubscribe=200)
    drawn = rates_from_counts({EMAIL: counts}, {EMAIL})
    assert drawn.rates.channels[EMAIL].open == pytest.approx(0.4)
    assert inconsistencies(drawn.rates) == []


def test_the_interval_is_the_one_of_wilson() -> None:
    assert wilson(10, 100) == (0.0552, 0.1744)
    assert wilson(0, 100) == (0.0, 0.037)
    assert wilson(100, 100) == (0.963, 1.0)


def test_a_quantile_is_one_of_the_values() -> None:
    assert [quantile([1, 2, 3, 4], share) for share in (0.0, 0.25, 0.5, 0.9, 1.0)] == [
        1,
        1,
        2,
        4,
        4,
    ]


def test_throws_are_the_same_in_every_release() -> None:
    """The generator is SplitMix64: its published first outputs from the state 1234567."""
    chance = Chance(0)
    chance._state = 1234567
    published = (6457827717110365317, 3203168211198807973, 9817491932198370423)
    assert [chance.throw() for _ in published] == [(each >> 11) / 2**53 for each in published]


def test_throws_fill_the_unit_evenly_and_delays_halve_at_their_median() -> None:
    throws = [Chance(3, number).throw() for number in range(4000)]
    assert all(0 <= throw < 1 for throw in throws)
    for tenth in range(10):
        share = sum(tenth / 10 <= throw < (tenth + 1) / 10 for throw in throws) / 4000
        assert share == pytest.approx(0.1, abs=0.02)
    chance = Chance(4)
    short = sum(chance.log_normal(100.0, 1.4) < 100.0 for _ in range(4000))
    assert short / 4000 == pytest.approx(0.5, abs=0.03)

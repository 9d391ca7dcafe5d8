"""The table that decisions read and the machine it was taken from say the same."""

from itertools import product

import pytest
from statemachine.exceptions import TransitionNotAllowed

from domain.lifecycle import ENDED, NEXT, RUNNING, Lifecycle, Stage, after, allowed

EVENTS = sorted(event.id for event in Lifecycle.events)


@pytest.mark.parametrize(("stage", "event"), list(product(Stage, EVENTS)))
def test_table_and_machine_agree(stage: Stage, event: str) -> None:
    machine = Lifecycle(start_value=stage)
    if (stage, event) in NEXT:
        machine.send(event)
        assert machine.current_state_value == NEXT[stage, event]
    else:
        with pytest.raises(TransitionNotAllowed):
            machine.send(event)
        assert machine.current_state_value == stage


def test_the_table_is_the_one_of_the_specification() -> None:
    assert {(stage.value, event, to.value) for (stage, event), to in NEXT.items()} == {
        ("none", "accept", "draft"),
        ("draft", "schedule", "scheduled"),
        ("draft", "start", "active"),
        ("scheduled", "start", "active"),
        ("active", "pause", "paused"),
        ("paused", "resume", "active"),
        ("active", "complete", "completed"),
        ("active", "fail", "failed"),
        ("draft", "exit", "exited"),
        ("scheduled", "exit", "exited"),
        ("active", "exit", "exited"),
        ("paused", "exit", "exited"),
    }


def test_every_stage_is_a_state() -> None:
    assert {state.value for state in Lifecycle.states} == set(Stage)


@pytest.mark.parametrize("stage", sorted(ENDED))
def test_nothing_leads_out_of_an_end(stage: Stage) -> None:
    assert not any(allowed(stage, event) for event in EVENTS)


@pytest.mark.parametrize(("stage", "event"), list(product(Stage, EVENTS)))
def test_what_is_not_allowed_changes_nothing(stage: Stage, event: str) -> None:
    assert after(stage, event) == NEXT.get((stage, event), stage)


def test_running_is_neither_before_nor_after() -> None:
    assert not RUNNING & ENDED
    assert {stage for stage in Stage if allowed(stage, "exit")} - RUNNING == {
        Stage.DRAFT,
        Stage.SCHEDULED,
    }

from typing import get_args

import pytest
from msgspec.structs import replace

from domain.events import Event, topic_of
from projections.projection import Add, Change, Clear, Move, Projection, Put
from projections.registry import ALL, READ, WORK
from tests.projections.facts_given import journeys, recorded

TOPICS = {topic_of(fact) for fact in get_args(Event)}
NAMES = [projection.name for projection in ALL]


def columns_of(change: Change) -> set[str]:
    match change:
        case Put(row=row):
            return {*row}
        case Move(key=key, expect=expect, row=row):
            return {*key, *expect, *row}
        case Clear(where=where):
            return {*where}
        case Add(key=key, amounts=amounts):
            return {*key, *amounts}


def test_names_and_tables_belong_to_one_projection() -> None:
    tables = [table.name for projection in ALL for table in projection.tables]
    assert len({*NAMES}) == len(NAMES)
    assert len({*tables}) == len(tables)
    assert (*WORK, *READ) == ALL


@pytest.mark.parametrize("projection", ALL, ids=NAMES)
def test_topics_are_facts_of_this_release(projection: Projection) -> None:
    assert {*projection.topics} <= TOPICS
    assert len({*projection.topics}) == len(projection.topics)


@pytest.mark.parametrize("projection", ALL, ids=NAMES)
def test_its_topics_are_the_facts_that_change_something(projection: Projection) -> None:
    facts = [fact for seed in range(30) for _, journey in journeys(seed, 10) for fact in journey]
    seen = {topic_of(fact) for fact in facts}
    assert seen == TOPICS, "the journeys show every fact"
    changing = {topic_of(fact) for fact in facts if list(projection.changes(recorded(fact)))}
    assert changing == {*projection.topics}


@pytest.mark.parametrize("projection", WORK, ids=[work.name for work in WORK])
def test_rows_of_work_are_the_same_before_their_facts_have_positions(
    projection: Projection,
) -> None:
    for _, journey in journeys(2, 50):
        for version, fact in enumerate(journey, 1):
            placed = recorded(fact, version)
            unplaced = replace(placed, position=0)
            assert list(projection.changes(unplaced)) == list(projection.changes(placed))


@pytest.mark.parametrize("projection", ALL, ids=NAMES)
def test_changes_name_typed_columns_of_their_own_tables(projection: Projection) -> None:
    for _, journey in journeys(1, 50):
        for fact in journey:
            for change in projection.changes(recorded(fact)):
                assert change.table in projection.tables
                assert columns_of(change) <= change.table.columns.keys()

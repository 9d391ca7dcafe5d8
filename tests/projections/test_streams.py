from projections.projection import Put
from projections.streams import STREAMS, TABLE
from tests.projections.facts_given import (
    ACCEPTED_PLAN,
    CAMPAIGN,
    CONTACT,
    STARTED,
    STREAM,
    recorded,
)


def test_the_first_fact_says_whose_the_stream_is_and_by_which_plan() -> None:
    row = {
        "stream_id": STREAM,
        "campaign_id": CAMPAIGN,
        "contact_id": CONTACT,
        "run": 1,
        "plan_hash": "sha256:p",
    }
    assert list(STREAMS.changes(recorded(ACCEPTED_PLAN))) == [Put(TABLE, row)]


def test_later_facts_change_nothing_in_the_directory() -> None:
    assert list(STREAMS.changes(recorded(STARTED))) == []

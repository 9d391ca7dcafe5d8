"""Derived ids: equal for the same thing, different for different things, and fixed for ever."""

from uuid import UUID

from domain.ids import (
    CampaignId,
    ContactId,
    NodeId,
    StreamId,
    TenantId,
    dedupe_key,
    message_id,
    schema_of,
    stream_id,
    subject_key,
    timer_id,
)

DEMO, CAMPAIGN, CONTACT = TenantId("demo"), CampaignId(UUID(int=1)), ContactId(UUID(int=2))
STREAM = stream_id(DEMO, CAMPAIGN, CONTACT, 1)
INTRO = NodeId("intro")


def test_ids_that_the_log_has_never_change() -> None:
    assert str(STREAM) == "55276bf6-2e4f-5740-b733-636723a639cc"
    assert str(message_id(STREAM, INTRO, 1)) == "d1b780ab-abf9-5cfe-b355-1656ea28a4f1"
    assert str(timer_id(STREAM, INTRO, 1, 0)) == "1c767b06-0955-5718-b5e6-88d7c880d051"


def test_every_part_tells_streams_apart() -> None:
    other_contact, other_campaign = ContactId(UUID(int=3)), CampaignId(UUID(int=3))
    streams = {
        STREAM,
        stream_id(TenantId("other"), CAMPAIGN, CONTACT, 1),
        stream_id(DEMO, other_campaign, CONTACT, 1),
        stream_id(DEMO, CAMPAIGN, other_contact, 1),
        stream_id(DEMO, CAMPAIGN, CONTACT, 2),
    }
    assert len(streams) == 5


def test_every_part_tells_messages_and_timers_apart() -> None:
    other = StreamId(UUID(int=9))
    ids: set[UUID] = {
        message_id(STREAM, INTRO, 1),
        message_id(STREAM, INTRO, 2),
        message_id(STREAM, NodeId("next"), 1),
        message_id(other, INTRO, 1),
        timer_id(STREAM, INTRO, 1, 0),
        timer_id(STREAM, INTRO, 1, 1),
        timer_id(STREAM, INTRO, 2, 0),
        timer_id(STREAM, NodeId("next"), 1, 0),
        timer_id(other, INTRO, 1, 0),
    }
    assert len(ids) == 9


def test_a_tenant_has_a_schema_of_its_own() -> None:
    assert schema_of(DEMO) == "t_demo"


def test_the_subject_heads_keys_and_draws() -> None:
    assert subject_key(DEMO, CONTACT, CAMPAIGN) == f"t_demo:{CONTACT}:{CAMPAIGN}"


def test_the_dedupe_key_names_run_and_visit_together_or_not_at_all() -> None:
    def key(run: int, visit: int) -> str:
        return dedupe_key("t:c:k", INTRO, "email", run, visit)

    assert key(1, 1) == "t:c:k:intro:email"
    assert key(1, 2) == "t:c:k:intro:email:1.2"
    assert key(2, 1) == "t:c:k:intro:email:2.1"

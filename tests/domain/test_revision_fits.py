"""Section 10, 1 to 4: which plan may follow which, and what it means before the start."""

from functools import partial
from typing import Any

import pytest

from domain import campaign
from domain.errors import CampaignEnded, CampaignNotStarted, RevisionRefused, RevisionStale
from domain.lifecycle import Stage
from domain.plan import Plan
from domain.taxonomy import Channel
from tests.domain.asking import (
    accepted_plan,
    claims,
    enrols,
    queues,
    refuses,
    revises,
    stops,
)
from tests.domain.building import (
    on,
    plan,
    send,
    stop,
    t,
    wait,
)
from tests.domain.revised_plans import OLD, WAY, new
from tests.domain.spec import Story, drafted, given


def refused(story: Story, chosen: Plan, **more: Any) -> tuple[str, str]:
    with pytest.raises(RevisionRefused) as caught:
        story.knows(chosen).when(revises(chosen, t(1), **more))
    return caught.value.issue, caught.value.pointer


# --- 1 to 4: what fits ----------------------------------------------------------------------------


def test_a_revision_of_another_plan_than_the_one_in_force_is_stale() -> None:
    other = new(send("intro", WAY))
    with pytest.raises(RevisionStale):
        given(OLD).knows(other).when(revises(other, t(), if_hash="sha256:older"))


def test_the_plan_that_is_in_force_already_is_no_news() -> None:
    given(OLD).when(revises(OLD, t())).then()


def test_nothing_is_revised_before_a_plan_or_after_an_end() -> None:
    with pytest.raises(CampaignNotStarted):
        drafted(OLD).when(revises(OLD, t()))
    with pytest.raises(CampaignEnded):
        given(OLD).when(stops(t()), revises(OLD, t(1)))


def test_the_node_of_the_token_must_be_there() -> None:
    assert refused(given(OLD), new(send("hello", WAY))) == ("E_REVISION_NODE", "/map")


@pytest.mark.parametrize(
    "node", [wait("intro", WAY), send("intro", WAY, channel=Channel.SMS)], ids=["type", "channel"]
)
def test_the_node_of_the_token_must_be_of_the_same_type_and_channel(node: Any) -> None:
    assert refused(given(OLD), new(node)) == ("E_REVISION_NODE", "/map")


def test_a_map_must_lead_to_nodes_of_the_new_plan() -> None:
    mapping = {"intro": "hello"}
    assert refused(given(OLD), new(send("intro", WAY)), mapping=mapping) == (
        "E_REVISION_NODE",
        "/map",
    )


def test_two_nodes_cannot_become_one() -> None:
    mapping = {"intro": "intro", "more": "intro"}
    assert refused(given(OLD), new(send("intro", WAY)), mapping=mapping)[1] == "/map"
    old = plan(send("one", on("sent", "two")), send("two", WAY), stop())
    story = given(old).sends("one")
    assert refused(story, new(send("one", WAY)), mapping={"two": "one"})[1] == "/map"


def test_resume_at_must_name_a_node_of_the_new_plan() -> None:
    chosen = new(send("intro", WAY))
    assert refused(given(OLD), chosen, resume_at="more") == ("E_REVISION_NODE", "/resumeAt")


def test_a_node_that_has_sent_keeps_its_channel() -> None:
    old = plan(send("intro", on("sent", "more")), wait("more", WAY), stop())
    other = new(wait("more", WAY), send("intro", WAY, channel=Channel.SMS))
    assert refused(given(old).sends("intro"), other) == (
        "E_REVISION_CHANNEL",
        "/nodes/1/channel",
    )
    fits = new(wait("more", WAY), send("hello", WAY, channel=Channel.SMS))
    given(old).sends("intro").knows(fits).when(revises(fits, t(1))).then("revised")


def test_a_renamed_node_keeps_its_channel_too() -> None:
    old = plan(send("intro", on("sent", "more")), wait("more", WAY), stop())
    other = new(wait("more", WAY), send("hello", WAY, channel=Channel.SMS))
    story = given(old).sends("intro")
    assert refused(story, other, mapping={"intro": "hello"})[0] == "E_REVISION_CHANNEL"


def test_a_node_whose_message_never_left_may_change_its_channel() -> None:
    chosen = new(wait("more", WAY), send("intro", WAY, channel=Channel.SMS))
    given(OLD).knows(chosen).when(revises(chosen, t(), resume_at="more")).then(
        "cancelled revised", "revised", "enter more"
    )


def test_a_node_whose_message_was_refused_may_change_its_channel() -> None:
    old = plan(send("intro", on("send_failed", "more")), wait("more", WAY), stop())
    chosen = new(wait("more", WAY), send("intro", WAY, channel=Channel.SMS))
    story = given(old).knows(chosen).when(queues("intro"), claims("intro", t()))
    story.when(refuses("intro", t()), revises(chosen, t(1))).then("revised")


# --- before the start -----------------------------------------------------------------------------


def test_a_plan_that_was_not_started_is_replaced_and_starts_at_its_own_start() -> None:
    chosen = new(wait("first", WAY))
    accepting = partial(campaign.accept, accepted=accepted_plan())
    story = drafted(OLD).knows(chosen).when(accepting, revises(chosen, t())).then("revised")
    assert (story.state.stage, story.state.plan_hash) == (Stage.DRAFT, chosen.hash)
    story.when(partial(campaign.start, at=t(), now=t())).then("started", "enter first")


def test_a_scheduled_start_stays_where_it_is() -> None:
    chosen = new(wait("first", WAY), max_duration="P9D")
    story = drafted(OLD).knows(chosen).when(enrols(starts_at=t(2)), revises(chosen, t(1)))
    assert (story.state.stage, story.state.starts_at) == (Stage.SCHEDULED, t(2))
    story.when(partial(campaign.start, at=t(2), now=t(2))).then("started", "enter first")
    assert story.state.expires_at == t(11)


def test_resume_at_means_nothing_before_the_start() -> None:
    story = drafted(OLD).when(partial(campaign.accept, accepted=accepted_plan()))
    chosen = new(wait("first", WAY))
    assert refused(story, chosen, resume_at="first") == ("E_REVISION_NODE", "/resumeAt")

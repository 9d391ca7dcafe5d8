"""A recorded history against another plan: what is kept, what moves, where and why they part."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import islice
from random import Random  # noqa: TID251  # a test draws by a seed, not by the Rng port

import msgspec
import pytest

from domain import campaign
from domain.campaign import Judged
from domain.errors import CampaignNotStarted
from domain.plan import Plan
from domain.recorded import Recorded
from domain.taxonomy import CancelReason, Channel, Outcome
from plans.what_if import WhatIf, what_if
from tests.domain.asking import (
    Decide,
    accepted_plan,
    accepts,
    answers,
    claims,
    enrols,
    hears,
    pauses,
    queues,
    refuses,
    report,
    resolves,
    resumes,
    revises,
    skips,
    times_out,
)
from tests.domain.building import (
    GRACE,
    T0,
    branch,
    field,
    on,
    plan,
    send,
    stop,
    t,
    task,
    update,
    webhook,
)
from tests.plans.what_if_given import Punctual, against, history, proven, recorded
from tests.soundness.adversary import Idle

PLANS, RUNS = 60, 5

# --- a plan against its own history ---------------------------------------------------------------


def runs(seed: int) -> Iterator[tuple[Plan, Punctual]]:
    """Random runs of random plans: some paused on the way, some cut off before their end."""
    for number, one in enumerate(islice(proven(seed), PLANS)):
        for turn in range(RUNS):
            run = Punctual(
                one, number * RUNS + turn, pauses=turn % 2 == 1, grace_s=120 * (turn == 2)
            )
            steps = Random(turn).randint(1, 12) if turn == RUNS - 1 else None  # noqa: S311  # no secret
            _go(run, steps)
            yield one, run


def _go(run: Punctual, steps: int | None = None) -> None:
    try:
        run.run(steps)
    except Idle:
        assert steps is not None


def codes(told: WhatIf) -> set[str]:
    return {each.code for each in told.assumed}


def test_a_plan_parts_nowhere_from_what_happened_under_it() -> None:
    for one, run in runs(5):
        told = what_if(recorded(run.log), one, run.setting(one))
        assert told.parted is None, run.facts
        assert not codes(told) & {"inexact", "silence", "unused", "moved", "task", "call"}


def test_a_history_that_was_revised_on_the_way_comes_out_again_under_its_own_plans() -> None:
    source, revised = proven(13), 0
    while revised < 12:
        old, new = next(source), next(source)
        run = Punctual(old, revised)
        _go(run, run.rng.randint(1, 5))
        if run.state.ended or not run.revise(new):
            continue
        revised += 1
        _go(run)
        told = what_if(recorded(run.log), new, run.setting(old, new))
        assert "revised" in codes(told)
        assert "inexact" not in codes(told)


def test_any_history_runs_against_any_plan_the_same_way_each_time() -> None:
    source = proven(23)
    for _, run in islice(runs(5), 40):
        other = next(source)
        setting = run.setting(run.plan)
        first = msgspec.json.encode(what_if(recorded(run.log), other, setting))
        assert first == msgspec.json.encode(what_if(recorded(run.log), other, setting))
        assert msgspec.json.decode(first).keys() == {"happened", "other", "parted", "assumed"}


# --- one history by hand --------------------------------------------------------------------------

OWN = plan(
    send("m1", on("clicked", "call"), on("no_reply", "m2", after="P3D")),
    send("m2", on("timeout", "end", after="P1D")),
    task("call", on("task_done", "end"), on("timeout", "end", after="P9D")),
    stop(),
    name="test",
)


def sent(node: str, at: datetime) -> tuple[tuple[Decide, datetime], ...]:
    return (queues(node, at=at), at), (claims(node, at), at), (accepts(node, at), at)


def clicked() -> list[Recorded]:
    """Opened and clicked after two hours, called the next day."""
    return history(
        OWN,
        (enrols(), T0),
        *sent("m1", T0),
        (hears("clicked", t(hours=2), "m1"), t(hours=2)),
        (resolves("call", t(days=1)), t(days=1)),
    )


def unanswered() -> list[Recorded]:
    """Nobody did anything."""
    return history(
        OWN,
        (enrols(), T0),
        *sent("m1", T0),
        (times_out("m1", 1, t(days=3)), t(days=3) + GRACE),
        *sent("m2", t(days=3)),
        (times_out("m2", 0, t(days=4)), t(days=4) + GRACE),
    )


def left(told: WhatIf, number: int) -> tuple[str, datetime, str]:
    way = told.other.steps[number].left
    assert way is not None
    return way.on, way.at, way.pointer


def other(*nodes: object, **fields: object) -> Plan:
    return plan(*nodes, stop(), **{"name": "other", **fields})  # type: ignore[arg-type]  # nodes and their settings


def test_a_signal_takes_the_transition_that_the_other_plan_has_for_it() -> None:
    hot = other(
        send("m1", on("replied", "hot"), on("clicked", "hot")),
        send("hot", on("timeout", "end", after="P1D")),
    )
    told = against(clicked(), OWN, hot)
    assert told.parted is not None
    assert (told.parted.step, told.parted.kind) == (0, "way")
    assert told.parted.why == (
        "at m1 what happened: `clicked` (Mon 2026-06-01 18:00) takes transition 1 to call; "
        "in the other plan: `clicked` (Mon 2026-06-01 18:00) takes transition 2 to hot"
    )
    assert left(told, 0) == ("clicked", t(hours=2), "/nodes/0/transitions/1")
    assert told.other.steps[1].sent_at == t(hours=2)
    assert (told.other.outcome, told.other.ended_at) == ("completed", t(days=1, hours=2))
    assert codes(told) == {"over", "silence", "words"}


def test_reactions_move_with_the_message_they_are_about() -> None:
    later = other(
        send("m1", on("clicked", "end"), on("timeout", "end", after="P9D"), delay="P2D"),
    )
    told = against(clicked(), OWN, later)
    assert told.parted is not None
    assert told.parted.why == (
        "at m1 the message leaves 2 days later in the other plan:"
        " Wed 2026-06-03 16:00 instead of Mon 2026-06-01 16:00"
    )
    assert left(told, 0)[:2] == ("clicked", t(days=2, hours=2))
    assert "moved" in codes(told)


def test_a_signal_about_the_contact_keeps_its_instant_and_may_come_before_the_message() -> None:
    booked = history(
        OWN,
        (enrols(), T0),
        *sent("m1", T0),
        (hears("meeting_booked", t(days=1)), t(days=1)),
    )
    later = other(send("m1", on("timeout", "end", after="P9D"), delay="P2D"))
    told = against(booked, OWN, later)
    assert told.other.ended_at == t(days=1)
    assert told.parted is not None
    assert told.parted.why == (
        "at m1 the message left Mon 2026-06-01 16:00; in the other plan it is only due"
        " Wed 2026-06-03 16:00: `goal:meeting_booked` (Tue 2026-06-02 16:00)"
        " comes before it is sent"
    )


def test_a_signal_about_a_message_that_the_other_plan_never_sends_is_listed_not_used() -> None:
    told = against(clicked(), OWN, other(send("intro", on("timeout", "end", after="P1D"))))
    assert told.parted is not None
    assert told.parted.why == (
        "the other plan has no node m1; it starts at intro, Mon 2026-06-01 16:00"
    )
    unused = [each.told for each in told.assumed if each.code == "unused"]
    assert unused == [
        "`clicked` (Mon 2026-06-01 18:00 UTC) about m1 is not used: the other course never sends m1"
    ]


def test_the_same_node_on_another_channel_is_another_message() -> None:
    sms = other(send("m1", on("timeout", "end", after="P1D"), channel=Channel.SMS))
    told = against(clicked(), OWN, sms)
    assert told.other.steps[0].sent_at == T0
    assert left(told, 0)[0] == "timeout"
    assert {"silence", "unused"} <= codes(told)


def test_a_message_that_was_refused_is_refused_again() -> None:
    refused = history(
        OWN,
        (enrols(), T0),
        (queues("m1"), T0),
        (claims("m1", T0), T0),
        (refuses("m1", t(seconds=9)), t(seconds=9)),
    )
    named = other(send("m1", on("send_failed", "call"), delay="PT1H"), task("call"))
    told = against(refused, OWN, named)
    assert told.other.steps[0].unsent == "status_400"
    assert left(told, 0)[:2] == ("send_failed", t(hours=1, seconds=9))
    assert told.other.outcome == "expired"
    assert [each.code for each in told.assumed if each.code == "task"] == ["task"]


def test_the_end_of_a_task_keeps_its_delay() -> None:
    later = other(
        send("m1", on("clicked", "call"), on("timeout", "end", after="P9D"), delay="PT6H"),
        task("call", on("task_done", "end")),
    )
    told = against(clicked(), OWN, later)
    assert left(told, 1)[:2] == ("task_done", t(days=1, hours=6))


def test_an_endpoint_answers_as_it_did_and_one_never_called_takes_the_call() -> None:
    own = plan(webhook("crm", "m1", "end"), send("m1"), stop(), name="test")
    failed = history(own, (enrols(), T0), (answers("crm", t(minutes=5), ok=False), t(minutes=5)))
    crm = other(webhook("crm", "end", "again"), webhook("again", "end", "m1"), send("m1"))
    told = against(failed, own, crm)
    assert left(told, 0)[::2] == ("webhook_failed", "/nodes/0/onError")
    assert left(told, 1) == ("webhook_ok", t(minutes=5), "/nodes/1/next")
    assert [each.told for each in told.assumed if each.code == "call"] == [
        "the call of again was never made then: it is taken at once"
    ]


def test_a_history_that_still_runs_is_compared_up_to_an_instant_and_no_further() -> None:
    running = history(OWN, (enrols(), T0), *sent("m1", T0))
    quick = other(
        send("m1", on("no_open", "m2", after="PT6H")),
        send("m2", on("timeout", "end", after="P1D")),
    )
    told = against(running, OWN, quick, until=t(days=1))
    assert told.parted is not None
    assert told.parted.why == (
        "at m1 what happened: it waits there still; in the other plan:"
        " `no_open` (Mon 2026-06-01 22:00) takes transition 1 to m2"
    )
    assert [step.node for step in told.other.steps] == ["m1", "m2"]
    assert told.other.ended_at is None
    assert "running" in codes(told)
    at_its_last_fact = against(running, OWN, quick)
    assert at_its_last_fact.parted is None
    assert at_its_last_fact.other.steps[0].left is None


def test_pauses_keep_their_instants_and_move_the_timers_of_the_other_plan() -> None:
    paused = history(
        OWN,
        (enrols(), T0),
        *sent("m1", T0),
        (pauses(t(hours=1)), t(hours=1)),
        (resumes(t(days=1, hours=1)), t(days=1, hours=1)),
        (times_out("m1", 1, t(days=4)), t(days=4) + GRACE),
    )
    told = against(paused, OWN, other(send("m1", on("timeout", "end", after="P2D"))))
    assert told.other.ended_at == t(days=3)
    assert "orders" in codes(told)


def test_what_a_person_did_to_a_waiting_message_comes_as_long_after_its_node() -> None:
    own = plan(send("m1", on("send_skipped", "end"), delay="P1D"), stop(), name="test")
    skipped = history(
        own, (enrols(), T0), (skips("m1", CancelReason.OPERATOR, t(hours=3)), t(hours=3))
    )
    waits = other(
        send("m1", on("send_skipped", "end"), delay="P5D"),
    )
    assert against(skipped, own, waits).other.ended_at == t(hours=3)


def test_a_machine_click_stays_one() -> None:
    scanned = history(
        OWN,
        (enrols(), T0),
        *sent("m1", T0),
        (hears("clicked", t(hours=2), "m1", machine=True), t(hours=2)),
    )
    told = against(scanned, OWN, other(send("m1", on("clicked", "end"))), until=t(days=1))
    assert told.other.steps[0].left is None


def test_of_a_clicked_link_only_what_a_plan_then_asked_for_is_known() -> None:
    own = plan(
        send("m1", on("clicked", "end", url="/pricing/eu"), on("timeout", "end", after="P9D")),
        stop(),
        texts=["/pricing/eu"],
    )
    priced = history(
        own,
        (enrols(), T0),
        *sent("m1", T0),
        (hears("clicked", t(hours=2), "m1", url="https://x.example/pricing/eu"), t(hours=2)),
    )
    part = other(send("m1", on("clicked", "end", url="/pricing")), texts=["/pricing"])
    assert left(against(priced, own, part), 0)[0] == "clicked"
    docs = other(
        send("m1", on("clicked", "end", url="/docs"), on("timeout", "end", after="P1D")),
        texts=["/docs"],
    )
    told = against(priced, own, docs)
    assert left(told, 0)[0] == "timeout"
    assert "links" in codes(told)
    assert told.parted is not None
    assert told.parted.why.endswith(
        "its transitions on `clicked` do not match: 1 (with urlContains)"
    )


def test_a_branch_that_reads_the_contact_uses_the_values_given_and_says_so() -> None:
    warm = other(
        send("m1", on("timeout", "choose", after="PT1H")),
        branch("choose", (field("contact.tier", "eq", "gold"), "m2"), otherwise="end"),
        send("m2", on("timeout", "end", after="P1D")),
    )
    warm = msgspec.structs.replace(warm, reads_contact=True)
    told = against(unanswered(), OWN, warm, values={"contact.tier": "gold"})
    assert left(told, 1) == ("case", t(hours=1), "/nodes/1/cases/0")
    assert told.other.steps[2].node == "m2"
    assert "values" in codes(told)
    assert left(against(unanswered(), OWN, warm), 1)[::2] == ("otherwise", "/nodes/1/otherwise")


def test_data_that_the_other_plan_changes_are_read_by_its_guards() -> None:
    gold = other(
        update("mark", "m1", {"contact.tier": "gold"}),
        send("m1", on("timeout", "choose", after="PT1H")),
        branch("choose", (field("contact.tier", "eq", "gold"), "m2"), otherwise="end"),
        send("m2", on("timeout", "end", after="P1D")),
    )
    assert [step.node for step in against(unanswered(), OWN, gold).other.steps] == [
        "mark",
        "m1",
        "choose",
        "m2",
    ]


def test_plans_that_differ_only_in_how_they_end_part_at_the_end() -> None:
    own = plan(send("m1", on("clicked", "end")), stop(), name="test")
    log = history(
        own, (enrols(), T0), *sent("m1", T0), (hears("clicked", t(hours=2), "m1"), t(hours=2))
    )
    hands_off = plan(send("m1", on("clicked", "end")), stop(outcome="handed_off"), name="other")  # type: ignore[arg-type]  # the word
    told = against(log, own, hands_off)
    assert told.parted is not None
    assert told.parted.kind == "end"
    assert told.parted.why == (
        "what happened: it ended completed by `end` (Mon 2026-06-01 18:00);"
        " in the other plan: it ended handed_off by `end` (Mon 2026-06-01 18:00)"
    )


def test_a_node_that_a_revision_renamed_is_known_by_its_old_name_too() -> None:
    new = plan(
        send("intro", on("clicked", "end"), on("timeout", "end", after="P9D")), stop(), name="new"
    )
    log = history(
        OWN,
        (enrols(), T0),
        *sent("m1", T0),
        (revises(new, t(hours=1), mapping={"m1": "intro"}), t(hours=1)),
        (hears("clicked", t(hours=2), "m1"), t(hours=2)),
        revised=new,
    )
    told = against(log, OWN, new)
    assert left(told, 0)[:2] == ("clicked", t(hours=2))
    assert [(step.node, step.sent_at) for step in told.happened.steps] == [("intro", T0)]
    assert told.parted is None


def test_a_history_whose_plan_is_gone_says_that_nothing_shows_how_exact_it_is() -> None:
    gone = plan(stop(), name="elsewhere")
    assert "unproven" in codes(against(clicked(), gone, OWN))


def test_values_that_are_not_those_of_then_show() -> None:
    own = plan(
        branch("choose", (field("contact.tier", "eq", "gold"), "m1"), otherwise="end"),
        send("m1", on("timeout", "end", after="P1D")),
        stop(),
        name="test",
    )
    log = history(own, (enrols(), T0))
    told = against(log, own, own, values={"contact.tier": "gold"})
    assert "inexact" in codes(told)
    assert told.parted is not None


def test_what_was_not_started_has_no_history() -> None:
    accept = partial(campaign.accept, accepted=accepted_plan())
    with pytest.raises(CampaignNotStarted):
        against(history(OWN, (accept, T0)), OWN, OWN)


def test_a_verdict_that_was_changed_is_changed_again() -> None:
    document = plan(
        send("intro", on("no_click", "cold", after="P2D"), on("timeout", "warm", after="P9D")),
        stop("cold", outcome=Outcome.NO_RESPONSE),
        stop("warm"),
    )
    clicked = t(hours=1)
    verdict = Judged(
        key=report("clicked", clicked, "intro").key,
        machine=True,
        reader="machine",
        evidence="2:B6",
    )
    log = history(
        document,
        (enrols(), T0),
        (queues("intro"), T0),
        (claims("intro", T0), T0),
        (accepts("intro", T0), T0),
        (hears("clicked", clicked, "intro"), clicked),
        (partial(campaign.judge_again, judged=[verdict], now=t(hours=2)), t(hours=2)),
        (times_out("intro", 0, t(days=2)), t(days=2) + GRACE),
    )
    found = against(log, document, document)
    assert found.happened.outcome == found.other.outcome == Outcome.NO_RESPONSE
    assert found.parted is None

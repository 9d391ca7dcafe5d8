"""Facts: the stored names and fields, and that every one of them can be applied to every state."""

from datetime import UTC, date, datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin
from uuid import UUID

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.campaign import INITIAL, Campaign, Phase, evolve, fold
from domain.events import Event, Fact, Proof, TimerSet, topic_of
from domain.lifecycle import Stage

FACTS: tuple[type[Fact], ...] = get_args(Event)
NODES = ["intro", "next", "end"]
IDS = [UUID(int=number) for number in range(1, 4)]
unhurried = settings(deadline=None, max_examples=150)

instants = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001  # hypothesis adds the zone
    datetime(2040, 1, 1),  # noqa: DTZ001  # as above
    timezones=st.just(UTC),
)
OF_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    str: st.sampled_from(["", "opened", "replied", "timeout", "x_demo", *NODES]),
    int: st.integers(-1, 9),
    bool: st.booleans(),
    float: st.floats(-1e8, 1e8),
    datetime: instants,
    date: st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    UUID: st.sampled_from(IDS),
    NoneType: st.none(),
}


def anything(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field, by its type."""
    hint = getattr(hint, "__supertype__", hint)  # an id is what it is made of
    if hint in OF_TYPE:
        return OF_TYPE[hint]
    if get_origin(hint) in (Union, UnionType):
        return st.one_of([anything(each) for each in get_args(hint)])
    if get_origin(hint) is tuple:
        inner = get_args(hint)
        if inner[-1] is not Ellipsis:
            return st.tuples(*map(anything, inner))
        return st.lists(anything(inner[0]), max_size=3).map(tuple)
    if issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    return any_struct(hint)


def types_of(struct: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(struct)}


def any_struct(struct: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    return st.builds(struct, **{name: anything(hint) for name, hint in types_of(struct).items()})


any_fact = st.one_of([any_struct(fact) for fact in FACTS])
histories = st.lists(any_fact, max_size=12)


@pytest.mark.parametrize("fact", FACTS, ids=topic_of)
@settings(deadline=None, max_examples=40)
@for_all(data=st.data())
def test_every_fact_can_be_applied_to_nothing(fact: type[Fact], data: st.DataObject) -> None:
    assert isinstance(evolve(INITIAL, data.draw(any_struct(fact))), Campaign)


@unhurried
@for_all(histories, st.sampled_from(list(Stage)), st.sampled_from(list(Phase)), any_fact)
def test_every_fact_can_be_applied_to_every_state(
    history: list[Event], stage: Stage, phase: Phase, fact: Event
) -> None:
    state = replace(fold(history), stage=stage, phase=phase)
    after = evolve(state, fact)
    assert isinstance(after, Campaign)
    assert after.pending is None or after.pending in after.messages


@unhurried
@for_all(histories)
def test_the_same_facts_make_the_same_state(history: list[Event]) -> None:
    assert fold(history) == fold(history)


@unhurried
@for_all(histories, histories)
def test_folding_on_is_folding_all(before: list[Event], after: list[Event]) -> None:
    assert fold(after, fold(before)) == fold([*before, *after])


@unhurried
@for_all(histories, any_fact)
def test_a_state_is_not_changed_by_what_follows(history: list[Event], fact: Event) -> None:
    state = fold(history)
    kept = msgspec.structs.asdict(fold(history))
    evolve(state, fact)
    assert msgspec.structs.asdict(state) == kept


@unhurried
@for_all(any_fact)
def test_every_fact_survives_storage(fact: Event) -> None:
    decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
    assert decoder.decode(msgspec.json.encode(fact)) == fact


def test_the_stored_names_never_change() -> None:
    assert [topic_of(fact) for fact in FACTS] == [
        "plan_accepted",
        "start_scheduled",
        "campaign_started",
        "node_entered",
        "transition_taken",
        "signal_recorded",
        "signal_judged",
        "message_queued",
        "message_deferred",
        "message_reopened",
        "message_cancelled",
        "send_attempt_started",
        "send_attempt_returned",
        "message_accepted",
        "message_failed",
        "message_unknown",
        "message_presumed_lost",
        "resend_ordered",
        "paused",
        "resumed",
        "revision_kept",
        "plan_revised",
        "task_created",
        "task_resolved",
        "webhook_requested",
        "webhook_resolved",
        "contact_update_requested",
        "notification_requested",
        "completed",
        "exited",
    ]


def test_the_union_has_every_fact() -> None:
    others = ("domain.accounts", "domain.acts")  # logs of their own
    known = Fact.__subclasses__()
    of_streams = {fact for fact in known if not fact.__module__.startswith(others)}
    assert set(FACTS) == of_streams


ID, NODE, WORD, NUMBER, TIME, MAC = "id", "node id", "class word", "number", "time", "mac or hash"
POINTER, PROOF, SEEN = "pointer", "bounds and a hash", "inputs of gates"
CLASS_OF = {
    "plan_accepted.contact_id": ID,
    "plan_accepted.campaign_id": ID,
    "plan_accepted.run": NUMBER,
    "plan_accepted.plan_hash": MAC,
    "plan_accepted.dsl_version": WORD,
    "plan_accepted.tzdata": WORD,
    "plan_accepted.at": TIME,
    "plan_accepted.context_digest": MAC,
    "plan_accepted.holidays": TIME,
    "plan_accepted.proof": PROOF,
    "start_scheduled.at": TIME,
    "campaign_started.at": TIME,
    "campaign_started.expires_at": TIME,
    "node_entered.node": NODE,
    "node_entered.visit": NUMBER,
    "node_entered.at": TIME,
    "node_entered.choice": NUMBER,
    "node_entered.message_id": ID,
    "node_entered.channel": WORD,
    "node_entered.due_at": TIME,
    "node_entered.expires_at": TIME,
    "node_entered.dedupe_key": ID,
    "node_entered.variant": NODE,
    "node_entered.sender": NODE,
    "node_entered.anchor": ID,
    "node_entered.timers": TIME,
    "node_entered.experiment": NODE,
    "transition_taken.node": NODE,
    "transition_taken.visit": NUMBER,
    "transition_taken.index": NUMBER,
    "transition_taken.on": WORD,
    "transition_taken.to": NODE,
    "transition_taken.at": TIME,
    "transition_taken.message_id": ID,
    "transition_taken.signal_no": NUMBER,
    "signal_recorded.signal": WORD,
    "signal_recorded.at": TIME,
    "signal_recorded.message_id": ID,
    "signal_recorded.key": MAC,
    "signal_recorded.machine": WORD,
    "signal_recorded.derived": WORD,
    "signal_recorded.late": WORD,
    "signal_recorded.weak": WORD,
    "signal_recorded.url_tags": MAC,
    "signal_recorded.evidence": WORD,
    "signal_recorded.node": NODE,
    "signal_recorded.variant": NODE,
    "signal_recorded.sender": NODE,
    "signal_recorded.domain": WORD,
    "signal_recorded.first": WORD,
    "signal_recorded.reader": WORD,
    "signal_judged.signal_no": NUMBER,
    "signal_judged.signal": WORD,
    "signal_judged.at": TIME,
    "signal_judged.heard_at": TIME,
    "signal_judged.message_id": ID,
    "signal_judged.machine": WORD,
    "signal_judged.reader": WORD,
    "signal_judged.was_machine": WORD,
    "signal_judged.was_reader": WORD,
    "signal_judged.key": MAC,
    "signal_judged.derived": WORD,
    "signal_judged.evidence": WORD,
    "signal_judged.counted_at": TIME,
    "signal_judged.node": NODE,
    "signal_judged.variant": NODE,
    "signal_judged.sender": NODE,
    "signal_judged.domain": WORD,
    "signal_judged.place": NODE,
    "signal_judged.visit": NUMBER,
    "signal_judged.timers": TIME,
    "signal_judged.paused": WORD,
    "message_queued.message_id": ID,
    "message_queued.body_mac": MAC,
    "message_queued.snapshot": ID,
    "message_queued.at": TIME,
    "message_queued.domain": WORD,
    "message_queued.sender": NODE,
    "message_deferred.message_id": ID,
    "message_deferred.reason": WORD,
    "message_deferred.due_at": TIME,
    "message_deferred.expires_at": TIME,
    "message_deferred.at": TIME,
    "message_deferred.seen": SEEN,
    "message_reopened.message_id": ID,
    "message_reopened.reason": WORD,
    "message_reopened.at": TIME,
    "message_reopened.seen": SEEN,
    "message_cancelled.message_id": ID,
    "message_cancelled.reason": WORD,
    "message_cancelled.at": TIME,
    "message_cancelled.node": NODE,
    "message_cancelled.variant": NODE,
    "message_cancelled.sender": NODE,
    "message_cancelled.seen": SEEN,
    "send_attempt_started.message_id": ID,
    "send_attempt_started.attempt": NUMBER,
    "send_attempt_started.body_mac": MAC,
    "send_attempt_started.at": TIME,
    "send_attempt_started.seen": SEEN,
    "send_attempt_returned.message_id": ID,
    "send_attempt_returned.attempt": NUMBER,
    "send_attempt_returned.reason": WORD,
    "send_attempt_returned.due_at": TIME,
    "send_attempt_returned.at": TIME,
    "send_attempt_returned.counted": WORD,
    "send_attempt_returned.paused": WORD,
    "message_accepted.message_id": ID,
    "message_accepted.attempt": NUMBER,
    "message_accepted.at": TIME,
    "message_accepted.via": WORD,
    "message_accepted.node": NODE,
    "message_accepted.visit": NUMBER,
    "message_accepted.provider_id": ID,
    "message_accepted.late": WORD,
    "message_accepted.timers": TIME,
    "message_accepted.variant": NODE,
    "message_accepted.sender": NODE,
    "message_accepted.domain": WORD,
    "message_failed.message_id": ID,
    "message_failed.attempt": NUMBER,
    "message_failed.reason": WORD,
    "message_failed.at": TIME,
    "message_failed.node": NODE,
    "message_failed.variant": NODE,
    "message_failed.sender": NODE,
    "message_failed.domain": WORD,
    "message_unknown.message_id": ID,
    "message_unknown.attempt": NUMBER,
    "message_unknown.reason": WORD,
    "message_unknown.at": TIME,
    "message_presumed_lost.message_id": ID,
    "message_presumed_lost.attempt": NUMBER,
    "message_presumed_lost.evidence": WORD,
    "message_presumed_lost.at": TIME,
    "message_presumed_lost.node": NODE,
    "message_presumed_lost.variant": NODE,
    "message_presumed_lost.sender": NODE,
    "message_presumed_lost.domain": WORD,
    "resend_ordered.message_id": ID,
    "resend_ordered.author": ID,
    "resend_ordered.due_at": TIME,
    "resend_ordered.expires_at": TIME,
    "resend_ordered.at": TIME,
    "paused.at": TIME,
    "paused.reason": WORD,
    "paused.message_id": ID,
    "resumed.at": TIME,
    "resumed.shift_s": NUMBER,
    "resumed.expires_at": TIME,
    "resumed.node": NODE,
    "resumed.visit": NUMBER,
    "resumed.message_id": ID,
    "resumed.due_at": TIME,
    "resumed.message_expires_at": TIME,
    "resumed.timers": TIME,
    "revision_kept.new_hash": MAC,
    "revision_kept.author": ID,
    "revision_kept.at": TIME,
    "revision_kept.mapping": NODE,
    "revision_kept.resume_at": NODE,
    "revision_kept.diff": POINTER,
    "revision_kept.holidays": TIME,
    "revision_kept.proof": PROOF,
    "plan_revised.old_hash": MAC,
    "plan_revised.new_hash": MAC,
    "plan_revised.author": ID,
    "plan_revised.at": TIME,
    "plan_revised.node": NODE,
    "plan_revised.visit": NUMBER,
    "plan_revised.mapping": NODE,
    "plan_revised.resume_at": NODE,
    "plan_revised.diff": POINTER,
    "plan_revised.holidays": TIME,
    "plan_revised.expires_at": TIME,
    "plan_revised.timers": TIME,
    "plan_revised.message_id": ID,
    "plan_revised.due_at": TIME,
    "plan_revised.message_expires_at": TIME,
    "plan_revised.variant": NODE,
    "plan_revised.sender": NODE,
    "plan_revised.proof": PROOF,
    "plan_revised.paused": WORD,
    "task_created.task_id": ID,
    "task_created.node": NODE,
    "task_created.visit": NUMBER,
    "task_created.kind": WORD,
    "task_created.due_at": TIME,
    "task_created.at": TIME,
    "task_resolved.task_id": ID,
    "task_resolved.node": NODE,
    "task_resolved.visit": NUMBER,
    "task_resolved.end": WORD,
    "task_resolved.at": TIME,
    "webhook_requested.call_id": ID,
    "webhook_requested.node": NODE,
    "webhook_requested.visit": NUMBER,
    "webhook_requested.endpoint": NODE,
    "webhook_requested.waits": WORD,
    "webhook_requested.give_up_at": TIME,
    "webhook_requested.at": TIME,
    "webhook_resolved.call_id": ID,
    "webhook_resolved.node": NODE,
    "webhook_resolved.visit": NUMBER,
    "webhook_resolved.ok": WORD,
    "webhook_resolved.reason": WORD,
    "webhook_resolved.attempts": NUMBER,
    "webhook_resolved.at": TIME,
    "contact_update_requested.update_id": ID,
    "contact_update_requested.node": NODE,
    "contact_update_requested.visit": NUMBER,
    "contact_update_requested.at": TIME,
    "notification_requested.notice_id": ID,
    "notification_requested.node": NODE,
    "notification_requested.visit": NUMBER,
    "notification_requested.at": TIME,
    "completed.node": NODE,
    "completed.outcome": WORD,
    "completed.at": TIME,
    "exited.outcome": WORD,
    "exited.reason": WORD,
    "exited.at": TIME,
    "exited.failed": WORD,
}
"""What each field may hold. A new field is added here only after asking whether it can name anyone;
node, variant, experiment, sender and endpoint ids are names that the plan's author or an operator
gave to parts of it; an author is the id of a key or a user; a pointer leads into the plan."""

TYPES_OF = {
    ID: {"MessageId", "ContactId", "CampaignId", "ErrandId", "str"},
    NODE: {"NodeId", "str"},
    WORD: {
        "str",
        "bool",
        "Channel",
        "CancelReason",
        "HoldReason",
        "Outcome",
        "TaskEnd",
        "TaskKind",
        "Via",
    },
    NUMBER: {"int", "float"},
    TIME: {"datetime", "date", "TimerSet"},
    MAC: {"str"},
    POINTER: {"str"},
    PROOF: {"Proof"},
    SEEN: {"Seen"},
}


def test_facts_have_no_free_text() -> None:
    fields = {f"{topic_of(fact)}.{name}" for fact in FACTS for name in types_of(fact)}
    assert fields == set(CLASS_OF)


@pytest.mark.parametrize("fact", FACTS, ids=topic_of)
def test_each_field_has_a_type_of_its_class(fact: type[Fact]) -> None:
    for name, hint in types_of(fact).items():
        allowed = TYPES_OF[CLASS_OF[f"{topic_of(fact)}.{name}"]]
        assert names_in(hint) <= allowed, name


def test_a_timer_has_an_index_a_word_and_a_time() -> None:
    hints = types_of(TimerSet)
    assert {name: names_in(hint) for name, hint in hints.items()} == {
        "index": {"int"},
        "kind": {"Synthetic"},
        "due_at": {"datetime"},
    }


def test_a_proof_has_numbers_codes_and_the_hash_of_the_report() -> None:
    hints = types_of(Proof)
    texts = {name for name, hint in hints.items() if "str" in names_in(hint)}
    assert texts == {"report", "warnings"}
    assert all(names_in(hint) == {"int"} for name, hint in hints.items() if name not in texts)


def names_in(hint: Any) -> set[str]:
    """The names of the types that a field may have, without None."""
    inner = [each for each in get_args(hint) if each not in (NoneType, Ellipsis)]
    return set().union(*map(names_in, inner)) if inner else {hint.__name__}

"""The facts of administrators' acts: stored by name, without words of people."""

from typing import get_args, get_type_hints

import msgspec
import pytest

from domain.accounts import AccountEvent
from domain.acts import Act, ActOrdered, AdminEnvelope, AdminEvent, admin_stream
from domain.events import Event, topic_of
from domain.ids import TenantId, schema_of, tenant_of

WORDS_IN_FACTS = {
    "subject": "an id, or a name that a tenant gave to a thing of its own",
    "code": "the word of a refusal, or the name of a class of errors",
    "key_id": "of a public key",
    "public_key": "in hexadecimal digits",
}


def test_facts_have_no_field_for_free_text() -> None:
    texts = {
        name
        for fact in get_args(AdminEvent)
        for name, hint in get_type_hints(fact).items()
        if name in fact.__struct_fields__ and hint is str
    }
    assert texts == set(WORDS_IN_FACTS)


def test_no_fact_has_the_name_of_one_of_another_log() -> None:
    logs = [{topic_of(fact) for fact in get_args(log)} for log in (Event, AccountEvent, AdminEvent)]
    assert len(set.union(*logs)) == sum(map(len, logs))


def test_each_tenant_has_one_stream_of_acts() -> None:
    one, two = TenantId("one"), TenantId("two")
    assert admin_stream(one) == admin_stream(one) != admin_stream(two)


def test_a_schema_names_its_tenant() -> None:
    assert tenant_of(schema_of(TenantId("t_acme"))) == "t_acme"


@pytest.mark.parametrize("act", Act)
def test_an_act_names_what_it_is_done_to_and_what_is_done(act: Act) -> None:
    thing, dot, done = act.value.partition(".")
    assert (thing.isidentifier(), dot, done.isidentifier()) == (True, ".", True)


STORED = (
    b'{"f":{"fact":"act_ordered","act":"suppression.add","after":{"addresses":2},'
    b'"at":"2026-11-22T02:00:00Z"},"r":"00000000-0000-0000-0000-000000000007","w":"cli"}'
)


def test_a_stored_act_of_this_release_stays_readable() -> None:
    read = msgspec.json.decode(STORED, type=AdminEnvelope)
    assert isinstance(read.fact, ActOrdered)
    assert (read.fact.act, read.fact.after, read.actor) == (
        "suppression.add",
        {"addresses": 2},
        "cli",
    )
    assert msgspec.json.encode(read) == STORED

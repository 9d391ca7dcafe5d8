"""Facts about accounts that released versions have stored are read as they were meant."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from domain.accounts import (
    INITIAL,
    INITIAL_SENDING,
    AccountEnvelope,
    AccountEvent,
    SenderEvent,
    SendingEvent,
    evolve,
    evolve_sending,
)
from domain.events import topic_of

GOLDEN = Path(__file__).parents[1] / "golden" / "accounts"


def golden() -> Iterator[tuple[str, bytes]]:
    for file in sorted(GOLDEN.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            row = json.loads(line)
            yield row["topic"], row["state"].encode()


def test_every_fact_is_among_the_stored_ones() -> None:
    assert {topic for topic, _ in golden()} == {topic_of(fact) for fact in get_args(AccountEvent)}


@pytest.mark.parametrize(("topic", "state"), list(golden()))
def test_a_stored_fact_is_read_and_written_again_as_it_was(topic: str, state: bytes) -> None:
    body = msgspec.json.decode(state, type=AccountEnvelope)
    assert topic_of(body.fact) == topic
    assert msgspec.json.encode(body) == state


def test_what_a_later_release_adds_is_passed_over() -> None:
    for _, state in golden():
        later = json.loads(state)
        later["f"]["a_field_of_a_later_release"] = [1]
        body = msgspec.json.decode(json.dumps(later).encode(), type=AccountEnvelope)
        assert body == msgspec.json.decode(state, type=AccountEnvelope)


def test_every_stored_fact_can_be_applied_to_any_account() -> None:
    facts = [msgspec.json.decode(state, type=AccountEnvelope).fact for _, state in golden()]
    of_senders = [fact for fact in facts if isinstance(fact, get_args(SenderEvent))]
    of_tenant = [fact for fact in facts if isinstance(fact, get_args(SendingEvent))]
    account, sending = INITIAL, INITIAL_SENDING
    for fact in [*reversed(of_senders), *of_senders]:
        account = evolve(account, fact)  # type: ignore[arg-type]  # chosen above
    for tenant_fact in [*reversed(of_tenant), *of_tenant]:
        sending = evolve_sending(sending, tenant_fact)  # type: ignore[arg-type]  # as above
    assert account.deleted
    assert sending.rules.tenant_hour_max == 10

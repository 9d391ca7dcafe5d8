"""The ten mutants of trust.md 4: each makes the product wrong in one way while it is open.

They are patches of this process only; nothing in the product knows of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

import msgspec
from msgspec.structs import replace

from domain import campaign
from domain.campaign import sending
from domain.campaign.state import Campaign
from domain.ids import MessageId
from domain.limits import Counter
from domain.taxonomy import AnswerClass
from handlers.dispatch.recording import Recording
from handlers.ports import Due, Transaction, Used
from infra import recorder
from infra.campaigns import LogCampaigns
from infra.projector import Runner
from infra.providers.sendgrid.webhook import SendGridWebhook
from tests.simulation.memory_database import Memory
from tests.simulation.memory_limits import LosableSmoothing, MemoryLimits
from tests.simulation.memory_outbox import MemoryOutbox
from tests.simulation.processes import ProcessClock

Patched = AbstractContextManager[Any]
SKEW = timedelta(minutes=5)


class Mutant(msgspec.Struct, frozen=True):
    """One way to be wrong; `open` makes the product so until it is closed."""

    number: int
    name: str
    open: Callable[[], Patched]


# --- the sender -----------------------------------------------------------------------------------


def _retries_doubts() -> Patched:
    """An AMBIGUOUS answer is taken for "not sent": the message is queued again."""
    decide = Recording._decide

    def retried(self: Recording, claim: Any, answer: Any, now: datetime) -> Any:
        if answer.kind is AnswerClass.AMBIGUOUS:
            answer = replace(answer, kind=AnswerClass.NOT_SENT)
        return decide(self, claim, answer, now)

    return patch.object(Recording, "_decide", retried)


@contextmanager
def _forgets_the_attempt() -> Iterator[None]:
    """An outcome is written whatever attempt it is of."""

    def current(state: Campaign, message_id: MessageId) -> int:
        return state.messages[message_id].attempt if message_id in state.messages else 0

    def accept(state: Campaign, grounds: Any, *, acceptance: Any) -> Any:
        attempt = current(state, acceptance.message_id)
        return accepts(state, grounds, acceptance=replace(acceptance, attempt=attempt))

    def give_back(state: Campaign, grounds: Any, *, returned: Any) -> Any:
        attempt = current(state, returned.message_id)
        return returns(state, grounds, returned=replace(returned, attempt=attempt))

    def any_attempt(decide: Callable[..., Any]) -> Callable[..., Any]:
        def decided(state: Campaign, grounds: Any, **given: Any) -> Any:
            return decide(
                state, grounds, **given | {"attempt": current(state, given["message_id"])}
            )

        return decided

    accepts, returns = sending.accept_message, sending.return_attempt
    with ExitStack() as patches:
        for name in ("refuse", "doubt", "lose"):
            wrong = any_attempt(getattr(campaign, name))
            patches.enter_context(patch.object(campaign, name, wrong))
        patches.enter_context(patch.object(campaign, "accept_message", accept))
        patches.enter_context(patch.object(campaign, "return_attempt", give_back))
        patches.enter_context(patch("domain.campaign.signals.accept_message", accept))
        yield


def _forgets_the_state() -> Patched:
    """An outcome is written whatever state the message is in."""

    def any_state(state: Campaign, message_id: MessageId, *_: Any) -> Any:
        return state.messages.get(message_id)

    return patch.object(sending, "message_in", any_state)


def _tells_time_itself() -> Patched:
    """What is due is told by the clock of the worker; two of three are wrong."""
    now = ProcessClock.now

    def own(self: ProcessClock) -> datetime:
        ahead = {"worker-1": SKEW, "worker-2": -SKEW}
        return now(self) + ahead.get(self.name, timedelta())

    return patch.object(ProcessClock, "now", own)


# --- the log and its readers ----------------------------------------------------------------------


def _appends_without_the_lock() -> Patched:
    """Appends do not wait for each other."""
    held = recorder._HELD.replace("pg_advisory_xact_lock", "")
    return patch.object(recorder, "_HELD", held)


def _tracks_apart() -> Patched:
    """The rows of a page are committed before its position."""
    fold = Runner._write

    def write(self: Runner, _curs: Any, page: Any) -> None:
        with self._database.tenant_tx(self._tenant) as own:
            fold(self, own, page)

    return patch.object(Runner, "_write", write)


def _takes_its_own_rows_for_a_conflict() -> Patched:
    """After a lost commit nobody looks whether the facts are stored."""
    return patch.object(LogCampaigns, "_is_stored", lambda _self, _entry: False)


# --- what comes back, what may leave --------------------------------------------------------------


def _trusts_event_ids() -> Patched:
    """A report is known by the id that its provider gave the delivery."""

    def translate(self: SendGridWebhook, raw: bytes, *, tenant: Any) -> Any:
        report = translated(self, raw, tenant=tenant)
        event_id = msgspec.json.decode(raw).get("sg_event_id", "")
        return replace(report, key=sha256(event_id.encode()).digest())

    translated = SendGridWebhook.translate
    return patch.object(SendGridWebhook, "translate", translate)


@contextmanager
def _reads_bans_before_the_claim() -> Iterator[None]:
    """Bans are looked up before the claim begins, not within it."""
    waiting, due = MemoryOutbox.waiting, MemoryOutbox.due
    known: dict[int, dict[Any, Any]] = {}

    def look(self: MemoryOutbox, now: datetime, limit: int) -> int:
        found = waiting(self, now, limit)
        known[id(self)] = dict(self._memory.committed_rows("suppressions"))
        return found

    def claim(self: MemoryOutbox, tx: Transaction, now: datetime, limit: int) -> list[Due]:
        found = due(self, tx, now, limit)
        banned = {mac for _, mac, _ in known.get(id(self), {})}
        return [
            replace(one, recipient=replace(one.recipient, suppressed=""))
            if not banned.intersection(one.recipient.identities)
            else one
            for one in found
        ]

    with patch.object(MemoryOutbox, "waiting", look), patch.object(MemoryOutbox, "due", claim):
        yield


@contextmanager
def _counts_in_redis_only() -> Iterator[None]:
    """The hard counters are kept where a flush loses them."""
    counts: WeakKeyDictionary[Memory, dict[Counter, int]] = WeakKeyDictionary()
    flush = LosableSmoothing.flush

    def used(self: MemoryLimits, _tx: Transaction, counters: Sequence[Counter]) -> list[Used]:
        return [_left(counts.get(self._memory, {}), one) for one in counters]

    def take(self: MemoryLimits, _tx: Transaction, taken: Mapping[Counter, int]) -> None:
        known = counts.setdefault(self._memory, {})
        for one, times in taken.items():
            known[one] = known.get(one, 0) + times

    def give_back(self: MemoryLimits, _tx: Transaction, taken: Mapping[Counter, int]) -> None:
        known = counts.setdefault(self._memory, {})
        for one, times in taken.items():
            known[one] = max(known.get(one, 0) - times, 0)

    def flushed(self: LosableSmoothing) -> None:
        flush(self)
        counts.pop(self._memory, None)

    with (
        patch.object(MemoryLimits, "used", used),
        patch.object(MemoryLimits, "take", take),
        patch.object(MemoryLimits, "give_back", give_back),
        patch.object(LosableSmoothing, "flush", flushed),
    ):
        yield


def _left(counts: Mapping[Counter, int], wanted: Counter) -> Used:
    same = {
        at.bucket: times
        for at, times in counts.items()
        if at[:2] == wanted[:2] and at.bucket >= wanted.since
    }
    return Used(sum(same.values()), min(same, default=None))


MUTANTS = (
    Mutant(1, "retry on AMBIGUOUS", _retries_doubts),
    Mutant(2, "CAS without attempt", _forgets_the_attempt),
    Mutant(3, "CAS without state", _forgets_the_state),
    Mutant(4, "log insert without the lock", _appends_without_the_lock),
    Mutant(5, "due test by the worker's clock", _tells_time_itself),
    Mutant(6, "dedupe by sg_event_id", _trusts_event_ids),
    Mutant(7, "tracking write outside the projection transaction", _tracks_apart),
    Mutant(8, "suppression read outside the claim transaction", _reads_bans_before_the_claim),
    Mutant(9, "rate counter in Redis only", _counts_in_redis_only),
    Mutant(10, "lost commit treated as a conflict", _takes_its_own_rows_for_a_conflict),
)

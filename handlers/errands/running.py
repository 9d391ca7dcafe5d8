"""Due errands: contacts changed, people told, endpoints called; each is done once it is recorded.

A change and a notice are made in the transaction that takes their row away. A call is made first
and recorded then: a worker that dies between the two makes it come again, under the same id.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime, timedelta
from functools import partial

from domain import campaign
from domain.errors import DecisionFailed, GroundsMissing
from domain.ids import ContactId
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.errands.asking import Asked, Asking, words
from handlers.errands.calling import (
    BROKEN,
    DISABLED_ENDPOINT,
    ERASED,
    EXPIRED,
    TOO_LONG,
    UNKNOWN_ENDPOINT,
    BodyTooLong,
    next_try,
    posted,
)
from handlers.errands.changing import Refused, after
from handlers.ports import (
    Called,
    DueErrand,
    Endpoint,
    EndpointCaller,
    Input,
    Notice,
    Person,
    Result,
    TenantPorts,
    Transaction,
)

LOG = logging.getLogger("antiphon.errands")
BATCH = 32
CALLS = 16
"""Calls of one batch: the threads for them serve several tenants within the lease, all too slow."""
HOLD_FOR = timedelta(minutes=5)
"""How long an errand rests that broke on something nobody foresaw."""

Work = Callable[[Sequence[DueErrand]], None]
Outcome = tuple[DueErrand, Called]


class ErrandRunner:
    """Runs the errands of one tenant."""

    def __init__(self, ports: TenantPorts, caller: EndpointCaller, executor: Executor) -> None:
        self._ports = ports
        self._caller = caller
        self._executor = executor
        self._work: Mapping[str, Work] = {
            "update": partial(self._guarded, self._change),
            "notify": partial(self._guarded, self._tell),
        }

    def run_batch(self) -> int:
        """Run one batch; what breaks holds back nothing else. The number taken.

        Mails wait for changes of contacts, so these never wait for more than one batch of calls.
        """
        errands, now = self._ports.errands, self._ports.clock.now()
        due = errands.claim(now, limit=BATCH, kinds=tuple(self._work))
        for kind, work in self._work.items():
            alike = [errand for errand in due if errand.kind == kind]
            if alike:
                work(alike)
        calls = errands.claim(now, limit=CALLS, kinds=("webhook",))
        if calls:
            self._call(calls)
        return len(due) + len(calls)

    def _guarded(self, work: Work, errands: Sequence[DueErrand]) -> None:
        """Work on all of them at once; where that breaks, on each alone."""
        try:
            work(errands)
        except Exception as error:  # one errand must not hold back the others
            if len(errands) == 1:
                LOG.exception("errand %s broke: %s", errands[0].errand_id, type(error).__name__)
                self._ports.errands.put_off({errands[0]: self._ports.clock.now() + HOLD_FOR})
                return
            for errand in errands:
                self._guarded(work, [errand])

    # --- contact data -----------------------------------------------------------------------------

    def _change(self, errands: Sequence[DueErrand]) -> None:
        ports, asking = self._ports, self._asking(errands)
        refused: list[tuple[DueErrand, Refused]] = []
        with ports.transactions.begin() as tx:
            ours = ports.errands.settle(tx, errands)
            before = ports.people.locked(tx, {errand.contact_id for errand in ours})
            people: dict[ContactId, Person] = dict(before)
            for errand in ours:
                if errand.contact_id in people:  # else it was erased
                    node = asking.node(_asked(errand))
                    people[errand.contact_id], left = after(people[errand.contact_id], node)
                    refused += [(errand, one) for one in left]
            changed = [person for key, person in people.items() if person != before[key]]
            ports.people.overwrite(tx, changed)
        ports.doorbell.ring("dispatch", ports.tenant)  # mails had to wait for it
        for errand, one in refused:
            text = f"{one.field}: {one.why}"
            ports.vault.keep_note(errand.errand_id, errand.contact_id, "update_refused", text)

    # --- notices ----------------------------------------------------------------------------------

    def _tell(self, errands: Sequence[DueErrand]) -> None:
        ports, asking = self._ports, self._asking(errands)
        with ports.transactions.begin() as tx:
            ours = ports.errands.settle(tx, errands)
            ports.notices.keep(tx, [made for one in ours if (made := _notice(one, asking))])

    # --- calls ------------------------------------------------------------------------------------

    def _call(self, errands: Sequence[DueErrand]) -> None:
        ports, now, asking = self._ports, self._ports.clock.now(), self._asking(errands)
        endpoints = ports.endpoints.named({errand.endpoint or "" for errand in errands})
        called = self._executor.map(partial(self._called, endpoints, asking, now), errands)
        outcomes = list(zip(errands, called, strict=True))
        again = {
            errand: at
            for errand, outcome in outcomes
            if (at := next_try(errand, outcome, now, ports.rng)) is not None
        }
        for errand, outcome in outcomes:
            if errand in again:
                told = (errand.endpoint, ports.tenant, outcome.reason, again[errand])
                LOG.warning("endpoint %s of %s: %s; again at %s", *told)
        ports.errands.put_off(again)
        self._record([one for one in outcomes if one[0] not in again])

    def _called(
        self,
        endpoints: Mapping[str, Endpoint],
        asking: Asking,
        now: datetime,
        errand: DueErrand,
    ) -> Called:
        assert errand.give_up_at is not None
        endpoint = endpoints.get(errand.endpoint or "")
        if now >= errand.give_up_at:
            return EXPIRED
        if endpoint is None:
            return UNKNOWN_ENDPOINT
        if not endpoint.enabled:
            return DISABLED_ENDPOINT
        asked = _asked(errand)
        if asking.person(asked) is None:
            return ERASED
        try:
            node, values = asking.node(asked), asking.values(asked)
            body = posted(self._ports.tenant, errand, node, values)
            return self._caller.call(endpoint, errand.errand_id, body)
        except BodyTooLong:
            return TOO_LONG
        except Exception as error:  # one call must not hold back the others
            LOG.exception("call %s broke: %s", errand.errand_id, type(error).__name__)
            return BROKEN

    def _record(self, outcomes: Sequence[Outcome]) -> None:
        ports, now = self._ports, self._ports.clock.now()
        given = [
            Input(
                errand.stream,
                partial(campaign.resolve_webhook, called=_told(errand, called), at=now),
                Cause(CauseKind.DISPATCH, f"{errand.errand_id}.{errand.attempt}"),
                errand.errand_id,
                ref=errand,
            )
            for errand, called in outcomes
        ]
        results = ports.campaigns.transact_many(given, along=self._settle)
        if any(result.facts for result in results):
            ports.doorbell.ring("dispatch", ports.tenant)

    def _settle(self, tx: Transaction, results: Sequence[Result]) -> None:
        """A call whose outcome could not be decided keeps its lease and comes again."""
        open_ = DecisionFailed | GroundsMissing
        over = [one.ref for one in results if not isinstance(one.refused, open_)]
        self._ports.errands.settle(tx, over)

    def _asking(self, errands: Sequence[DueErrand]) -> Asking:
        return Asking(self._ports, map(_asked, errands))


def _asked(errand: DueErrand) -> Asked:
    return Asked(errand.contact_id, errand.campaign_id, errand.plan_hash, errand.node)


def _told(errand: DueErrand, called: Called) -> campaign.Called:
    return campaign.Called(
        call_id=errand.errand_id, ok=called.ok, reason=called.reason, attempts=errand.attempt
    )


def _notice(errand: DueErrand, asking: Asking) -> Notice | None:
    """What is told; nothing about a contact that was erased, nor from a plan that was."""
    asked = _asked(errand)
    node = asking.node(asked)
    if asking.person(asked) is None or not node:
        return None
    return Notice(
        notice_id=errand.errand_id,
        stream=errand.stream,
        contact_id=errand.contact_id,
        recipient=node["to"],
        text=words(node["text"], asking.values(asked)),
        at=errand.requested_at,
    )

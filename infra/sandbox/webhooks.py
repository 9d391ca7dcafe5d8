"""Event Webhook posts: gathered to batches, and as untidy as the provider's."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from datetime import timedelta

from infra.sandbox.agenda import Agenda
from infra.sandbox.config import SandboxConfig
from infra.sandbox.courier import Courier, Post
from infra.sandbox.dice import Dice
from infra.sandbox.events import encode_batch, event_of
from infra.sandbox.persons import HOUR_S, MINUTE_S
from infra.sandbox.planning import Planned
from infra.sandbox.tasks import Tasks

Settle = Callable[[Iterable[tuple[int, int]]], None]


class EventPoster:
    """Posts events in batches and tells which reactions are settled by it.

    By seed it repeats some events under another id, holds some back, shuffles some batches and
    loses as many as the faults in force say.
    """

    def __init__(
        self, config: SandboxConfig, agenda: Agenda, courier: Courier, tasks: Tasks, settle: Settle
    ) -> None:
        self._config, self._agenda = config, agenda
        self._courier, self._tasks, self._settle = courier, tasks, settle
        self._waiting: deque[tuple[Planned, int]] = deque()
        self._filled = asyncio.Event()
        self._batches = 0
        self.repeats = 0
        self.lost = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def report(self, planned: Planned, lost_share: float) -> None:
        """Bring a reaction to the customer's knowledge, sooner or later, once or more."""
        dice = Dice(self._config.seed, "report", *planned.name)
        if not self._config.event_url or dice.chance(lost_share):
            self.lost += bool(self._config.event_url)
            self._settle([planned.name])
            return
        if dice.chance(self._config.repeat_share):
            self.repeats += 1
            pause_s = dice.log_normal(5 * MINUTE_S, 1.5)
            self._later(planned, pause_s, copy=1)
        if dice.chance(self._config.delay_share):
            self._later(planned, dice.between(MINUTE_S, HOUR_S), copy=0)
        else:
            self._put(planned, copy=0)

    async def run(self) -> None:
        """Cut batches off the events that wait, until cancelled."""
        while True:
            await self._filled.wait()
            if len(self._waiting) < self._config.batch_events_max:
                await asyncio.sleep(self._config.batch_delay_s)
            self._post_batch()

    def _later(self, planned: Planned, pause_s: float, copy: int) -> None:
        due = planned.at + timedelta(seconds=pause_s)
        self._agenda.add(due, lambda: self._put(planned, copy))

    def _put(self, planned: Planned, copy: int) -> None:
        self._waiting.append((planned, copy))
        self._filled.set()

    def _post_batch(self) -> None:
        count = min(len(self._waiting), self._config.batch_events_max)
        batch = [self._waiting.popleft() for _ in range(count)]
        if not self._waiting:
            self._filled.clear()
        self._batches += 1
        dice = Dice(self._config.seed, "batch", self._batches)
        if dice.chance(self._config.shuffle_share):
            batch = dice.shuffled(batch)
        self._tasks.start(self._carry(batch))

    async def _carry(self, batch: list[tuple[Planned, int]]) -> None:
        events = [event_of(planned, self._config.seed, copy) for planned, copy in batch]
        post = Post(self._config.event_url, "application/json", encode_batch(events))
        await self._courier.carry(post)
        self._settle([planned.name for planned, copy in batch if copy == 0])

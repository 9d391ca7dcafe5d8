"""Signed posts to the customer's webhook: tried again until taken, or until it is too late."""

import asyncio
from typing import Literal

import msgspec

from infra.sandbox.clock import Now
from infra.sandbox.config import SandboxConfig
from infra.sandbox.keys import SigningKey
from infra.sandbox.outgoing import Outgoing, target_of

POSTS_MAX = 8  # at the same time, as a few sending servers would
FIRST_RETRY_S = 30.0  # simulated
RETRY_S_MAX = 3600.0  # simulated
FIRST_RETRY_REAL_S = 0.05  # the receiver needs real time to recover, whatever the factor
RETRY_REAL_S_MAX = 1.0
AGENT = "SendGrid Event API"


class Post(msgspec.Struct, frozen=True):
    """A body on its way."""

    url: str
    content_type: str
    body: bytes


class Courier:
    """Carries posts; each attempt is signed anew, with the real time."""

    def __init__(
        self,
        config: SandboxConfig,
        key: SigningKey,
        outgoing: Outgoing,
        clocks: tuple[Now, Now],
    ) -> None:
        self._config, self._key, self._outgoing = config, key, outgoing
        self._now, self._real_now = clocks
        self._room = asyncio.Semaphore(POSTS_MAX)
        self.posts = 0
        self.failures = 0

    async def carry(self, post: Post) -> Literal["taken", "given_up"]:
        """Post until a 2xx answer, with growing pauses; every non-2xx answer is a failure."""
        began, began_real = self._now(), self._real_now()
        pause_s, pause_real_s = FIRST_RETRY_S, FIRST_RETRY_REAL_S
        while not await self._taken(post):
            self.failures += 1
            late = (self._now() - began).total_seconds() >= self._config.retry_for_s
            waited_s = (self._real_now() - began_real).total_seconds()
            if late and waited_s >= self._config.retry_for_real_s:
                return "given_up"
            await asyncio.sleep(max(pause_s / self._config.factor, pause_real_s))
            pause_s = min(pause_s * 2, RETRY_S_MAX)
            pause_real_s = min(pause_real_s * 2, RETRY_REAL_S_MAX)
        return "taken"

    async def _taken(self, post: Post) -> bool:
        async with self._room:
            self.posts += 1
            signed = self._key.headers(int(self._real_now().timestamp()), post.body)
            headers = {"User-Agent": AGENT, "Content-Type": post.content_type, **signed}
            status = await self._outgoing.request("POST", target_of(post.url), headers, post.body)
        return status is not None and status // 100 == 2  # noqa: PLR2004 - any 2xx

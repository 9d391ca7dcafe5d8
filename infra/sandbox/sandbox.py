"""The provider as one object: takes mail, keeps it, and lets its recipients react."""

from collections import Counter

from infra.sandbox import clock, mail_send
from infra.sandbox.clock import Now
from infra.sandbox.config import SandboxConfig
from infra.sandbox.dice import Dice
from infra.sandbox.endpoints import Endpoints
from infra.sandbox.faults import Faults
from infra.sandbox.keys import SigningKey
from infra.sandbox.ledger import Accepted, Ledger, Recipient, compact
from infra.sandbox.mail_send import MailSend
from infra.sandbox.persons import Kind
from infra.sandbox.planning import at_once, plan
from infra.sandbox.recipients import Recipients


class Sandbox:
    """One provider account; everything it does follows from its seed, its ledger and its clock."""

    def __init__(self, config: SandboxConfig, *, now: Now, real_now: Now = clock.real_now) -> None:
        self.config = config
        self.now = now
        self.requests = 0
        self._told = int(now().timestamp() * 1000)  # beyond what a process before gave out
        self.faults = Faults(config.seed)
        key = SigningKey.load_or_generate(config.key_path) if config.key_path else None
        self._key = key or SigningKey.generate()
        self._ledger = Ledger(config.accepts_path)
        self._mails_to: Counter[str] = Counter()
        self._batch_ids: set[str] = set()
        self.endpoints = Endpoints(config.seed, real_now)
        self.recipients = Recipients(config, self._key, self._ledger, self.faults, (now, real_now))
        self._take_up_where_it_stopped()

    @property
    def public_key_base64(self) -> str:
        """What the customer verifies posts with."""
        return self._key.public_key_base64()

    def start(self) -> None:
        """Begin to act, on the present event loop."""
        self.recipients.start()

    async def stop(self) -> None:
        """Cease to act; the ledger's file is closed."""
        await self.recipients.stop()
        self._ledger.close()

    def accept(self, request: MailSend, raw: bytes) -> str:
        """Keep a valid request for good and answer its X-Message-Id."""
        number = self._ledger.accepted + 1
        recipients = [
            Recipient(
                ordinal=self._next_ordinal(address.email),
                refusal=self.recipients.suppressions.refusal(address.email),
            )
            for one in request.personalizations
            for address in one.recipients()
        ]
        accepted = Accepted(
            number=number,
            at=self.now(),
            provider_id=Dice(self.config.seed, "message id", number).token(16),
            message=request.message,
            recipients=recipients,
            request=compact(raw),
        )
        self._ledger.add(accepted)
        for planned in plan(accepted, self.config.seed, self.config.rates):
            self.recipients.expect(planned)
        return accepted.provider_id

    def act(self, message: str, kind: Kind) -> bool:
        """Let the recipient of a message do this now; False if it was never accepted."""
        accepts = self._ledger.accepts_of(message)
        if accepts:
            self._told += 1
            self.recipients.expect(at_once(accepts[-1], kind, self.now(), self._told))
        return bool(accepts)

    def accepts_of(self, message: str) -> list[Accepted]:
        """All accepts of one message, oldest first."""
        return self._ledger.accepts_of(message)

    def new_batch_id(self) -> str:
        """An id that mail may be scheduled under."""
        names = (self._ledger.accepted, len(self._batch_ids))
        batch_id = Dice(self.config.seed, "batch id", *names).token(36)
        self._batch_ids.add(batch_id)
        return batch_id

    def knows_batch(self, batch_id: str) -> bool:
        """Whether the id was given out by this process."""
        return batch_id in self._batch_ids

    def stats(self) -> dict[str, object]:
        """Counts: of the ledger since it exists, of posts and requests since the start."""
        acts = self.recipients
        return {
            "requests": self.requests,
            "accepted": self._ledger.accepted,
            "messages": self._ledger.messages,
            "duplicates": self._ledger.duplicates,
            "signals": dict(sorted(acts.signals.items())),
            "pending": acts.pending,
            "webhook_posts": acts.courier.posts,
            "webhook_failures": acts.courier.failures,
            "events_repeated": acts.events.repeats,
            "events_lost": acts.events.lost,
            "fetches": acts.fetches,
            "fetch_failures": acts.fetch_failures,
            "endpoint_calls": len(self.endpoints.taken),
            "endpoint_posts": self.endpoints.posts,
            "endpoint_repeats": self.endpoints.repeats,
            "endpoint_unsigned": self.endpoints.unsigned,
        }

    def _next_ordinal(self, address: str) -> int:
        person = address.strip().lower()
        self._mails_to[person] += 1
        return self._mails_to[person]

    def _take_up_where_it_stopped(self) -> None:
        loaded, settled = self._ledger.take_loaded()
        for accepted in loaded:
            for one in mail_send.read(bytes(accepted.request)).personalizations:
                for address in one.recipients():
                    self._next_ordinal(address.email)
            for planned in plan(accepted, self.config.seed, self.config.rates):
                if planned.name in settled:
                    self.recipients.remember(planned)
                else:
                    self.recipients.expect(planned)

"""Carrying out reactions: fetches and posts of the recipients, reports of the provider."""

from collections import Counter

from infra.sandbox.agenda import Agenda
from infra.sandbox.clock import Now
from infra.sandbox.config import SandboxConfig
from infra.sandbox.courier import Courier, Post
from infra.sandbox.events import chosen_link, event_of
from infra.sandbox.faults import Faults
from infra.sandbox.keys import SigningKey
from infra.sandbox.ledger import Ledger
from infra.sandbox.outgoing import Outgoing, reachable
from infra.sandbox.persons import Kind, Reaction
from infra.sandbox.planning import Planned
from infra.sandbox.replies import reply_post
from infra.sandbox.suppressions import LIST_OF, Suppressions
from infra.sandbox.tasks import Tasks
from infra.sandbox.webhooks import EventPoster

ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"
MAIL_PROVIDER_AGENT = "Mozilla/5.0 (compatible; OneClickUnsubscribe/1.0)"


class Recipients:
    """Does each planned reaction at its time; what nobody can notice is not counted."""

    def __init__(
        self,
        config: SandboxConfig,
        key: SigningKey,
        ledger: Ledger,
        faults: Faults,
        clocks: tuple[Now, Now],
    ) -> None:
        self._config, self._ledger, self._faults = config, ledger, faults
        self._outgoing = Outgoing(config.post_timeout_s)
        self._tasks = Tasks()
        self._loops = Tasks()
        self._agenda = Agenda(clocks[0], config.factor)
        self.courier = Courier(config, key, self._outgoing, clocks)
        self.events = EventPoster(config, self._agenda, self.courier, self._tasks, ledger.settle)
        self.suppressions = Suppressions(config.complaint_share_max, config.complaint_delivered_min)
        self.signals: Counter[str] = Counter()
        self.fetches = 0
        self.fetch_failures = 0

    @property
    def pending(self) -> int:
        """What is planned, waits for a batch or is on its way."""
        return len(self._agenda) + len(self.events) + len(self._tasks)

    def start(self) -> None:
        """Begin to act, on the present event loop."""
        self._loops.start(self._agenda.run())
        self._loops.start(self.events.run())

    async def stop(self) -> None:
        """Leave everything as it is; the ledger knows what is not settled."""
        await self._loops.cancel()
        await self._tasks.cancel()

    def expect(self, planned: Planned) -> None:
        """Let the reaction happen when it is due."""
        self._agenda.add(planned.at, lambda: self._perform(planned))

    def remember(self, planned: Planned) -> None:
        """Take over a reaction that an earlier process settled."""
        if self._is_noticed(planned):
            self.signals[planned.reaction.kind] += 1
        if self._is_reported(planned):
            self._note(planned)

    def _perform(self, planned: Planned) -> None:
        if not self._is_noticed(planned):
            self._ledger.settle([planned.name])
            return
        self.signals[planned.reaction.kind] += 1
        match planned.reaction.kind:
            case Kind.REPLIED | Kind.AWAY:
                self._tasks.start(self._reply(planned))
            case Kind.UNSUBSCRIBED:
                self._tasks.start(self._unsubscribe(planned))
            case Kind.OPENED | Kind.MACHINE_OPENED | Kind.CLICKED | Kind.MACHINE_CLICKED:
                self._tasks.start(self._fetch(planned))
            case _:
                self._report(planned)

    async def _fetch(self, planned: Planned) -> None:
        await self._request(planned.reaction, _wanted_url(planned))
        self._report(planned)

    async def _unsubscribe(self, planned: Planned) -> None:
        click = Reaction(
            delay_s=0, kind=Kind.UNSUBSCRIBED, agent=MAIL_PROVIDER_AGENT, method="POST"
        )
        if planned.mail.one_click:
            await self._request(click, planned.mail.unsubscribe_url, ONE_CLICK)
        self._report(planned)

    async def _reply(self, planned: Planned) -> None:
        content_type, body = reply_post(planned, self._config.seed)
        await self.courier.carry(Post(self._config.inbound_url, content_type, body))
        self._ledger.settle([planned.name])

    async def _request(self, reaction: Reaction, url: str, body: bytes = b"") -> None:
        target = reachable(url, self._config.reach) if url else None
        if target is None:
            return
        headers = {"User-Agent": reaction.agent} | ({"Content-Type": FORM} if body else {})
        status = await self._outgoing.request(reaction.method, target, headers, body)
        self.fetches += 1
        self.fetch_failures += status is None or status >= 400  # noqa: PLR2004 - HTTP error

    def _report(self, planned: Planned) -> None:
        if self._is_reported(planned):
            self._note(planned)
            self.events.report(planned, self._faults.lost_share)
        else:
            self._ledger.settle([planned.name])

    def _note(self, planned: Planned) -> None:
        kind = planned.reaction.kind
        facts: dict[str, object] = {"ip": planned.reaction.ip}
        if kind in LIST_OF:
            facts |= event_of(planned, self._config.seed)
        self.suppressions.note(kind, planned.mail.to, planned.at, facts)
        if kind is Kind.UNSUBSCRIBED and planned.mail.group_id is not None:
            self.suppressions.leave_group(planned.mail.group_id, planned.mail.to)

    def _is_noticed(self, planned: Planned) -> bool:
        """False where it leaves no trace: no pixel, nowhere to reply to, nothing tracked."""
        if planned.reaction.kind in {Kind.REPLIED, Kind.AWAY}:
            return bool(self._config.inbound_url)
        return self._is_reported(planned) or bool(
            reachable(_wanted_url(planned), self._config.reach)
        )

    @staticmethod
    def _is_reported(planned: Planned) -> bool:
        """Whether the provider itself observes the reaction."""
        mail = planned.mail
        match planned.reaction.kind:
            case Kind.OPENED | Kind.MACHINE_OPENED:
                return mail.tracks_opens
            case Kind.CLICKED | Kind.MACHINE_CLICKED:
                return mail.tracks_clicks
            case Kind.UNSUBSCRIBED:
                return mail.tracks_unsubscribes or mail.group_id is not None
            case Kind.REPLIED | Kind.AWAY:
                return False
            case _:
                return True


def _wanted_url(planned: Planned) -> str:
    mail = planned.mail
    match planned.reaction.kind:
        case Kind.OPENED | Kind.MACHINE_OPENED:
            return mail.pixel
        case Kind.CLICKED | Kind.MACHINE_CLICKED:
            return chosen_link(planned)[1]
        case Kind.UNSUBSCRIBED:
            return mail.unsubscribe_url if mail.one_click else ""
        case _:
            return ""

"""Verifies a log as it is stored: every chain, the order of all facts, every known checkpoint."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from time import monotonic, process_time
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from domain.ids import TenantId
from infra.audit import rows
from infra.audit.chain import GENESIS, Chain
from infra.audit.merkle import Frontier
from infra.audit.notes import (
    Checkpoint,
    Keys,
    NoteForged,
    NoteUnreadable,
    opened,
    origin_of,
    read,
)
from infra.tenancy import Database

SHOWN = 10


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is not as it was written."""

    what: str
    position: int | None = None
    stream: UUID | None = None
    version: int | None = None


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in one log."""

    log: str
    events: int
    streams: int
    unchained: int
    """Facts without a hash of their own: a release wrote them that knew none."""
    checkpoints: int
    covered: int
    """Facts that the newest good checkpoint covers."""
    newest: str
    """When that one was taken; empty where there is none."""
    seconds: float
    cpu_seconds: float
    """Of this process; the server reads beside it."""
    broken: int
    findings: Sequence[Finding]
    """The first ten."""


def verify(
    database: Database,
    tenant: TenantId,
    log: str,
    notes: Iterable[str],
    keys: Keys,
    progress: rows.Progress = lambda _done, _of: None,
) -> Verified:
    """Read a whole log and hold it against notes; what is appended meanwhile is read, too.

    Memory is about 250 bytes a stream.
    """
    began, worked = monotonic(), process_time()
    walk = _Walk(tenant, log, notes, keys)
    wanted = walk.size_known
    for page in rows.whole(database, tenant, log):
        walk.take(page)
        progress(walk.tree.size, max(wanted, walk.tree.size))
    return walk.verified(monotonic() - began, process_time() - worked)


class _Walk:
    """One reading of a log from its beginning."""

    def __init__(self, tenant: TenantId, log: str, notes: Iterable[str], keys: Keys) -> None:
        self.tree = Frontier()
        self._log = log
        self._broken = 0
        self._findings: list[Finding] = []
        self._origin = origin_of(tenant, log)
        self._known = self._checkpoints(notes, keys)
        self._sizes = sorted(self._known)
        self._good: Checkpoint | None = None
        self._checked = 0
        self._unchained = 0
        self._heads: dict[bytes, tuple[bytes, int]] = {}
        self._begin, self._topics = Chain(tenant).parts()

    @property
    def size_known(self) -> int:
        """How many facts there must be by the checkpoints."""
        return self._sizes[-1] if self._sizes else 0

    def take(self, page: Sequence[TupleRow]) -> None:
        """The next facts."""
        leaves = self._leaves(page)
        done = 0
        while self._checked < len(self._sizes):
            size = self._sizes[self._checked]
            upto = size - self.tree.size
            if upto > len(leaves) - done:
                break
            self.tree.add(leaves[done : done + upto])
            done += upto
            self._checked += 1
            self._compare(self._known[size], page[done - 1][2])
        self.tree.add(leaves[done:])

    def verified(self, seconds: float, cpu_seconds: float) -> Verified:
        """What was found; facts that a checkpoint has and the log has not are missing."""
        for size in self._sizes[self._checked :]:
            self._tell(
                Finding(
                    f"the log has {self.tree.size} facts, and had {size} when the checkpoint of "
                    f"{self._known[size].at} was taken: its end is missing"
                )
            )
        return Verified(
            log=self._log,
            events=self.tree.size,
            streams=len(self._heads),
            unchained=self._unchained,
            checkpoints=len(self._sizes),
            covered=0 if self._good is None else self._good.size,
            newest="" if self._good is None else self._good.at,
            seconds=round(seconds, 3),
            cpu_seconds=round(cpu_seconds, 3),
            broken=self._broken,
            findings=self._findings,
        )

    def _leaves(self, page: Sequence[TupleRow]) -> list[bytes]:
        # what is called for each fact is written out here: 80,000 of them a second are the goal
        heads, begin, topics = self._heads, self._begin, self._topics
        leaves, first = [], (GENESIS, 0)
        for stream, version, position, topic, state, chain in page:
            before, last = heads.get(stream, first)
            place = version.to_bytes(8, "big")
            length = len(state).to_bytes(4, "big")
            head = sha256(
                b"".join(
                    (begin, stream, b"\0\0\0\x08", place, topics[topic], before, length, state)
                )
            ).digest()
            if chain != head or version != last + 1:
                self._judge((stream, version, position), chain in (head, None), last)
                self._unchained += chain is None
            leaves.append(sha256(b"\0" + head + stream + place).digest())
            heads[stream] = chain or head, version
        return leaves

    def _judge(self, place: tuple[bytes, int, int], chained: bool, last: int) -> None:  # noqa: FBT001  # private
        stream, version, position = place
        words = []
        if not chained:
            words.append("the fact or one before it is not what was written")
        if version != last + 1:
            words.append(f"it follows version {last} of its stream")
        for what in words:
            self._tell(Finding(what, position, UUID(bytes=stream), version))

    def _compare(self, checkpoint: Checkpoint, position: int) -> None:
        if self.tree.root() != checkpoint.root:
            self._tell(
                Finding(
                    f"the first {checkpoint.size} facts are not those of the checkpoint of "
                    f"{checkpoint.at}: changed, left out, put in, or in another order",
                    position=checkpoint.position,
                )
            )
        elif position != checkpoint.position:
            self._tell(
                Finding(
                    f"the last fact of the checkpoint of {checkpoint.at} stood at position "
                    f"{checkpoint.position}",
                    position=position,
                )
            )
        else:
            self._good = checkpoint

    def _checkpoints(self, notes: Iterable[str], keys: Keys) -> Mapping[int, Checkpoint]:
        known: dict[int, Checkpoint] = {}
        for checkpoint in self._signed(notes, keys):
            same = known.setdefault(checkpoint.size, checkpoint)
            if same.root != checkpoint.root:
                self._tell(Finding(f"two checkpoints of {checkpoint.size} facts contradict"))
        return known

    def _signed(self, notes: Iterable[str], keys: Keys) -> Iterator[Checkpoint]:
        for note in notes:
            try:
                if read(note).origin == self._origin:
                    yield opened(note, keys)[0]
            except (NoteForged, NoteUnreadable) as error:
                self._tell(Finding(f"a checkpoint cannot be believed: {error}"))

    def _tell(self, finding: Finding) -> None:
        self._broken += 1
        if len(self._findings) < SHOWN:
            self._findings.append(finding)

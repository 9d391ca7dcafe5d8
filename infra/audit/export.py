"""One stream with its proofs, for somebody who has neither the database nor antiphon."""

from collections.abc import Container
from uuid import UUID

import msgspec

from domain.ids import StreamId, TenantId
from infra.audit.merkle import HASH_BYTES, Tree
from infra.audit.notes import Checkpoint, Keys, origin_of, read
from infra.audit.rows import Leaves, Progress, Stored, stream_rows
from infra.tenancy import Database

FORMAT = "antiphon-audit-export/1"
CONSISTENCY = "antiphon-audit-consistency/1"
EVENTS = "events"
"""The log that has the streams of contact-campaigns."""


class NoCheckpoint(Exception):
    """There is no checkpoint to prove anything by; the text says what mends it."""


class LogChanged(Exception):
    """The log is not what the checkpoint says, so that nothing can be proven of it."""


class Proven(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fact as it is stored; with its proof where the checkpoint covers it."""

    version: int
    position: int
    topic: str
    body: str
    hash: str
    index: int | None = None
    proof: list[str] = []


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """All that the separate verifier needs: see docs/how-to/verify_export.py."""

    format: str = FORMAT
    tenant: TenantId
    stream: UUID
    checkpoint: str
    """The signed note."""
    keys: dict[str, str]
    """Public keys by their ids. Compare the one that signed with what you were told before."""
    events: list[Proven]


class Consistency(msgspec.Struct, frozen=True, kw_only=True):
    """Two checkpoints, and that the older log is the beginning of the newer one."""

    format: str = CONSISTENCY
    older: str
    newer: str
    proof: list[str]
    keys: dict[str, str]


def export(
    database: Database,
    tenant: TenantId,
    stream: StreamId,
    signed: tuple[str, Keys],
    progress: Progress,
) -> Export:
    """The facts of a stream, each proven by a signed note; reads the hashes of the whole log.

    Facts behind the checkpoint are given without a proof. Raises LogChanged.
    """
    note, keys = signed
    checkpoint, rows = read(note), stream_rows(database, tenant, EVENTS, stream)
    sought = {row.position for row in rows}
    tree, places = _tree(Leaves(database, tenant, EVENTS), checkpoint, sought, progress)
    return Export(
        tenant=tenant,
        stream=stream,
        checkpoint=note,
        keys=_hex_keys(keys),
        events=[_proven(row, tree, places.get(row.position)) for row in rows],
    )


def consistency(
    database: Database,
    tenant: TenantId,
    notes: tuple[str, str],
    keys: Keys,
    progress: Progress,
) -> Consistency:
    """Proof that the log of an older note is the beginning of that of a newer one.

    Raises NoCheckpoint where they are no such two notes, LogChanged.
    """
    older, newer = notes
    first, last = read(older), read(newer)
    log = last.origin.rpartition("/")[2]
    if first.origin != last.origin or last.origin != origin_of(tenant, log):
        raise NoCheckpoint(f"{first.origin} and {last.origin} are not one log of {tenant}")
    if first.size > last.size:
        raise NoCheckpoint("the first checkpoint is the newer one: give them in their order")
    tree, _ = _tree(Leaves(database, tenant, log), last, frozenset(), progress)
    proof = [each.hex() for each in tree.consistency(first.size)]
    return Consistency(older=older, newer=newer, proof=proof, keys=_hex_keys(keys))


def _tree(
    leaves: Leaves, checkpoint: Checkpoint, sought: Container[int], progress: Progress
) -> tuple[Tree, dict[int, int]]:
    """The tree of a checkpoint, and the index in it of each sought position."""
    known, places, size = bytearray(), dict[int, int](), checkpoint.size
    for page, positions in leaves.pages():
        begin = len(known) // HASH_BYTES
        fits = size - begin
        known += b"".join(page[:fits])
        for index, position in enumerate(positions[:fits], begin):
            if position in sought:
                places[position] = index
        progress(min(begin + len(page), size), size)
        if fits <= len(page):
            break
    tree = Tree(known)
    if (tree.size, tree.root()) != (size, checkpoint.root):
        raise LogChanged(
            f"the log is not that of the checkpoint of {checkpoint.at}; antiphon audit verify "
            "tells where it differs"
        )
    return tree, places


def _proven(row: Stored, tree: Tree, index: int | None) -> Proven:
    try:
        body = row.state.decode()
    except UnicodeDecodeError:
        raise LogChanged(f"the fact at position {row.position} is no text any more") from None
    return Proven(
        version=row.version,
        position=row.position,
        topic=row.topic,
        body=body,
        hash=row.head.hex(),
        index=index,
        proof=[] if index is None else [each.hex() for each in tree.inclusion(index)],
    )


def _hex_keys(keys: Keys) -> dict[str, str]:
    return {known: public.hex() for known, public in keys.items()}

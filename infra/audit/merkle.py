"""The Merkle tree of RFC 6962 over the facts of a log, in its order."""

from collections.abc import Iterable
from hashlib import sha256

EMPTY = sha256(b"").digest()
HASH_BYTES = 32
_LEAF, _NODE = b"\0", b"\1"


def leaf(head: bytes, stream: bytes, version: int) -> bytes:
    """The leaf of a fact: its hash in the chain of its stream, and its place there."""
    return sha256(_LEAF + head + stream + version.to_bytes(8, "big")).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return sha256(_NODE + left + right).digest()


class Frontier:
    """A tree that leaves are added to: only the roots of its whole subtrees are kept."""

    def __init__(self, size: int = 0, roots: bytes = b"") -> None:
        self.size = size
        self._roots = _parts(roots)
        if len(self._roots) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} whole subtrees")

    def add(self, leaves: Iterable[bytes]) -> None:
        """Add leaves at the end."""
        roots, size = self._roots, self.size
        for each in leaves:
            left, now = size, each
            while left & 1:
                now = sha256(_NODE + roots.pop() + now).digest()
                left >>= 1
            roots.append(now)
            size += 1
        self.size = size

    def root(self) -> bytes:
        """The hash of the whole tree."""
        if not self._roots:
            return EMPTY
        *lefts, root = self._roots
        for left in reversed(lefts):
            root = node(left, root)
        return root

    def encoded(self) -> bytes:
        """The roots of the whole subtrees, largest first."""
        return b"".join(self._roots)


class Tree:
    """A whole tree, for proofs; 64 bytes of memory a leaf."""

    def __init__(self, leaves: bytearray) -> None:
        """`leaves` are joined, 32 bytes each."""
        level = leaves
        self._levels = [level]
        self.size = len(level) // HASH_BYTES
        while len(level) > HASH_BYTES:
            level = _above(level)
            self._levels.append(level)

    def root(self) -> bytes:
        """The hash of the whole tree."""
        return bytes(self._levels[-1]) or EMPTY

    def inclusion(self, index: int) -> list[bytes]:
        """What a leaf has to be hashed with, from the bottom up, to come to the root."""
        proof = []
        for level in self._levels[:-1]:
            beside = self._at(level, index ^ 1)
            if beside:
                proof.append(beside)
            index >>= 1
        return proof

    def consistency(self, size: int) -> list[bytes]:
        """The proof that the tree of the first `size` leaves is the beginning of this one."""
        if not 0 < size <= self.size:
            raise ValueError(f"there is no tree of {size} leaves in one of {self.size}")
        return self._subproof(size, (0, self.size), known=True)

    def _subproof(self, size: int, span: tuple[int, int], *, known: bool) -> list[bytes]:
        begin, end = span
        if size == end - begin:
            return [] if known else [self._root_of(begin, end)]
        middle = 1 << (end - begin - 1).bit_length() - 1
        split = begin + middle
        if size <= middle:
            left = self._subproof(size, (begin, split), known=known)
            return [*left, self._root_of(split, end)]
        right = self._subproof(size - middle, (split, end), known=False)
        return [*right, self._root_of(begin, split)]

    def _root_of(self, begin: int, end: int) -> bytes:
        """Of a whole subtree, or of one that goes to the end of the tree."""
        height = (end - begin - 1).bit_length()
        return self._at(self._levels[height], begin >> height)

    @staticmethod
    def _at(level: bytearray, index: int) -> bytes:
        return bytes(level[index * HASH_BYTES : (index + 1) * HASH_BYTES])


def _above(level: bytearray) -> bytearray:
    """The level above; one that has no neighbour goes up as it is."""
    above, pair = bytearray(), 2 * HASH_BYTES
    whole = len(level) // pair * pair
    for begin in range(0, whole, pair):
        above += sha256(_NODE + level[begin : begin + pair]).digest()
    return above + level[whole:]


def _parts(joined: bytes) -> list[bytes]:
    return [joined[begin : begin + HASH_BYTES] for begin in range(0, len(joined), HASH_BYTES)]

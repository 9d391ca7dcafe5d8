"""The tree of RFC 6962: its known roots, and proofs that a verifier of its own accepts."""

from hashlib import sha256
from itertools import pairwise

import pytest

from infra.audit.merkle import EMPTY, Frontier, Tree, node

GIVEN = "- 00 10 2021 3031 40414243 5051525354555657 606162636465666768696a6b6c6d6e6f"
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""The roots of the first one to eight inputs, as logs of Certificate Transparency have them."""


def leaves(count: int) -> list[bytes]:
    return [sha256(b"\0" + number.to_bytes(4, "big")).digest() for number in range(count)]


def test_the_roots_are_those_of_certificate_transparency() -> None:
    given = [sha256(b"\0" + bytes.fromhex(text.strip("-"))).digest() for text in GIVEN.split()]
    frontier = Frontier()
    assert frontier.root() == _tree([]).root() == EMPTY
    for count, root in enumerate(ROOTS, 1):
        frontier.add(given[count - 1 : count])
        assert frontier.root().hex() == _tree(given[:count]).root().hex() == root


def test_a_frontier_that_was_stored_goes_on_where_it_stopped() -> None:
    known = leaves(100)
    for cut in range(101):
        first = Frontier()
        first.add(known[:cut])
        second = Frontier(cut, first.encoded())
        second.add(known[cut:])
        assert second.root() == _tree(known).root()


def test_a_frontier_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="has 2 whole subtrees"):
        Frontier(3, bytes(32))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 31, 32, 33])
def test_every_leaf_is_proven_to_be_in_the_tree(size: int) -> None:
    known = leaves(size)
    tree = _tree(known)
    for index, leaf in enumerate(known):
        assert _root_by(index, size, leaf, tree.inclusion(index)) == tree.root()


def test_a_smaller_tree_is_proven_to_be_the_beginning_of_a_larger_one() -> None:
    known = leaves(40)
    for size in range(1, 41):
        tree = _tree(known[:size])
        for before in range(1, size + 1):
            old, new = _roots_by(before, size, _tree(known[:before]).root(), tree)
            assert (old, new) == (_tree(known[:before]).root(), tree.root())


@pytest.mark.parametrize("size", [0, 8])
def test_there_is_no_proof_of_a_tree_that_is_no_beginning(size: int) -> None:
    with pytest.raises(ValueError, match="there is no tree"):
        _tree(leaves(7)).consistency(size)


def test_roots_of_all_sizes_differ() -> None:
    roots = [_tree(leaves(size)).root() for size in range(1, 40)]
    assert all(one != other for one, other in pairwise(roots))
    assert len(set(roots)) == len(roots)


def _tree(known: list[bytes]) -> Tree:
    return Tree(bytearray(b"".join(known)))


def _root_by(index: int, size: int, leaf: bytes, proof: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2."""
    last, now = size - 1, leaf
    for beside in proof:
        if index & 1 or index == last:
            now = node(beside, now)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            now = node(now, beside)
        index, last = index >> 1, last >> 1
    assert last == 0
    return now


def _roots_by(before: int, size: int, known: bytes, tree: Tree) -> tuple[bytes, bytes]:
    """RFC 9162, 2.1.4.2."""
    proof = tree.consistency(before)
    if before == size:
        assert proof == []
        return known, known
    if before & (before - 1) == 0:
        proof = [known, *proof]
    index, last = before - 1, size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    old = new = proof[0]
    for beside in proof[1:]:
        if index & 1 or index == last:
            old, new = node(beside, old), node(beside, new)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            new = node(new, beside)
        index, last = index >> 1, last >> 1
    assert last == 0
    return old, new

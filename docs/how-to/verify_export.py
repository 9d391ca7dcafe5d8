"""Verify what `antiphon audit export` or `antiphon audit consistency` gave you, without antiphon.

Needs Python 3.11 and `cryptography`: python verify_export.py export.json PUBLIC_KEY_IN_HEX

The key comes from whom you audit, long before the file does. Without it the key of the file is
taken, which only shows that the file agrees with itself. Prints what is proven; ends with 1 if not.
"""

import json
import sys
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Keys = dict[str, bytes]


def refuse(why: str) -> NoReturn:
    """Ends with 1."""
    sys.exit(f"NOT PROVEN: {why}")


def signed_checkpoint(note: str, keys: Keys) -> tuple[str, int, bytes]:
    """The origin, size and root of a note whose signature holds."""
    text, _, signature = note.partition("\n\n")
    blob = b64decode(signature.removeprefix("— antiphon ").strip())
    key = keys.get(blob[:4].hex()) or refuse(f"none of {list(keys)} has signed the checkpoint")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(blob[4:], f"{text}\n".encode())
    except InvalidSignature:
        refuse("the signature of the checkpoint is wrong")
    origin, size, root, *_ = text.split("\n")
    return origin, int(size), b64decode(root)


def climb(index: int, last: int, start: bytes, proof: list[str]) -> tuple[bytes, bytes]:
    """Both roots that a proof leads to by RFC 9162, of the older tree and of the newer one."""
    old = new = start
    for beside in map(bytes.fromhex, proof):
        if last == 0:
            refuse("a proof is too long")
        if index & 1 or index == last:
            old, new = (sha256(b"\1" + beside + each).digest() for each in (old, new))
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            new = sha256(b"\1" + new + beside).digest()
        index, last = index >> 1, last >> 1
    return (old, new) if last == 0 else refuse("a proof is too short")


def verify_export(file: dict[str, Any], keys: Keys) -> None:
    """Every fact belongs to one unbroken chain, and is in the tree that the checkpoint signs."""
    origin, size, root = signed_checkpoint(file["checkpoint"], keys)
    tenant, stream, before = file["tenant"], UUID(file["stream"]).bytes, bytes(32)
    if origin != f"antiphon/{tenant}/events":
        refuse(f"the checkpoint is of {origin}")
    proven = 0
    for version, fact in enumerate(file["events"], 1):
        if fact["version"] != version:
            refuse(f"version {version} of the stream is missing")
        place, told = version.to_bytes(8, "big"), (fact["topic"].encode(), fact["body"].encode())
        parts = (b"antiphon/1", tenant.encode(), stream, place, told[0], before, told[1])
        before = sha256(b"".join(len(p).to_bytes(4, "big") + p for p in parts)).digest()
        if before.hex() != fact["hash"]:
            refuse(f"the hash of version {version} is not that of the facts up to it")
        if fact.get("index") is None:
            continue
        index, leaf = fact["index"], sha256(b"\0" + before + stream + place).digest()
        if not 0 <= index < size or climb(index, size - 1, leaf, fact.get("proof", []))[1] != root:
            refuse(f"version {version} is not in the tree of the checkpoint")
        proven += 1
    print(f"{len(file['events'])} facts in one chain, {proven} of them in the checkpoint of {size}")


def verify_consistency(file: dict[str, Any], keys: Keys) -> None:
    """The older log is the beginning of the newer one: nothing in it was changed since."""
    origin, size, root = signed_checkpoint(file["older"], keys)
    same, larger, grown = signed_checkpoint(file["newer"], keys)
    index, last, proof = size - 1, larger - 1, list(file["proof"])
    while index & 1 or (index and size == larger):
        index, last = index >> 1, last >> 1
    start = bytes.fromhex(proof.pop(0)) if index and proof else root
    if origin != same or size > larger or climb(index, last, start, proof) != (root, grown):
        refuse("the older log is not the beginning of the newer one")
    print(f"the first {size} facts are the same in the checkpoint of {larger}")


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    publics = [bytes.fromhex(text) for text in sys.argv[2:] or given["keys"].values()]
    known = {sha256(b"antiphon\n\x01" + public).digest()[:4].hex(): public for public in publics}
    (verify_export if "stream" in given else verify_consistency)(given, known)
    print("proven" if sys.argv[2:] else "proven, by the key in the file: compare it with your own")

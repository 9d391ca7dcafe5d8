"""Signed checkpoints as notes: short texts that other programs read and verify, too.

The form is that of checkpoints of transparency logs (C2SP tlog-checkpoint and signed-note): origin,
size and root of the tree, two lines of ours, an empty line, a signature by Ed25519.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping
from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.ids import TenantId

SIGNER = "antiphon"
_SIGNATURE = f"— {SIGNER} "
_ED25519 = b"\x01"
_ID_BYTES = 4
KEY_BYTES = 32
_NOTE = re.compile(
    rf"^{SIGNER}/[^\n]+\n[0-9]+\n[^\n]+\nposition [0-9]+\ntaken [^\n]+\n\n"
    rf"{_SIGNATURE}[A-Za-z0-9+/]{{91}}=\n",
    re.MULTILINE,
)
Keys = Mapping[str, bytes]
"""Public keys, 32 bytes each, by their ids."""


class NoteUnreadable(Exception):
    """The text is no checkpoint."""


class NoteForged(Exception):
    """No known key has signed this text."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a log at an instant."""

    origin: str
    size: int
    root: bytes
    position: int
    """Of the last fact in it."""
    at: str
    """When it was taken, RFC 3339 in UTC, by the clock of the database."""

    def text(self) -> str:
        """What is signed."""
        root = b64encode(self.root).decode()
        lines = (self.origin, self.size, root, f"position {self.position}", f"taken {self.at}")
        return "".join(f"{line}\n" for line in lines)


def origin_of(tenant: TenantId, log: str) -> str:
    """The name of a log, by which its checkpoints are told from those of others."""
    return f"{SIGNER}/{tenant}/{log}"


def key_id(public: bytes) -> str:
    """The id of a public key, from itself; eight hexadecimal digits."""
    return sha256(SIGNER.encode() + b"\n" + _ED25519 + public).digest()[:_ID_BYTES].hex()


def signed(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The checkpoint with its signature."""
    text = checkpoint.text()
    mark = bytes.fromhex(key_id(key.public_key().public_bytes_raw()))
    signature = b64encode(mark + key.sign(text.encode())).decode()
    return f"{text}\n{_SIGNATURE}{signature}\n"


def opened(note: str, keys: Keys) -> tuple[Checkpoint, str]:
    """A checkpoint and the id of the key that signed it; raises NoteUnreadable, NoteForged."""
    checkpoint = read(note)
    for mark, signature in _signatures(note):
        public = keys.get(mark)
        if public is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, checkpoint.text().encode())
        except InvalidSignature:
            raise NoteForged(f"the signature by key {mark} is wrong") from None
        return checkpoint, mark
    raise NoteForged("no known key has signed it")


def read(note: str) -> Checkpoint:
    """What a note says, whoever signed it; raises NoteUnreadable."""
    text, _, _ = note.partition("\n\n")
    try:
        origin, size, root, position, at = text.split("\n")
        checkpoint = Checkpoint(
            origin=origin,
            size=int(size),
            root=b64decode(root, validate=True),
            position=int(position.removeprefix("position ")),
            at=at.removeprefix("taken "),
        )
    except (ValueError, NotBase64) as error:
        raise NoteUnreadable(f"no checkpoint: {text[:60]!r}") from error
    if checkpoint.text() != f"{text}\n":
        raise NoteUnreadable(f"no checkpoint: {text[:60]!r}")
    return checkpoint


def split(text: str) -> tuple[list[str], bool]:
    """The notes in a text, each as it was signed; and whether there is anything else in it.

    A process that died while it wrote leaves half a note; the next one stands behind it.
    """
    found = [match[0] for match in _NOTE.finditer(text)]
    return found, bool(_NOTE.sub("", text).strip())


def joined(notes: Iterable[str]) -> str:
    """Notes as they stand in a file, one behind the other."""
    return "".join(f"{note}\n" for note in notes)


def _signatures(note: str) -> Iterable[tuple[str, bytes]]:
    _, _, lines = note.partition("\n\n")
    for line in lines.splitlines():
        if line.startswith(_SIGNATURE):
            try:
                signature = b64decode(line.removeprefix(_SIGNATURE), validate=True)
            except NotBase64:
                raise NoteUnreadable("the signature is no base64") from None
            yield signature[:_ID_BYTES].hex(), signature[_ID_BYTES:]

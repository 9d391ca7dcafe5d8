"""What is kept outside of the database: the signing key, public keys, and the signed notes.

Whoever can rewrite the database must not be able to rewrite these. Under the state directory they
are as safe as this machine; the copy in a directory elsewhere is what makes them more than a word
of our own.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from domain.ids import TenantId
from infra.audit import notes
from infra.audit.notes import Checkpoint

FOLDER = "audit"
_KEY = "signing_key.pem"
_PUBLIC = "public_keys"
TAIL_BYTES = 65_536
"""Of a file of notes: the newest ones are looked for in it first."""


class KeyUnusable(Exception):
    """The signing key cannot be read; the text says where it is."""


class AuditFiles:
    """The files of one installation; `copy` is a directory that others keep safe, if any is."""

    def __init__(self, home: Path, copy: Path | None = None) -> None:
        self._folder = home / FOLDER
        self._copy = copy

    @property
    def self_attested(self) -> bool:
        """Whether nobody else keeps the notes: then they prove nothing against this machine."""
        return self._copy is None

    # --- keys -------------------------------------------------------------------------------------

    def signing_key(self) -> Ed25519PrivateKey:
        """The key that signs; made once. Raises KeyUnusable."""
        path = self._folder / _KEY
        if not path.exists():
            self._keep(Ed25519PrivateKey.generate(), replace=False)
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except (ValueError, TypeError) as error:
            raise KeyUnusable(f"{path}: {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnusable(f"{path} is no Ed25519 key")
        return key

    def rotate(self) -> str:
        """Sign with a new key from now on; its id. The public one of the old key stays."""
        self.signing_key()
        return self._keep(Ed25519PrivateKey.generate(), replace=True)

    def public_keys(self) -> dict[str, bytes]:
        """Every public key that was ever used here, by its id."""
        found = {}
        for path in sorted((self._folder / _PUBLIC).glob("*.hex")):
            public = bytes.fromhex(path.read_text(encoding="ascii").strip())
            found[notes.key_id(public)] = public
        return found

    def _keep(self, key: Ed25519PrivateKey, *, replace: bool) -> str:
        public = key.public_key().public_bytes_raw()
        known = notes.key_id(public)
        folder = self._folder / _PUBLIC
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # the public key first: no note is ever signed by a key that nobody knows
        (folder / f"{known}.hex").write_text(f"{public.hex()}\n", encoding="ascii")
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        fresh = self._folder / f"{_KEY}.{known}"
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123  # with its mode from the beginning
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            fresh.replace(self._folder / _KEY)
        else:
            with suppress(FileExistsError):  # another process was first; its key is the one
                os.link(fresh, self._folder / _KEY)
            fresh.unlink()
        return known

    # --- notes ------------------------------------------------------------------------------------

    def files(self, tenant: TenantId) -> list[Path]:
        """Where the notes of a tenant are kept: here, and in the copy."""
        folders = [self._folder, *([self._copy] if self._copy is not None else [])]
        return [folder / f"{tenant}.notes" for folder in folders]

    def add(self, path: Path, fresh: Sequence[str]) -> None:
        """Append notes to a file and have them on the disk; raises OSError."""
        if not fresh:
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b"\n" * _torn(path) + notes.joined(fresh).encode())
            file.flush()
            os.fsync(file.fileno())

    def newest(self, path: Path, origin: str) -> Checkpoint | None:
        """The last checkpoint of a log in a file, whoever signed it; None where there is none."""
        try:
            with path.open("rb") as file:
                length = file.seek(0, os.SEEK_END)
                for begin in (max(0, length - TAIL_BYTES), 0):
                    file.seek(begin)
                    found, _ = notes.split(file.read().decode(errors="replace"))
                    of_log = [note for note in found if note.startswith(f"{origin}\n")]
                    if of_log:
                        return notes.read(of_log[-1])
        except FileNotFoundError:
            pass
        return None


def _torn(path: Path) -> bool:
    """Whether the last line was cut off when a process died."""
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"

"""Who was erased, in a file outside of the database: a restored backup knows them again."""

import fcntl
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from domain.ids import ContactId, TenantId

LOG = logging.getLogger("antiphon.erasure_list")
FILE = "erasures.jsonl"


class Listed(msgspec.Struct, frozen=True):
    """One line: an id, which says nothing once nothing else has it, and the ground."""

    tenant: TenantId
    contact: ContactId
    ground: str


_READER = msgspec.json.Decoder(Listed)


class ErasureList:
    """The list of one state directory."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE

    def add(self, tenant: TenantId, contact: ContactId, ground: str) -> None:
        """Write a line that lasts; one that is there already is not written twice."""
        if contact in self.of(tenant):
            return
        line = msgspec.json.encode(Listed(tenant, contact, ground)) + b"\n"
        try:
            with self._path.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            LOG.error(  # noqa: TRY400  # the text of the error says enough
                "the erasure of %s is not kept in %s: %s. A backup that is restored brings this "
                "contact back: make the directory writable and erase it again",
                contact,
                self._path,
                error.strerror,
            )

    def of(self, tenant: TenantId) -> Mapping[ContactId, str]:
        """The contacts of a tenant with the ground of each; a line that was cut off is skipped."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return {}
        found = filter(None, map(_read, lines))
        return {one.contact: one.ground for one in found if one.tenant == tenant}


def _read(line: bytes) -> Listed | None:
    try:
        return _READER.decode(line)
    except msgspec.MsgspecError:
        LOG.warning("a line of %s cannot be read and is skipped", FILE)
        return None

"""What was accepted and what came of it, in an append-only file that outlives a killed process."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec


class Recipient(msgspec.Struct, frozen=True):
    """How manieth mail this is to the address, and why it will not be delivered, if so."""

    ordinal: int
    refusal: str = ""


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag_field="line", tag="accepted"):
    """One accepted request; `at` is simulated time."""

    number: int
    at: datetime
    provider_id: str
    message: str
    recipients: list[Recipient]
    request: msgspec.Raw


class Settled(msgspec.Struct, frozen=True, tag_field="line", tag="settled"):
    """A reaction is over: performed, and taken by whoever was told of it."""

    number: int
    step: int


_LINE: msgspec.json.Decoder[Accepted | Settled] = msgspec.json.Decoder(Accepted | Settled)


class Ledger:
    """Accepts by message; each line is with the operating system before the call returns."""

    def __init__(self, path: Path | None) -> None:
        self._file = _open(path)
        self._end = _cut_torn_tail(self._file)
        self._places: dict[str, list[tuple[int, int]]] = {}
        self._loaded: list[Accepted] = []
        self._settled: set[tuple[int, int]] = set()
        self.accepted = 0
        for start, line in _lines(self._file, self._end):
            match _LINE.decode(line):
                case Accepted() as accepted:
                    self._note(accepted, start, len(line))
                    self._loaded.append(accepted)
                case Settled(number=number, step=step):
                    self._settled.add((number, step))

    def take_loaded(self) -> tuple[list[Accepted], set[tuple[int, int]]]:
        """What an earlier process left: its accepts, and the steps it had settled. Once."""
        loaded, settled = self._loaded, self._settled
        self._loaded, self._settled = [], set()
        return loaded, settled

    def add(self, accepted: Accepted) -> None:
        """Keep an accept for good."""
        line = msgspec.json.encode(accepted)
        self._note(accepted, self._append([line]), len(line))

    def settle(self, steps: Iterable[tuple[int, int]]) -> None:
        """Note that these steps are over."""
        self._append([msgspec.json.encode(Settled(number, step)) for number, step in steps])

    def accepts_of(self, message: str) -> list[Accepted]:
        """All accepts of one message, oldest first."""
        found = []
        for start, length in self._places.get(message, []):
            line = _LINE.decode(os.pread(self._file, length, start))
            assert isinstance(line, Accepted)
            found.append(line)
        return found

    @property
    def messages(self) -> int:
        """How many different messages were accepted."""
        return len(self._places)

    @property
    def duplicates(self) -> int:
        """How many accepts were of a message that had been accepted before."""
        return sum(len(places) - 1 for places in self._places.values())

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)

    def _note(self, accepted: Accepted, start: int, length: int) -> None:
        self.accepted += 1
        self._places.setdefault(accepted.message or accepted.provider_id, []).append(
            (start, length)
        )

    def _append(self, lines: list[bytes]) -> int:
        start = self._end
        rest = memoryview(b"".join(line + b"\n" for line in lines))
        while rest:
            written = os.write(self._file, rest)
            self._end += written
            rest = rest[written:]
        return start


def compact(raw: bytes) -> msgspec.Raw:
    """A JSON text on one line."""
    return msgspec.Raw(msgspec.json.format(raw, indent=-1))


def _open(path: Path | None) -> int:
    if path is None:
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)


def _cut_torn_tail(file: int) -> int:
    """Drop what a killed process wrote of a line, and answer where the file now ends."""
    size = os.fstat(file).st_size
    end = 0
    for start, line in _lines(file, size):
        end = start + len(line) + 1
    if end != size:
        os.ftruncate(file, end)
    return end


def _lines(file: int, size: int) -> Iterator[tuple[int, bytes]]:
    """Start and text of each whole line."""
    with os.fdopen(os.dup(file), "rb") as reader:
        reader.seek(0)
        start = 0
        for line in reader:
            if start >= size or not line.endswith(b"\n"):
                return
            yield start, line[:-1]
            start += len(line)

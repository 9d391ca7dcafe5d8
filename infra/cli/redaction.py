"""What no log line may have, taken out of it wherever it came from: addresses, keys, passwords."""

import re
from types import TracebackType

_HIDDEN = (
    (re.compile(r"://[^/\s:@]*:[^/\s@]+@"), "://[password]@"),
    (re.compile(r"[^\s@\"'<>(),;:=\[\]]+@[^\s@\"'<>(),;:=\[\]]+\.[^\W\d]{2,}"), "[address]"),
    (re.compile(r"\bak_[A-Za-z0-9]+_[A-Za-z0-9_-]{20,}"), "[key]"),
    (re.compile(r"\bSG\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"), "[key]"),
    (re.compile(r"(?i)\bbearer +\S+"), "[key]"),
    (re.compile(r"(?<![\w+])\+\d[\d ().-]{7,}\d"), "[phone]"),
)


def redacted(text: str) -> str:
    """The text without what looks like an address, a key, a password or a phone number.

    Our own lines have none of these; what a library says of a broken connection may.
    """
    for pattern, instead in _HIDDEN:
        text = pattern.sub(instead, text)
    return text


def place_of(trace: TracebackType | None) -> str:
    """File and line where an error was raised."""
    if trace is None:
        return "an unknown place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"

"""Every stored event can be read by this release, and none of them names a person (I28, I31)."""

import re
from collections.abc import Sequence
from typing import get_args

from domain import taxonomy
from domain.events import Event, topic_of
from infra.invariants.finding import Finding, Tally
from infra.invariants.snapshot import Snapshot
from infra.invariants.streams import Stream


class Readable:
    """I28: all streams load."""

    def __init__(self) -> None:
        self._tally = Tally("I28", "Every stream can be read by this release")

    def take(self, taken: Snapshot, batch: Sequence[Stream]) -> None:  # noqa: ARG002  # a Look
        for stream in batch:
            self._tally.examined += 1
            if stream.fault:
                self._tally.add(f"stream {stream.id}, {stream.fault}")

    def findings(self, taken: Snapshot, note: str) -> list[Finding]:  # noqa: ARG002  # a Look
        return [self._tally.finding(note)]


WORD_LENGTH_MIN = 4
"""A shorter name is part of too many words to be told from them."""

_LISTS = (
    taxonomy.Channel,
    taxonomy.Signal,
    taxonomy.Synthetic,
    taxonomy.Outcome,
    taxonomy.CancelReason,
    taxonomy.HoldReason,
    taxonomy.Via,
    taxonomy.CauseKind,
)
OWN_WORDS = sorted(
    {str(word) for words in _LISTS for word in words}
    | {topic_of(fact) for fact in get_args(Event)}
    | {field for fact in get_args(Event) for field in fact.__struct_fields__}
)
"""What every log has in it: a person may be called by such a word."""

# An address is sought in any spelling, a name as it is written: "Late" is not the flag `late`.
_FOUND = """
SELECT e.originator_id, e.originator_version, v.field, v.value, convert_from(e.state, 'UTF8')
  FROM {s}.streams x JOIN {s}.contacts c USING (contact_id)
  CROSS JOIN LATERAL (VALUES ('email', c.email), ('first_name', c.first_name),
       ('last_name', c.last_name), ('company', c.company), ('phone', c.phone),
       ('linkedin_url', c.linkedin_url)) AS v (field, value)
  JOIN {s}.events e ON e.originator_id = x.stream_id
 WHERE x.stream_id = ANY(%(streams)s) AND length(v.value) >= %(length)s
   AND v.value <> ALL(%(own)s::text[])
   AND (position(convert_to(v.value, 'UTF8') IN e.state) > 0
        OR (v.field IN ('email', 'linkedin_url')
            AND position(lower(v.value) IN lower(convert_from(e.state, 'UTF8'))) > 0))
 ORDER BY e.originator_id, e.originator_version, v.field
"""
_EXACT = ("email", "phone", "linkedin_url")


class Impersonal:
    """I31: nothing that the vault knows about a person is in the log of that person."""

    def __init__(self) -> None:
        self._tally = Tally("I31", "No personal data in the log")

    def take(self, taken: Snapshot, batch: Sequence[Stream]) -> None:
        readable = [stream for stream in batch if not stream.fault]
        self._tally.examined += sum(len(stream.facts) for stream in readable)
        params = {
            "streams": [stream.id for stream in readable],
            "length": WORD_LENGTH_MIN,
            "own": OWN_WORDS,
        }
        for stream, version, field, value, state in taken.rows(_FOUND, params):
            if field in _EXACT or _is_word(value, state):
                self._tally.add(f"stream {stream}, version {version}: {field} of its contact")

    def findings(self, taken: Snapshot, note: str) -> list[Finding]:  # noqa: ARG002  # a Look
        return [self._tally.finding(note)]


def _is_word(value: str, state: str) -> bool:
    """Whether a name stands for itself: the letters of a person named chan are in `channel`."""
    return re.search(rf"(?<![^\W_]){re.escape(value)}(?![^\W_])", state) is not None

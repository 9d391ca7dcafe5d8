"""What reports tell of messages in memory: which they are about, and whether they come at all."""

import re
from datetime import datetime, timedelta
from uuid import UUID

from domain.ids import MessageId
from domain.taxonomy import MessageState as State
from handlers.ports import Match, Report
from tests.simulation.memory_database import Memory

QUEUE = "send_queue"
ALIVE_MIN = 20
_OURS = re.compile(r"<?([0-9a-f-]{36})\.(\d{1,4})@")


def shown_alive(memory: Memory, now: datetime) -> bool:
    """Whether webhooks come: of enough messages of the last day, and the newest just now."""
    inbox = memory.committed_rows("inbox").values()
    told = {item["message_id"] for item in inbox}
    first, last = now - timedelta(hours=24), now - timedelta(hours=1)
    recent = [
        row["message_id"] in told
        for row in memory.committed_rows(QUEUE).values()
        if row["state"] == State.ACCEPTED and first <= row["accepted_at"] <= last
    ]
    times = [item["occurred_at"] for item in inbox if item["occurred_at"] is not None]
    enough = len(recent) >= ALIVE_MIN and sum(recent) >= 0.99 * len(recent)
    return enough and bool(times) and max(times) > last


def match_of(memory: Memory, report: Report) -> Match | None:
    """The message a report is about: by our id, in a Message-ID, by the provider's id."""
    rows = memory.committed_rows(QUEUE)
    mid, attempt = report.message_id, report.attempt
    if mid is None and (ours := _OURS.search(report.smtp_id or "")):
        mid, attempt = MessageId(UUID(ours[1])), int(ours[2])
    row = rows.get(mid) if mid else None
    if row is None and report.provider_id:
        name, attempt = report.provider_id.partition(".")[0], None
        row = next((each for each in rows.values() if each["provider_id"] == name), None)
    if row is None:
        return None
    return Match(row["stream_id"], row["message_id"], row["contact_id"], attempt)

"""Work taken from rows with SKIP LOCKED: messages once for all, the rest by lease and fence."""

from infra.claims.errands import SqlErrands
from infra.claims.inbox import SqlInbox
from infra.claims.outbox import SqlOutbox
from infra.claims.timers import SqlTimers

__all__ = ["SqlErrands", "SqlInbox", "SqlOutbox", "SqlTimers"]

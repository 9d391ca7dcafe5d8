"""Work taken from rows with SKIP LOCKED: messages once for all, the rest by lease and fence."""

from infra.claims.errands import SqlErrands
from infra.claims.inbox import SqlInbox
from infra.claims.outbox import Claimant, SqlOutbox
from infra.claims.timers import SqlTimers

__all__ = ["Claimant", "SqlErrands", "SqlInbox", "SqlOutbox", "SqlTimers"]

"""What the console works with besides what the API has: filled by the bootstrap."""

from collections.abc import Callable

import msgspec

from domain.ids import TenantId
from handlers.web.console.reading import ConsoleReads
from handlers.web.console.sessions import Users


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """Users, and the looks over each tenant."""

    users: Users
    reads: Callable[[TenantId], ConsoleReads]
    secure: bool
    """Whether browsers come by https: only then they keep a cookie that is for https alone."""

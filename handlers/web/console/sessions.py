"""Who is signed in: a cookie with a secret, and what it stands for on the server."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from domain.ids import TenantId
from handlers.access import KeyHolder, Role

IDLE = timedelta(hours=2)
"""A session that nobody used for so long is over."""
LONGEST = timedelta(hours=12)
"""So is one that began so long ago, used or not: a working day."""
NAME_MAX = 200
PASSWORD_MAX = 200
"""Longer ones are not hashed: that would be work for whoever asks."""
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is signed in; `csrf` goes into every form and comes back with it."""

    user_id: str
    name: str
    tenant: TenantId
    role: Role
    csrf: str

    @property
    def holder(self) -> KeyHolder:
        """The same as the use cases know callers; the log gets the id, never the name."""
        return KeyHolder(self.user_id, self.tenant, self.role)


class UserShown(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may sign in."""

    user_id: str
    name: str
    tenant: TenantId
    role: Role
    created_at: datetime
    signed_in_at: datetime | None


class Users(Protocol):
    """Those who may sign in to the console, of all tenants, and their sessions."""

    def sign_in(self, name: str, password: str) -> str | None:
        """The secret of a new session; None where name and password do not belong together.

        It takes as long whether there is such a name or not.
        """
        ...

    def session(self, secret: str, *, used: bool = True) -> Session | None:
        """Who a secret belongs to; None when the session is over.

        What a page asks by itself is no use: nobody may be sitting there.
        """
        ...

    def sign_out(self, secret: str) -> None:
        """End a session. Safe to repeat."""
        ...

    def names(self, tenant: TenantId, ids: Iterable[str]) -> Mapping[str, str]:
        """The names behind ids, also of those who may not sign in any more."""
        ...


def cookie_name(*, secure: bool) -> str:
    """With the prefix no other host and no plain connection can set it; that needs https."""
    return "__Host-antiphon" if secure else "antiphon"


def secret_in(request: Request, *, secure: bool) -> str | None:
    """The secret that a request carries, if it looks like one of ours."""
    given = request.cookies.get(cookie_name(secure=secure), "")
    return given if _SECRET.fullmatch(given) else None


def set_cookie(response: Response, secret: str, *, secure: bool) -> None:
    """Give the browser the secret until it is closed, or until the session is over."""
    response.set_cookie(
        cookie_name(secure=secure),
        secret,
        max_age=int(LONGEST.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def clear_cookie(response: Response, *, secure: bool) -> None:
    """Let the browser forget the secret."""
    response.delete_cookie(
        cookie_name(secure=secure), path="/", secure=secure, httponly=True, samesite="lax"
    )

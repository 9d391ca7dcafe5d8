"""Users of the console in the control schema: argon2id passwords, sessions kept as HMAC."""

import hmac
import secrets  # noqa: TID251  # secrets of users and sessions, drawn where they are stored
from collections.abc import Iterable, Mapping
from hashlib import sha256

import psycopg
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from typing_extensions import override

from domain.ids import TenantId
from handlers.access import Role
from handlers.web.console.sessions import (
    IDLE,
    LONGEST,
    NAME_MAX,
    PASSWORD_MAX,
    Session,
    Users,
    UserShown,
)
from infra.tenancy import Database

ID_BYTES = 6
SECRET_BYTES = 32
CSRF_BYTES = 24
DRAWN_BYTES = 12
PASSWORD_MIN = 12

_ADD = """
INSERT INTO control.users (user_id, tenant, name, role, password) VALUES (%s, %s, %s, %s, %s)
"""
_LIST = """
SELECT user_id, name, tenant, role, created_at, signed_in_at FROM control.users
 WHERE tenant = %s AND disabled_at IS NULL ORDER BY lower(name)
"""
_DISABLE = """
UPDATE control.users SET disabled_at = now()
 WHERE tenant = %s AND lower(name) = lower(%s) AND disabled_at IS NULL
RETURNING user_id
"""
_FIND = """
SELECT user_id, password FROM control.users WHERE lower(name) = lower(%s) AND disabled_at IS NULL
"""
_SIGNED_IN = "UPDATE control.users SET signed_in_at = now(), password = %s WHERE user_id = %s"
_BEGIN = "INSERT INTO control.sessions (session_mac, user_id, csrf) VALUES (%s, %s, %s)"
_OVER = """
DELETE FROM control.sessions WHERE begun_at < now() - %s OR seen_at < now() - %s
"""
_SESSION = """
SELECT u.user_id, u.name, u.tenant, u.role, s.csrf, s.seen_at < now() - interval '1 minute'
  FROM control.sessions s JOIN control.users u USING (user_id)
 WHERE s.session_mac = %s AND s.begun_at > now() - %s AND s.seen_at > now() - %s
   AND u.disabled_at IS NULL
"""
_SEEN = "UPDATE control.sessions SET seen_at = now() WHERE session_mac = %s"
_END = "DELETE FROM control.sessions WHERE session_mac = %s"
_END_ALL = "DELETE FROM control.sessions WHERE user_id = %s"
_NAMES = "SELECT user_id, name FROM control.users WHERE tenant = %s AND user_id = ANY(%s)"


class UserRefused(ValueError):
    """A user that cannot be as asked; the words say what would do."""


class SqlUsers(Users):
    """Implements handlers.web.console.sessions.Users."""

    def __init__(
        self, database: Database, *, pepper: bytes, hasher: PasswordHasher | None = None
    ) -> None:
        self._database = database
        self._pepper = pepper
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_urlsafe(DRAWN_BYTES))

    # --- for those who administer -----------------------------------------------------------------

    def add(self, tenant: TenantId, name: str, role: str, password: str) -> UserShown:
        """Make a user; raises UserRefused."""
        name = name.strip()
        if not 1 <= len(name) <= NAME_MAX or not name.isprintable() or " " in name:
            raise UserRefused("a name is like an e-mail address: no spaces, 200 letters at most")
        if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
            raise UserRefused(f"a password has {PASSWORD_MIN} to {PASSWORD_MAX} letters")
        user_id = f"u_{secrets.token_hex(ID_BYTES)}"
        row = (user_id, tenant, name, Role(role), self._hasher.hash(password))
        try:
            with self._database.control_tx() as curs:
                curs.execute(_ADD, row)
        except psycopg.errors.UniqueViolation:
            raise UserRefused(f"there is a user {name} already") from None
        return next(user for user in self.all(tenant) if user.user_id == user_id)

    def all(self, tenant: TenantId) -> list[UserShown]:
        """All who may sign in for a tenant, by name."""
        with self._database.control_tx() as curs:
            rows = curs.execute(_LIST, (tenant,)).fetchall()
        return [
            UserShown(
                user_id=row[0],
                name=row[1],
                tenant=TenantId(row[2]),
                role=Role(row[3]),
                created_at=row[4],
                signed_in_at=row[5],
            )
            for row in rows
        ]

    def remove(self, tenant: TenantId, name: str) -> bool:
        """Let somebody sign in no more, and end all their sessions; False where nobody could."""
        with self._database.control_tx() as curs:
            row = curs.execute(_DISABLE, (tenant, name)).fetchone()
            if row is not None:
                curs.execute(_END_ALL, row)
        return row is not None

    # --- for the console --------------------------------------------------------------------------

    @override
    def sign_in(self, name: str, password: str) -> str | None:
        if len(name) > NAME_MAX or len(password) > PASSWORD_MAX or "\0" in name:
            return None
        with self._database.control_tx() as curs:
            row = curs.execute(_FIND, (name.strip(),)).fetchone()
        # the transaction is over: a password takes its time
        right = self._verified(row[1] if row else self._nobody, password)
        if row is None or not right:
            return None
        secret = secrets.token_urlsafe(SECRET_BYTES)
        kept = self._hasher.hash(password) if self._hasher.check_needs_rehash(row[1]) else row[1]
        with self._database.control_tx() as curs:
            curs.execute(_SIGNED_IN, (kept, row[0]))
            curs.execute(_OVER, (LONGEST, IDLE))  # of anybody: there are few
            csrf = secrets.token_urlsafe(CSRF_BYTES)
            curs.execute(_BEGIN, (self._mac(secret), row[0], csrf))
        return secret

    @override
    def session(self, secret: str, *, used: bool = True) -> Session | None:
        mac = self._mac(secret)
        with self._database.control_tx() as curs:
            row = curs.execute(_SESSION, (mac, LONGEST, IDLE)).fetchone()
            if row is None:
                return None
            if used and row[5]:
                curs.execute(_SEEN, (mac,))
        return Session(
            user_id=row[0], name=row[1], tenant=TenantId(row[2]), role=Role(row[3]), csrf=row[4]
        )

    @override
    def sign_out(self, secret: str) -> None:
        with self._database.control_tx() as curs:
            curs.execute(_END, (self._mac(secret),))

    @override
    def names(self, tenant: TenantId, ids: Iterable[str]) -> Mapping[str, str]:
        with self._database.control_tx() as curs:
            return dict(curs.execute(_NAMES, (tenant, list(ids))).fetchall())

    def _verified(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerifyMismatchError, InvalidHashError):
            return False

    def _mac(self, secret: str) -> bytes:
        return hmac.digest(self._pepper, secret.encode(), sha256)


def drawn_password() -> str:
    """A password that nobody has to think of."""
    return secrets.token_urlsafe(DRAWN_BYTES)

"""How a server that refuses root is started: as it is, in a user namespace, or as nobody."""

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")


class CannotRunAsRoot(Exception):
    """This server refuses root and no way around it works on this machine."""


@dataclass(frozen=True)
class User:
    """An account by its numbers."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Launch:
    """What stands before the command, and the account it runs under (None: ours)."""

    prefix: tuple[str, ...] = ()
    user: User | None = None


def find_launch(*paths: Path) -> Launch:
    """The first way that works here; the paths are those the server must reach."""
    if os.geteuid() != 0:
        return Launch()
    if namespaces_allowed():
        return Launch(prefix=NAMESPACE)
    return Launch(user=nobody(*paths))


def namespaces_allowed() -> bool:
    """Whether a dry run in a user namespace succeeds."""
    try:
        dry = subprocess.run(  # noqa: S603 - constant words
            [*NAMESPACE, "true"], capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return dry.returncode == 0


def nobody(*paths: Path) -> User:
    """The account nobody, or `CannotRunAsRoot` naming the directory that shuts it out."""
    advice = "start antiphon as an ordinary user, or set ANTIPHON_DATABASE_URL"
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        message = f"no user namespaces and no account nobody here: {advice}"
        raise CannotRunAsRoot(message) from None
    for place in (parent for path in paths for parent in path.parents):
        if not place.stat().st_mode & stat.S_IXOTH:
            message = f"no user namespaces here, and {place} is closed to nobody: {advice}"
            raise CannotRunAsRoot(message)
    return User(uid=entry.pw_uid, gid=entry.pw_gid)

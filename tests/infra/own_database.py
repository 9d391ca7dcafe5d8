"""Databases beside the one that tests share, for what is done to a whole database."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.sql import SQL, Identifier

from infra.entropy import SystemRng


@contextmanager
def own_database(url: str, template: str = "template1") -> Iterator[str]:
    """A database that lives for one use, a copy of another one; its name."""
    name = f"c{SystemRng().new_id().hex[:12]}"
    make = SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(make)
    yield name
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))

"""What is around a command is wrong: the message names it and the mend, and there is no trace."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result

from infra.embedded.home import Home
from tests.infra.cli_running import NOWHERE, Cli

NEEDS_SERVERS = [
    ("migrate", "--check"),
    ("tenant", "list"),
    ("key", "revoke", "0"),
    ("check", "acme"),
    ("rebuild", "acme", "all"),
    ("replay-webhooks", "acme"),
    ("projector",),
]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path, NOWHERE)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def told(result: Result, code: int, *parts: str) -> None:
    """It ended with this code, and says this on stderr alone, without a traceback."""
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert [part for part in parts if part not in result.stderr] == []
    assert "Traceback" not in result.stderr


@pytest.mark.redis
@pytest.mark.parametrize("words", [("tenant", "list"), ("migrate",), ("check", "acme", "--json")])
def test_a_database_that_is_away_is_named_with_the_mend(
    cli: Cli, redis_url: str, words: tuple[str, ...]
) -> None:
    result = cli(*words, ANTIPHON_REDIS_URL=redis_url)
    told(result, 3, "PostgreSQL at 127.0.0.1, port 1", "ANTIPHON_DATABASE_URL")


@pytest.mark.parametrize("words", NEEDS_SERVERS, ids=" ".join)
def test_a_redis_that_is_away_is_named_with_the_mend(cli: Cli, words: tuple[str, ...]) -> None:
    told(cli(*words), 3, "Redis at 127.0.0.1, port 1", "ANTIPHON_REDIS_URL")


def test_an_unknown_setting_is_named(cli: Cli) -> None:
    told(cli("settings", ANTIPHON_DATABSE_URL="x"), 2, "ANTIPHON_DATABSE_URL: no such setting")


def test_a_setting_that_cannot_be_is_named(cli: Cli) -> None:
    told(cli("settings", ANTIPHON_WEB_PORT="http"), 2, "ANTIPHON_WEB_PORT", "integer")


def test_a_broken_settings_file_is_named(cli: Cli) -> None:
    path = cli.file("antiphon.toml", "web_port = ")
    told(cli("settings", ANTIPHON_CONFIG=str(path)), 2, str(path), "TOML")


@pytest.mark.parametrize("words", [("worker",), ("up",)], ids=" ".join)
def test_a_missing_provider_key_is_named(cli: Cli, words: tuple[str, ...]) -> None:
    told(cli(*words), 2, "ANTIPHON_SENDGRID_API_KEY is not set", "antiphon demo")


def test_a_sandbox_without_a_key_says_where_to_give_one(cli: Cli) -> None:
    told(cli("sandbox"), 2, "--api-key", "ANTIPHON_SENDGRID_API_KEY")


def test_a_port_in_use_is_named_with_the_mend(cli: Cli, taken_port: int) -> None:
    port = str(taken_port)
    told(cli("web", "--port", port), 3, f"port {port} of 127.0.0.1", "in use", "--port")
    told(cli("web", ANTIPHON_WEB_PORT=port), 3, f"port {port}", "ANTIPHON_WEB_PORT")
    told(cli("sandbox", "--api-key", "k", "--port", port), 3, f"port {port}", "--port")


def test_an_instant_without_an_offset_is_wrong_use(cli: Cli) -> None:
    result = cli("replay-webhooks", "acme", "--since", "2026-09-07T05:00:00")
    told(result, 2, "2026-09-07T05:00:00Z")


def test_a_home_that_somebody_holds_is_named_with_the_mend(cli: Cli, redis_url: str) -> None:
    settings = {"ANTIPHON_REDIS_URL": redis_url, "ANTIPHON_SENDGRID_API_KEY": "SG.k"}
    with Home(cli.settings["ANTIPHON_HOME"]).locked():
        told(cli("up", **settings), 3, f"pid {os.getpid()}", "ANTIPHON_HOME")

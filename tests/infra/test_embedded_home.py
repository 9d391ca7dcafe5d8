import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from infra.embedded.home import Home, HomeInUse, HomeUnusable, is_free

HOLD_THE_LOCK = """
import sys
from infra.embedded.home import Home
with Home(sys.argv[1]).locked():
    print("locked", flush=True)
    sys.stdin.read()
"""


def listen_on(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))


def test_second_lock_says_who_holds_the_first(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        with (
            pytest.raises(HomeInUse, match=f"in use by the process with pid {holder.pid}$"),
            Home(tmp_path).locked(),
        ):
            pass
        holder.communicate(b"")
    with Home(tmp_path).locked():
        pass


def test_lock_holds_against_the_same_process_too(tmp_path: Path) -> None:
    with (
        Home(tmp_path).locked(),
        pytest.raises(HomeInUse, match=f"pid {os.getpid()}$"),
        Home(tmp_path).locked(),
    ):
        pass


def test_port_is_kept_for_the_next_start(tmp_path: Path) -> None:
    Home(tmp_path).create()
    first = Home(tmp_path).claim_port("web")
    assert Home(tmp_path).claim_port("web") == first
    assert Home(tmp_path).port("web") == first


def test_port_is_unknown_before_the_first_start(tmp_path: Path) -> None:
    assert Home(tmp_path).port("web") is None


def test_port_taken_by_a_stranger_is_chosen_anew_and_kept(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    first, other = home.claim_port("web"), home.claim_port("postgres")
    with listen_on(first):
        assert not is_free(first)
        second = home.claim_port("web")
    assert second not in {first, other}
    assert home.claim_port("web") == second
    assert home.port("postgres") == other


def test_damaged_ports_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("[1]")
    with pytest.raises(HomeUnusable, match=r"ports\.json is damaged"):
        Home(tmp_path).port("web")


def test_secret_is_drawn_once_for_the_owner_only(tmp_path: Path) -> None:
    first = Home(tmp_path).secret("postgres")
    assert len(first) == 48
    assert Home(tmp_path).secret("postgres") == first
    assert Home(tmp_path).secret("valkey") != first
    assert stat.S_IMODE((tmp_path / "postgres.secret").stat().st_mode) == 0o600


def test_sockets_of_a_long_path_lie_in_a_short_private_directory(tmp_path: Path) -> None:
    home = Home(tmp_path / ("long " * 20))
    home.create()
    try:
        assert len(str(home.sockets)) < 100
        assert stat.S_IMODE(home.sockets.stat().st_mode) == 0o700
        assert home.sockets == Home(home.root).sockets
        assert home.sockets != Home(home.root / "other").sockets
    finally:
        home.sockets.rmdir()


def test_socket_directory_open_to_others_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    home.sockets.chmod(0o755)
    with pytest.raises(HomeUnusable, match="mode 0700"):
        home.create()


def test_link_in_the_place_of_the_socket_directory_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    home.sockets.symlink_to(elsewhere)
    with pytest.raises(HomeUnusable, match="mode 0700"):
        home.create()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_socket_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    os.chown(home.sockets, 12345, 12345)
    with pytest.raises(HomeUnusable, match="belongs to user 12345"):
        home.create()

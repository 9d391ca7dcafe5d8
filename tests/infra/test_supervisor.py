import asyncio
import os
import select
import signal
import sys
from pathlib import Path

import pytest

from infra.embedded.child import (
    Child,
    ChildEvent,
    ChildKeepsDying,
    ChildNotReady,
    Patience,
    StopRequested,
    last_lines,
)
from infra.embedded.home import Home
from infra.embedded.keeper import LOG_BYTES_MAX
from infra.embedded.supervisor import Supervisor
from tests.seen import Seen

AT_ONCE = Patience(backoff_s=0.001)
SLEEP = ("sleep", "600")


def shell(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


def yes() -> bool:
    return True


def no() -> bool:
    return False


def test_children_start_in_order_and_stop_in_reverse_order(tmp_path: Path) -> None:
    seen = Seen()

    async def run() -> None:
        children = [Child(name=name, command=SLEEP, ready=yes) for name in ("one", "two")]
        async with Supervisor(children, Home(tmp_path), seen):
            pass

    asyncio.run(run())
    assert seen.all == [
        ("one", "started"),
        ("one", "ready"),
        ("two", "started"),
        ("two", "ready"),
        ("two", "stopped"),
        ("one", "stopped"),
    ]


def test_child_that_dies_is_started_again(tmp_path: Path) -> None:
    async def run() -> None:
        seen = Seen()
        child = Child(name="one", command=SLEEP, ready=yes)
        async with Supervisor([child], Home(tmp_path), seen, AT_ONCE) as supervisor:
            first = await seen.until("one", "ready")
            assert supervisor.pid("one") == first.pid
            os.kill(first.pid, signal.SIGKILL)
            assert (await seen.until("one", "died")).status == -signal.SIGKILL
            second = await seen.until("one", "ready")
            assert supervisor.pid("one") == second.pid != first.pid

    asyncio.run(run())


def test_child_that_keeps_dying_stops_all_and_shows_its_last_lines(tmp_path: Path) -> None:
    seen = Seen()
    dying = shell("for i in $(seq 1 25); do echo line $i; done; exit 3")

    async def run() -> None:
        children = [
            Child(name="healthy", command=SLEEP, ready=yes),
            Child(name="dying", command=dying, ready=no),
        ]
        async with Supervisor(children, Home(tmp_path), seen, AT_ONCE):
            pytest.fail("it cannot start")

    with pytest.raises(ChildKeepsDying, match="dying died 5 times within 60 s") as caught:
        asyncio.run(run())
    assert caught.value.lines == [f"line {number}" for number in range(6, 26)]
    assert str(caught.value).endswith("line 24\nline 25")
    assert seen.all.count(("dying", "died")) == 5
    assert seen.all[-1] == ("healthy", "stopped")


def test_child_given_up_later_ends_the_wait(tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    switch.touch()

    async def run() -> None:
        seen = Seen()
        child = Child(name="one", command=shell(f"test -e '{switch}' && exec sleep 600"), ready=yes)
        async with Supervisor([child], Home(tmp_path), seen, AT_ONCE) as supervisor:
            switch.unlink()
            os.kill((await seen.until("one", "ready")).pid, signal.SIGKILL)
            await supervisor.wait()

    with pytest.raises(ChildKeepsDying):
        asyncio.run(run())


def test_old_deaths_do_not_count(tmp_path: Path) -> None:
    async def run() -> None:
        seen = Seen()
        patience = Patience(backoff_s=0.001, deaths_max=2, within_s=0.0)
        child = Child(name="one", command=SLEEP, ready=yes)
        async with Supervisor([child], Home(tmp_path), seen, patience):
            for _ in range(4):
                os.kill((await seen.until("one", "ready")).pid, signal.SIGKILL)
            await seen.until("one", "ready")

    asyncio.run(run())


def test_pause_before_the_next_start_doubles_up_to_ten_seconds() -> None:
    pauses = [Patience().delay_s(deaths) for deaths in range(1, 9)]
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_child_that_is_not_ready_in_time_is_named(tmp_path: Path) -> None:
    async def run() -> None:
        child = Child(name="one", command=SLEEP, ready=no, ready_timeout_s=0.1)
        async with Supervisor([child], Home(tmp_path)):
            pytest.fail("it cannot start")

    with pytest.raises(ChildNotReady, match=r"one did not become ready within 0\.1 s"):
        asyncio.run(run())


def test_child_that_ends_instead_of_becoming_ready_shows_status_and_log(tmp_path: Path) -> None:
    async def run() -> None:
        command = shell("echo no such table >&2; exit 3")
        child = Child(name="one", command=command, ready=no, restart=False)
        async with Supervisor([child], Home(tmp_path)):
            pytest.fail("it cannot start")

    with pytest.raises(ChildNotReady, match="ended with status 3") as caught:
        asyncio.run(run())
    assert caught.value.lines == ["no such table"]


def test_child_without_restart_may_end_while_the_others_go_on(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)

    async def run() -> None:
        seen = Seen()
        children = [
            Child(name="once", command=shell(f"read line < '{gate}'"), ready=yes, restart=False),
            Child(name="other", command=SLEEP, ready=yes),
        ]
        async with Supervisor(children, Home(tmp_path), seen) as supervisor:
            await asyncio.to_thread(gate.write_text, "go\n")
            await seen.until("once", "died")
            assert supervisor.pid("once") is None
            assert supervisor.pid("other") is not None

    asyncio.run(run())


def test_probe_may_be_a_coroutine_and_may_fail_first(tmp_path: Path) -> None:
    answers: list[bool | ConnectionRefusedError] = [ConnectionRefusedError(), False, True]

    async def ready() -> bool:
        answer = answers.pop(0)
        if isinstance(answer, bool):
            return answer
        raise answer

    async def run() -> None:
        async with Supervisor([Child(name="one", command=SLEEP, ready=ready)], Home(tmp_path)):
            assert answers == []

    asyncio.run(run())


def test_reason_of_a_failing_probe_is_told(tmp_path: Path) -> None:
    def ready() -> bool:
        raise ConnectionRefusedError("port 1 is closed")

    async def run() -> None:
        child = Child(name="one", command=SLEEP, ready=ready, ready_timeout_s=0.5)
        async with Supervisor([child], Home(tmp_path)):
            pytest.fail("it cannot start")

    with pytest.raises(ChildNotReady, match="port 1 is closed"):
        asyncio.run(run())


def test_child_that_ignores_the_stop_signal_is_killed(tmp_path: Path) -> None:
    deaf = tmp_path / "deaf"

    async def run() -> ChildEvent:
        seen = Seen()
        command = shell(f"trap '' TERM; touch '{deaf}'; exec sleep 600")
        child = Child(name="one", command=command, ready=deaf.exists, stop_timeout_s=0.1)
        async with Supervisor([child], Home(tmp_path), seen):
            pass
        return await seen.until("one", "stopped")

    assert asyncio.run(run()).status == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="waits by pidfd")
def test_group_of_a_killed_child_does_not_live_on(tmp_path: Path) -> None:
    note = tmp_path / "note"

    async def run() -> None:
        seen = Seen()
        command = shell(f"sleep 600 & echo $! > '{note}.new'; mv '{note}.new' '{note}'; wait")
        child = Child(name="one", command=command, ready=note.exists, restart=False)
        async with Supervisor([child], Home(tmp_path), seen) as supervisor:
            grandchild = os.pidfd_open(int(note.read_text()))
            pid = supervisor.pid("one")
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await seen.until("one", "died")
            assert select.select([grandchild], [], [], 30)[0] == [grandchild]
            os.close(grandchild)

    asyncio.run(run())


def test_request_to_stop_ends_the_wait(tmp_path: Path) -> None:
    async def run() -> None:
        child = Child(name="one", command=SLEEP, ready=yes)
        async with Supervisor([child], Home(tmp_path)) as supervisor:
            asyncio.get_running_loop().call_soon(supervisor.request_stop)
            await supervisor.wait()

    asyncio.run(run())


def test_request_to_stop_ends_the_start_and_the_child(tmp_path: Path) -> None:
    seen = Seen()

    async def run() -> None:
        supervisor = Supervisor([Child(name="one", command=SLEEP, ready=no)], Home(tmp_path), seen)
        waiting = asyncio.create_task(supervisor.__aenter__())
        await seen.until("one", "started")
        supervisor.request_stop()
        await waiting

    with pytest.raises(StopRequested):
        asyncio.run(run())
    assert seen.all == [("one", "started"), ("one", "stopped")]


def test_long_log_is_set_aside_at_the_start(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    log = home.logs / "one.log"
    log.write_bytes(b"old\n" * (LOG_BYTES_MAX // 4 + 1))

    async def run() -> None:
        command = shell("echo new; exec sleep 600")
        child = Child(name="one", command=command, ready=lambda: last_lines(log) == ["new"])
        async with Supervisor([child], home):
            pass

    asyncio.run(run())
    assert (home.logs / "one.log.1").stat().st_size > LOG_BYTES_MAX
    assert log.read_text() == "new\n"


def test_absent_log_has_no_last_lines(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none.log") == []

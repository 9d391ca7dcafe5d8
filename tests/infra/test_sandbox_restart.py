from datetime import timedelta
from pathlib import Path

from infra.sandbox.clock import real_now, scaled
from tests.infra.sandbox_running import (
    FACTOR,
    MESSAGE,
    ORIGIN,
    HandClock,
    config_for,
    fast_now,
    mail,
    receiving,
    running,
)


def test_a_restarted_sandbox_knows_its_accepts_and_goes_on(tmp_path: Path) -> None:
    with receiving() as receiver:
        config = config_for(receiver, accepts_path=tmp_path / "accepts.jsonl")
        with running(config, HandClock()) as live:
            live.send(mail("reply+a@example.com"))
            live.send(mail("reply+a@example.com"))
            before = live.stats()
        assert before["pending"] > 0
        assert receiver.requests == []
        with running(config, fast_now()) as live:
            after = live.stats()
            assert (after["accepted"], after["duplicates"]) == (2, 1)
            assert len(live.sandbox.accepts_of(MESSAGE)) == 2
            receiver.wait_for(lambda: len(receiver.to("/inbound")) == 2)
            receiver.wait_for(lambda: len(receiver.events("delivered")) == 2)


def test_what_was_settled_is_not_done_again_but_still_counted(tmp_path: Path) -> None:
    with receiving() as receiver:
        config = config_for(receiver, accepts_path=tmp_path / "accepts.jsonl")
        with running(config, fast_now()) as live:
            live.send(mail("bounce+a@example.com"))
            receiver.first_event("bounce")
            live.wait_until_idle(receiver)
            signals = live.stats()["signals"]
        posted = len(receiver.requests)
        late = scaled(FACTOR, ORIGIN + timedelta(days=90), real_now())
        with running(config, late) as live:
            live.wait_until_idle(receiver)
            assert live.stats()["signals"] == signals == {"bounce": 1, "processed": 1}
            assert len(receiver.requests) == posted
            live.send(mail("bounce+a@example.com"))
            assert receiver.first_event("dropped")


def test_a_reaction_keeps_its_content_over_a_restart(tmp_path: Path) -> None:
    with receiving() as receiver:
        config = config_for(receiver, accepts_path=tmp_path / "accepts.jsonl")
        receiver.answer = lambda _: 503
        with running(config, fast_now()) as live:
            live.send(mail())
            receiver.wait_for(lambda: len(receiver.events("delivered")) > 0)
        before = receiver.events("delivered")[0]
        receiver.requests.clear()
        receiver.answer = lambda _: 204
        with running(config, fast_now()) as live:
            assert receiver.first_event("delivered") == before


def test_a_line_that_was_cut_off_by_a_kill_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "accepts.jsonl"
    config = config_for(accepts_path=path)
    with running(config, HandClock()) as live:
        live.send(mail())
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"line":"accepted","numb')
    with running(config, HandClock()) as live:
        live.send(mail())
        assert live.stats()["duplicates"] == 1
        assert len(live.sandbox.accepts_of(MESSAGE)) == 2
    assert path.read_bytes().startswith(whole)
    assert len(path.read_bytes().splitlines()) == 2


def test_pretty_printed_requests_take_one_line(tmp_path: Path) -> None:
    path = tmp_path / "accepts.jsonl"
    with running(config_for(accepts_path=path), HandClock()) as live:
        live.send(
            b'{\n "personalizations": [{"to": [{"email": "a@x.org"}]}],\n'
            b'"from": {"email": "b@x.org"}, "subject": "s",\n'
            b'"content": [{"type": "text/plain", "value": "a\\nb"}]}'
        )
    assert len(path.read_bytes().splitlines()) == 1
    with running(config_for(accepts_path=path), HandClock()) as live:
        assert live.stats()["accepted"] == 1

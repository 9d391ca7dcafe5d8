"""A plan meets the same intake by the command line, by the API and in the library."""

from pathlib import Path

import pytest

from handlers.api.plan_calls import read_check
from handlers.errors import Refusal
from plans.intake import BYTES_MAX, read_json
from plans.verify.check import check
from plans.verify.report import refused, to_json
from tests.infra.cli_running import Cli

HOSTILE = {
    "deep": b'{"a":' * 100 + b"1" + b"}" * 100,
    "twice": b'{"timezone":"UTC","timezone":"CET"}',
    "huge number": b'{"limits":{"maxSends":1e400}}',
    "many digits": b'{"limits":{"maxSends":' + b"9" * 400 + b"}}",
    "nul": rb'{"timezone":"UTC\u0000"}',
    "too large": b'{"metadata":"' + b"x" * BYTES_MAX + b'"}',
    "a list": b"[1]",
    "no plan": b"{}",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_same_bytes_get_the_same_report_at_every_door(kind: str, tmp_path: Path) -> None:
    raw = HOSTILE[kind]
    submitted = read_json(raw)
    report = refused(*submitted.issues) if submitted.issues else check(submitted.document).report
    assert not report.ok

    over_http = read_check(b'{"plan":' + raw + b"}").plan
    assert over_http == submitted

    path = tmp_path / "plan.json"
    path.write_bytes(raw)
    assert Cli(tmp_path, {}).json("plan", "check", path, code=1) == to_json(report)


@pytest.mark.parametrize(
    "raw", [rb'{"plan":"\ud800"}', b'{"plan":NaN}', b"[" * 100_000, b'{"plan":' * 50_000, b"\xff"]
)
def test_a_body_that_is_no_object_is_refused_before_its_plan_is_read(raw: bytes) -> None:
    with pytest.raises(Refusal):
        read_check(raw)

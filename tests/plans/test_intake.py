import pytest

from plans.intake import BYTES_MAX, read_json
from plans.verify.check import check
from tests.plans.plan_cases import plan


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"", ""),
        (b"{", ""),
        (b'{"a":1} x', ""),
        (b'"\xff"', ""),
        (b"\xef\xbb\xbf{}", ""),
        (b" " * BYTES_MAX + b"{}", ""),
        (b"[" * 21 + b"]" * 21, ""),
        (b"[" * 100_000, ""),
        (b'{"a":' * 21 + b"1" + b"}" * 21, ""),
        (b'{"a":1,"a":1}', "/a"),
        (b'{"nodes":[{"id":"x","to":1,"id":"y"}]}', "/nodes/0/id"),
        (b'{"n":NaN}', "/n"),
        (b'{"n":[-Infinity]}', "/n/0"),
        (b'{"n":1e999}', "/n"),
        (b'{"n":9007199254740992}', "/n"),
        (b'{"n":-9007199254740992}', "/n"),
        (b'{"n":1' + b"0" * 5000 + b"}", "/n"),
        (rb'{"n":"\ud800"}', "/n"),
        (rb'{"n":"\u0000"}', "/n"),
        (rb'{"\ud800":1}', "/?"),
        (b'{"a/b~":NaN}', "/a~1b~0"),
    ],
)
def test_hostile_bytes_are_refused_with_place_and_mend(raw: bytes, path: str) -> None:
    submitted = read_json(raw)
    assert submitted.document is None
    assert [(each.code, each.path) for each in submitted.issues] == [("E_VALUE", path)]
    assert submitted.issues[0].suggestion


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"[" * 20 + b"]" * 20, 20),
        (b'{"n":9007199254740991}', {"n": 9007199254740991}),
        (b'{"n":-9007199254740991}', {"n": -9007199254740991}),
        (rb'{"n":"\ud83d\ude00"}', {"n": "😀"}),
        (b'{"n":null,"m":[true,0.5]}', {"n": None, "m": [True, 0.5]}),
    ],
)
def test_what_is_just_within_the_limits_is_read(raw: bytes, value: object) -> None:
    submitted = read_json(raw)
    assert submitted.issues == ()
    depth, inner = 0, submitted.document
    while isinstance(inner, list):
        depth, inner = depth + 1, inner[0] if inner else None
    assert value in (depth, submitted.document)


def test_every_repeated_field_is_told() -> None:
    submitted = read_json(b'{"a":1,"a":2,"b":{"c":1,"c":2}}')
    assert [each.path for each in submitted.issues] == ["/a", "/b/c"]


def test_many_faults_make_a_short_answer() -> None:
    assert len(read_json(b"[" + b"NaN," * 10_000 + b"NaN]").issues) == 20


def test_values_that_came_in_as_objects_meet_the_same_limits() -> None:
    deep: dict[str, object] = {}
    for _ in range(5000):
        deep = {"a": deep}
    broken = plan(metadata={"n": float("inf"), "t": "\ud800"})
    assert [issue.path for issue in check({**plan(), "metadata": deep}).report.issues] == [""]
    assert [issue.path for issue in check(broken).report.issues] == ["/metadata/n", "/metadata/t"]

"""Where the pointers of a report lead in the file that was submitted."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cli.plan_excerpt import excerpt
from infra.cli.plan_places import Located, Span, located, sheet, span_of
from plans.normalise import normalise

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)
TEXT = """{
  "a/b": [
    {"c": 1},
    {"c": "two", "d": {}}
  ]
}"""


def all_parts(value: Any) -> Iterator[tuple[list[str], Any, bool]]:
    """Every place in a value, what stands there, and whether that has a key."""
    members = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in members:
        yield [str(key)], inner, isinstance(value, dict)
        for parts, found, has_key in all_parts(inner):
            yield [str(key), *parts], found, has_key


def place(text: str, path: str, got: object = None, canonical: Any = None) -> Located | None:
    """The place in a file of this text; its plan is canonical unless another one is given."""
    submitted = json.loads(text)
    paper = sheet("plan.json", text.encode(), submitted, canonical or submitted)
    return located(paper, path, got)


def shown(text: str, path: str, got: object = None) -> str:
    found = place(text, path, got)
    assert found is not None
    return found.shown


@given(VALUES, st.sampled_from([None, 1, "\t"]))
def test_every_place_of_a_document_is_found_in_its_text(value: Any, indent: Any) -> None:
    text = json.dumps(value, indent=indent)
    for parts, inner, has_key in all_parts(value):
        span = span_of(text, parts)
        assert span is not None
        cut = text[span.start : span.end]
        found = json.loads(f"{{{cut}}}")[parts[-1]] if has_key else json.loads(cut)
        assert found == inner


@pytest.mark.parametrize(
    ("path", "line", "column", "cut"),
    [
        ("", 1, 1, TEXT),
        ("/a~1b/0", 3, 5, '{"c": 1}'),
        ("/a~1b/0/c", 3, 6, '"c": 1'),
        ("/a~1b/1/c", 4, 6, '"c": "two"'),
    ],
)
def test_a_place_has_line_and_column(path: str, line: int, column: int, cut: str) -> None:
    found = place(TEXT, path)
    assert found is not None
    assert (found.name, found.line, found.column, found.shown) == ("plan.json", line, column, cut)
    assert found.remark == ""


def test_what_is_missing_is_told_at_what_is_around_it() -> None:
    found = place(TEXT, "/a~1b/1/d/e/f")
    assert found is not None
    assert (found.shown, found.remark) == ('"d": {}', '"e" is missing here')


def test_what_the_issue_got_is_the_place_when_the_text_has_it() -> None:
    assert shown(TEXT, "/a~1b/1/c", "two") == "two"
    assert shown(TEXT, "/a~1b/1/c", "else") == '"c": "two"'
    assert shown('{"text": "say \\"x\\" to [name]"}', "/text", 'say "x"') == 'say \\"x\\"'


def test_what_the_normaliser_moved_is_shown_in_the_canonical_plan() -> None:
    text = '{"nodes": {"mail": {"type": "send", "delay": "3 days"}}}'
    found = place(text, "/nodes/0/schedule/delay", canonical=normalise(json.loads(text)).document)
    assert found is not None
    assert (found.name, found.shown) == ("canonical plan", '"delay": "3 days"')
    assert "not in plan.json" in found.remark


def test_a_node_at_another_place_is_not_taken_for_the_one_that_is_meant() -> None:
    text = '{"nodes": [null, {"id": "a", "type": "stop"}]}'
    found = place(text, "/nodes/0", canonical={"nodes": [{"id": "a", "type": "stop"}]})
    assert found is not None
    assert found.name == "canonical plan"


def test_a_text_that_is_no_json_is_pointed_at_where_it_goes_wrong() -> None:
    found = located(sheet("plan.json", b'{"a": 1,\n "b": }', None, None), "")
    assert found is not None
    assert (found.line, found.column) == (2, 7)


def test_of_a_field_given_twice_the_last_one_is_meant() -> None:
    found = located(sheet("plan.json", b'{"a": 1,\n "a": 2}', None, None), "/a")
    assert found is not None
    assert (found.line, found.shown) == (2, '"a": 2')


@pytest.mark.parametrize(
    "raw",
    [b'"\xe9"', b"[" * 100_000, b" " * 300_000, b"null"],
    ids=["no UTF-8", "deep", "large", "null"],
)
def test_what_has_no_places_has_none(raw: bytes) -> None:
    assert located(sheet("plan.json", raw, None, None), "") is None


def lines(text: str, needle: str, width: int = 60) -> list[str]:
    start = text.index(needle)
    found = Located("plan.json", text, Span(start, start + len(needle)))
    return [line for line, _ in excerpt(found, width)]


def test_an_excerpt_has_the_lines_around_and_carets_below() -> None:
    assert lines(TEXT, '"two"') == [
        '3 |     {"c": 1},',
        '4 |     {"c": "two", "d": {}}',
        "  |           ^^^^^",
        "5 |   ]",
        "6 | }",
    ]


def test_a_long_line_is_cut_around_the_place() -> None:
    text = json.dumps({"before": "x" * 500, "here": 7, "behind": "y" * 500})
    shown_line, carets = lines(text, '"here": 7')
    assert len(shown_line) <= 60
    start, end = carets.index("^"), len(carets)
    assert shown_line[start:end] == '"here": 7'
    assert shown_line.startswith("1 | …")
    assert shown_line.endswith("…")


def test_carets_are_below_wide_letters() -> None:
    shown_line, carets = lines('{"name": "長長", "x": 1}', '"x": 1')
    assert carets.index("^") == shown_line.index('"x"') + 2  # two letters, each two columns wide


def test_nothing_in_a_file_acts_on_the_terminal() -> None:
    told = "".join(lines('{"a": "\x1b[31m\u202e\x07\t", "b": 1}', '"b"'))
    assert told.isprintable()

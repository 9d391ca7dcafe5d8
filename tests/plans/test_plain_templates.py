"""What is filled in without the library is what the library would have written."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plans.templates import TemplateFailed, parse, render_html, render_text, variables
from plans.templates.compiling import compiled
from plans.templates.context import LOOKUP, Purse
from plans.templates.plain import CHARACTERS_MAX, VARIABLES_MAX, plain_template


class Kind(str):
    """A text of a kind of its own, which may say of itself that it is safe."""

    __slots__ = ()


FOR_THE_LIBRARY = "{% comment %}{% endcomment %}"
"""In front of a template it changes nothing but who fills it in."""
NAMES = ["contact", "company", "a", "b_1", "first", "size", "nil", "true", "empty", "if", "x"]
BITS = [
    *(
        "{{",
        "}}",
        "{%",
        "%}",
        "{",
        "}",
        "%",
        "-",
        "#",
        "|",
        "'",
        '"',
        "<b>",
        "&",
        " ",
        "\n",
        "\r\n",
    ),
    *("{{ a }}", "{{a}}", "{{ contact.a }}", "{{ contact.company.b_1 }}", "{{- a }}", "{{ a -}}"),
    *("{{ a | upcase }}", "{{ a.first }}", "{{ a.size }}", "{{ nil }}", "{{ true }}", "{{ A }}"),
    *("{{ a.0 }}", "{{ a }}}", "{{{ a }}", "{{ a b }}", "{{ a\n}}", "{{ 'a' }}", "{{ contact }}"),
    *("https://a.example/x?y=1", "\u00fc\u212a", "raw", "{# a #}"),
]
sources = st.lists(
    st.sampled_from(BITS)
    | st.text(max_size=4)
    | st.lists(st.sampled_from(NAMES), min_size=1, max_size=5).map(
        lambda path: "{{ " + ".".join(path) + " }}"
    ),
    max_size=8,
).map("".join)
scalars = (
    st.text(max_size=6)
    | st.text(max_size=3).map(Kind)
    | st.sampled_from(["<b>&", " ", "{{ a }}", "'\"", "Dana", "a\rb", "a\r\n", "\u2028", "x\n\n"])
    | st.integers()
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False)
)
values_of_templates = st.dictionaries(
    st.sampled_from(NAMES),
    st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
        ),
        max_leaves=6,
    ),
    max_size=6,
)


def told(source: str, values: dict[str, object], purse: Purse, *, html: bool) -> object:
    """The text, or what is told of its failure; and what it cost."""
    try:
        shown: object = (render_html if html else render_text)(source, values, purse)
    except TemplateFailed as failed:
        shown = failed.kind, failed.missing
    return shown, type(shown), purse.left


@settings(max_examples=500, deadline=None)
@given(sources, values_of_templates)
@example("Hi {{ a }}, {{ contact.a }}", {"a": "<b>", "contact": {"a": "Dana"}})
@example("{{ a }}", {"a": 1})
@example("{{ a.first }}", {"a": "text"})
@example("{{{ a }}", {"a": "text"})
@example("words alone\n", {})
@example("two\r\nlines\r", {})
@example("{{ a }}\n{{ a }}", {"a": "x\r"})
def test_the_library_writes_the_same_at_the_same_cost(
    source: str, values: dict[str, object]
) -> None:
    for html in (False, True):
        ours = told(source, values, Purse(), html=html)
        assert ours == told(FOR_THE_LIBRARY + source, values, Purse(), html=html)


TEXTS = st.sampled_from(
    ["Dana", "<b>&'\"", "{{ a }}", "{% if %}", "a\rb", "\n", " x ", "\u2028\x1c"]
) | st.text(min_size=1, max_size=6)
KNOWN = [("a",), ("b_1",), ("contact", "a"), ("contact", "b_1"), ("company", "x", "a")]
letters = st.lists(
    st.sampled_from(KNOWN).map(lambda path: "{{" + ".".join(path) + "}}")
    | st.sampled_from(KNOWN).map(lambda path: "{{  " + ".".join(path) + " }}")
    | st.sampled_from(
        ["}", "}}", "%}", "%", "-", "<p>", "&", "\n", "\n\n", " ", "|", "'", "\u00fc"]
    )
    | st.text(max_size=4),
    min_size=1,
    max_size=8,
).map("".join)


@settings(max_examples=500, deadline=None)
@given(letters, st.lists(TEXTS, min_size=len(KNOWN), max_size=len(KNOWN)))
def test_words_and_texts_are_put_together_as_the_library_does(
    source: str, texts: list[str]
) -> None:
    a, b, inner_a, inner_b, deep = texts
    values: dict[str, object] = {
        "a": a,
        "b_1": b,
        "contact": {"a": inner_a, "b_1": inner_b},
        "company": {"x": {"a": deep}},
    }
    for html in (False, True):
        ours = told(source, values, Purse(), html=html)
        assert ours == told(FOR_THE_LIBRARY + source, values, Purse(), html=html)


@given(sources)
@example("{{ contact.a }} and {{ a }}")
def test_what_is_read_without_the_library_is_a_template_of_the_library(source: str) -> None:
    plain = plain_template(source)
    if plain is None:
        return
    for html in (False, True):
        parse(source, html=html)
        compiled(source, html=html)
        assert variables(source, html=html) == variables(FOR_THE_LIBRARY + source, html=html)
    assert variables(source) == sorted(set(plain.names))


@pytest.mark.parametrize(
    "source",
    [
        "{{ a | upcase }}",
        "{{- a }}",
        "{{ a -}}",
        "{{ a.first }}",
        "{{ nil }}",
        "{% if a %}x{% endif %}",
        "{{ a",
        "{{{ a }}",
        "{{ A }}",
        "{{ a }}" * (VARIABLES_MAX + 1),
        "a" * (CHARACTERS_MAX + 1),
    ],
)
def test_what_is_more_than_variables_is_left_to_the_library(source: str) -> None:
    assert plain_template(source) is None


@pytest.mark.parametrize("value", [7, 0.5, True, ["a"], {"b": "c"}, Kind("a"), "", " \n\u2028"])
def test_a_value_that_is_not_just_a_text_is_left_to_the_library(value: object) -> None:
    plain = plain_template("Hi {{ a }}")
    assert plain is not None
    assert plain.filled({"a": value}, None, html=False) is None


def test_a_blank_value_is_missing_here_as_well() -> None:
    with pytest.raises(TemplateFailed, match="unresolved") as failed:
        render_text("Hi {{ a }}", {"a": "  "})
    assert failed.value.missing == ("a",)


def test_a_purse_that_is_nearly_empty_is_left_to_the_library() -> None:
    plain, purse = plain_template("{{ a }}{{ a }}"), Purse()
    assert plain is not None
    purse.left = 2 * LOOKUP - 1
    assert plain.filled({"a": "x"}, purse, html=False) is None
    with pytest.raises(TemplateFailed, match="limit"):
        render_text("{{ a }}{{ a }}", {"a": "x"}, purse)
    purse.left = 2 * LOOKUP
    assert render_text("{{ a }}{{ a }}", {"a": "x"}, purse) == "xx"
    assert purse.left == 0

"""Templates render what they are given, name what is missing, and end however hostile they are."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from plans.templates import (
    TemplateFailed,
    render_html,
    render_lenient,
    render_text,
    variables,
)
from plans.templates.compiling import COMPILED_MAX, compiled

VALUES = {
    "contact": {
        "first_name": "Dana",
        "tags": ["vip", "west"],
        "renewal": "2026-03-04",
        "seats": 12,
    },
    "company": {"name": "Harbor & Sons", "note": "<script>alert(1)</script>"},
    "sender": {"first_name": "Sam"},
}

Render = Callable[[str, dict[str, object]], str]


def failure(source: str, render: Render = render_text) -> TemplateFailed:
    with pytest.raises(TemplateFailed) as failed:
        render(source, dict(VALUES))
    return failed.value


def text(source: str) -> str:
    return render_text(source, VALUES)


def test_a_variable_is_replaced_by_its_value() -> None:
    assert text("Hi {{ contact.first_name }} of {{company.name}}") == "Hi Dana of Harbor & Sons"


def test_a_default_stands_for_an_absent_value() -> None:
    assert text("{{ contact.city | default: 'your region' }}") == "your region"


@pytest.mark.parametrize("empty", [None, "", "   ", "\n"])
def test_an_empty_value_is_as_good_as_none(empty: str | None) -> None:
    values = {"contact": {"city": empty}}
    assert render_text("{{ contact.city | default: 'here' }}", values) == "here"
    with pytest.raises(TemplateFailed, match="unresolved"):
        render_text("{{ contact.city }}", values)


def test_all_missing_variables_are_named_at_once() -> None:
    failed = failure("{{ contact.frist_name }} {{ foo.bar }} {{ contact.city | default: 'x' }}")
    assert (failed.kind, failed.missing) == ("unresolved", ("contact.frist_name", "foo.bar"))


def test_a_condition_on_a_missing_variable_is_unresolved() -> None:
    assert failure("{% if contact.city %}x{% endif %}").missing == ("contact.city",)


def test_a_missing_variable_in_a_branch_not_taken_is_not_missing() -> None:
    assert text("{% if contact.seats > 100 %}{{ contact.city }}{% else %}few{% endif %}") == "few"


def test_the_failure_itself_says_no_value() -> None:
    failed = failure("{{ contact.first_name | divided_by: 0 }}")
    assert (str(failed), failed.kind, failed.missing) == ("unresolved", "unresolved", ())


def test_loops_cases_captures_and_filters_work() -> None:
    assert (
        text("{% for t in contact.tags %}{{ forloop.index }}{{ t }} {% endfor %}") == "1vip 2west "
    )
    assert text("{% case contact.first_name %}{% when 'Dana' %}D{% else %}E{% endcase %}") == "D"
    assert text("{% capture a %}{{ contact.first_name | upcase }}{% endcapture %}{{ a }}") == "DANA"
    assert text("{{ contact.tags | join: ', ' }}{{ contact.seats | times: 2 }}") == "vip, west24"
    assert text("{% if contact.tags contains 'vip' %}y{% endif %}") == "y"


def test_a_written_date_is_formatted_in_english() -> None:
    assert text("{{ contact.renewal | date: '%A, %B %-d, %Y' }}") == "Wednesday, March 4, 2026"


@pytest.mark.parametrize("day", ["now", "today", "10:00", "1767225600", "tomorrow"])
def test_no_date_reads_the_clock(day: str) -> None:
    assert failure(f"{{{{ '{day}' | date: '%Y' }}}}").kind == "unresolved"


@pytest.mark.parametrize("name", ["now", "today", "partial", "forloop"])
def test_the_library_gives_no_variables_of_its_own(name: str) -> None:
    assert failure(f"{{{{ {name} }}}}").missing == (name,)


# --- escaping ---


def test_html_escapes_every_value_and_keeps_the_template() -> None:
    shown = render_html('<p title="{{ company.note }}">{{ company.note }}</p>', VALUES)
    escaped = "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert shown == f'<p title="{escaped}">{escaped}</p>'


def test_a_value_that_calls_itself_safe_is_escaped_all_the_same() -> None:
    assert render_html("{{ a }}", {"a": Markup("<b>")}) == "&lt;b&gt;"


BITS = (
    "{{ v }}",
    "{{ v | append: '<i>' }}",
    "{{ '<i>' | append: v }}",
    "{{ v | prepend: '<i>' }}",
    "{{ w | join: '<i>' }}",
    "{{ w }}",
    "{{ v | newline_to_br }}",
    "{{ v | strip_newlines }}",
    "{{ v | truncate: 30 }}",
    "{{ v | default: '<i>' }}",
    "{{ v | replace: 'a', '<i>' }}",
    "{% capture c %}{{ v }}{% endcapture %}{{ c }}{{ c | upcase | downcase }}",
    "{% assign a = v %}{{ a | capitalize }}",
    "{% for x in w %}{{ x | squish }}{% endfor %}",
    "{{ v | split: 'a' | join: '<i>' }}",
    "{{ v | url_encode }}",
    "{{ v | escape }}",
)
hostile_texts = st.lists(
    st.sampled_from(
        ["<script>", "</script>", "<img src=x onerror=a>", '"', "'", "&", "a", "\n", "{{ v }}"]
    ),
    min_size=1,
    max_size=6,
).map("".join).filter(str.strip)  # fmt: skip


@given(st.sampled_from(BITS), hostile_texts)
def test_no_markup_of_a_value_gets_into_the_html(bit: str, value: str) -> None:
    shown = render_html(bit, {"v": value, "w": [value, value]}).lower()
    for own in ("<i>", "<br />"):
        shown = shown.replace(own, "")
    assert "<" not in shown
    assert '"' not in shown


@given(st.text(min_size=1).filter(str.strip))
def test_a_value_is_data_and_never_a_template(value: str) -> None:
    value = value.replace("\r", "")  # line ends are written as \n
    if value.strip():
        assert render_text("a {{ v }} b", {"v": value}) == f"a {value} b"


# --- hostility ---


@pytest.mark.parametrize(
    "source",
    [
        "{{ contact.first_name",
        "{{" * 100_000,
        "{%" * 100_000,
        "{% if contact.first_name %}",
        "{{}}",
        "{% raw %}{{ x }}{% endraw %}",
        "{% raw %}" * 20_000,
        "{% include 'x' %}",
        "{% render 'x' %}",
        "{% extends 'x' %}",
        "{% increment x %}",
        "{% tablerow a in b %}{% endtablerow %}",
        "{% liquid echo 'x' %}",
        "{% # note %}",
        "{{ contact.first_name | safe }}",
        "{{ contact.first_name | base64_encode }}",
        "{{ contact.first_name | no_such_filter }}",
        "{% if false %}{{ contact.first_name | no_such_filter }}{% endif %}",
        "{% if (1..1000000000) contains 'a' %}{% endif %}",
        "{% assign r = (1..1000000000) %}{{ r.size }}",
        "{{ (1..1000000000) | join: 'x' }}",
        "{% for i in (1..2) limit: (1..1000000000) %}{% endfor %}",
    ],
)
def test_what_is_not_in_the_language_is_a_syntax_failure(source: str) -> None:
    assert failure(source).kind == "syntax"


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..201) %}a{% endfor %}",
        "{% for i in (1..1000000000) reversed %}a{% endfor %}",
        "{% for i in (1..1000000000) offset: 999999999 %}a{% endfor %}",
        "{% for i in (1..99999999999999999999999) %}a{% endfor %}",
        "{% for i in (1..15) %}{% for j in (1..15) %}a{% endfor %}{% endfor %}",
        "".join(f"{{% for a{n} in (1..1) %}}" for n in range(12)) + "{% endfor %}" * 12,
        "{% if true %}" * 40 + "{% endif %}" * 40,
        "{% assign x = 'aaaaaaaa' %}" + "{% assign x = x | append: x %}" * 28,
        "{% assign x = 9 %}{% for i in (1..200) %}{% assign x = x | times: x %}{% endfor %}",
        "{{ 'aaaaaaaaaa'" + " | replace: 'a', 'aaaaaaaaaaaaaaaaaaa'" * 9 + " }}",
        "{{ 'aaaaaaaaaa'" + " | split: '' | join: 'aaaaaaaaaa'" * 9 + " }}",
        "{% for i in (1..200) %}" + "{% assign a = 1 %}" * 1900 + "{% endfor %}",
        "{% for i in (1..200) %}" + "{{ 'a' | upcase | downcase }}" * 60 + "{% endfor %}",
        "{% for i in (1..200) %}" + "{{ contact.first_name }}" * 1900 + "{% endfor %}",
        "x" * 200_001,
        "x" * 262_145,
        "{{ 'a' }}" * 2_001,
        "{{ '" + "a" * 500 + "' }}",
        "{{ " + " " * 60 + "}}",
    ],
)
def test_what_takes_too_much_is_a_limit_failure(source: str) -> None:
    assert failure(source).kind == "limit"
    assert failure(source, render_html).kind == "limit"


def test_what_is_just_within_the_limits_renders() -> None:
    assert text("{% for i in (1..200) %}a{% endfor %}") == "a" * 200
    assert text("é" * 200_000) == "é" * 200_000  # characters, not bytes
    assert (
        text("{% for i in (1..10) %}{% for j in (1..20) %}a{% endfor %}{% endfor %}") == "a" * 200
    )


WORDS = (
    *("{{", "}}", "{%", "%}", " ", "if", "for", "i in", "(1..9)", "end", "contact", ".", "tags"),
    *("|", "join", ":", "'", "a", "0", "[", "]", "else", "endif", "endfor", "assign", "=", "-"),
)
template_like = st.lists(st.sampled_from(WORDS), max_size=25).map("".join)


@given(template_like | st.text(max_size=60))
def test_any_source_renders_the_same_twice_or_fails_as_a_template(source: str) -> None:
    def outcome() -> object:
        try:
            return render_html(source, VALUES)
        except TemplateFailed as failed:
            return failed.kind, failed.missing

    assert outcome() == outcome()


# --- names and cache ---


def test_the_variables_of_a_template_are_those_from_outside() -> None:
    source = (
        "{{ sender.first_name }}{% assign a = company.name %}{{ a }}{{ x | default: b['city'] }}"
    )
    assert variables(source) == ["b.city", "company.name", "sender.first_name", "x"]


def test_variables_of_what_does_not_parse_fail_as_rendering_does() -> None:
    with pytest.raises(TemplateFailed, match="syntax"):
        variables("{% if %}")


def test_the_cache_of_compiled_templates_is_bounded() -> None:
    for n in range(COMPILED_MAX + 10):
        assert text(f"{n}") == str(n)
    assert compiled.cache_info().currsize <= COMPILED_MAX


# --- lenient --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("Call {{ contact.first_name }} {{ contact.phone }}!", "Call Dana !"),
        ("{{ contact.boss.name | default: 'nobody' }}", "nobody"),
        ("{{ nobody | upcase }}{{ contact.phone | first }}", ""),
        ("{% if contact.phone %}ring{% else %}write{% endif %}", "write"),
        ("{% for tag in contact.colours %}{{ tag }}{% endfor %}", ""),
    ],
)
def test_what_is_missing_reads_as_nothing_where_the_rendering_is_lenient(
    source: str, shown: str
) -> None:
    assert render_lenient(source, VALUES) == shown


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("{{ contact.first_name", "syntax"),
        ("{% for a in (1..99999) %}{{ a }}{% endfor %}", "limit"),
        ("{{ contact.first_name | divided_by: 0 }}", "unresolved"),
    ],
)
def test_lenient_rendering_keeps_every_other_limit(source: str, kind: str) -> None:
    assert failure(source, render_lenient).kind == kind


def test_a_loop_pays_for_every_node_that_it_renders() -> None:
    case = "{% case i %}{% when 1 %}{% endcase %}"
    assert failure("{% for i in (1..190) %}" + case * 600 + "{% endfor %}").kind == "limit"
    assert text("{% for i in (1..190) %}" + case * 20 + "{% endfor %}") == ""


def test_the_search_for_further_missing_names_has_no_budget_of_its_own() -> None:
    loop = "{% for i in (1..190) %}" + "{% if i == 0 %}{% endif %}" * 100 + "{% endfor %}"
    names = [f"m{index}" for index in range(12)]
    found = failure(loop + "".join(f"{{{{ {name} }}}}" for name in names)).missing
    assert 0 < len(found) < 12
    assert list(found) == names[: len(found)]

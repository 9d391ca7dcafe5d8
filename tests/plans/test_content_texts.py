from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plans.context import ContactContext
from plans.verify.content.texts import KNOWN_MAX
from tests.plans.content_cases import CONTACT, contact, issues, only
from tests.plans.plan_cases import END, Json, mail, plan


def says(text: str, **fields: Json) -> dict[str, Any]:
    """A plan whose mail has this text."""
    return plan(mail(message={"subject": "x", "text": text, **fields}), END)


@pytest.mark.parametrize("field", ["subject", "preheader", "html", "text"])
@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("{{ contact.first_name", "E_TEMPLATE_SYNTAX"),
        ("{{ contact.nickname }}", "E_TEMPLATE_UNRESOLVED"),
        ("Hi [name]", "E_PLACEHOLDER"),
    ],
)
def test_every_field_is_checked_at_its_own_place(field: str, source: str, code: str) -> None:
    assert issues(says(**{"text": "x", field: source})) == [(code, f"/nodes/0/message/{field}")]


def test_a_variant_is_checked_at_its_own_place() -> None:
    good, bad = {"subject": "x", "text": "x"}, {"subject": "x", "text": "{{ x }}"}
    variants = [{"id": "a", "message": good}, {"id": "b", "message": bad}]
    assert issues(plan(mail(message=None, variants=variants), END)) == [
        ("E_TEMPLATE_UNRESOLVED", "/nodes/0/variants/1/message/text")
    ]


@pytest.mark.parametrize(
    "source",
    [
        "{% if contact.city %}x",
        "{% raw %}x{% endraw %}",
        "{{ contact.city | shout }}",
        "{% if contact.city %}" * 900 + "{% endif %}" * 900,
        "{{ contact.city }}" * 3_000,
    ],
)
def test_what_is_not_our_liquid_is_told_in_one_line(source: str) -> None:
    found = only(says(source))
    assert found.code == "E_TEMPLATE_SYNTAX"
    assert "\n" not in found.message
    assert len(found.message) < 200


def test_all_missing_variables_are_named() -> None:
    found = only(says("{{ contact.first_name }} {{ contact.mood }} {{ weather.today }}"))
    assert found.got == ["contact.mood", "weather.today"]
    assert "contact.first_name" in found.expected


def test_a_mistyped_variable_comes_with_its_mend() -> None:
    found = only(says("Hi {{contact.frist_name}}, {{ contact.frist_name | upcase }}!"))
    assert found.suggestion == 'did you mean "contact.first_name"?'
    assert found.patch == (
        {
            "op": "replace",
            "path": "/nodes/0/message/text",
            "value": "Hi {{contact.first_name}}, {{ contact.first_name | upcase }}!",
        },
    )


@pytest.mark.parametrize("name", ["contact.street", "company.city"])
def test_another_variable_of_the_same_object_is_no_mend(name: str) -> None:
    found = only(says(f"{{{{ {name} }}}}"))
    assert "default" in str(found.suggestion)
    assert found.patch is None


def test_a_mistyped_object_comes_with_its_mend() -> None:
    assert only(says("{{ contct.first_nam }}")).suggestion == 'did you mean "contact.first_name"?'


def test_no_mend_is_offered_while_one_name_stays_unknown() -> None:
    assert only(says("{{ contact.frist_name }} {{ zzz }}")).patch is None


def test_variables_that_this_contact_lacks_are_missing_though_another_has_them() -> None:
    nameless = CONTACT.model_copy(update={"vars": {"contact": {"first_name": " "}}})
    text = "{{ contact.first_name }}"
    assert issues(says(text)) == []
    found = only(says(text), context=nameless)
    assert (found.code, found.expected) == ("E_TEMPLATE_UNRESOLVED", [])


def test_a_default_stands_for_what_is_missing() -> None:
    assert issues(says('{{ contact.mood | default: "there" }}')) == []


def test_the_reason_of_a_failing_filter_holds_no_value_of_the_contact() -> None:
    found = only(says('{{ contact.first_name | date: "%Y" }}'))
    assert found.code == "E_TEMPLATE_UNRESOLVED"
    assert "Dana" not in repr(found)


def test_a_loop_without_end_is_told_as_too_much() -> None:
    found = only(says("{% for i in (1..100000) %}x{% endfor %}"))
    assert (found.code, found.got) == ("E_TEMPLATE_UNRESOLVED", None)


def test_an_output_beyond_the_limit_is_too_much_with_and_without_markup() -> None:
    assert issues(says("x" * 200_001)) == [("E_TEMPLATE_UNRESOLVED", "/nodes/0/message/text")]
    assert issues(says("x" * 200_000)) == []


def test_without_a_contact_only_syntax_and_placeholders_are_checked() -> None:
    text = "{{ contact.nobody_has_this }} TODO"
    assert issues(says(text), context=None) == [("E_PLACEHOLDER", "/nodes/0/message/text")]
    assert issues(says("{{ contact."), context=None) == [
        ("E_TEMPLATE_SYNTAX", "/nodes/0/message/text")
    ]


@pytest.mark.parametrize(
    "source",
    [
        "{name}",
        "{First Name}",
        "{_x9 y}",
        "{" + "a" * 31 + "}",
        "[your company]",
        "[Your" + "x" * 30 + "]",
        "[First Name]",
        "[lastname]",
        "[company]",
        "[NAME]",
        "[insert offer here]",
        "[recipient]",
        "[sender's phone]",
        "TODO: price",
        "todo",
        "call xxx now",
        "Lorem ipsum dolor",
        "lorem\nipsum",
    ],
)
def test_what_was_left_to_fill_in_is_found(source: str) -> None:
    found = only(says(f"before {source} after"))
    assert (found.code, found.path) == ("E_PLACEHOLDER", "/nodes/0/message/text")
    assert found.got in source


@pytest.mark.parametrize(
    "source",
    [
        "{{ contact.city }}",
        "{{city}} }",
        "{{{ city }}}",
        "{color:red}",
        "{9}",
        "{" + "a" * 32 + "}",
        "[see below]",
        "[Your" + "x" * 31 + "]",
        "[his name]",
        "our método, mastodon, XXXL",
        "lorem and ipsum",
    ],
)
def test_what_only_looks_like_a_placeholder_is_left_alone(source: str) -> None:
    found = issues(says(source), context=None)
    assert [code for code, _ in found if code == "E_PLACEHOLDER"] == []


def test_only_the_first_placeholder_of_a_field_is_told() -> None:
    assert only(says("[name] {name} TODO")).got == "[name]"


def test_a_field_that_may_not_be_there_is_checked_all_the_same() -> None:
    bad = plan(mail(channel="sms", message={"text": "x", "subject": "TODO"}), END)
    assert issues(bad) == [
        ("E_MESSAGE_FIELD", "/nodes/0/message/subject"),
        ("E_PLACEHOLDER", "/nodes/0/message/subject"),
    ]


def test_an_issue_lists_no_more_variables_than_a_model_can_use() -> None:
    many = {f"v{index:03}": "x" for index in range(500)}
    rich = ContactContext(tenant="t", contact="c", channels=contact().channels, vars=many)
    assert len(only(says("{{ nothing }}"), context=rich).expected) == KNOWN_MAX


def test_names_that_no_template_can_say_are_not_proposed() -> None:
    odd = CONTACT.model_copy(update={"vars": {"first name": "x", r"first\1name": "x"}})
    found = only(says("{{ first1name }}"), context=odd)
    assert (found.expected, found.patch) == ([], None)


LIQUID = st.lists(
    st.sampled_from(
        (
            *("{{", "}}", "{%", "%}", "{% if ", "{% endif %}", "{% for i in ", "{% endfor %}"),
            *("{% assign x = ", "{% capture x %}", "{% endcapture %}", "{% case ", "{% when "),
            *(
                "contact.city",
                "nothing",
                "x",
                "i",
                " | ",
                "upcase",
                "date: ",
                "split: ",
                "default: ",
            ),
            *("'a'", '"', "'", "1", "-9", "1e999", "(1..9)", ".", "[0]", "[", "]", "{", "}", " "),
            *(" == ", " and ", " contains ", ",", ":", "\n", "é", "😀", "TODO"),
        )
    ),
    max_size=14,
).map("".join)


@given(LIQUID)
def test_whatever_a_template_says_the_stage_answers(source: str) -> None:
    for context in (CONTACT, None):
        found = issues(says(f"x{source}", html=f"x{source}"), context=context)
        assert {path.rpartition("/")[2] for _, path in found} <= {"html", "text"}

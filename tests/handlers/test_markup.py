"""A source is read in one way, whether the library's parser is asked or not."""

from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.rendering import RenderFailed
from handlers.rendering.html import finished, html_of
from handlers.rendering.markup import Markup, Tag, markup_of, parsed_markup, plain_markup
from handlers.rendering.text import text_of

PLAIN = [
    *(
        "<p>",
        "</p>",
        "<P\tclass='x-y' >",
        "<br>",
        "<br/>",
        "<br />",
        "<hr id='a' hidden/>",
        "</P\n>",
    ),
    *('<a href="https://x.test/?a=1&amp;b=2">', "<A HREF='https://x.test'>", "</a>", "<a>"),
    *('<a href="a" class="b" href="https://y.test/&lt;&#10;">', "<a href>", '<a href="">'),
    *('<area href="https://z.test">', "<body>", "</body>", '<body class="x>y"/>', "<o:p>", "</h1>"),
    *("<!-- a -->", "<!---->", "<!-- - -->", "<!--[if mso]><table><![endif]-->", "<td data-a='>'>"),
    *("&amp;", "&", "&am", "&#", "&#x", "&#39;", "&copy", "&#z;", "&notit;", ";", "&&lt;", "&amp"),
    *("text", " ", "\n", "\r\n", "\u2028", "\x00", "\xa0", "\x1c", "'", '"', ">", "=", "/", "-"),
    *("\U0001f600", "{{ a }}", "https://x.test/a", "--", "-->", "]]>"),
]
ODD = [
    *("<", "</", "<!", "<!-", "<!--", "<!-->", "<!--->", "<!-- a--b -->", "<!-- --->", "<?x?>"),
    *("<script>", "</script>", "<style>", "<title>", "</title>", "<textarea>", "<plaintext>"),
    *(
        "<a href=https://x.test>",
        "<p class=x>",
        '<a href = "https://x.test">',
        "<a\xa0href='x'>",
        "<a/href='x'>",
    ),
    *(
        "<p/ >",
        "<p /id='a'>",
        "<p =a>",
        "<p a=>",
        "<p a='b'c='d'>",
        "<p a='b'/c>",
        "</ p>",
        "</p a>",
    ),
    *("</>", "<1>", "<p\x00>", "<p\x0b>", "<p a='", '<p a="b', "<![CDATA[x]]>", "<!doctype html>"),
    *("<a@b>", "<p.q>", "</p.q>", "<svg>", "</noscript>"),
]
plain_sources = st.lists(st.sampled_from(PLAIN), max_size=12).map("".join)
sources = st.lists(st.sampled_from(PLAIN + ODD) | st.text(max_size=3), max_size=10).map("".join)
texts = st.lists(
    st.sampled_from(
        [
            *("https://x.test/a?b=1&c='2'", "HTTP://x.test", "http://\x01", "https://.", "x", "."),
            *("<script>", "<!--", '"', "'", "&", "&lt;", "&#", "\n", "\n\n", "\r\n", " ", "\u2028"),
            *("\x1c", "\x7f", "\xa0", ")", "(", "<a href='https://y.test'>", "{{ a }}", "\u00fc"),
        ]
    )
    | st.text(max_size=3),
    max_size=10,
).map("".join)


def joined(parts: list[str | Tag]) -> list[str | Tag]:
    """The same parts with all words between two tags in one piece."""
    return [
        part
        for is_tag, group in groupby(parts, lambda part: isinstance(part, Tag))
        for part in (group if is_tag else ["".join(map(str, group))])
    ]


def marked(url: str) -> str:
    return f"[{url}]"


def finished_mail(markup: Markup) -> str:
    try:
        return finished(markup, marked, opening="<i>", closing=lambda: "</i>")
    except RenderFailed as refused:
        return refused.reason


@settings(max_examples=500)
@given(sources)
def test_what_is_read_without_the_parser_is_what_the_parser_reads(source: str) -> None:
    plain, parsed = plain_markup(source), parsed_markup(source)
    if plain is None:
        return
    assert joined([*plain.parts, "\n"]) == joined(parsed.parts), "it ends the last line"
    assert not parsed.unfinished


@given(plain_sources)
def test_what_is_written_plainly_is_read_without_the_parser(source: str) -> None:
    assert plain_markup(source) is not None


@pytest.mark.parametrize("source", ODD)
def test_what_could_be_read_in_two_ways_is_left_to_the_parser(source: str) -> None:
    assert plain_markup(f"<p>a{source}b</p>") is None


@settings(max_examples=500)
@given(sources)
def test_a_mail_is_the_same_whoever_read_its_source(source: str) -> None:
    markup, parsed = markup_of(source), parsed_markup(source)
    assert finished_mail(markup) == finished_mail(parsed)
    assert text_of(markup, marked) == text_of(parsed, marked)


@settings(max_examples=500)
@given(texts)
def test_an_html_part_made_from_text_is_what_a_source_like_it_would_become(text: str) -> None:
    source = html_of(text, lambda url: url)
    markup = plain_markup(source)
    assert markup is not None
    assert html_of(text, marked) == finished(markup, marked, opening="", closing=str)
    assert finished_mail(markup) == f"<i>{html_of(text, marked)}</i>"


@pytest.mark.parametrize("begun", ["&#", "&#z", "&am", "&"])
def test_a_reference_that_is_none_hides_neither_links_nor_what_is_left_open(begun: str) -> None:
    link = '<a href="https://x.test">x</a>'
    assert (
        finished_mail(markup_of(begun + link))
        == f"<i>{begun}{link.replace('https://x.test', '[https://x.test]')}</i>"
    )
    assert finished_mail(markup_of(f"<p>{begun}</p><!-- ")) == "html"


def test_an_element_closed_once_too_often_is_not_closed_in_advance() -> None:
    assert finished_mail(markup_of("<title></title></title><title>")) == "html"


@pytest.mark.parametrize("piece", ["<p ", "<!--", "a", "<a b='", " b", "&", "<p a='b'", "-", "\t"])
def test_a_long_source_that_ends_in_a_tag_is_given_up_at_once(piece: str) -> None:
    assert plain_markup("<p>a</p><p " + piece * 50_000) is None
    assert plain_markup("<p>a</p><!-- " + piece * 50_000) is None

"""A rendered mail is for one person, complete, countable, and refused when it is not."""

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from html.parser import HTMLParser
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from domain.ids import ContactId, MessageId
from handlers.links import HIDDEN, Link, Links, read_token
from handlers.ports import Person, Rendered, Sender
from handlers.rendering import Content, Earlier, RenderFailed, body_mac, render, template_values
from handlers.rendering.html import finished, html_of
from handlers.rendering.mail import LINKS_MAX
from handlers.rendering.markup import markup_of
from handlers.rendering.text import relinked, text_of

KEY = b"k" * 32
LINKS = Links("https://go.example.test", "acme", KEY)
MESSAGE = MessageId(UUID("00000000-0000-5000-8000-0000000000a1"))
DANA = Person(
    contact_id=ContactId(UUID("00000000-0000-4000-8000-0000000000c1")),
    snapshot=7,
    vault_key=b"v" * 32,
    email="dana@example.test",
    first_name="Dana",
    last_name="Reyes",
    company="Harbor & Sons",
    attributes={"industry": "ships", "company.size": 40},
)
SAM = Sender(
    sender="sam",
    from_email="sam@mail.example.test",
    from_name="Sam Ode",
    first_name="Sam",
    calendar_url="https://cal.example.test/sam?a=1&b=2",
    reply_domain="reply.example.test",
    postal_address="Harbor Ltd\n1 Quay Street, Oakland",
    verified=True,
)
HELLO = Content(subject="Hi {{ contact.first_name }}", text="Hello {{ contact.first_name }}")


class Page(HTMLParser):
    """What a mail program finds in an HTML part; `traps` has links that nobody is shown."""

    def __init__(self, source: str | None) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.traps: list[dict[str, str | None]] = []
        self.images: list[str] = []
        self.feed(source or "")

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"a", "area"} and given.get("aria-hidden") == "true":
            self.traps.append(given)
        elif tag in {"a", "area"} and given.get("href"):
            self.hrefs.append(given["href"] or "")
        if tag == "img":
            self.images.append(given["src"] or "")


def rendered(
    content: Content = HELLO,
    person: Person = DANA,
    sender: Sender = SAM,
    earlier: Earlier | None = None,
) -> Rendered:
    return render(content, person, sender, message_id=MESSAGE, links=LINKS, in_reply_to=earlier)


def html(source: str, text: str | None = None) -> Content:
    return Content(subject="s", html=source, text=text)


def changed(content: Content, **fields: bool | str) -> Content:
    return msgspec.structs.replace(content, **fields)


def refusal(content: Content = HELLO, person: Person = DANA, sender: Sender = SAM) -> str:
    with pytest.raises(RenderFailed) as failed:
        rendered(content, person, sender)
    return failed.value.reason


def clicked(address: str) -> int:
    link = read_token("c", address.removeprefix(LINKS.clicks), lambda _: (KEY,))
    assert link is not None
    return link.number


# --- the mail ---


def test_a_mail_names_its_person_its_sender_and_where_replies_go() -> None:
    mail = rendered().mail
    assert (mail.to_email, mail.to_name) == ("dana@example.test", "Dana Reyes")
    assert (mail.from_email, mail.from_name) == ("sam@mail.example.test", "Sam Ode")
    assert mail.sender_domain == "mail.example.test"
    assert mail.reply_to == f"r+acme.{MESSAGE}@reply.example.test"
    assert mail.subject == "Hi Dana"
    assert mail.text.startswith("Hello Dana\n")


def test_list_headers_present() -> None:
    opt_out = LINKS.opt_out(MESSAGE)
    assert rendered().mail.headers == {
        "List-Unsubscribe": f"<{opt_out}>, <mailto:unsubscribe+acme.{MESSAGE}@reply.example.test>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    token = opt_out.removeprefix("https://go.example.test/u/")
    assert read_token("u", token, lambda _: (KEY,)) == Link("acme", MESSAGE, 0)


def test_both_parts_end_with_the_postal_address_and_a_visible_way_out() -> None:
    mail = rendered().mail
    assert mail.text.endswith(
        f"\n\nHarbor Ltd\n1 Quay Street, Oakland\nUnsubscribe: {LINKS.opt_out(MESSAGE)}\n"
    )
    read = text_of(markup_of(mail.html or ""), lambda url: url)
    assert read.endswith(
        f"Harbor Ltd\n1 Quay Street, Oakland\nUnsubscribe ({LINKS.opt_out(MESSAGE)})"
    )


def test_the_footer_goes_inside_the_body() -> None:
    shown = (
        rendered(changed(html("<html><BODY class=x>Hi</BODY></html>"), preheader="Look")).mail.html
        or ""
    )
    assert shown.startswith('<html><BODY class=x><div style="display:none')
    assert shown.endswith("</BODY></html>")
    assert shown.index("Look") < shown.index("Hi") < shown.index("Unsubscribe")


def test_a_reply_threads_under_the_earlier_mail() -> None:
    earlier = Earlier("<b.1@example.test>", "Your crane", ("<a.1@example.test>",))
    mail = rendered(Content(text="Any news?"), earlier=earlier).mail
    assert mail.subject == "Re: Your crane"
    assert mail.headers["In-Reply-To"] == "<b.1@example.test>"
    assert mail.headers["References"] == "<a.1@example.test> <b.1@example.test>"


def test_a_reply_to_a_reply_says_re_once() -> None:
    earlier = Earlier("<b.1@example.test>", "RE: Your crane")
    assert rendered(Content(text="x"), earlier=earlier).mail.subject == "RE: Your crane"


def test_a_subject_of_its_own_is_kept_in_a_thread() -> None:
    earlier = Earlier("<b.1@example.test>", "Your crane")
    assert rendered(HELLO, earlier=earlier).mail.subject == "Hi Dana"


def test_values_come_from_person_and_sender_and_unknown_ones_are_absent() -> None:
    values = template_values(DANA, SAM)
    assert values["contact"]["full_name"] == "Dana Reyes"
    assert values["contact"]["industry"] == "ships"
    assert values["company"] == {"name": "Harbor & Sons", "size": 40}
    assert values["sender"]["name"] == "Sam Ode"
    assert "city" not in values["contact"]
    text = rendered(Content(subject="s", text="{{ contact.city | default: 'here' }}")).mail.text
    assert text.startswith("here\n")


def test_the_mac_covers_every_field_and_dies_with_the_key() -> None:
    one = rendered()
    assert one.body_mac == body_mac(one.mail, DANA.vault_key)
    other = {
        name: {"X": "y"} if name == "headers" else f"{getattr(one.mail, name)}x"
        for name in one.mail.__struct_fields__
    }
    for name, value in other.items():
        mail = msgspec.structs.replace(one.mail, **{name: value})
        assert body_mac(mail, DANA.vault_key) != one.body_mac
    assert body_mac(one.mail, b"w" * 32) != one.body_mac


def test_the_same_input_gives_the_same_mail() -> None:
    assert rendered() == rendered()
    assert (rendered().contact_id, rendered().snapshot) == (DANA.contact_id, 7)


# --- pixel and links ---


def test_a_tracked_mail_has_one_pixel_and_no_untracked_link() -> None:
    content = html(
        """<p><A class=b HREF='https://x.test/a?b=1&amp;c=2' title="href=https://no.test">one</A>
        <a href=https://x.test/b>two</a> <a\nhref = "{{ sender.calendar_url }}">cal</a>
        <a href="HTTP://x.test/c">three</a><map><area href="http://x.test/d"></map>
        <a href="mailto:a@b.test">mail</a> <a href="#top">top</a> <a name=here>here</a></p>"""
    )
    one = rendered(content)
    page = Page(one.mail.html)
    assert one.links == (
        "https://x.test/a?b=1&c=2",
        "https://x.test/b",
        "https://cal.example.test/sam?a=1&b=2",
        "HTTP://x.test/c",
        "http://x.test/d",
    )
    tracked = [href for href in page.hrefs if href.startswith(LINKS.clicks)]
    assert [clicked(href) for href in tracked] == [0, 1, 2, 3, 4]
    assert [href for href in page.hrefs if href not in tracked] == [
        "mailto:a@b.test",
        "#top",
        LINKS.opt_out(MESSAGE),
    ]
    assert page.images == [LINKS.opening(MESSAGE)]


def test_open_redirect_refused() -> None:
    one = rendered(html('<a href="https://x.test/a">one</a>'))
    for address in Page(one.mail.html).hrefs:
        assert "x.test" not in address


def test_a_tracked_mail_has_one_link_that_only_programs_find() -> None:
    one = rendered(html('<p><a href="https://x.test/a">one</a></p></body>'))
    (trap,) = Page(one.mail.html).traps
    assert trap["href"] == LINKS.hidden(MESSAGE)
    assert clicked(str(trap["href"])) == HIDDEN
    assert "display:none" in str(trap["style"])
    assert trap["tabindex"] == "-1"
    assert LINKS.hidden(MESSAGE) not in one.mail.text
    assert one.links == ("https://x.test/a",), "it leads nowhere"


@pytest.mark.parametrize(
    "content",
    [
        msgspec.structs.replace(HELLO, html="<p>no link</p>", text=None),
        msgspec.structs.replace(
            HELLO, html='<a href="https://x.test">x</a>', text=None, track_clicks=False
        ),
    ],
)
def test_a_mail_without_tracked_links_has_none_that_is_hidden(content: Content) -> None:
    assert Page(rendered(content).mail.html).traps == []


def test_two_links_to_one_place_are_two_links() -> None:
    one = rendered(html('<a href="https://x.test">a</a><a href="https://x.test">b</a>'))
    assert one.links == ("https://x.test", "https://x.test")


def test_the_rest_of_the_source_is_kept_as_it_is() -> None:
    before = "<P Align=left\n>caf&eacute; &copy 1 < 2\u2028<!-- <a href='http://no.test'> -->\x0b"
    source = f"{before}<a href=http://x.test/?a&b>z</A >&amp"
    kept = finished(markup_of(source), lambda url: f"[{url}]", opening="", closing=str)
    assert kept == source.replace("=http://x.test/?a&b", '="[http://x.test/?a&amp;b]"')


def test_the_text_part_leads_through_the_same_numbers() -> None:
    one = rendered(
        html(
            '<a href="https://x.test/a">A</a> <a href="https://x.test/b">B</a>',
            text="See https://x.test/b. Or (https://x.test/c_(d)), {{ sender.calendar_url }}",
        )
    )
    assert one.links == (
        "https://x.test/a",
        "https://x.test/b",
        "https://x.test/c_(d)",
        "https://cal.example.test/sam?a=1&b=2",
    )
    addresses = re.findall(re.escape(LINKS.clicks) + r"[\w-]+", one.mail.text)
    assert [clicked(address) for address in addresses] == [1, 2, 3]
    assert re.match(r"See \S+\. Or \(\S+\), ", one.mail.text)


def test_a_derived_html_part_and_its_text_share_numbers() -> None:
    one = rendered(Content(subject="s", text="Look: https://x.test/a?b=1&c=2"))
    assert one.links == ("https://x.test/a?b=1&c=2",)
    assert LINKS.click(MESSAGE, 0) in one.mail.text
    assert Page(one.mail.html).hrefs[0] == LINKS.click(MESSAGE, 0)


def test_a_derived_text_part_shows_each_link_behind_its_words() -> None:
    one = rendered(html('<div>Hi</div><div><a href="https://x.test/a b">this</a></div>'))
    assert one.links == ("https://x.test/a b",)
    assert one.mail.text.startswith(f"Hi\nthis ({LINKS.click(MESSAGE, 0)})\n")


def test_without_click_tracking_links_stay_as_they_are() -> None:
    one = rendered(changed(html('<a href="https://x.test/a">A</a>'), track_clicks=False))
    assert one.links == ()
    assert Page(one.mail.html).hrefs[0] == "https://x.test/a"
    assert "A (https://x.test/a)" in one.mail.text


def test_without_open_tracking_there_is_no_pixel() -> None:
    assert Page(rendered(changed(html("<p>Hi</p>"), track_opens=False)).mail.html).images == []


def test_a_plain_text_mail_gets_an_html_part_only_to_be_tracked() -> None:
    assert Page(rendered(HELLO).mail.html).images == [LINKS.opening(MESSAGE)]
    assert rendered(changed(HELLO, track_opens=False)).mail.html is None


def test_more_links_than_a_mail_may_have_are_refused() -> None:
    assert len(rendered(html("<a href=http://x.test>a</a>" * LINKS_MAX)).links) == LINKS_MAX
    assert refusal(html("<a href=http://x.test>a</a>" * (LINKS_MAX + 1))) == "links"


def test_a_line_break_in_a_link_never_reaches_a_redirect() -> None:
    one = rendered(html('<a href="https://x.test/&#13;&#10;Set-Cookie: a">A</a>'))
    assert one.links == ("https://x.test/Set-Cookie: a",)


# --- refusals ---


@pytest.mark.parametrize("missing", ["", "  \n"])
def test_a_mail_without_a_postal_address_is_refused(missing: str) -> None:
    assert refusal(sender=msgspec.structs.replace(SAM, postal_address=missing)) == "postal_address"


@pytest.mark.parametrize("line_break", ["\r", "\n", "\r\n", "\u2028", "\x85", "\x00"])
def test_a_line_break_in_what_becomes_a_header_is_refused(line_break: str) -> None:
    name = f"Dana{line_break}Bcc: all@example.test"
    person = msgspec.structs.replace(DANA, first_name=name)
    assert refusal(person=person) == "line_break"
    assert refusal(Content(subject="{{ contact.first_name }}", text="x"), person) == "line_break"
    assert refusal(changed(HELLO, subject=f"a{line_break}b")) == "line_break"
    assert refusal(sender=msgspec.structs.replace(SAM, from_name=name)) == "line_break"


def test_a_subject_has_1_to_255_characters_after_rendering() -> None:
    def subject(text: str) -> Content:
        return Content(subject=text, text="x")

    assert rendered(subject("s" * 255)).mail.subject == "s" * 255
    assert refusal(subject("s" * 256)) == "subject"
    assert refusal(subject("{% if contact.first_name == 'Dana' %} {% endif %}")) == "subject"
    assert refusal(Content(text="no subject and nothing earlier")) == "subject"


@pytest.mark.parametrize("address", [None, "", "dana", "dana@", "a@b.test, c@d.test", "a@b.test\n"])
def test_a_person_without_one_address_is_refused(address: str | None) -> None:
    assert refusal(person=msgspec.structs.replace(DANA, email=address)) == "recipient"


@pytest.mark.parametrize("field", ["from_email", "reply_domain"])
def test_a_sender_without_proper_addresses_is_refused(field: str) -> None:
    assert refusal(sender=msgspec.structs.replace(SAM, **{field: "a b"})) == "sender"


def test_a_missing_variable_is_refused_by_name() -> None:
    with pytest.raises(RenderFailed) as failed:
        rendered(Content(subject="s", text="{{ contact.city }} {{ company.motto }}"))
    assert failed.value.reason == "template_unresolved"
    assert failed.value.detail == "contact.city, company.motto"


def test_a_failure_of_a_template_has_its_class() -> None:
    assert refusal(Content(subject="s", text="{% if %}")) == "template_syntax"
    loop = "{% for i in (1..999) %}a{% endfor %}"
    assert refusal(Content(subject="s", text=loop)) == "template_limit"


def test_a_mail_without_content_is_refused() -> None:
    assert refusal(Content(subject="s")) == "content"
    assert refusal(Content(subject="s", text="{% assign a = 1 %}", html=" ")) == "content"


def test_a_value_that_looks_unreplaced_is_refused() -> None:
    person = msgspec.structs.replace(DANA, first_name="{{ first_name }}")
    assert refusal(person=person) == "placeholder"


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hi</p><!-- ",
        "<p>Hi</p><style>p {}",
        "<p>Hi</p><script>",
        "<p>Hi</p><textarea>",
        "<p>Hi</p><plaintext>",
        "<p>Hi</p><template><p></p>",
        *("<p>Hi</p><template/>", "<p>Hi</p><textarea />", "<p>Hi</p><title/>", "<title/></a>"),
        *("<p>Hi</p><script/>", "<p>Hi</p><details/><details></details>"),
        '<p>Hi</p><div title="',
        "<p>Hi</p><",
        "<p>Hi</p><![CDATA[",
        "<!--" * 40_000,
        "<a b='" * 30_000,
    ],
)
def test_html_that_would_swallow_the_footer_is_refused(source: str) -> None:
    assert refusal(html(source)) == "html"


def test_html_whose_hidden_elements_are_closed_is_sent() -> None:
    for source in (
        "<p>Hi</p><svg/>",
        "<template></template>",
        "<title/></title>",
        "<svg><g/></svg>",
    ):
        assert "Unsubscribe" in (rendered(html(source)).mail.html or "")


def test_a_refusal_says_nothing_personal_by_itself() -> None:
    with pytest.raises(RenderFailed) as failed:
        rendered(person=msgspec.structs.replace(DANA, email="dana reyes"))
    assert (str(failed.value), failed.value.detail) == ("recipient", "dana reyes")


# --- properties ---

names = st.text(alphabet="ABCxyzéü '<&>-", min_size=1, max_size=20).filter(str.strip)


@given(st.lists(names, min_size=2, max_size=6, unique=True))
def test_wrong_person_never_greeted(first_names: list[str]) -> None:
    content = Content(
        subject="{{ contact.first_name }}",
        text="Hi {{ contact.first_name }}",
        html="<p>Hi {{ contact.first_name }}<a href='https://x.test/?{{ company.name }}'>x</a></p>",
    )
    people = [
        msgspec.structs.replace(DANA, first_name=name, company=f"{number}.{name}")
        for number, name in enumerate(first_names)
    ]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda person: rendered(content, person), people * 2))
    assert together == [rendered(content, person) for person in people] * 2
    for number, name in enumerate(first_names):
        one = together[number]
        assert one.mail.subject == name
        assert one.mail.text.startswith(f"Hi {name}\n\n")
        assert f"<p>Hi {name}<a " in unescape(one.mail.html or "")
        assert "{{" not in f"{one.mail.subject}{one.mail.text}{one.mail.html}"
        assert one.links == (f"https://x.test/?{number}.{name}".strip(),)


hostile = st.lists(
    st.sampled_from(
        ["<script>", "<img src=x>", "</p>", "<!--", '"', "'", "<a href=", "&lt;", " a"]
    ),
    min_size=1,
    max_size=5,
).map("".join)


@given(hostile, st.sampled_from(["text", "html"]))
def test_markup_in_the_data_of_a_contact_is_only_text(value: str, part: str) -> None:
    person = msgspec.structs.replace(DANA, company=value)
    written = {
        "text": Content(subject="s", text="{{ company.name }}"),
        "html": html('<i title="{{ company.name }}">{{ company.name }}</i>'),
    }
    one = rendered(written[part], person)
    page = Page(one.mail.html)
    assert "<script" not in (one.mail.html or "")
    assert (page.images, page.hrefs) == ([LINKS.opening(MESSAGE)], [LINKS.opt_out(MESSAGE)])
    assert value.strip() in text_of(markup_of(one.mail.html or ""), lambda url: url).replace(
        "\n", " "
    )


anchors = st.builds(
    lambda name, quote, url, more: f"<{name}{more}={quote}{url}{quote}>x</{name}>",
    st.sampled_from(["a", "A", "area"]),
    st.sampled_from(['"', "'"]),
    st.sampled_from(["https://x.test/1?a=b&amp;c", " http://x.test", "mailto:a@b.test", "#", "/x"]),
    st.sampled_from(
        [" href", " class=b HREF", ' title="a>b" href', "\n\tid='href=x' href ", "/href"]
    ),
)


@given(
    st.lists(anchors | st.sampled_from(["<p>", "text", "&amp;", "<br/>", "<!-- c -->"]), max_size=6)
)
def test_every_web_link_is_tracked_however_it_is_written(pieces: list[str]) -> None:
    source = "hi " + "".join(pieces)
    before = [href.strip() for href in Page(source).hrefs]
    one = rendered(html(source))
    assert list(one.links)[: len(before)] == [url for url in before if url.startswith("http")]
    after = Page(one.mail.html).hrefs[:-1]
    assert [href for href in after if not href.startswith(LINKS.clicks)] == [
        href for href in before if not href.startswith("http")
    ]
    assert len(after) == len(before)


@given(st.text(max_size=80))
def test_any_plain_text_survives_as_html(text: str) -> None:
    read = text_of(markup_of(html_of(text, lambda url: url)), lambda url: url)
    assert re.sub(r"[\s\x00-\x1f]+", "", read) == re.sub(r"[\s\x00-\x1f]+", "", text)


# --- reading and linking ---


def test_a_text_made_from_html_reads_like_it() -> None:
    source = """<html><head><title>T</title><style>p {}</style></head><body>
    <h1>Hello</h1><p>One<br>two&nbsp;<b>three</b></p><ul><li>a</li><li>b</li></ul>
    <table><tr><td>x</td><td>y</td></tr></table>
    <a href="https://x.test"><div>Go</div></a><a href="https://y.test">https://y.test</a>
    <a href="https://z.test"><img src=i></a></body></html>"""
    assert text_of(markup_of(source), str.upper) == (
        "Hello\n\nOne\ntwo three\n\n- a\n- b\n\nx y\n\n"
        "Go (HTTPS://X.TEST)\nHTTPS://Y.TEST HTTPS://Z.TEST"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://x.test/a.", "see [https://x.test/a]."),
        ("(https://x.test/a)", "([https://x.test/a])"),
        ("https://x.test/a_(b)!", "[https://x.test/a_(b)]!"),
        ("<https://x.test/a>", "<[https://x.test/a]>"),
        ("HTTP://x.test, a", "[HTTP://x.test], a"),
        ("ftp://x.test https:// x", "ftp://x.test https:// x"),
    ],
)
def test_an_address_ends_before_its_punctuation(text: str, expected: str) -> None:
    assert relinked(text, lambda url: f"[{url}]") == expected

"""Tokens come back as they were signed, and in no other way."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import MessageId
from handlers.links import KEY_BYTES_MIN, Keys, Kind, Link, Links, read_token, token

KEY = b"k" * 32
OTHER_KEY = b"o" * 32
MESSAGE = MessageId(UUID("00000000-0000-5000-8000-0000000000a1"))
KINDS: tuple[Kind, ...] = ("o", "c", "u")

tags = st.from_regex(r"[a-z0-9_-]{1,15}", fullmatch=True)
messages = st.uuids().map(MessageId)
numbers = st.integers(min_value=0, max_value=0xFFFF)


def keys_of(*keys: bytes, tag: str = "acme") -> Keys:
    return lambda asked: keys if asked == tag else ()


@given(st.sampled_from(KINDS), tags, messages, numbers)
def test_a_token_says_what_was_signed(
    kind: Kind, tag: str, message: MessageId, number: int
) -> None:
    text = token(kind, tag, message, number, KEY)
    assert read_token(kind, text, keys_of(KEY, tag=tag)) == Link(tag, message, number)


@given(messages, numbers, st.data())
def test_a_token_with_any_character_altered_is_refused(
    message: MessageId, number: int, data: st.DataObject
) -> None:
    text = token("c", "acme", message, number, KEY)
    at = data.draw(st.integers(0, len(text) - 1))
    altered = (
        text[:at] + data.draw(st.characters().filter(lambda c: c != text[at])) + text[at + 1 :]
    )
    assert read_token("c", altered, lambda _: (KEY,)) is None


def test_every_alphabet_change_of_every_character_is_refused() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/="
    for tag in ("a", "ab", "abc"):  # each length leaves other spare bits in the last character
        text = token("c", tag, MESSAGE, 7, KEY)
        altered = {
            text[:at] + letter + text[at + 1 :] for at in range(len(text)) for letter in alphabet
        } - {text}
        assert [one for one in altered if read_token("c", one, lambda _: (KEY,))] == []


@given(st.text(max_size=120))
def test_any_garbage_is_none(text: str) -> None:
    assert read_token("c", text, lambda _: (KEY,)) is None


def test_a_token_that_is_longer_or_shorter_is_refused() -> None:
    text = token("c", "acme", MESSAGE, 1, KEY)
    for other in (text + "=", text + "A", text + " ", text[:-1], text[1:], text + text):
        assert read_token("c", other, lambda _: (KEY,)) is None


def test_a_token_of_one_kind_is_no_token_of_another() -> None:
    for kind in KINDS:
        text = token(kind, "acme", MESSAGE, 0, KEY)
        assert [one for one in KINDS if read_token(one, text, keys_of(KEY))] == [kind]


def test_an_old_key_is_still_accepted_while_keys_are_rotated() -> None:
    old = token("u", "acme", MESSAGE, 0, OTHER_KEY)
    assert read_token("u", old, keys_of(KEY, OTHER_KEY)) == Link("acme", MESSAGE, 0)
    assert read_token("u", old, keys_of(KEY)) is None


def test_a_token_of_an_unknown_tenant_is_refused() -> None:
    assert read_token("u", token("u", "other", MESSAGE, 0, KEY), keys_of(KEY)) is None


def test_an_empty_key_neither_signs_nor_verifies() -> None:
    with pytest.raises(ValueError, match="long key"):
        token("u", "acme", MESSAGE, 0, b"")
    assert read_token("u", token("u", "acme", MESSAGE, 0, KEY), keys_of(b"")) is None


@pytest.mark.parametrize("tag", ["", "Acme", "a" * 16, "a.b", "a\n"])
def test_a_tag_that_would_not_fit_an_address_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="tag"):
        token("u", tag, MESSAGE, 0, KEY)


def test_the_addresses_carry_a_token_and_nothing_else() -> None:
    links = Links("https://go.example.test", "acme", KEY)
    click = links.click(MESSAGE, 3).removeprefix("https://go.example.test/t/c/")
    opening = links.opening(MESSAGE).removeprefix("https://go.example.test/t/o/")
    opt_out = links.opt_out(MESSAGE).removeprefix("https://go.example.test/u/")
    assert read_token("c", click, keys_of(KEY)) == Link("acme", MESSAGE, 3)
    assert read_token("o", opening.removesuffix(".gif"), keys_of(KEY)) == Link("acme", MESSAGE, 0)
    assert read_token("u", opt_out, keys_of(KEY)) == Link("acme", MESSAGE, 0)


def test_a_key_of_the_least_length_is_enough() -> None:
    key = b"x" * KEY_BYTES_MIN
    assert read_token("o", token("o", "acme", MESSAGE, 0, key), keys_of(key))

"""The front door for submitted plans: bytes become JSON values, or the reasons why not."""

import json
import math
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice, takewhile
from typing import Any

import msgspec

from plans.pointer import pointer
from plans.schema.scalars import NUMBER_MAX, is_number
from plans.verify.report import Issue, issue

BYTES_MAX = 256 * 1024
DEPTH_MAX = 20
FAULTS_MAX = 20
"""Faults of one document that are worth telling."""
_DIGITS_MAX = len(str(NUMBER_MAX)) + 1
_KEY_MAX = 200
"""A fault below a longer field name is told of the object around it: answers stay short."""
_HOLDING = (dict, list)
_SIZED = (str, *_HOLDING)
_USUAL = (str, dict, list)
"""These and no kinds of them: an object with a key given twice is one to look at closely."""
_BROKEN = re.compile("[\x00\ud800-\udfff]")


class Submitted(msgspec.Struct, frozen=True):
    """A JSON value, or the issues because of which there is none."""

    document: Any = None
    issues: tuple[Issue, ...] = ()


class _Repeated(dict[str, Any]):
    """An object in which a key was given twice, kept until its place is known."""

    keys_twice: tuple[str, ...] = ()


def read_json(raw: bytes) -> Submitted:
    """The JSON value in the bytes, if it is small, flat and unambiguous enough to be a plan."""
    if len(raw) > BYTES_MAX:
        return _refused(f"{len(raw)} bytes; a plan has at most {BYTES_MAX}", "shorten the plan")
    try:
        document = json.loads(
            raw.decode(),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_constant=lambda _: math.nan,
        )
    except UnicodeDecodeError as error:
        return _refused(f"not UTF-8 at byte {error.start}", "send the plan as UTF-8")
    except RecursionError:
        return _refused(f"nested deeper than {DEPTH_MAX} levels", "flatten the plan")
    except ValueError as error:
        return _refused(f"not JSON: {error}", "send one JSON object")
    issues = tuple(faults(document))
    return Submitted(issues=issues) if issues else Submitted(document=document)


def is_too_large(document: object) -> bool:
    """Whether it has more values and characters than the bytes of a plan; looks at no more.

    Values that never were bytes may hold one another many times over, or themselves.
    """
    left, level = BYTES_MAX, [document]
    while level and left >= 0:
        left -= _size(level)
        level = _below(level) if left >= 0 else []
    return left < 0


def faults(document: object) -> Iterator[Issue]:
    """What no part of a plan may contain, whatever its field; the first of them."""
    if is_sound(document):
        return iter(())
    if is_too_large(document):
        told = f"more than the {BYTES_MAX} values and characters that a plan has at most"
        return iter((_fault("", told, "shorten the plan"),))
    return islice(_faults(document, ()), FAULTS_MAX)


def is_sound(document: object) -> bool:
    """Whether there is surely no fault: the usual case, in one quick walk from level to level.

    What is sound is not too large, and stays sound whatever is taken out of it.
    """
    left, level = BYTES_MAX, [document]
    for _ in range(DEPTH_MAX):
        texts = [value for value in level if type(value) is str]
        objects = [value for value in level if type(value) is dict]
        lists = [value for value in level if type(value) is list]
        left -= sum(map(len, chain(texts, objects, lists)))
        if left < 0 or _is_broken("".join(texts)):
            return False
        others = len(level) - len(texts) - len(objects) - len(lists)
        if others and not all(_is_value(value) for value in level if type(value) not in _USUAL):
            return False
        level = list(chain(*objects, *[held.values() for held in objects], *lists))
        if not level:
            return True
    return False  # too deep, or as deep as may be


def _is_broken(text: str) -> bool:
    return "\x00" in text if text.isascii() else bool(_BROKEN.search(text))


def _size(level: Iterable[object]) -> int:
    return sum([len(value) for value in level if isinstance(value, _SIZED)])


def _below(level: Iterable[object]) -> list[object]:
    holders = [value for value in level if isinstance(value, _HOLDING)]
    return list(chain.from_iterable(map(_inside, holders)))


def _inside(value: dict[Any, Any] | list[Any]) -> Iterable[object]:
    return chain(value, value.values()) if isinstance(value, dict) else value


def _is_sound_scalar(value: object) -> bool:
    return not _is_broken(value) if isinstance(value, str) else _is_value(value)


def _is_value(value: object) -> bool:
    return value is None or isinstance(value, bool) or is_number(value)


def _faults(value: object, parts: tuple[str | int, ...]) -> Iterator[Issue]:
    if isinstance(value, dict | list) and len(parts) >= DEPTH_MAX:
        yield _fault("", f"nested deeper than {DEPTH_MAX} levels", "flatten the plan")
    elif isinstance(value, dict):
        yield from _object_faults(value, parts)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults(item, (*parts, index))
    elif not _is_sound_scalar(value):
        yield _scalar_fault(value, parts)


def _object_faults(value: dict[Any, Any], parts: tuple[str | int, ...]) -> Iterator[Issue]:
    for key in value.keys_twice if isinstance(value, _Repeated) else ():
        yield _fault(_place(*parts, key), "the field is given twice", "give the field once")
    for key, item in value.items():
        if not isinstance(key, str) or _BROKEN.search(key):
            yield _fault(_place(*parts, key), "a field name with a broken character", "remove it")
        yield from _faults(item, (*parts, key))


def _scalar_fault(value: object, parts: tuple[str | int, ...]) -> Issue:
    place = _place(*parts)
    if isinstance(value, str):
        return _fault(place, "a NUL or half a surrogate pair", "remove the character")
    meaning = f"not a finite number between -{NUMBER_MAX} and {NUMBER_MAX}"
    return _fault(place, meaning, "give a smaller number, or text")


def _place(*parts: str | int) -> str:
    short = takewhile(lambda part: len(str(part)) <= _KEY_MAX, parts)
    return pointer(*short).encode("utf-8", "replace").decode()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    repeated = _Repeated(made)
    seen: set[str] = set()
    repeated.keys_twice = tuple(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add tells None, so that a first key is not kept
    return repeated


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= _DIGITS_MAX else math.inf


def _refused(message: str, mend: str) -> Submitted:
    return Submitted(issues=(_fault("", message, mend),))


def _fault(path: str, message: str, mend: str) -> Issue:
    return issue("E_VALUE", path, message, suggestion=mend)

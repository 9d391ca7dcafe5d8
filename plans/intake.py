"""The front door for submitted plans: bytes become JSON values, or the reasons why not."""

import json
import math
from collections.abc import Iterator
from itertools import islice
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


def faults(document: object) -> Iterator[Issue]:
    """What no part of a plan may contain, whatever its field; the first of them."""
    return islice(_faults(document, ()), FAULTS_MAX)


def _faults(value: object, parts: tuple[str | int, ...]) -> Iterator[Issue]:
    if isinstance(value, dict | list) and len(parts) >= DEPTH_MAX:
        yield _fault("", f"nested deeper than {DEPTH_MAX} levels", "flatten the plan")
    elif isinstance(value, dict):
        yield from _object_faults(value, parts)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults(item, (*parts, index))
    else:
        yield from _scalar_faults(value, parts)


def _object_faults(value: dict[str, Any], parts: tuple[str | int, ...]) -> Iterator[Issue]:
    for key in value.keys_twice if isinstance(value, _Repeated) else ():
        yield _fault(_place(*parts, key), "the field is given twice", "give the field once")
    for key, item in value.items():
        if not _is_clean(key):
            yield _fault(_place(*parts, key), "a field name with a broken character", "remove it")
        yield from _faults(item, (*parts, key))


def _scalar_faults(value: object, parts: tuple[str | int, ...]) -> Iterator[Issue]:
    if isinstance(value, str):
        if not _is_clean(value):
            yield _fault(_place(*parts), "a NUL or half a surrogate pair", "remove the character")
    elif value is not None and not isinstance(value, bool) and not is_number(value):
        meaning = f"not a finite number between -{NUMBER_MAX} and {NUMBER_MAX}"
        yield _fault(_place(*parts), meaning, "give a smaller number, or text")


def _is_clean(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _place(*parts: str | int) -> str:
    return pointer(*parts).encode("utf-8", "replace").decode()


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

"""The words, patterns and numbers of the plan language (plan-dsl.md 2 to 4), each said once."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any, Literal, get_args
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from domain import ids, taxonomy

NUMBER_MAX = 2**53 - 1
"""The largest number that every JSON reader keeps exactly."""
MINOR = 0
"""The newest minor version of DSL 1 that this release reads."""

NODE_ID = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"
WALL_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_DAYS = r"([0-9]{1,3}W([0-9]{1,3}D)?|[0-9]{1,3}D)"
_TIME = r"T([0-9]{1,4}H([0-9]{1,5}M)?([0-9]{1,6}S)?|[0-9]{1,5}M([0-9]{1,6}S)?|[0-9]{1,6}S)"
DURATION = rf"^P({_DAYS}({_TIME})?|{_TIME})$"
_IS_DURATION = re.compile(DURATION).fullmatch
CUSTOM_EVENT = r"^x_[a-z0-9_]{1,40}$"
_INSTANT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$"
)

EVENTS = (*taxonomy.Signal, *taxonomy.Synthetic)
"""Every event word of the language, real ones first."""
_EVENT_WORDS = frozenset(map(str, EVENTS))
SYNTHETIC = frozenset(map(str, taxonomy.Synthetic))
TIMERS = {"no_open": "PT72H", "no_click": "PT24H", "no_reply": "P3D", "no_accept": "P7D"}
"""When a timer without `after` fires, unless the plan says otherwise."""


def is_event(word: object) -> bool:
    """Whether the word is one of section 3 or a custom event."""
    return isinstance(word, str) and (
        word in _EVENT_WORDS or word in EVENTS or bool(re.fullmatch(CUSTOM_EVENT, word))
    )


def _word(*words: str) -> BeforeValidator:
    def check(value: object) -> object:
        if isinstance(value, str) and value in words:
            return value
        raise PydanticCustomError("word", "not one of the words of this field", {"words": words})

    return BeforeValidator(check)


def _matching(kind: str, holds: Callable[[str], bool], meaning: str) -> BeforeValidator:
    def check(value: object) -> str:
        if isinstance(value, str) and holds(value):
            return value
        raise PydanticCustomError(kind, "not {meaning}", {"meaning": meaning})

    return BeforeValidator(check)


@cache
def zones() -> frozenset[str]:
    """The names of all IANA zones that a plan may use: those with a slash, and UTC."""
    return frozenset(name for name in available_timezones() if "/" in name) | {"UTC"}


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _utc(text: str) -> datetime | None:
    if not re.fullmatch(_INSTANT, text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _in_utc(text: str) -> str:
    instant = _utc(text)
    assert instant is not None
    return instant.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _readable(version: str) -> str:
    if int(version.partition(".")[2]) > MINOR:
        raise PydanticCustomError("newer_minor", "newer than this release reads")
    return version


def whole(value: object) -> object:
    """A number without a fraction as an integer, at every level of a JSON value."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    return [whole(item) for item in value] if isinstance(value, list) else value


def is_number(value: object) -> bool:
    """Whether the value is a number that JSON can carry exactly; a boolean is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= NUMBER_MAX


def _scalar(value: object) -> object:
    if isinstance(value, str | bool) or is_number(value):
        return whole(value)
    raise PydanticCustomError("scalar", "not a string, number or boolean")


def _operand(value: object) -> object:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    if isinstance(value, list):
        raise PydanticCustomError("scalar", "not a list of strings")
    return _scalar(value)


NodeId = Annotated[ids.NodeId, Field(pattern=NODE_ID)]
WallTime = Annotated[str, Field(pattern=WALL_TIME)]
Duration = Annotated[
    str,
    Field(pattern=DURATION),
    _matching("duration", lambda text: bool(_IS_DURATION(text)), "a duration"),
]
TimeZone = Annotated[
    str,
    Field(pattern="^(UTC|[^/]+/.+)$"),
    _matching("timezone", lambda text: text in zones(), "an IANA zone name"),
]
EventName = Annotated[
    str,
    _matching("event", is_event, "an event"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": list(map(str, EVENTS))},
                {"type": "string", "pattern": CUSTOM_EVENT},
            ]
        }
    ),
]
Version = Annotated[str, Field(pattern=r"^1\.[0-9]{1,2}$"), AfterValidator(_readable)]
Day = Annotated[
    str,
    WithJsonSchema({"type": "string", "format": "date"}),
    _matching("date", _is_date, "a date YYYY-MM-DD"),
]
Instant = Annotated[
    str,
    WithJsonSchema({"type": "string", "format": "date-time"}),
    AfterValidator(_in_utc),
    _matching("instant", lambda text: _utc(text) is not None, "a date-time with offset"),
]
Visits = Annotated[int, Field(ge=1, le=10), BeforeValidator(whole)]
BusinessDays = Annotated[int, Field(ge=0, le=60), BeforeValidator(whole)]
Weight = Annotated[int, Field(ge=1, le=1000), BeforeValidator(whole)]
Sends = Annotated[int, Field(ge=1, le=30), BeforeValidator(whole)]
Scalar = Annotated[str | int | float | bool, BeforeValidator(_scalar)]
Operand = Annotated[str | int | float | bool | list[str], BeforeValidator(_operand)]
JsonObject = Annotated[dict[str, Any], AfterValidator(whole)]

_WeekdayWord = Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
Weekday = Annotated[_WeekdayWord, _word(*get_args(_WeekdayWord))]
_PlanOutcome = Literal[
    taxonomy.Outcome.COMPLETED,
    taxonomy.Outcome.CONVERTED,
    taxonomy.Outcome.REPLIED,
    taxonomy.Outcome.NOT_INTERESTED,
    taxonomy.Outcome.HANDED_OFF,
    taxonomy.Outcome.BOUNCED,
    taxonomy.Outcome.UNSUBSCRIBED,
    taxonomy.Outcome.NO_RESPONSE,
    taxonomy.Outcome.DISQUALIFIED,
]
OUTCOMES = tuple(map(str, get_args(_PlanOutcome)))
"""The outcomes that a plan may name; the engine alone gives the others."""
Outcome = Annotated[_PlanOutcome, _word(*OUTCOMES)]
Channel = Annotated[taxonomy.Channel, Field(strict=False), _word(*taxonomy.Channel)]
_OperatorWord = Literal[
    "eq", "ne", "in", "not_in", "contains", "exists", "not_exists", "gt", "gte", "lt", "lte"
]
Operator = Annotated[_OperatorWord, _word(*get_args(_OperatorWord))]
_AutoReplyWord = Literal["ignore", "defer", "exit"]
AutoReplyAction = Annotated[_AutoReplyWord, _word(*get_args(_AutoReplyWord))]
_IfPastWord = Literal["send", "skip"]
IfPast = Annotated[_IfPastWord, _word(*get_args(_IfPastWord))]
_TaskKindWord = Literal["call", "linkedin_manual", "email_manual", "review", "custom"]
TaskKind = Annotated[_TaskKindWord, _word(*get_args(_TaskKindWord))]

"""The parts of plan and nodes (plan-dsl.md 2.2 and 2.4); unknown fields are refused."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from typing_extensions import override

from domain import ids
from domain.taxonomy import Outcome as AnyOutcome
from plans.schema.scalars import (
    DURATION,
    TIMERS,
    AutoReplyAction,
    BusinessDays,
    Day,
    Duration,
    EventName,
    IfPast,
    Instant,
    NodeId,
    Operand,
    Operator,
    Outcome,
    Sends,
    WallTime,
    Weekday,
    Weight,
)

Timers = Annotated[
    dict[str, Duration],
    AfterValidator(lambda given: TIMERS | given),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {
                timer: {"type": "string", "pattern": DURATION, "default": default}
                for timer, default in TIMERS.items()
            },
            "additionalProperties": False,
        }
    ),
]


class Part(BaseModel):
    """Any part of a plan: camelCase on the wire, frozen, no coercion, nothing unknown."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, strict=True, serialize_by_alias=True
    )

    @override
    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """What is frozen is its own copy: a default is not taken apart for each plan."""
        return self


class QuietHours(Part):
    """No sends from `start` until `end`, wall time; may cross midnight."""

    start: WallTime
    end: WallTime


class Window(Part):
    """Sends only on these days from `start` until `end`."""

    days: list[Weekday] = Field(default=["MO", "TU", "WE", "TH", "FR"], min_length=1)
    start: WallTime = "09:00"
    end: WallTime = "18:00"


class Holidays(Part):
    """Closed days: dates, and names of the tenant's calendars."""

    dates: list[Day] = []
    calendars: list[str] = []


class Jitter(Part):
    """How much later than its due time a message goes out, at least and at most."""

    min: Duration = "PT6M"
    max: Duration = "PT16M"


class Defaults(Part):
    """When timers without `after` fire, and the jitter of all sends."""

    timers: Timers = TIMERS
    jitter: Jitter = Jitter()


class Limits(Part):
    """Bounds that the plan must be proven to keep."""

    max_sends: Sends = 10
    max_duration: Duration = "P60D"
    min_spacing: Duration = "PT12H"
    min_spacing_any: Duration = "PT15M"


class Goal(Part):
    """An event that ends the plan from anywhere."""

    on: EventName
    outcome: Outcome = AnyOutcome.CONVERTED


class AutoReply(Part):
    """What an out-of-office does."""

    action: AutoReplyAction = "defer"
    by: Duration = "P3D"


class Condition(Part):
    """One comparison of contact data, company data, counters or known facts."""

    field: str = Field(pattern=r"^(contact|company|state|facts)(\.[A-Za-z0-9_-]+){1,3}$")
    op: Operator
    value: Operand | None = None


class Guard(Part):
    """True when every `all` holds and `any` is empty or one of it holds."""

    all: list[Condition] = Field(default=[], max_length=8)
    any: list[Condition] = Field(default=[], max_length=8)


class Transition(Part):
    """A way out of a node; the first match in document order is taken."""

    on: EventName
    to: NodeId
    within: Duration | None = None
    after: Duration | None = None
    about: NodeId = ids.NodeId("anchor")
    url_contains: str | None = None
    when: Guard | None = None


class Message(Part):
    """The content of one message, as Liquid templates."""

    subject: str | None = Field(default=None, min_length=1, max_length=255, pattern=r"^[^\r\n]*$")
    html: str | None = None
    text: str | None = None
    preheader: str | None = None
    reply_to: NodeId | None = None
    track_opens: bool = True
    track_clicks: bool = True


class Variant(Part):
    """One content of an A/B test with its share of the draw."""

    id: str = Field(pattern="^[A-Za-z0-9_-]{1,16}$")
    weight: Weight = 1
    message: Message


class Schedule(Part):
    """When a message may go out, counted from the entry of its node."""

    delay: Duration = "PT0S"
    business_days: BusinessDays | None = None
    send_at: WallTime | None = None
    at: Instant | None = None
    if_past: IfPast = "send"
    window: Window | None = None
    jitter: Jitter | None = None

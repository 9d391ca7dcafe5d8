"""The nodes and the plan document, as plan-dsl.md 2.1 and 2.3 give them."""

from typing import Annotated, Literal

from pydantic import Field

from domain.taxonomy import Outcome as AnyOutcome
from plans.schema.parts import (
    AutoReply,
    Defaults,
    Goal,
    Guard,
    Holidays,
    Limits,
    Message,
    Part,
    QuietHours,
    Schedule,
    Transition,
    Variant,
    Window,
)
from plans.schema.scalars import (
    Channel,
    Duration,
    JsonObject,
    NodeId,
    Outcome,
    Scalar,
    TaskKind,
    TimeZone,
    Version,
    Visits,
    Weight,
)


class Place(Part):
    """What every node has."""

    id: NodeId
    name: str | None = None
    max_visits: Visits | None = None
    on_max_visits: NodeId | None = None


class Send(Place):
    """A message goes out, then its reactions are watched."""

    type: Literal["send"]
    channel: Channel
    message: Message | None = None
    variants: list[Variant] = Field(default=[], max_length=5)
    experiment: str | None = None
    sender: str | None = None
    schedule: Schedule = Schedule()
    send_if: Guard | None = None
    transitions: list[Transition] = Field(default=[], max_length=12)


class Wait(Place):
    """Watch a message already sent."""

    type: Literal["wait"]
    about: NodeId | None = None
    transitions: list[Transition] = Field(default=[], max_length=12)


class Case(Part):
    """A way out of a branch."""

    when: Guard
    to: NodeId


class Branch(Place):
    """Go on at once by the first true case."""

    type: Literal["branch"]
    cases: list[Case] = Field(min_length=1, max_length=8)
    otherwise: NodeId


class Arm(Part):
    """A way out of a split with its share of the draw."""

    id: str
    weight: Weight = 1
    to: NodeId


class Split(Place):
    """Go on at once by a draw that a replay repeats."""

    type: Literal["split"]
    arms: list[Arm] = Field(min_length=2, max_length=5)
    experiment: str | None = None


class Assignment(Part):
    """A field of contact or company data and its new value."""

    field: str = Field(pattern=r"^(contact|company)\.[A-Za-z0-9_]+$")
    value: Scalar


class Update(Place):
    """Change contact data and go on."""

    type: Literal["update"]
    set: list[Assignment] = Field(default=[])
    add_tags: list[str] = Field(default=[])
    remove_tags: list[str] = Field(default=[])
    next: NodeId


class Task(Place):
    """Work for a person; its end, or a timer, moves the plan."""

    type: Literal["task"]
    kind: TaskKind = "custom"
    title: str
    instructions: str | None = None
    assignee: str | None = None
    due: Duration = "P1D"
    transitions: list[Transition] = Field(default=[], max_length=12)


class Notify(Place):
    """Tell a person and go on."""

    type: Literal["notify"]
    to: str = "owner"
    text: str
    next: NodeId


class Webhook(Place):
    """Call a registered endpoint and go on."""

    type: Literal["webhook"]
    endpoint: str = Field(pattern="^[a-z0-9_-]{1,40}$")
    body: JsonObject = Field(default={})
    next: NodeId
    on_error: NodeId | None = None


class Stop(Place):
    """The end of the plan."""

    type: Literal["stop"]
    outcome: Outcome = AnyOutcome.COMPLETED


Node = Annotated[
    Send | Wait | Branch | Split | Update | Task | Notify | Webhook | Stop,
    Field(discriminator="type"),
]


class Plan(Part):
    """What happens to one contact in one campaign: an outreach plan, DSL 1.0."""

    version: Version = "1.0"
    timezone: TimeZone
    quiet_hours: QuietHours | None = None
    window: Window | None = None
    holidays: Holidays = Holidays()
    defaults: Defaults = Defaults()
    limits: Limits = Limits()
    goals: list[Goal] = Field(default=[Goal(on="meeting_booked")], max_length=5)
    auto_reply: AutoReply = AutoReply()
    start_node_id: NodeId
    nodes: list[Node] = Field(min_length=1, max_length=60)
    metadata: JsonObject = Field(default={})

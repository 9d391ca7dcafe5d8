"""The compiled plan as it runs: durations parsed, every default filled."""

from collections.abc import Mapping
from datetime import date
from hashlib import blake2b, sha256
from typing import Literal

import msgspec

from domain.ids import NodeId, StreamId
from domain.taxonomy import Channel, Outcome, Synthetic, TaskKind
from domain.timing import Duration, Hours, Jitter, Schedule

Scalar = str | int | float | bool


class Condition(msgspec.Struct, frozen=True, gc=False):
    """One comparison: a dotted field, a word of plan-dsl.md 2.4 and a value."""

    field: str
    op: str
    value: Scalar | tuple[str, ...] | None = None


class Guard(msgspec.Struct, frozen=True, gc=False):
    """True when every `all` holds and `any` is empty or one of it holds."""

    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()


class Transition(msgspec.Struct, frozen=True, gc=False):
    """A way out of a node; a timer makes the event when `synthetic` is set, `after` its start."""

    on: str
    to: NodeId
    within: Duration | None = None
    after: Duration | None = None
    about: str = "anchor"
    url_tag: str | None = None
    when: Guard | None = None
    synthetic: Synthetic | None = None


class Variant(msgspec.Struct, frozen=True, gc=False):
    """A content of a send node with its share of the draw."""

    id: str
    weight: int = 1


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What every node has: its id, and how often it may be entered, then where the token goes."""

    id: NodeId
    max_visits: int | None = None
    on_max_visits: NodeId | None = None


class Send(Place, frozen=True, kw_only=True):
    """A message goes out, then its reactions are watched."""

    channel: Channel
    schedule: Schedule
    hours: Hours
    jitter: Jitter
    variants: tuple[Variant, ...] = ()
    experiment: str = ""
    sender: str = ""
    send_if: Guard | None = None
    if_past: Literal["send", "skip"] = "send"
    transitions: tuple[Transition, ...] = ()


class Wait(Place, frozen=True, kw_only=True):
    """Watch a message already sent."""

    about: NodeId | None = None
    transitions: tuple[Transition, ...] = ()


class Branch(Place, frozen=True, kw_only=True):
    """Go on at once by the first true case."""

    cases: tuple[tuple[Guard, NodeId], ...]
    otherwise: NodeId


class Split(Place, frozen=True, kw_only=True):
    """Go on at once by a draw that a replay repeats; an arm is a variant with its way on."""

    arms: tuple[Variant, ...]
    ways: tuple[NodeId, ...]
    experiment: str = ""


class Update(Place, frozen=True, kw_only=True):
    """Change contact data and go on: dotted fields with their new values, tags to add and drop."""

    assigned: tuple[tuple[str, Scalar], ...] = ()
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    next: NodeId


class Task(Place, frozen=True, kw_only=True):
    """Work for a person; its end, an event or a timer moves the plan on."""

    kind: TaskKind = TaskKind.CUSTOM
    due: Duration = Duration()
    transitions: tuple[Transition, ...] = ()


class Notify(Place, frozen=True, kw_only=True):
    """Tell a person and go on."""

    next: NodeId


class Webhook(Place, frozen=True, kw_only=True):
    """Call a registered endpoint; with `on_error` the token waits for the answer."""

    endpoint: str
    next: NodeId
    on_error: NodeId | None = None


class Stop(Place, frozen=True, kw_only=True):
    """The end of the plan."""

    outcome: Outcome = Outcome.COMPLETED


Node = Send | Wait | Branch | Split | Update | Task | Notify | Webhook | Stop

WATCHING = Send | Wait | Task
"""Nodes at which the token waits for events and timers."""


class Limits(msgspec.Struct, frozen=True):
    """Bounds of the plan that the engine keeps as well."""

    max_sends: int
    max_duration: Duration
    min_spacing: Duration
    min_spacing_any: Duration


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A proven plan, ready to run; `url_tags`: each `urlContains` text and its tag in the log."""

    hash: str
    version: str
    zone: str
    start: NodeId
    nodes: Mapping[NodeId, Node]
    limits: Limits
    goals: tuple[tuple[str, Outcome], ...]
    auto_reply: Literal["ignore", "defer", "exit"]
    auto_reply_by: Duration
    holidays: tuple[date, ...] = ()
    url_tags: Mapping[str, str] = {}
    reads_contact: bool = False

    def goal(self, signal: str) -> Outcome | None:
        """The outcome that this signal ends the plan with, if it is a goal."""
        return next((outcome for on, outcome in self.goals if on == signal), None)


def forgotten(plan_hash: str) -> Plan:
    """What is left of a plan that was erased: a course that has ended asks for no more of it."""
    none = Duration()
    return Plan(
        hash=plan_hash,
        version="",
        zone="UTC",
        start=NodeId(""),
        nodes={},
        limits=Limits(0, none, none, none),
        goals=(),
        auto_reply="ignore",
        auto_reply_by=none,
    )


class Policy(msgspec.Struct, frozen=True):
    """What the tenant rules for all its plans (plan-dsl.md 14), as far as running needs it."""

    timer_grace_s: int = 120
    machine_events_count: bool = False


class Grounds(msgspec.Struct, frozen=True):
    """What a decision stands on besides the state.

    `subject` heads dedupe keys and draws; `values` has the dotted fields a guard may read of the
    contact's data now: `contact.x`, `company.x`; `revised` is the plan of a revision that was kept
    until the call under way has its outcome.
    """

    stream: StreamId
    plan: Plan
    subject: str
    values: Mapping[str, object] = {}
    policy: Policy = Policy()
    revised: Plan | None = None


def url_tag(text: str) -> str:
    """How the log knows a `urlContains` text: the first 8 hex digits of its SHA-256."""
    return sha256(text.encode()).hexdigest()[:8]


def draw(subject: str, experiment: str, weights: tuple[int, ...]) -> int:
    """The arm of this contact in this experiment: random over contacts, equal at every replay."""
    digest = blake2b(f"{subject}:{experiment}".encode(), digest_size=8).digest()
    rest = int.from_bytes(digest) % sum(weights)
    for arm, weight in enumerate(weights):
        rest -= weight
        if rest < 0:
            return arm
    raise AssertionError  # the remainder is below the sum of the weights

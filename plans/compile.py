"""From the canonical document to the plan as it runs: durations parsed, words typed, tags taken."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from domain.ids import NodeId
from domain.plan import (
    Branch,
    Condition,
    Guard,
    Limits,
    Node,
    Plan,
    Send,
    Stop,
    Transition,
    Variant,
    Wait,
    url_tag,
)
from domain.taxonomy import SYNTHETIC, Channel, Outcome, Synthetic
from domain.timing import (
    Duration,
    Hours,
    Jitter,
    QuietHours,
    Schedule,
    Window,
    parse_duration,
    parse_hhmm,
)

Document = Mapping[str, Any]
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class NotRunnable(Exception):
    """The plan asks for something that this release does not run; the pointer names the place."""

    def __init__(self, code: str, pointer: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.pointer = pointer


def compile_plan(document: Document, plan_hash: str) -> Plan:
    """The plan of a canonical document that was checked; raises NotRunnable."""
    if document["holidays"]["calendars"]:
        why = "calendars by name come with a later release; list the dates instead"
        raise NotRunnable("E_CALENDAR", "/holidays/calendars/0", why)
    days = frozenset(date.fromisoformat(day) for day in document["holidays"]["dates"])
    compiler = _Compiler(document, days)
    nodes = [compiler.node(index, node) for index, node in enumerate(document["nodes"])]
    limits = document["limits"]
    return Plan(
        hash=plan_hash,
        version=document["version"],
        zone=document["timezone"],
        start=NodeId(document["startNodeId"]),
        nodes={node.id: node for node in nodes},
        limits=Limits(
            max_sends=limits["maxSends"],
            max_duration=parse_duration(limits["maxDuration"]),
            min_spacing=parse_duration(limits["minSpacing"]),
            min_spacing_any=parse_duration(limits["minSpacingAny"]),
        ),
        goals=tuple((goal["on"], Outcome(goal["outcome"])) for goal in document["goals"]),
        auto_reply=document["autoReply"]["action"],
        auto_reply_by=parse_duration(document["autoReply"]["by"]),
        url_tags={text: url_tag(text) for text in sorted(set(_url_texts(document)))},
        reads_contact=any(_reads_contact(document["nodes"])),
    )


class _Compiler:
    """What the nodes of one plan have in common."""

    def __init__(self, document: Document, holidays: frozenset[date]) -> None:
        self.document = document
        self.holidays = holidays
        self.timers = document["defaults"]["timers"]

    def node(self, index: int, node: Document) -> Node:
        make = _NODES.get(node["type"])
        if make is None:
            why = f"this release does not run nodes of type {node['type']!r}"
            raise NotRunnable("E_NODE_TYPE", f"/nodes/{index}/type", why)
        if node["type"] == "send":
            self.sendable(index, node)
        return make(self, node)

    def sendable(self, index: int, node: Document) -> None:
        """Refuse what no provider could be asked to send."""
        if node["channel"] != Channel.EMAIL:
            why = f"no provider is set up for {node['channel']}; this release sends e-mail"
            raise NotRunnable("E_POLICY_LIMIT", f"/nodes/{index}/channel", why)
        if "message" not in node and not node["variants"]:
            raise NotRunnable("E_MESSAGE_MISSING", f"/nodes/{index}", "give a message or variants")
        jitter = self.jitter(node["schedule"])
        if jitter.min_s > jitter.max_s:
            place = f"/nodes/{index}/schedule" if "jitter" in node["schedule"] else "/defaults"
            raise NotRunnable("E_JITTER", f"{place}/jitter", "min is more than max")

    def jitter(self, schedule: Document) -> Jitter:
        return _jitter(schedule.get("jitter") or self.document["defaults"]["jitter"])

    def send(self, node: Document) -> Send:
        schedule = node["schedule"]
        variants = tuple(Variant(arm["id"], arm["weight"]) for arm in node["variants"])
        return Send(
            **_place(node),
            channel=Channel(node["channel"]),
            schedule=_schedule(schedule),
            hours=self.hours(schedule.get("window")),
            jitter=self.jitter(schedule),
            variants=variants,
            experiment=node.get("experiment", ""),
            sender=node.get("sender", ""),
            send_if=_guard(node.get("sendIf")),
            if_past=schedule["ifPast"],
            transitions=self.transitions(node),
        )

    def wait(self, node: Document) -> Wait:
        about = NodeId(node["about"]) if "about" in node else None
        return Wait(**_place(node), about=about, transitions=self.transitions(node))

    def branch(self, node: Document) -> Branch:
        cases = tuple(
            (_guard(case["when"]) or Guard(), NodeId(case["to"])) for case in node["cases"]
        )
        return Branch(**_place(node), cases=cases, otherwise=NodeId(node["otherwise"]))

    def stop(self, node: Document) -> Stop:
        return Stop(**_place(node), outcome=Outcome(node["outcome"]))

    def hours(self, window: Document | None) -> Hours:
        quiet = self.document.get("quietHours")
        return Hours(
            zone=self.document["timezone"],
            quiet=QuietHours(parse_hhmm(quiet["start"]), parse_hhmm(quiet["end"]))
            if quiet
            else None,
            window=_window(window or self.document.get("window")),
            holidays=self.holidays,
        )

    def transitions(self, node: Document) -> tuple[Transition, ...]:
        return tuple(self.transition(way) for way in node["transitions"])

    def transition(self, way: Document) -> Transition:
        synthetic = Synthetic(way["on"]) if way["on"] in SYNTHETIC else None
        after = way.get("after") or (self.timers.get(way["on"]) if synthetic else None)
        text = way.get("urlContains")
        return Transition(
            on=way["on"],
            to=NodeId(way["to"]),
            within=_duration(way.get("within")),
            after=_duration(after),
            about=way["about"],
            url_tag=None if text is None else url_tag(text),
            when=_guard(way.get("when")),
            synthetic=synthetic,
        )


_NODES: Mapping[str, Callable[[_Compiler, Document], Node]] = {
    "send": _Compiler.send,
    "wait": _Compiler.wait,
    "branch": _Compiler.branch,
    "stop": _Compiler.stop,
}


def _place(node: Document) -> dict[str, Any]:
    beyond = node.get("onMaxVisits")
    return {
        "id": NodeId(node["id"]),
        "max_visits": node.get("maxVisits"),
        "on_max_visits": NodeId(beyond) if beyond else None,
    }


def _schedule(schedule: Document) -> Schedule:
    at = schedule.get("at")
    send_at = schedule.get("sendAt")
    return Schedule(
        delay=parse_duration(schedule["delay"]),
        business_days=schedule.get("businessDays"),
        send_at=parse_hhmm(send_at) if send_at else None,
        at=datetime.fromisoformat(at) if at else None,
    )


def _jitter(jitter: Document) -> Jitter:
    low, high = parse_duration(jitter["min"]), parse_duration(jitter["max"])
    return Jitter(low.nominal_s, high.nominal_s)


def _window(window: Document | None) -> Window | None:
    if window is None:
        return None
    days = frozenset(_WEEKDAYS.index(day) for day in window["days"])
    return Window(days, parse_hhmm(window["start"]), parse_hhmm(window["end"]))


def _duration(text: str | None) -> Duration | None:
    return None if text is None else parse_duration(text)


def _guard(guard: Document | None) -> Guard | None:
    if guard is None:
        return None
    return Guard(
        all=tuple(_condition(condition) for condition in guard["all"]),
        any=tuple(_condition(condition) for condition in guard["any"]),
    )


def _condition(condition: Document) -> Condition:
    value = condition.get("value")
    kept = tuple(value) if isinstance(value, list) else value
    return Condition(condition["field"], condition["op"], kept)


def _url_texts(document: Document) -> Iterator[str]:
    for node in document["nodes"]:
        for way in node.get("transitions", ()):
            if "urlContains" in way:
                yield way["urlContains"]


def _reads_contact(value: object) -> Iterator[bool]:
    """Whether any guard below asks for the contact's data, which is then read for each decision."""
    if isinstance(value, Mapping):
        field = value.get("field")
        yield isinstance(field, str) and field.startswith(("contact.", "company."))
        for inner in value.values():
            yield from _reads_contact(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _reads_contact(inner)

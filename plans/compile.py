"""From the canonical document to the plan as it runs: durations parsed, words typed, tags taken."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from domain.ids import NodeId
from domain.plan import (
    Branch,
    Condition,
    Guard,
    Limits,
    Node,
    Notify,
    Plan,
    Send,
    Split,
    Stop,
    Task,
    Transition,
    Update,
    Variant,
    Wait,
    Webhook,
    url_tag,
)
from domain.taxonomy import SYNTHETIC, Channel, Outcome, Synthetic, TaskKind
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
_HOLDING = (dict, list)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def compile_plan(document: Document, plan_hash: str, holidays: Iterable[date] = ()) -> Plan:
    """The plan of a canonical document that has its shape and references (stages 1 to 3).

    `holidays` are the dates of the calendars that it names, as they were at its acceptance.
    """
    days = frozenset((*map(date.fromisoformat, document["holidays"]["dates"]), *holidays))
    compiler = _Compiler(document, days)
    nodes = [_NODES[node["type"]](compiler, node) for node in document["nodes"]]
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
        holidays=tuple(sorted(days)),
        url_tags={text: url_tag(text) for text in sorted(set(_url_texts(document)))},
        reads_contact=_reads_contact(document["nodes"]),
    )


class _Compiler:
    """What the nodes of one plan have in common."""

    def __init__(self, document: Document, holidays: frozenset[date]) -> None:
        self.document = document
        self.holidays = holidays
        self.timers = document["defaults"]["timers"]
        self.usual_hours = self._hours(document.get("window"))
        self.usual_jitter = _jitter(document["defaults"]["jitter"])

    def jitter(self, schedule: Document) -> Jitter:
        own = schedule.get("jitter")
        return _jitter(own) if own else self.usual_jitter

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

    def split(self, node: Document) -> Split:
        return Split(
            **_place(node),
            arms=tuple(Variant(arm["id"], arm["weight"]) for arm in node["arms"]),
            ways=tuple(NodeId(arm["to"]) for arm in node["arms"]),
            experiment=node.get("experiment", ""),
        )

    def update(self, node: Document) -> Update:
        return Update(
            **_place(node),
            assigned=tuple((each["field"], each["value"]) for each in node["set"]),
            add_tags=tuple(node["addTags"]),
            remove_tags=tuple(node["removeTags"]),
            next=NodeId(node["next"]),
        )

    def task(self, node: Document) -> Task:
        return Task(
            **_place(node),
            kind=TaskKind(node["kind"]),
            due=parse_duration(node["due"]),
            transitions=self.transitions(node),
        )

    def notify(self, node: Document) -> Notify:
        return Notify(**_place(node), next=NodeId(node["next"]))

    def webhook(self, node: Document) -> Webhook:
        on_error = node.get("onError")
        return Webhook(
            **_place(node),
            endpoint=node["endpoint"],
            next=NodeId(node["next"]),
            on_error=NodeId(on_error) if on_error else None,
        )

    def stop(self, node: Document) -> Stop:
        return Stop(**_place(node), outcome=Outcome(node["outcome"]))

    def hours(self, window: Document | None) -> Hours:
        return self._hours(window) if window else self.usual_hours

    def _hours(self, window: Document | None) -> Hours:
        quiet = self.document.get("quietHours")
        return Hours(
            zone=self.document["timezone"],
            quiet=QuietHours(parse_hhmm(quiet["start"]), parse_hhmm(quiet["end"]))
            if quiet
            else None,
            window=_window(window),
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
    "split": _Compiler.split,
    "update": _Compiler.update,
    "task": _Compiler.task,
    "notify": _Compiler.notify,
    "webhook": _Compiler.webhook,
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


def _reads_contact(value: object) -> bool:
    """Whether any guard below asks for the contact's data, which is then read for each decision."""
    pending = [value]
    for each in pending:
        inside: Iterable[object] = each if isinstance(each, list) else ()
        if isinstance(each, dict):
            field, inside = each.get("field"), each.values()
            if isinstance(field, str) and field.startswith(("contact.", "company.")):
                return True
        pending += [held for held in inside if type(held) in _HOLDING]
    return False

"""Random plan documents, from a seed: most are nearly provable, for those are worth a proof."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from random import Random  # noqa: TID251  # a test draws by a seed, not by the Rng port
from typing import Any

CHANNELS = ("email", "email", "email", "sms", "linkedin_invite", "linkedin_message")
HEARD: dict[str, tuple[str, ...]] = {
    "email": ("delivered", "opened", "clicked", "replied", "bounced", "deferred", "auto_replied"),
    "sms": ("delivered", "clicked", "replied", "bounced"),
    "linkedin_invite": ("invite_accepted", "replied"),
    "linkedin_message": ("replied",),
}
TIMERS: dict[str, tuple[str, ...]] = {
    "email": ("timeout", "no_reply", "no_open", "no_click"),
    "sms": ("timeout", "no_reply", "no_click"),
    "linkedin_invite": ("timeout", "no_reply", "no_accept"),
    "linkedin_message": ("timeout", "no_reply"),
}
OFFSETS = ("PT1S", "PT30M", "PT6H", "P1D", "PT36H", "P2D", "P3D", "P5D")
DELAYS = ("PT0S", "PT0S", "PT10M", "PT2H", "P1D", "P1DT6H", "P1W")
KINDS = ("send",) * 9 + ("wait",) * 3 + ("branch", "split", "task", "webhook", "update", "notify")
TEXT = "Hi, see https://harbor.example/offer. Reply STOP to end."


class Documents:
    """Draws documents; the same seed draws the same ones."""

    def __init__(self, seed: int, *, open_guards: bool = False) -> None:
        """With open guards no guard is settled by the plan alone: each may be true or false."""
        self.open_guards = open_guards
        self.rng = Random(seed)  # noqa: S311  # plans, no secrets

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def one(self, *given: Any) -> Any:
        return self.rng.choice(given)

    def document(self) -> dict[str, Any]:
        """A document of 2 to 8 nodes and a stop, whose first node sends."""
        names = [f"n{number}" for number in range(self.rng.randint(2, 8))]
        kinds = self.kinds(names)
        self.sends = [name for name in names if kinds[name] == "send"]
        self.channel = self.channels()
        nodes = [self.node(names, index, kinds[name]) for index, name in enumerate(names)]
        document = {
            "timezone": self.one("UTC", "America/Los_Angeles", "Australia/Lord_Howe"),
            "startNodeId": names[0],
            "limits": self.limits(),
            "defaults": {"jitter": self.one({"min": "PT0S", "max": "PT0S"}, {})},
            "nodes": _reached([*nodes, {"id": "end", "type": "stop"}]),
        }
        if self.chance(0.4):
            document["window"] = self.one(
                {}, {"days": ["TU", "FR"], "start": "10:00", "end": "11:30"}
            )
        if self.chance(0.3):
            document["quietHours"] = {"start": "21:00", "end": "07:30"}
        if self.chance(0.2):
            document["holidays"] = {"dates": ["2026-06-02", "2026-06-03", "2026-11-26"]}
        if self.chance(0.3):
            document["autoReply"] = {"action": self.one("ignore", "exit")}
        if self.chance(0.3):
            document["goals"] = [{"on": "x_bought", "outcome": "converted"}]
        return document

    def kinds(self, names: list[str]) -> dict[str, str]:
        return {name: self.one(*KINDS) for name in names} | {names[0]: "send"}

    def channels(self) -> dict[str, str]:
        drawn = {name: self.one(*CHANNELS) for name in self.sends}
        # one channel only is the usual plan
        return dict.fromkeys(self.sends, "email") if self.chance(0.6) else drawn

    def varied(self, document: dict[str, Any]) -> dict[str, Any]:
        """The same plan with other delays and other times for its events: a likely revision."""
        other: dict[str, Any] = deepcopy(document)
        for node in other["nodes"]:
            if "schedule" in node and self.chance(0.5):
                node["schedule"]["delay"] = self.one(*DELAYS)
            for way in node.get("transitions", ()):
                for bound in ("after", "within"):
                    if bound in way and self.chance(0.4):
                        way[bound] = self.one(*OFFSETS)
        return other

    def limits(self) -> dict[str, Any]:
        return {
            "maxSends": self.one(30, 30, 30, 6),
            "maxDuration": "P999D",
            "minSpacing": self.one("PT0S", "PT0S", "PT1H", "PT12H"),
            "minSpacingAny": self.one("PT0S", "PT0S", "PT15M"),
        }

    def node(self, names: list[str], index: int, kind: str) -> dict[str, Any]:
        node: dict[str, Any] = {"id": names[index], "type": kind}
        if self.chance(0.25):
            node |= {"maxVisits": self.rng.randint(1, 3), "onMaxVisits": "end"}
        following = [*names[index + 1 :], "end", "end"]
        self.targets = [*following, following[0], following[0], following[0]]
        if self.chance(0.3):
            self.targets += names[: index + 1]  # a way back
        made: dict[str, Any] = getattr(self, f"of_{kind}")(names[index])
        return node | made

    def to(self) -> str:
        target: str = self.one(*self.targets)
        return target

    # --- kinds ------------------------------------------------------------------------------------

    def of_send(self, name: str) -> dict[str, Any]:
        channel = self.channel[name]
        message = {"text": TEXT} | ({"subject": "Hello"} if channel == "email" else {})
        node: dict[str, Any] = {"channel": channel, "schedule": {"delay": self.one(*DELAYS)}}
        if self.chance(0.15):
            arms = [{"id": arm, "message": message} for arm in ("a", "b")]
            node["variants"] = arms
        else:
            node["message"] = message
        if self.chance(0.1):
            node["schedule"]["businessDays"] = self.rng.randint(1, 4)
        if self.chance(0.1):
            node["schedule"]["sendAt"] = "09:30"
        if self.chance(0.1):
            node["sendIf"] = self.guard()
        ways = self.ways(channel)
        if self.chance(0.1):
            ways.insert(0, {"on": "sent", "to": self.to()})
        if self.chance(0.25):
            ways.append({"on": self.one("send_failed", "send_skipped"), "to": self.to()})
        return node | {"transitions": ways}

    def of_wait(self, _: str) -> dict[str, Any]:
        about = self.one(*self.sends) if self.chance(0.3) else None
        channel = self.channel[about or self.sends[0]]
        return {"transitions": self.ways(channel)} | ({"about": about} if about else {})

    def of_branch(self, _: str) -> dict[str, Any]:
        cases = [{"when": self.guard(), "to": self.to()} for _ in range(self.rng.randint(1, 2))]
        return {"cases": cases, "otherwise": self.to()}

    def of_split(self, _: str) -> dict[str, Any]:
        return {"arms": [{"id": arm, "to": self.to()} for arm in ("x", "y")]}

    def of_task(self, _: str) -> dict[str, Any]:
        ways = [{"on": "task_done", "to": self.to()}]
        ways += [{"on": "task_skipped", "to": self.to()}] if self.chance(0.6) else []
        ways += [{"on": "timeout", "after": self.one(*OFFSETS), "to": self.to()}]
        return {"title": "Call Dana", "transitions": ways}

    def of_webhook(self, _: str) -> dict[str, Any]:
        error = {"onError": self.to()} if self.chance(0.6) else {}
        return {"endpoint": "crm", "next": self.to()} | error

    def of_update(self, _: str) -> dict[str, Any]:
        given = [{"field": "contact.stage", "value": self.one("hot", "cold")}]
        return {"set": given, "next": self.to()}

    def of_notify(self, _: str) -> dict[str, Any]:
        return {"text": "look", "next": self.to()}

    # --- ways -------------------------------------------------------------------------------------

    def ways(self, channel: str) -> list[dict[str, Any]]:
        """Up to three events, perhaps a timer that events may silence, mostly a sure one last."""
        words = [*HEARD[channel], "x_seen"]
        found = [self.way(self.one(*words)) for _ in range(self.rng.randint(0, 3))]
        if self.chance(0.3):
            found.append(self.timer(self.one(*TIMERS[channel]), self.one(*OFFSETS[:5])))
        if self.chance(0.85):
            found.append(self.timer(self.one("timeout", "no_reply"), self.one(*OFFSETS[3:])))
        return found

    def way(self, word: str) -> dict[str, Any]:
        to = "end" if word in ("bounced", "replied") and self.chance(0.8) else self.to()
        way: dict[str, Any] = {"on": word, "to": to}
        if self.chance(0.3):
            way["within"] = self.one(*OFFSETS[1:])
        if self.chance(0.15):
            way["after"] = self.one(*OFFSETS[:4])
        if self.chance(0.1):
            way["about"] = self.one("any", *self.sends)
        if word == "clicked" and self.chance(0.3):
            way["urlContains"] = "offer"
        if self.chance(0.1):
            way["when"] = self.guard()
        return way

    def timer(self, word: str, after: str) -> dict[str, Any]:
        guard = {"when": self.guard()} if self.chance(0.07) else {}
        return {"on": word, "to": self.to(), "after": after} | guard

    def guard(self) -> dict[str, Any]:
        send = self.one(*self.sends)
        if self.open_guards:
            return {"all": [{"field": "contact.stage", "op": "eq", "value": "hot"}]}
        condition = self.one(
            {"field": f"facts.{send}.opened", "op": "exists"},
            {"field": f"facts.{send}.replied", "op": "not_exists"},
            {"field": "state.sends", "op": "lt", "value": 3},
            {"field": f"state.visits.{send}", "op": "gte", "value": 2},
            {"field": "contact.stage", "op": "eq", "value": "hot"},
        )
        return {"all": [condition]}


def renamed(document: dict[str, Any]) -> dict[str, Any]:
    """The same plan with other names for its nodes: m0 for n0 and so on."""
    made: dict[str, Any] = json.loads(re.sub(r"\bn(\d)\b", r"m\1", json.dumps(document)))
    return made


def _reached(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The nodes that the first one leads to; what is said about others is said about the first."""
    by_id = {node["id"]: node for node in nodes}
    first = nodes[0]["id"]
    reached, ahead = {first}, [first]
    while ahead:
        new = set(_targets(by_id[ahead.pop()])) - reached
        reached |= new
        ahead += new
    sends = {node["id"] for node in nodes if node["type"] == "send"} & reached
    return [_renamed(node, sends, first) for node in nodes if node["id"] in reached]


def _targets(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("to", "next", "otherwise", "onError", "onMaxVisits"):
                yield item
            else:
                yield from _targets(item)
    elif isinstance(value, list):
        for item in value:
            yield from _targets(item)


def _renamed(value: Any, sends: set[str], first: str) -> Any:
    if isinstance(value, list):
        return [_renamed(item, sends, first) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: _renamed(item, sends, first) for key, item in value.items()}
    if made.get("about", "any") not in {*sends, "any"}:
        made["about"] = first
    owner, _, rest = str(made.get("field", "")).partition(".")
    send, dot, word = rest.partition(".") if owner == "facts" else rest[7:].partition(".")
    if (owner == "facts" or rest.startswith("visits.")) and send not in sends:
        made["field"] = f"facts.{first}{dot}{word}" if owner == "facts" else f"state.visits.{first}"
    return made

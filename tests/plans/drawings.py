"""What tests read from drawn plans: the room that boxes and labels take, and plans to draw."""

from typing import Any
from xml.etree import ElementTree as ET

from plans.graph import NOTHING, Marks, svg
from plans.schema import Plan
from plans.verify.check import check
from tests.plans.plan_cases import END, Json, plan

SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]


def shape(document: Json) -> Plan:
    found = check(document).plan
    assert found is not None
    return found


def drawn(model: Plan, marks: Marks = NOTHING) -> ET.Element:
    return ET.fromstring(svg(model, marks))  # noqa: S314  # our own drawing


def boxes(drawing: ET.Element) -> dict[str, Box]:
    """Left, top, right and bottom of every node."""
    found = {}
    for group in drawing.iter(f"{SVG}g"):
        name = group.get("data-node")
        if name is not None:
            found[name] = outline(group)
    return found


def outline(group: ET.Element) -> Box:
    rect, polygon = group.find(f"{SVG}rect"), group.find(f"{SVG}polygon")
    if rect is not None:
        x, y, width, height = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
        return x, y, x + width, y + height
    assert polygon is not None
    corners = [tuple(map(float, each.split(","))) for each in polygon.attrib["points"].split()]
    xs, ys = [each[0] for each in corners], [each[1] for each in corners]
    return min(xs), min(ys), max(xs), max(ys)


def apart(one: Box, other: Box) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def inside(inner: Box, outer: Box) -> bool:
    return (
        outer[0] <= inner[0]
        and outer[1] <= inner[1]
        and inner[2] <= outer[2]
        and inner[3] <= outer[3]
    )


def labels(drawing: ET.Element) -> list[Box]:
    """The room that the labels of edges take."""
    return [
        room(text)
        for group in drawing.iter(f"{SVG}g")
        if "edge" in group.get("class", "") and (text := group.find(f"{SVG}text")) is not None
    ]


def room(text: ET.Element) -> Box:
    x, y = float(text.attrib["x"]), float(text.attrib["y"])
    half = len(text.text or "") * 3.1
    left = x if text.get("text-anchor") == "start" else x - half
    return left, y - 10, left + 2 * half, y + 2


def texts(element: ET.Element) -> list[str]:
    return [each.text or "" for each in element.iter(f"{SVG}text")]


def wide_plan() -> dict[str, Any]:
    """Forty nodes with long edges, loops backwards and to themselves."""
    nodes: list[dict[str, Any]] = []
    for index in range(39):
        ways = [(index * 7 + 3) % 39, index + 1, index, 39]
        timers = [
            {"on": "timeout", "after": "P1D", "to": f"n{to}" if to < 39 else "end"} for to in ways
        ]
        nodes.append(
            {
                "id": f"n{index}",
                "type": "wait",
                "transitions": timers,
                "maxVisits": 2,
                "onMaxVisits": "end",
            }
        )
    return plan(*nodes, END)


def timer(to: str, on: str = "no_reply", after: str = "P3D") -> dict[str, Any]:
    return {"on": on, "after": after, "to": to}


def send(name: str, *transitions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    message = {"subject": f"About {name}", "text": "Hi"}
    node = {"id": name, "type": "send", "channel": "email", "message": message}
    return {**node, "transitions": list(transitions), **fields}


def journey() -> dict[str, Any]:
    """Twenty nodes of all nine kinds, with loops forwards, backwards and to themselves."""
    return plan(
        send(
            "intro",
            {"on": "clicked", "to": "hot"},
            {"on": "opened", "to": "look"},
            timer("ab", "no_open", "P2D"),
        ),
        {
            "id": "look",
            "type": "wait",
            "about": "intro",
            "transitions": [
                {"on": "clicked", "to": "hot"},
                {"on": "replied", "to": "answer"},
                timer("ab"),
            ],
        },
        {
            "id": "ab",
            "type": "split",
            "arms": [
                {"id": "A", "weight": 60, "to": "bump_a"},
                {"id": "B", "weight": 40, "to": "bump_b"},
            ],
        },
        send("bump_a", timer("role"), {"on": "clicked", "urlContains": "cal.test", "to": "call"}),
        send("bump_b", timer("role")),
        {
            "id": "role",
            "type": "branch",
            "cases": [
                {
                    "when": {"all": [{"field": "contact.title", "op": "contains", "value": "VP"}]},
                    "to": "invite",
                }
            ],
            "otherwise": "weekly",
        },
        {
            "id": "invite",
            "type": "send",
            "channel": "linkedin_invite",
            "message": {},
            "transitions": [
                {"on": "invite_accepted", "to": "chat"},
                timer("weekly", "no_accept", "P7D"),
            ],
        },
        send("chat", timer("call"), channel="linkedin_message", message={"text": "Hi"}),
        send(
            "weekly",
            {"on": "clicked", "to": "hot"},
            timer("weekly", "no_reply", "P7D"),
            timer("role", "timeout", "P30D"),
            maxVisits=4,
            onMaxVisits="breakup",
        ),
        {
            "id": "hot",
            "type": "update",
            "set": [{"field": "contact.stage", "value": "hot"}],
            "addTags": ["hot"],
            "removeTags": ["cold"],
            "next": "tell",
        },
        {"id": "tell", "type": "notify", "text": "{{ contact.first_name }} clicked", "next": "crm"},
        {"id": "crm", "type": "webhook", "endpoint": "crm", "next": "call", "onError": "review"},
        {
            "id": "review",
            "type": "task",
            "kind": "review",
            "title": "The CRM did not answer",
            "transitions": [{"on": "task_done", "to": "call"}, timer("call", "timeout")],
        },
        {
            "id": "call",
            "type": "task",
            "kind": "call",
            "title": "Call {{ contact.first_name }}",
            "transitions": [{"on": "task_done", "to": "done"}, timer("later", "timeout")],
            "maxVisits": 2,
            "onMaxVisits": "none",
        },
        {
            "id": "later",
            "type": "wait",
            "transitions": [{"on": "clicked", "to": "call"}, timer("breakup", "timeout", "P6D")],
        },
        send("breakup", timer("none"), {"on": "replied", "to": "answer"}),
        {
            "id": "answer",
            "type": "task",
            "title": "Answer",
            "transitions": [{"on": "task_done", "to": "replied"}, timer("replied", "timeout")],
        },
        {"id": "done", "type": "stop", "outcome": "handed_off"},
        {"id": "replied", "type": "stop", "outcome": "replied"},
        {"id": "none", "type": "stop", "outcome": "no_response"},
    )

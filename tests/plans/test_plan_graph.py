import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from plans.graph import mermaid, svg
from plans.schema import Plan
from plans.verify.check import check
from tests.plans.plan_cases import DATA, END, EXAMPLES, Json, files, mail, plan, read

SVG = "{http://www.w3.org/2000/svg}"
PLANS = files(DATA / "valid") + files(EXAMPLES)
Box = tuple[float, float, float, float]


def shape(document: Json) -> Plan:
    found = check(document).plan
    assert found is not None
    return found


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


def labels(drawing: ET.Element) -> list[Box]:
    """The room that the labels of edges take."""
    found = []
    for group in drawing.iter(f"{SVG}g"):
        text = group.find(f"{SVG}text")
        if "edge" in group.get("class", "") and text is not None:
            x, y, half = (
                float(text.attrib["x"]),
                float(text.attrib["y"]),
                len(text.text or "") * 3.1,
            )
            left = x if text.get("text-anchor") == "start" else x - half
            found.append((left, y - 10, left + 2 * half, y + 2))
    return found


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


CASES = [pytest.param(read(path), id=path.stem) for path in PLANS] + [
    pytest.param(wide_plan(), id="wide"),
    pytest.param(plan(END), id="single"),
]


@pytest.mark.parametrize("document", CASES)
def test_nothing_that_is_written_overlaps(document: Json) -> None:
    model = shape(document)
    drawing = ET.fromstring(svg(model))  # noqa: S314  # our own drawing
    taken = [*boxes(drawing).values(), *labels(drawing)]
    assert len(boxes(drawing)) == len(model.nodes)
    for index, one in enumerate(taken):
        assert all(apart(one, other) for other in taken[:index])


@pytest.mark.parametrize("document", CASES)
def test_everything_is_inside_the_picture(document: Json) -> None:
    drawing = ET.fromstring(svg(shape(document)))  # noqa: S314  # our own drawing
    width, height = float(drawing.attrib["width"]), float(drawing.attrib["height"])
    for left, top, right, bottom in [*boxes(drawing).values(), *labels(drawing)]:
        assert left >= 0
        assert top >= 0
        assert right <= width
        assert bottom <= height


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_every_edge_is_drawn_with_its_label(path: Path) -> None:
    model = shape(read(path))
    drawing = ET.fromstring(svg(model))  # noqa: S314  # our own drawing
    groups = [each for each in drawing.iter(f"{SVG}g") if "edge" in each.get("class", "")]
    arrows = [each for each in drawing.iter(f"{SVG}path") if each.get("marker-end")]
    ways = len(re.findall(r'"to"|"otherwise"|"next"|"onMaxVisits"', path.read_text()))
    assert len(groups) == ways
    assert len(arrows) == ways + 1  # the mark of the start has one too


def test_a_node_stands_above_what_it_leads_to() -> None:
    drawing = ET.fromstring(svg(shape(read(EXAMPLES / "two_step.json"))))  # noqa: S314  # our own
    rows = boxes(drawing)
    assert rows["intro"][3] < rows["follow_up"][1] < rows["no_answer"][1]


def test_text_of_the_plan_cannot_become_markup() -> None:
    evil = '"]<script>alert(1)</script>&\x01\u202e'
    model = shape(plan(mail(name=evil, message={"subject": evil, "text": "x"}), END))
    drawing = svg(model)
    assert "<script" not in drawing
    assert "\x01" not in drawing
    ET.fromstring(drawing)  # noqa: S314  # our own drawing
    assert "<script" not in mermaid(model)
    assert mermaid(model).count('"') == 2 * (len(model.nodes) + 1)


def test_a_plan_with_a_dangling_reference_is_still_drawn() -> None:
    model = shape(plan(mail(transitions=[{"on": "no_reply", "to": "gone"}]), END, startNodeId="x"))
    assert len(boxes(ET.fromstring(svg(model)))) == 2  # noqa: S314  # our own drawing
    assert "gone" not in mermaid(model)


def test_long_and_wide_titles_are_cut() -> None:
    model = shape(plan(mail(name="長" * 200), END))
    drawing = ET.fromstring(svg(model))  # noqa: S314  # our own drawing
    assert float(drawing.attrib["width"]) < 400


def test_mermaid_tells_nodes_edges_and_timers() -> None:
    assert mermaid(shape(plan())) == (
        "flowchart TD\n"
        '  n0["send · email<br/>mail<br/>Hello"]:::send\n'
        '  n1(["stop<br/>end<br/>completed"]):::stop\n'
        '  n0 -.->|"no reply after P3D"| n1\n'
    )

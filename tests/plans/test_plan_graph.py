from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from plans.graph import mermaid, svg
from tests.plans.drawings import SVG, apart, boxes, drawn, journey, labels, shape, texts, wide_plan
from tests.plans.plan_cases import DATA, END, EXAMPLES, Json, files, mail, plan, read

PLANS = files(DATA / "valid") + files(EXAMPLES)

CASES = [pytest.param(read(path), id=path.stem) for path in PLANS] + [
    pytest.param(wide_plan(), id="wide"),
    pytest.param(journey(), id="journey"),
    pytest.param(plan(END), id="single"),
]


@pytest.mark.parametrize("document", CASES)
def test_nothing_that_is_written_overlaps(document: Json) -> None:
    model = shape(document)
    drawing = drawn(model)
    taken = [*boxes(drawing).values(), *labels(drawing)]
    assert len(boxes(drawing)) == len(model.nodes)
    for index, one in enumerate(taken):
        assert all(apart(one, other) for other in taken[:index])


@pytest.mark.parametrize("document", CASES)
def test_everything_is_inside_the_picture(document: Json) -> None:
    drawing = drawn(shape(document))
    width, height = float(drawing.attrib["width"]), float(drawing.attrib["height"])
    for left, top, right, bottom in [*boxes(drawing).values(), *labels(drawing)]:
        assert left >= 0
        assert top >= 0
        assert right <= width
        assert bottom <= height


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_every_edge_is_drawn_with_its_label(path: Path) -> None:
    model = shape(read(path))
    drawing = drawn(model)
    groups = [each for each in drawing.iter(f"{SVG}g") if "edge" in each.get("class", "")]
    arrows = [each for each in drawing.iter(f"{SVG}path") if each.get("marker-end")]
    nodes = model.model_dump(by_alias=True, exclude_none=True)["nodes"]
    ways = sum(
        len(node.get("transitions", node.get("cases", node.get("arms", []))))
        + len({"otherwise", "next", "onError", "onMaxVisits"} & set(node))
        for node in nodes
    )
    assert len(groups) == ways
    assert len(arrows) == ways + 1  # the mark of the start has one too


def test_a_node_stands_above_what_it_leads_to() -> None:
    drawing = drawn(shape(read(EXAMPLES / "two_step.json")))
    rows = boxes(drawing)
    assert rows["intro"][3] < rows["follow_up"][1] < rows["no_answer"][1]


def test_every_kind_of_node_has_its_own_words() -> None:
    drawing = drawn(shape(journey()))
    written = {group.get("data-node"): texts(group) for group in drawing.iter(f"{SVG}g")}
    assert written["intro"] == ["SEND · EMAIL", "intro", "About intro"]
    assert written["look"] == ["WAIT", "look", "for intro"]
    assert written["role"] == ["BRANCH", "role", "2 ways"]
    assert written["ab"] == ["SPLIT", "ab", "2 arms at random"]
    assert written["hot"] == ["UPDATE", "hot", "contact.stage, +hot, -cold"]
    assert written["call"] == ["TASK · CALL", "call", "Call {{ contact.first_name }}"]
    assert written["tell"] == ["NOTIFY · OWNER", "tell", "{{ contact.first_name }} clicked"]
    assert written["crm"] == ["WEBHOOK", "crm", "crm"]
    assert written["done"] == ["STOP", "done", "handed off"]


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
    assert len(boxes(drawn(model))) == 2
    assert "gone" not in mermaid(model)


def test_long_and_wide_titles_are_cut() -> None:
    model = shape(plan(mail(name="長" * 200), END))
    drawing = drawn(model)
    assert float(drawing.attrib["width"]) < 400


def test_mermaid_tells_nodes_edges_and_timers() -> None:
    assert mermaid(shape(plan())) == (
        "flowchart TD\n"
        '  n0["send · email<br/>mail<br/>Hello"]:::send\n'
        '  n1(["stop<br/>end<br/>completed"]):::stop\n'
        '  n0 -.->|"no reply after P3D"| n1\n'
    )

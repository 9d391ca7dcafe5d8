"""Marks in drawings: worst path, counterexample, faulty places, counts."""

from typing import Any

import pytest

from domain.ids import NodeId
from plans.graph import NOTHING, Marks, marks_of, mermaid, svg
from plans.graph.marking import COLOURS, marking
from plans.graph.routes import ways_of
from plans.schema import Plan
from plans.verify.check import check
from plans.verify.report import Issue, Report, issue
from tests.plans.drawings import (
    SVG,
    apart,
    boxes,
    drawn,
    inside,
    journey,
    labels,
    outline,
    room,
    shape,
    texts,
)
from tests.plans.plan_cases import END, mail, plan

JOURNEY = shape(journey())
SENDS = ("intro", "bump_a", "invite", "weekly", "weekly", "breakup")


def ids(*names: str) -> tuple[NodeId, ...]:
    return tuple(map(NodeId, names))


WORST = Marks(worst=ids(*SENDS))
REFUTED = Marks(
    counterexample=ids("intro", "look", "hot"),
    refuted="E_MAX_SENDS",
    faulty={
        "/limits/maxSends": "E_MAX_SENDS",
        "/nodes/8": "E_STUCK, E_SPACING",
        "/nodes/0/transitions/1": "E_SPACING",
        "/nodes/8/transitions/1/on": "E_NO_LINK",
    },
)
COUNTED = Marks(
    node_counts={NodeId("intro"): 1200, NodeId("done"): 7},
    edge_counts={
        (NodeId("intro"), 0): 300,
        (NodeId("intro"), "/transitions/2/to"): 900,
        (NodeId("ab"), "/arms/0/to"): 12,
        (NodeId("crm"), "/next"): 1,
    },
)
ALL = [
    pytest.param(WORST, id="worst"),
    pytest.param(REFUTED, id="refuted"),
    pytest.param(COUNTED, id="counted"),
]


def accepted(**facts: Any) -> Report:
    return Report(ok=True, facts=facts)


def refused(*issues: Issue) -> Report:
    return Report(ok=False, issues=issues)


def tags(model: Plan, marks: Marks) -> dict[str, list[str]]:
    """The tags that are written into the box of each node that has any."""
    return {
        name: [text for each in group.iter(f"{SVG}g") if each is not group for text in texts(each)]
        for group in drawn(model, marks).iter(f"{SVG}g")
        if (name := group.get("data-node")) and group.find(f"{SVG}g") is not None
    }


def marked_edges(model: Plan, marks: Marks) -> list[tuple[str, str]]:
    """Node and path of the edges that a path or an error marks."""
    ways = ways_of(model)
    traces = marking(model, ways, marks).traces
    return [
        (model.nodes[way.source].id, way.edge.path)
        for way, trace in zip(ways, traces, strict=True)
        if trace.kind
    ]


@pytest.mark.parametrize("marks", ALL)
def test_nothing_overlaps_or_leaves_the_picture_with_marks(marks: Marks) -> None:
    drawing = drawn(JOURNEY, marks)
    taken = [*boxes(drawing).values(), *labels(drawing)]
    legend = [
        room(text)
        for group in drawing.iter(f"{SVG}g")
        if group.get("class") == "legend"
        for text in group.iter(f"{SVG}text")
    ]
    width, height = float(drawing.attrib["width"]), float(drawing.attrib["height"])
    assert legend
    for index, one in enumerate([*taken, *legend]):
        assert inside(one, (0, 0, width, height))
        assert all(apart(one, other) for other in taken[:index])


@pytest.mark.parametrize("marks", ALL)
def test_tags_are_inside_their_box(marks: Marks) -> None:
    found = 0
    for group in drawn(JOURNEY, marks).iter(f"{SVG}g"):
        if group.get("data-node"):
            for pill in group.iterfind(f"{SVG}g/{SVG}rect"):
                x, y, width, height = (
                    float(pill.attrib[key]) for key in ("x", "y", "width", "height")
                )
                assert inside((x, y, x + width, y + height), outline(group))
                found += 1
    assert found > 1


def test_the_worst_path_is_numbered_through_the_nodes_between() -> None:
    assert tags(JOURNEY, WORST) == {
        "intro": ["◆ worst 1"],
        "ab": ["◆ worst 2"],
        "bump_a": ["◆ worst 3"],
        "role": ["◆ worst 4"],
        "invite": ["◆ worst 5"],
        "weekly": ["◆ worst 6, 7"],
        "breakup": ["◆ worst 8"],
    }
    assert marked_edges(JOURNEY, WORST) == [
        ("intro", "/transitions/2/to"),
        ("ab", "/arms/0/to"),
        ("bump_a", "/transitions/0/to"),
        ("role", "/cases/0/to"),
        ("invite", "/transitions/1/to"),
        ("weekly", "/transitions/1/to"),
        ("weekly", "/onMaxVisits"),
    ]


def test_a_worst_path_begins_where_the_plan_begins() -> None:
    first = {"id": "first", "type": "notify", "text": "x", "next": "mail"}
    model = shape(plan(first, mail(), END))
    assert list(tags(model, Marks(worst=ids("mail")))) == ["first", "mail"]
    assert list(tags(model, Marks(counterexample=ids("mail")))) == ["mail"]


def test_faulty_places_carry_their_codes() -> None:
    assert tags(JOURNEY, REFUTED)["weekly"] == ["✖ E_STUCK, E_SPACING"]
    told = texts(drawn(JOURNEY, REFUTED))
    assert "✖ E_SPACING: ▲ opened" in told
    assert "✖ E_NO_LINK: no reply after P7D" in told
    assert "E_MAX_SENDS at /limits/maxSends" in told


def test_of_two_edges_between_the_same_nodes_the_faulty_one_is_the_counterexample() -> None:
    ways = [{"on": "clicked", "to": "end"}, {"on": "no_reply", "to": "end"}]
    model = shape(plan(mail(transitions=ways), END))
    path = ids("mail", "end")
    faulty = {"/nodes/0/transitions/1": "E_SPACING"}
    assert len(marked_edges(model, Marks(counterexample=path))) == 2
    assert marked_edges(model, Marks(counterexample=path, faulty=faulty)) == [
        ("mail", "/transitions/1/to")
    ]


def test_an_error_in_an_edge_that_is_not_drawn_is_told_in_its_node() -> None:
    document = plan(mail(transitions=[{"on": "no_reply", "to": "gone"}]), END)
    found = check(document)
    assert found.plan is not None
    assert tags(found.plan, marks_of(found.report)) == {"mail": ["✖ E_TARGET_UNKNOWN"]}


def test_counts_are_written_on_edges_and_boxes_and_make_arrows_wide() -> None:
    counts = tags(JOURNEY, COUNTED)
    assert counts.pop("intro") == ["1,200 came"]
    assert counts.pop("done") == ["7 came"]
    assert set(map(tuple, counts.values())) == {("0 came",)}
    drawing = drawn(JOURNEY, COUNTED)
    told = texts(drawing)
    assert "clicked · 300" in told
    assert "no open after P2D · 900" in told
    assert "A: 60 of 100 · 12" in told
    assert "B: 40 of 100 · 0" in told
    widths = [
        [float(line.attrib["stroke-width"]) for line in group.iter(f"{SVG}path")]
        for group in drawing.iter(f"{SVG}g")
        if "edge" in group.get("class", "")
    ]
    assert max(widths[2]) > max(widths[0]) > max(widths[1]) == min(map(min, widths))


def test_ids_that_the_plan_does_not_have_are_passed_over() -> None:
    marks = Marks(
        worst=ids("gone", "intro"),
        counterexample=ids("gone"),
        faulty={"/nodes/99/id": "E_STUCK"},
        edge_counts={(NodeId("gone"), 0): 0},
    )
    assert tags(JOURNEY, marks) == {"intro": ["◆ worst 1"]}
    assert "E_STUCK at /nodes/99/id" in texts(drawn(JOURNEY, marks))


def test_without_marks_there_is_neither_legend_nor_number() -> None:
    assert "legend" not in svg(JOURNEY)
    assert "legend" not in mermaid(JOURNEY)
    assert "linkStyle" not in mermaid(JOURNEY)


@pytest.mark.parametrize("by", ["sends", "duration"])
def test_the_worst_path_is_the_one_asked_for(by: Any) -> None:
    report = accepted(maxSendsPath=["a", "b"], maxDurationPath=["c"])
    assert marks_of(report, by) == Marks(
        worst=ids("a", "b") if by == "sends" else ids("c"), worst_by=by
    )


def test_facts_with_one_path_have_that_one_marked() -> None:
    assert marks_of(accepted(maxSendsPath=["a"]), "duration") == Marks(worst=ids("a"))
    assert marks_of(accepted()) == NOTHING


def test_the_counterexample_is_that_of_the_first_error_that_has_one() -> None:
    marks = marks_of(
        refused(
            issue("E_STUCK", "/nodes/0", "x", witness={"events": []}),
            issue("E_SPACING", "/nodes/0", "x"),
            issue("E_MAX_SENDS", "/limits/maxSends", "x", witness={"path": ["a", "b"]}),
            issue("E_SEND_AFTER_REPLY", "/nodes/1", "x", witness={"nodes": ["c"]}),
            issue("W_OPEN_UNRELIABLE", "/nodes", "x", witness={"nodes": ["d"]}),
        )
    )
    assert marks.counterexample == ids("a", "b")
    assert marks.refuted == "E_MAX_SENDS"
    assert marks.faulty == {
        "/nodes/0": "E_STUCK, E_SPACING",
        "/limits/maxSends": "E_MAX_SENDS",
        "/nodes/1": "E_SEND_AFTER_REPLY",
    }


def test_an_endless_loop_is_marked_all_round() -> None:
    back = mail(id="back", transitions=[{"on": "no_reply", "to": "mail"}])
    document = plan(mail(transitions=[{"on": "no_reply", "to": "back"}]), back, END)
    loop = {"id": "out", "type": "notify", "text": "x", "next": "end"}
    document["nodes"][0]["transitions"].append({"on": "clicked", "to": "out"})
    document["nodes"].append(loop)
    found = check(document)
    assert [each.code for each in found.report.issues] == ["E_LOOP_UNBOUNDED"]
    assert found.plan is not None
    marks = marks_of(found.report)
    assert marks.counterexample == ids("mail", "back", "mail")
    assert ("back", "/transitions/0/to") in marked_edges(found.plan, marks)


def test_mermaid_tells_marks_in_words_and_by_wide_lines() -> None:
    marks = Marks(worst=ids("mail", "end"), edge_counts={(NodeId("mail"), 0): 40})
    assert mermaid(shape(plan()), marks) == (
        "flowchart TD\n"
        '  n0["send · email<br/>mail<br/>Hello<br/>#9670; worst 1"]:::send\n'
        '  n1(["stop<br/>end<br/>completed<br/>#9670; worst 2"]):::stop\n'
        '  n0 -.->|"#9670; no reply after P3D · 40"| n1\n'
        '  legend["#9670; the way with the most sends, in order<br/>'
        'in a box: how many came#59; on an arrow: how many went that way"]\n'
        "  style n0 stroke:#c2338f,stroke-width:3px\n"
        "  style n1 stroke:#c2338f,stroke-width:3px\n"
        "  linkStyle 0 stroke:#c2338f,stroke-width:6px\n"
    )


@pytest.mark.parametrize("colour", sorted(set(COLOURS.values())))
def test_marks_have_contrast_on_light_and_dark_pages(colour: str) -> None:
    assert contrast(colour, "#ffffff") >= 4.5  # white words on it, and it on a white page
    assert contrast(colour, "#14181c") >= 3


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""
    lower, upper = sorted((luminance(one), luminance(other)))
    return (upper + 0.05) / (lower + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

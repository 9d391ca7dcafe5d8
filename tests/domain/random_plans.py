"""Random plans of every kind of node, wired at random; some way always leads on."""

from datetime import timedelta

from hypothesis import strategies as st
from msgspec.structs import replace

from domain.ids import NodeId
from domain.plan import Node, Plan, Send, Transition
from domain.taxonomy import Channel, Outcome
from domain.timing import Window
from tests.domain.building import (
    T0,
    branch,
    field,
    notify,
    on,
    plan,
    send,
    split,
    stop,
    task,
    update,
    wait,
    webhook,
)

RESTING = ["s1", "s2", "s3", "w1", "w2", "t1", "t2", "h2", "end"]
"""Where the token stays for a while: so not every circle runs on for ever at one instant."""
TARGETS = [*RESTING, "b1", "p1", "u1", "n1", "h1"]
words = st.sampled_from(["opened", "clicked", "replied", "bounced", "auto_replied", "x_demo"])
task_words = st.sampled_from(["task_done", "task_skipped"])
outcome_words = st.sampled_from(["sent", "send_failed", "send_skipped"])
timer_words = st.sampled_from(["no_open", "no_click", "no_reply", "timeout"])
delays = st.sampled_from(["PT0S", "PT1M", "PT1H", "P1D", "P3D"])
waits = st.sampled_from(["PT1M", "PT1H", "P1D", "P3D"])
guards = st.none() | st.sampled_from(
    [
        field("facts.s1.opened", "exists"),
        field("state.sends", "lt", 2),
        field("state.visits.s2", "eq", 0),
        field("contact.tags", "contains", "warm"),
    ]
)
X_IS_A_GOAL = [("x_demo", Outcome.CONVERTED)]
targets = st.sampled_from(TARGETS)
resting = st.sampled_from(RESTING)
abouts = st.sampled_from(["anchor", "any", "s1"])


@st.composite
def ways(draw: st.DrawFn, *, of_send: bool = False, of_task: bool = False) -> list[Transition]:
    """Some transitions, and at last a way out by time."""
    made = [
        on(
            draw(words),
            draw(targets),
            after=draw(st.none() | delays),
            within=draw(st.none() | delays),
            about=draw(abouts),
            url=draw(st.none() | st.just("/pricing")),
            when=draw(guards),
        )
        for _ in range(draw(st.integers(0, 2)))
    ]
    if of_send and draw(st.booleans()):
        made.append(on(draw(outcome_words), draw(targets), when=draw(guards)))
    if of_task and draw(st.booleans()):
        made.append(on(draw(task_words), draw(targets), when=draw(guards)))
    if draw(st.booleans()):
        made.append(on(draw(timer_words), draw(targets), after=draw(waits), when=draw(guards)))
    return [*made, on("timeout", draw(targets), after=draw(waits))]


@st.composite
def sends(draw: st.DrawFn, name: str) -> Send:
    return send(
        name,
        *draw(ways(of_send=True)),
        channel=draw(st.sampled_from([Channel.EMAIL, Channel.EMAIL, Channel.SMS])),
        delay=draw(delays),
        at=draw(st.none() | st.none() | st.just(T0 + timedelta(days=2))),
        if_past=draw(st.sampled_from(["send", "skip"])),
        send_if=draw(st.none() | st.none() | guards),
        variants=draw(st.sampled_from([None, {"a": 1, "b": 2}, {"b": 1, "c": 1}])),
        experiment=draw(st.sampled_from(["", "tone"])),
        max_visits=2,
        on_max_visits="end",
    )


@st.composite
def at_once(draw: st.DrawFn) -> list[Node]:
    """Nodes that the token passes by, and the one that it calls from."""
    return [
        branch("b1", (field("state.sends", "gt", 1), "end"), otherwise=draw(targets)),
        split(
            "p1", {"a": (1, draw(resting)), "b": (draw(st.integers(1, 3)), draw(resting))}, "tone"
        ),
        update("u1", draw(resting), {"contact.tier": "gold"}, add=["warm"]),
        notify("n1", draw(resting)),
        webhook("h1", draw(resting)),
        webhook("h2", draw(resting), draw(resting)),
    ]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    nodes: list[Node] = [draw(sends(name)) for name in ("s1", "s2", "s3")]
    nodes += [wait("w1", *draw(ways()))]
    nodes += [wait("w2", *draw(ways()), about=draw(st.sampled_from([None, "s1"])))]
    nodes += [task(name, *draw(ways(of_task=True))) for name in ("t1", "t2")]
    bounded = [
        replace(node, max_visits=draw(st.integers(1, 3)), on_max_visits=NodeId("end"))
        if draw(st.booleans())
        else node
        for node in draw(at_once())
    ]
    return plan(
        *nodes,
        *bounded,
        stop(),
        zone="America/Los_Angeles",
        quiet=draw(st.sampled_from([None, ("21:00", "07:30")])),
        window=draw(st.sampled_from([None, Window(frozenset(range(5)), 540, 1080)])),
        jitter_s=draw(st.sampled_from([(0, 0), (360, 960)])),
        max_sends=draw(st.integers(1, 4)),
        max_duration=draw(st.sampled_from(["P30D", "P30D", "P3D"])),
        spacing=draw(st.sampled_from(["PT0S", "PT12H"])),
        spacing_any=draw(st.sampled_from(["PT0S", "PT15M"])),
        auto_reply=draw(st.sampled_from(["ignore", "defer", "exit"])),
        goals=draw(st.sampled_from([[("meeting_booked", Outcome.CONVERTED)], X_IS_A_GOAL])),
        texts=["/pricing"],
    )

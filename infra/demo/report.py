"""The printed report of a demo: funnel, outcomes, calendar, one contact's story, the checks."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from handlers.timeline import Moment, Timeline
from infra.cli.plan_report import issue_lines
from infra.demo.figures import Figures

BAR = 36
STORY_MAX = 30
REASONS_MAX = 3
_TONES = {
    "converted": "green",
    "replied": "green",
    "completed": "cyan",
    "no_response": "yellow",
    "handed_off": "green",
}
_HIDDEN = {"send_attempt_started", "message_queued"}


def print_report(console: Console, figures: Figures) -> None:
    """Everything a person wants to see of a finished demo."""
    console.print()
    console.print(
        Columns(
            [
                _panel("Funnel (contacts)", _funnel(figures)),
                _panel("How it ended", _outcomes(figures)),
            ],
            padding=(0, 1),
        )
    )
    console.print(_panel("Messages accepted by day", _calendar(figures.calendar)))
    console.print(_panel("What plans asked for, beside mail", _asked(figures)))
    if figures.story is not None:
        console.print(_panel(f"One contact: {figures.hero}", _story(figures.story)))
    console.print(_panel("What holds", _checks(figures)))
    for reason, count in _reasons(figures.refusals)[:REASONS_MAX]:
        whom = "1 contact" if count == 1 else f"{count} contacts"
        console.print(Text(f"refused for {whom}: {reason}", style="red"), soft_wrap=True)
    console.print(_closing(figures))


def _reasons(refusals: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Why plans were refused, by the first issue of each, the most frequent first."""
    firsts = (next(iter(issue_lines(each["report"]["issues"])), "") for each in refusals)
    return Counter(firsts).most_common()


def _panel(title: str, content: RenderableType) -> Panel:
    return Panel(content, title=title, title_align="left", border_style="grey50", expand=False)


def _bars(rows: Sequence[tuple[str, int]], *, tone: str = "cyan") -> Iterator[Text]:
    most = max((count for _, count in rows), default=0) or 1
    width = max((len(name) for name, _ in rows), default=0)
    for name, count in rows:
        bar = "█" * max(round(BAR * count / most), 1 if count else 0)
        yield Text.assemble(
            f"{name:<{width}} ", (bar.ljust(BAR), _TONES.get(name, tone)), f" {count:>5}"
        )


def _funnel(figures: Figures) -> RenderableType:
    return Group(*_bars(list(figures.funnel.items())))


def _outcomes(figures: Figures) -> RenderableType:
    running = figures.enrolled - sum(figures.outcomes.values())
    rows = [*figures.outcomes.items(), *([("still running", running)] if running else [])]
    return Group(*_bars(rows, tone="grey62"))


def _asked(figures: Figures) -> RenderableType:
    """Tasks, calls, notices, and plans that were written anew, a line each."""
    calls = figures.endpoint_calls
    rows = {
        "tasks": _counted(figures.tasks, ("done", "skipped", "withdrawn", "open")),
        "endpoint calls": _counted(calls, ("ok", "failed", "open"))
        + (f"  (in {calls['tries']} tries)" if calls.get("tries") else ""),
        "notices": str(figures.notices),
        "revisions": _counted(figures.revisions, tuple(figures.revisions)) or "none",
    }
    width = max(map(len, rows))
    return Group(*(Text(f"{name:<{width}}  {told}") for name, told in rows.items()))


def _counted(counts: Mapping[str, int], names: Sequence[str]) -> str:
    return ", ".join(f"{counts.get(name, 0)} {name.replace('_', ' ')}" for name in names)


def _calendar(days: Sequence[tuple[datetime, int]]) -> RenderableType:
    return Group(*_bars([(f"{day:%a %d %b}", count) for day, count in days]))


def _story(story: Timeline) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    told = [moment for moment in story.events if moment.kind not in _HIDDEN]
    shown = sorted(told, key=lambda moment: moment.at)  # as it happened, not as it became known
    for moment in shown[:STORY_MAX]:
        table.add_row(f"{moment.at:%a %d %b %H:%M}", Text(moment.told, style=_tone(moment)))
    if len(shown) > STORY_MAX:
        table.add_row("", f"... and {len(shown) - STORY_MAX} more")
    return table


def _tone(moment: Moment) -> str:
    if moment.kind in ("completed", "exited"):
        return "bold"
    if moment.kind == "signal_recorded":
        return "green"
    return "cyan" if moment.kind == "message_accepted" else "grey70"


def _checks(figures: Figures) -> RenderableType:
    broken = [finding for finding in figures.findings if finding.broken]
    checked = sum(not finding.skipped for finding in figures.findings)
    lines = [
        Text.assemble(
            ("no message was accepted twice by the provider", "green")
            if figures.duplicates == 0
            else (f"{figures.duplicates} messages were accepted twice", "bold red")
        ),
        Text.assemble((f"{checked} invariants checked, ", ""), _verdict(len(broken))),
    ]
    for finding in broken:
        lines.append(Text(f"{finding.id} {finding.title}: {finding.broken} broken", style="red"))
        lines += [Text(f"   {example}", style="red") for example in finding.examples[:3]]
    return Group(*lines)


def _verdict(broken: int) -> tuple[str, str]:
    return ("all hold", "green") if not broken else (f"{broken} do not hold", "bold red")


def _closing(figures: Figures) -> Text:
    p50 = figures.latency_ms["webhook_to_next_step_p50"]
    p95 = figures.latency_ms["webhook_to_next_step_p95"]
    return Text(
        f"{figures.contacts} contacts, {figures.enrolled} enrolled, {figures.refused} refused\n"
        f"{figures.messages['accepted']} messages and {figures.events} events; "
        f"{figures.simulated_days:.1f} simulated days in {figures.wall_seconds} s\n"
        f"webhook to next step p50 {p50} ms, p95 {p95} ms",
        style="bold",
    )

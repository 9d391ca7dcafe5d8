"""A simulation for people: how it ends, which ways it goes, when it sends, who has to send it."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from domain.timing.durations import parse_duration
from plans.edges import edges
from plans.pointer import pointer
from plans.schema.models import Plan
from plans.simulate import Line, Simulation
from plans.simulate.result import Load

BAR = 30
_SHADES = "·░▒▓█"
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SOURCES = {
    "built_in": "built-in guesses; give --rates, and do not bet on them",
    "given": "given",
    "history": "the tenant's history",
    "history_and_built_in": "the tenant's history, filled up with built-in guesses",
}
_WIDTH = 24
DAY_S = 86_400
ROUNDED_S = 0.005 * DAY_S
"""Days are told in hundredths."""


def print_simulation(console: Console, found: Simulation, plan: Plan) -> None:
    """All that a simulation found; `plan` gives ways out their words."""
    console.print(
        f"{found.runs} runs, seed {found.seed}, from {found.start:%Y-%m-%d %H:%M} UTC\n"
        f"rates: {_source(found)}",
        soft_wrap=True,
    )
    for title, lines in _sections(found, plan):
        console.print()
        console.print(Text(title, style="bold"))
        for line in lines:
            console.print(line, soft_wrap=True)


def print_timeline(console: Console, lines: Sequence[Line], zone: str) -> None:
    """A scripted trace, a fact a line."""
    console.print(f"instants in UTC; the plan's zone is {zone}")
    width = max((len(str(line.get("node", ""))) for line in lines), default=0)
    for line in lines:
        fact = str(line["fact"]).replace("_", " ")
        told = ", ".join(
            f"{name} {_told(value)}" for name, value in line.items() if name not in _OWN
        )
        row = f"{line['at']}  {fact:<{_WIDTH}}  {line.get('node', ''):<{width}}  {told}"
        console.print(row.rstrip(), soft_wrap=True)


_OWN = ("at", "fact", "node", "visit")


def _told(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(f"{timer['kind']} {timer['dueAt']}" for timer in value)
    return str(value)


def _sections(found: Simulation, plan: Plan) -> Iterator[tuple[str, Iterable[RenderableType]]]:
    together = f"{found.contacts} contacts starting together"
    yield "How it ends (95 % intervals)", _outcomes(found)
    yield f"Ways through the plan ({found.distinct_paths} in all)", _paths(found)
    yield "What it takes", _figures(found)
    yield "Messages, in days after the start", [_calendar(found)]
    yield f"When they leave ({found.timezone})", _heat(found.send_calendar)
    yield f"What senders have to send, {together}", map(_load, found.load)
    yield "Ways out that no run took", _never(found, plan)


def _source(found: Simulation) -> str:
    sizes = [f"{channel} {size} sends" for channel, size in found.sample_size.items()]
    told = _SOURCES.get(found.rates_source, found.rates_source)
    return f"{told} ({', '.join(sizes)})" if sizes else told


def _outcomes(found: Simulation) -> Iterator[Text]:
    for word, share in found.outcomes.items():
        low, high = found.outcome_intervals[word]
        filled = "█" * round(BAR * share) or "▏"
        yield Text.assemble(
            f"  {word:<15} {share:7.1%}  ",
            (filled.ljust(BAR), "cyan"),
            (f"  {low:.1%} to {high:.1%}", "grey58"),
        )


def _paths(found: Simulation) -> Iterator[Text]:
    for way in found.paths:
        left = f" (out: {way.exit})" if way.exit else ""
        yield Text(f"  {way.share:6.1%}  {' > '.join(way.path)}{left}")
    rest = found.distinct_paths - len(found.paths)
    if rest:
        share = 1 - sum(way.share for way in found.paths)
        ways = "1 rarer way" if rest == 1 else f"{rest} rarer ways"
        yield Text(f"  {max(0.0, share):6.1%}  {ways}", style="grey58")


def _figures(found: Simulation) -> Iterator[str]:
    days, bounds = found.duration_days, found.bounds or {}
    most = f" (proven: {bounds['minSends']} to {bounds['maxSends']})" if bounds else ""
    longest = f" (proven: at most {bounds['maxDuration']})" if bounds else ""
    yield f"  messages a contact  {found.sends_per_contact:.2f}{most}"
    yield f"  cost a contact      {found.cost_per_contact:.4f}"
    yield (
        f"  days to the end     {days.p10:g} / {days.p50:g} / {days.p90:g} for 10 / 50 / 90 % of"
        f" contacts, {days.max:g} at most{longest}"
    )
    if bounds and days.max * DAY_S > parse_duration(bounds["maxDuration"]).nominal_s + ROUNDED_S:
        yield "                      some are longer: an auto-reply put a message off"


def _calendar(found: Simulation) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2), header_style="grey58")
    table.add_column("node")
    for head in ("contacts", "10 %", "50 %", "90 %"):
        table.add_column(head, justify="right")
    for node, sent in found.calendar.items():
        days = (f"{day:.2f}" for day in (sent.day_p10, sent.day_p50, sent.day_p90))
        table.add_row(node, f"{sent.share:.1%}", *days)
    return table


def _heat(hours: Sequence[Sequence[int]]) -> Iterator[Text]:
    """A row a weekday, a cell an hour; the darkest is the busiest hour of the week."""
    most = max(map(max, hours), default=0) or 1
    total = sum(map(sum, hours)) or 1
    yield Text("       0     6     12    18", style="grey58")
    for name, row in zip(_WEEKDAYS, hours, strict=True):
        cells = "".join(_shade(count, most) for count in row)
        share = f"{sum(row) / total:7.1%}" if sum(row) else ""
        yield Text.assemble(f"  {name}  ", (cells, "cyan"), share)


def _shade(count: int, most: int) -> str:
    return _SHADES[0] if count == 0 else _SHADES[min(4, 1 + 4 * count // most)]


def _load(load: Load) -> Text:
    told = (
        f"  {load.sender:<15} {load.mean_per_day:g} a day, at most {load.peak_per_day:g} on"
        f" {load.peak_day:%a %Y-%m-%d}"
    )
    if load.cap is None:
        return Text(told)
    over = f"{load.days_over_cap} days over its cap of {load.cap}"
    return Text.assemble(f"{told}; ", (over, "bold red" if load.days_over_cap else "green"))


def _never(found: Simulation, plan: Plan) -> Iterator[str]:
    told = {
        pointer("nodes", index)
        + edge.path.removesuffix("/to"): f"{node.id}: {edge.label} > {edge.to}"
        for index, node in enumerate(plan.nodes)
        for edge in edges(node)
    }
    for path in found.never_taken:
        yield f"  {path:<{_WIDTH}} {told.get(path, '')}".rstrip()
    if not found.never_taken:
        yield "  none"

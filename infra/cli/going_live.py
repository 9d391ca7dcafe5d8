"""`antiphon check --go-live`: the checklist before a tenant sends for real."""

from collections import Counter
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from infra.cli.outcome import end_unless
from infra.cli.printing import console, print_json
from infra.cli.session import system
from infra.go_live import DnsNames, Item, Word, go_live, look
from infra.settings import Settings

STYLES = {Word.OK: "green", Word.WARN: "yellow", Word.FAIL: "bold red"}


def going_live(settings: Settings, tenant: str, *, as_json: bool) -> None:
    """Print the checklist of a tenant; 1 when anything fails."""
    with system(settings) as found:
        name = found.tenant(tenant).name
        items = go_live(look(found, name, DnsNames()))
    ready = not any(item.verdict is Word.FAIL for item in items)
    if as_json:
        print_json({"tenant": name, "ready": ready, "items": items})
    else:
        _print(items, ready=ready)
    end_unless(ready)


def _print(items: Sequence[Item], *, ready: bool) -> None:
    shown = console()
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in ("", "what", "seen"):
        table.add_column(head)
    for item in items:
        seen = Text(item.seen)
        if item.mend:
            seen.append(f"\n{item.mend}", style="grey58")
        table.add_row(Text(item.verdict, style=STYLES[item.verdict]), item.name, seen)
    shown.print(table)
    counted = Counter(item.verdict for item in items)
    told = ", ".join(f"{counted[word]} {word}" for word in Word)
    verdict = ("may go live", "bold green") if ready else ("not yet", "bold red")
    shown.print(Text.assemble(f"{told}: ", verdict))

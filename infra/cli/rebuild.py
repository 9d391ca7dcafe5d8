"""`antiphon rebuild`: read models from zero, beside the live ones."""

import click

from domain.acts import Act
from domain.ids import TenantId
from infra.bootstrap import System
from infra.cli.operations import acting
from infra.cli.outcome import end_unless
from infra.cli.printing import bar, json_option, print_json, print_table
from infra.cli.session import system
from infra.rebuild import Rebuilt
from infra.rebuild import rebuild as build
from infra.settings import Settings
from projections.projection import Projection
from projections.registry import ALL

ALL_OF_THEM = "all"
NAMES = {projection.name: projection for projection in ALL}


@click.command(epilog="Example: antiphon rebuild acme all")
@click.argument("tenant")
@click.argument("projection", type=click.Choice([*NAMES, ALL_OF_THEM]))
@json_option
@click.pass_obj
def rebuild(settings: Settings, tenant: str, projection: str, *, as_json: bool) -> None:
    """Build a projection again, compare it with the live one, swap it in.

    Rows of work are compared and never swapped. 1 when a live row was not what the log says.
    """
    wanted = ALL if projection == ALL_OF_THEM else (NAMES[projection],)
    with system(settings) as found:
        name = found.tenant(tenant).name
        with acting(found, name, Act.PROJECTION_REBUILD, projection):
            done = [_build(found, name, each) for each in wanted]
    if as_json:
        print_json({"items": done})
    else:
        _print(done)
    end_unless(not any(each.differences for each in done))


def _build(found: System, tenant: TenantId, projection: Projection) -> Rebuilt:
    with bar(f"rebuilding {projection.name}") as tell:
        return build(found.database, tenant, projection, tell)


def _print(done: list[Rebuilt]) -> None:
    print_table(
        ("projection", "events", "rows", "differences", "set aside", "swapped in"),
        [
            (
                each.projection,
                each.events,
                each.rows,
                each.differences,
                each.set_aside,
                "yes" if each.swapped else "no, only compared",
            )
            for each in done
        ],
    )
    for each in done:
        for example in each.examples:
            click.echo(f"{example.table}: live {example.live}, rebuilt {example.rebuilt}")

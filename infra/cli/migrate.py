"""`antiphon migrate`."""

import click

from infra.bootstrap import opened
from infra.cli.outcome import end_unless
from infra.cli.printing import json_option, print_json
from infra.migrations.run import migrate as bring
from infra.settings import Settings


@click.command(epilog="Example: antiphon migrate --check")
@click.option("--check", is_flag=True, help="Change nothing; 1 when something is missing.")
@json_option
@click.pass_obj
def migrate(settings: Settings, *, check: bool, as_json: bool) -> None:
    """Bring the control schema and every tenant's to this version."""
    with opened(settings) as system:
        missing = bring(system.database, check=check)
    if as_json:
        print_json({"missing" if check else "applied": missing})
    else:
        for name in missing:
            click.echo(f"{'missing' if check else 'applied'} {name}")
        if not missing:
            click.echo("everything is at this version")
    end_unless(not (check and missing))

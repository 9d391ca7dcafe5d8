"""`antiphon settings`."""

import click

from infra.cli.printing import json_option, print_json
from infra.settings import Settings, described


@click.command(epilog="Example: antiphon settings")
@json_option
@click.pass_obj
def settings(given: Settings, *, as_json: bool) -> None:
    """Print every setting with its value, default and meaning.

    Secrets are masked.
    """
    found = list(described(given))
    if as_json:
        print_json({"items": found})
        return
    for one in found:
        default = "" if one["value"] == one["default"] else f" [default: {one['default']}]"
        click.echo(f"{one['name']} = {'' if one['value'] is None else one['value']}{default}")
        click.echo(f"    {one['meaning']}")

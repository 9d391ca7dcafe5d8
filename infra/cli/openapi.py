"""`antiphon openapi`."""

import click

from handlers.api.openapi import openapi_document
from infra.cli.printing import json_option, print_json


@click.command(epilog="Example: antiphon openapi > openapi.json")
@json_option
def openapi(*, as_json: bool) -> None:
    """Print the OpenAPI 3.1 document of the API; nothing is started."""
    del as_json  # it is JSON anyhow
    print_json(openapi_document())

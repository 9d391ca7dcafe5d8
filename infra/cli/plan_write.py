"""`antiphon plan write`: a plan for one contact, by a model or from a sequence."""

from typing import Any

import click

from handlers.writing import ROUNDS_MAX, Round
from infra.cli.outcome import end_unless
from infra.cli.printing import json_option, print_json, print_table
from infra.cli.reading import FILE
from infra.settings import Settings

EPILOG = """\b
Examples: antiphon plan write acme --contact c-1 --brief brief.txt \\
            --sequence plans/sequences/three_mails.json > plan.json
          antiphon plan write acme --contact c-1 --brief "invite her to the webinar" \\
            --model anthropic:NAME --submit autumn

The check goes back to the writer until it accepts the plan, or the rounds are over. Every round is
kept in the vault, with the contact; `plan rounds` tells them."""


@click.command(epilog=EPILOG)
@click.argument("tenant")
@click.option("--contact", required=True, help="Whom it is for: the id, or your own external_id.")
@click.option("--brief", required=True, metavar="TEXT_OR_FILE", help="What the plan is to do.")
@click.option("--sequence", type=FILE, help="Make it from this sequence; no model is asked.")
@click.option("--model", help="Ask this model. [default: ANTIPHON_PLAN_MODEL]")
@click.option(
    "--rounds", type=click.IntRange(1, ROUNDS_MAX), default=3, show_default=True, help="At most."
)
@click.option("--submit", metavar="CAMPAIGN", help="Enrol the contact with it, once accepted.")
@json_option
@click.pass_obj
def write(settings: Settings, /, *, as_json: bool, **given: Any) -> None:  # noqa: ANN401  # the options, typed by their struct
    """Have a plan written for one contact, checked, and mended by its report.

    The plan goes to stdout, what became of each round to stderr; 1 when none was accepted.
    """
    from infra.cli.plan_writing import (  # noqa: PLC0415  # the other plan commands need no server
        Options,
        succeeded,
        tell,
    )
    from infra.cli.plan_writing import write as written  # noqa: PLC0415  # as above

    told = written(settings, Options(**given))
    if as_json:
        print_json(told)
    else:
        tell(told)
    end_unless(succeeded(told))


@click.command(epilog="Example: antiphon plan rounds acme --contact c-1")
@click.argument("tenant")
@click.option("--contact", required=True, help="The id, or your own external_id.")
@json_option
@click.pass_obj
def rounds(settings: Settings, tenant: str, contact: str, *, as_json: bool) -> None:
    """Tell how plans were written for a contact: each round, its writer and its verdict.

    With --json also what was written, and the digest of what it was written from.
    """
    from infra.cli.plan_writing import rounds_kept  # noqa: PLC0415  # as above

    told = rounds_kept(settings, tenant, contact)
    if as_json:
        print_json(told)
    else:
        rows = [
            (f"{one.at:%Y-%m-%d %H:%M:%S}", one.round.writer, one.round.number, *verdict(one.round))
            for one in told
        ]
        print_table(("at (UTC)", "writer", "round", "verdict", "plan"), rows)


def verdict(one: Round) -> tuple[str, str | None]:
    """In words what the check said, and the plan that it was about."""
    word = "accepted" if one.accepted else "refused"
    return ", ".join([word, *one.codes]), one.plan_hash

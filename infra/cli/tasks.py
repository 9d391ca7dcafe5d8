"""`antiphon task`: what plans ask people to do."""

from collections.abc import Callable
from uuid import UUID

import click

from handlers.api import errand_calls
from handlers.api.bodies import checked
from handlers.api.calls import Call, Reason
from handlers.api.errand_calls import WhichTasks
from handlers.errands.tasks import TaskShown
from infra.cli.operations import call_of
from infra.cli.outcome import end_unless
from infra.cli.paging import page_options, print_page
from infra.cli.printing import json_option, print_json, reason_option, say
from infra.cli.session import system, with_campaign_id
from infra.settings import Settings

EPILOG = "Example: antiphon task list acme --assignee sam"
STATES = ("open", "done", "skipped", "withdrawn")


@click.group(epilog=EPILOG)
def task() -> None:
    """Look at the tasks of people, and end them."""


@task.command("list", epilog=EPILOG)
@click.argument("tenant")
@click.option("--state", type=click.Choice(STATES), default="open", show_default=True)
@click.option("--campaign", help="Of this campaign only, by its name or id.")
@click.option("--assignee", help="As it is written in the plan.")
@page_options()
@json_option
@click.pass_obj
def list_(settings: Settings, /, tenant: str, *, as_json: bool, **given: str | int | None) -> None:
    """List tasks, those due first."""
    with system(settings) as found:
        query = checked(WhichTasks, with_campaign_id(found, tenant, given), part="options")
        page = errand_calls.task_page(call_of(found, tenant, query=query))
    head = ("id", "due (UTC)", "kind", "title", "assignee", "state")
    print_page(page, head, _row, as_json=as_json)


@task.command(epilog="Example: antiphon task done acme 5b0c1d7e-8a52-5c1f-9f43-2b6c7d8e9f00")
@click.argument("tenant")
@click.argument("task_id", metavar="TASK", type=click.UUID)
@reason_option
@json_option
@click.pass_obj
def done(settings: Settings, tenant: str, task_id: UUID, reason: str, *, as_json: bool) -> None:
    """Say that a task is done: the plan goes on. Safe to repeat; 1 when it had ended otherwise."""
    _end(settings, tenant, task_id, (errand_calls.do_done, "done", reason), as_json=as_json)


@task.command(epilog="Example: antiphon task skip acme 5b0c1d7e-8a52-5c1f-9f43-2b6c7d8e9f00")
@click.argument("tenant")
@click.argument("task_id", metavar="TASK", type=click.UUID)
@reason_option
@json_option
@click.pass_obj
def skip(settings: Settings, tenant: str, task_id: UUID, reason: str, *, as_json: bool) -> None:
    """Say that a task will not be done: the plan goes on.

    Safe to repeat; 1 when it had ended otherwise.
    """
    _end(settings, tenant, task_id, (errand_calls.do_skip, "skipped", reason), as_json=as_json)


def _end(
    settings: Settings,
    tenant: str,
    task_id: UUID,
    how: tuple[Callable[[Call], TaskShown], str, str],
    *,
    as_json: bool,
) -> None:
    perform, wanted, reason = how
    given = checked(Reason, {"reason": reason})
    with system(settings) as found:
        ended = perform(call_of(found, tenant, about=task_id, body=given))
    if as_json:
        print_json(ended)
    else:
        click.echo(f"{ended.title}: {ended.state}")
    if ended.state != wanted:
        say(f"it was {ended.state} before; nothing changed")
    end_unless(ended.state == wanted)


def _row(one: TaskShown) -> tuple[object, ...]:
    due = f"{one.due_at:%Y-%m-%d %H:%M}"
    return one.id, due, one.kind, one.title, one.assignee, one.state

"""Files and instants as commands are given them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import BaseModel, ValidationError
from typing_extensions import override

from handlers.proving import with_calendars
from handlers.wording import faults_of
from infra.calendars import LibraryCalendars
from infra.cli.outcome import WrongUse
from infra.clock import today
from plans.context import TenantPolicy
from plans.intake import read_json

M = TypeVar("M", bound=BaseModel)

_UNRULED = TenantPolicy.model_validate({"maxDuration": "P999D"})
"""What stands in for no policy at all: nothing is longer."""

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class Instant(click.ParamType[datetime]):
    """An RFC 3339 instant; one without an offset could mean many."""

    name = "time"

    @override
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = None
        if instant is None or instant.tzinfo is None:
            self.fail(f"{value!r}: give an instant such as 2026-09-07T05:00:00Z", param, ctx)
        return instant.astimezone(UTC)


def read_document(path: Path) -> Any:  # noqa: ANN401  # a JSON value
    """The JSON value in a file."""
    submitted = read_json(path.read_bytes())
    if submitted.issues:
        told = [f"  {each.path or '/'}: {each.message}" for each in submitted.issues]
        raise WrongUse("\n".join([f"{path} cannot be read", *told]))
    return submitted.document


def read_policy(path: Path | None, document: object) -> TenantPolicy | None:
    """The policy in a file, if one is given, with the public calendars that the plan names."""
    given = None if path is None else read_model(TenantPolicy, path)
    asked = with_calendars(given or _UNRULED, document, LibraryCalendars(), today())
    return given if given is None and asked is _UNRULED else asked


def read_model(model: type[M], path: Path) -> M:
    """The model in a JSON file."""
    document = read_document(path)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        told = [f"  {fault.pointer or '/'}: {fault.detail}" for fault in faults_of(error)]
        raise WrongUse("\n".join([f"{path} cannot be taken", *told])) from None

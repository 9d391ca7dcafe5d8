"""Which error ends a command with which exit code, and what is said: one table."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import click

DONE, NO, WRONG_USE, OUT_OF_REACH = range(4)
"""Done; the answer is no; wrong use; a needed service is out of reach."""


class WrongUse(Exception):
    """What was given cannot be used; the text says why and what mends it."""


class PortInUse(Exception):
    """Somebody else listens on the port that was asked for."""


class Ending(NamedTuple):
    """The exit code of an error; with `mend` only its first line is told, and then this."""

    code: int
    mend: str = ""


_TRY_AGAIN = "somebody else was faster; run it again"
_UNREACHED = "is PostgreSQL up, and is ANTIPHON_DATABASE_URL right?"

ENDINGS: Mapping[str, Ending] = {
    "infra.cli.outcome.WrongUse": Ending(WRONG_USE),
    "infra.cli.outcome.PortInUse": Ending(OUT_OF_REACH),
    "infra.settings.UnknownSetting": Ending(WRONG_USE),
    "infra.outside.MissingKey": Ending(WRONG_USE),
    "infra.tenancy.UnknownTenant": Ending(WRONG_USE),
    "infra.migrations.run.TenantNameInvalid": Ending(WRONG_USE),
    "infra.migrations.run.MigrationChanged": Ending(NO),
    "infra.migrations.patience.MigrationBlocked": Ending(NO),
    "infra.migrations.run.DatabaseTooOld": Ending(OUT_OF_REACH),
    "infra.vault.register.NameTaken": Ending(
        NO, "a campaign of this name is there already; give another"
    ),
    "infra.audit.files.KeyUnusable": Ending(OUT_OF_REACH),
    "infra.audit.notes.NoteUnreadable": Ending(WRONG_USE),
    "infra.audit.notes.NoteForged": Ending(NO),
    "infra.audit.export.NoCheckpoint": Ending(WRONG_USE),
    "infra.audit.export.LogChanged": Ending(NO),
    "infra.rebuild.RebuildUnderWay": Ending(NO, "is being rebuilt by somebody else; wait for it"),
    "infra.demo.run.NotADemo": Ending(WRONG_USE),
    "infra.demo.plans.NoPlans": Ending(WRONG_USE),
    "infra.demo.client.Refused": Ending(NO),
    "infra.embedded.binaries.BinariesMissing": Ending(OUT_OF_REACH),
    "infra.embedded.rootless.CannotRunAsRoot": Ending(OUT_OF_REACH),
    "infra.embedded.postgres.PostgresNotPrepared": Ending(OUT_OF_REACH),
    "infra.embedded.home.HomeInUse": Ending(
        OUT_OF_REACH, "stop that one, or give another ANTIPHON_HOME"
    ),
    "infra.embedded.home.HomeUnusable": Ending(OUT_OF_REACH),
    "infra.embedded.child.ChildFailed": Ending(OUT_OF_REACH),
    "infra.tenancy.DatabaseOutOfReach": Ending(OUT_OF_REACH),
    "infra.redis.RedisOutOfReach": Ending(OUT_OF_REACH),
    "infra.writing.model.ModelsMissing": Ending(WRONG_USE),
    "infra.writing.model.ModelUnusable": Ending(WRONG_USE),
    "infra.writing.model.ModelFailed": Ending(OUT_OF_REACH),
    "handlers.writing.sequence.BriefLacks": Ending(WRONG_USE),
    "handlers.errors.Refusal": Ending(WRONG_USE),
    "handlers.errors.OutOfStep": Ending(NO),
    "handlers.ports.streams.Conflict": Ending(NO, _TRY_AGAIN),
    "domain.accounts.errors.AccountUnknown": Ending(WRONG_USE),
    "domain.accounts.errors.ReasonRequired": Ending(WRONG_USE),
    "domain.accounts.errors.SettingRefused": Ending(WRONG_USE),
    "domain.errors.CampaignError": Ending(NO),
    "psycopg.errors.UndefinedTable": Ending(OUT_OF_REACH, "run `antiphon migrate` first"),
    "psycopg.errors.InvalidSchemaName": Ending(OUT_OF_REACH, "run `antiphon migrate` first"),
    "psycopg.errors.InsufficientPrivilege": Ending(
        OUT_OF_REACH, "give ANTIPHON_DATABASE_URL the owner of the database"
    ),
    "psycopg.OperationalError": Ending(OUT_OF_REACH, _UNREACHED),
    "redis.exceptions.RedisError": Ending(
        OUT_OF_REACH, "is the server up, and is ANTIPHON_REDIS_URL right?"
    ),
}
"""By name, so that no command loads the drivers of another; a class counts for its children."""


class Failure(click.ClickException):
    """An error that we know: told in one or some lines on stderr, without a traceback."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click declares it for the class, reads it here


def failure_of(error: Exception) -> Failure | None:
    """The failure that an error is to be told as; None for one that nobody foresaw."""
    for cls in type(error).__mro__:
        ending = ENDINGS.get(f"{cls.__module__}.{cls.__qualname__}")
        if ending is not None:
            return Failure("\n".join(_lines(error, ending)), ending.code)
    return None


def _lines(error: Exception, ending: Ending) -> Iterator[str]:
    text = str(error) or type(error).__name__
    if ending.mend:  # the lines after the first may quote rows
        yield f"{text.splitlines()[0]}: {ending.mend}"
    else:
        yield text
    for fault in getattr(error, "errors", ()):
        yield f"  {fault.pointer or '/'}: {fault.detail}"


def end_unless(holds: bool) -> None:  # noqa: FBT001  # it is the whole question
    """End the command with the answer no unless this holds."""
    if not holds:
        raise click.exceptions.Exit(NO)

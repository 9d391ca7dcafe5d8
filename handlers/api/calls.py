"""One call of an operation: who calls, with what, and how its answer is described."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.ids import CampaignId
from domain.recorded import Cause
from domain.taxonomy import CauseKind
from handlers.access import KeyHolder
from handlers.errors import NotHere
from handlers.metrics.tables import Table
from handlers.ports import CampaignRow
from handlers.services import Services, TenantServices

LIMIT = 100
LIMIT_MAX = 500
BODY_MAX = 1024 * 1024

Method = Literal["GET", "POST", "PATCH", "DELETE"]


def no_controls(text: str) -> str:
    """Texts may have lines; other control characters would end up in SQL and in headers."""
    if any(character < " " and character not in "\n\t" for character in text):
        raise ValueError("must not contain control characters")
    return text


class Given(BaseModel):
    """Something that comes in: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Page(Given):
    """Which part of a list."""

    limit: int = Field(LIMIT, ge=1, le=LIMIT_MAX)
    cursor: str | None = Field(None, max_length=200)


class Reason(Given):
    """Why, for those who read it later; it is kept in the vault."""

    reason: Annotated[str, Field(max_length=500), AfterValidator(no_controls)] = ""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One authorised request, read and checked."""

    services: Services
    tenant: TenantServices
    holder: KeyHolder
    request_id: UUID
    path: Mapping[str, Any]
    query: Any = None
    body: Any = None

    @property
    def id(self) -> UUID:
        """The id in the path."""
        found: UUID = self.path["id"]
        return found

    @property
    def name(self) -> str:
        """The name in the path."""
        return str(self.path["name"])

    @property
    def number(self) -> int:
        """The number in the path."""
        return int(self.path["number"])

    @property
    def cause(self) -> Cause:
        """What the log names as the cause of what this request changes."""
        return Cause(CauseKind.REQUEST, str(self.request_id))

    @property
    def order(self) -> Cause:
        """The same for the order of a person or a program: with the key that gave it."""
        return Cause(CauseKind.OPERATOR, f"{self.holder.key_id}/{self.request_id}")

    def ring(self) -> None:
        """Wake who does what this call made due."""
        ports = self.tenant.ports
        for kind in ("errands", "timers", "dispatch"):
            ports.doorbell.ring(kind, ports.tenant)

    def campaign(self) -> CampaignRow:
        """The campaign of the path; raises NotHere."""
        found = self.tenant.campaigns.campaign(CampaignId(self.id))
        if found is None:
            raise NotHere("no campaign has this id")
        return found


Reader = Callable[[bytes], Any]
"""Makes the body of a call from bytes; raises NotUnderstood or NotAcceptable."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation takes as body: its description, how it is read, how long it may be."""

    read: Reader
    model: type[BaseModel] | None = None
    media: str = "application/json"
    bytes_max: int = BODY_MAX
    needed: bool = True


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table of the API."""

    method: Method
    path: str
    does: str
    perform: Callable[[Call], Any]
    answers: Any
    status: int = 200
    query: type[Given] | None = None
    body: Body | None = None
    asks: bool = False
    """Whether it changes nothing although it is a POST."""

    kept: bool = True
    """Whether its answer may be kept for a repetition; false where a secret is in it."""

    table: Callable[[Call], Table] | None = None
    """Its answer as rows, where its query has a `format` other than JSON."""

    at_once: int | None = None
    """How many a process carries out at a time, where each takes seconds; others wait."""

    @property
    def writes(self) -> bool:
        """Whether it takes an Idempotency-Key."""
        return self.method != "GET" and not self.asks and self.kept

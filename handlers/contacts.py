"""Contacts as they are given and shown: checked fields in, no secrets out."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol
from uuid import UUID

import msgspec
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from domain.consent import Ground, known_place, valid_until
from domain.ids import ContactId
from domain.timing.zones import known_zone
from handlers.addresses import check_syntax
from handlers.ports.vault import Consent, Person
from plans.intake import faults

EXTERNAL_ID_MAX = 200
OBJECT_BYTES_MAX = 16 * 1024

_WEB = re.compile(r"https?://[^\s<>\"]+")
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{3,38}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEARS = range(1990, 2200)


class ContactRow(msgspec.Struct, frozen=True, kw_only=True):
    """A contact to be written; `external_id` is the caller's own key, None makes a new contact."""

    external_id: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    company: str | None = None
    city: str | None = None
    timezone: str | None = None
    linkedin_url: str | None = None
    phone: str | None = None
    country: str | None = None
    subscriber: str | None = None
    consent: Consent | None = None
    """With country and subscriber: None leaves what is known, for what is not told is no news."""
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = {}


class Written(Protocol):
    """The contact that a given row became, and whether it is new."""

    @property
    def contact_id(self) -> ContactId: ...

    @property
    def created(self) -> bool: ...

    @property
    def same_address_as(self) -> Sequence[str]:
        """External ids of other contacts that seem to be the same person."""
        ...


class ContactBook(Protocol):
    """The contacts of one tenant."""

    def put(self, rows: Sequence[ContactRow]) -> Sequence[Written]:
        """Create or overwrite; one answer for each row in order. The last of equal ids wins."""
        ...

    def sharing(self, rows: Sequence[ContactRow]) -> Sequence[Sequence[str]]:
        """For each named row the external ids of others with its address or profile; no change."""
        ...

    def change(self, contact_id: ContactId, to: Callable[[Person], Person]) -> Person | None:
        """The contact as it became; nobody else changes it meanwhile. None where there is none."""
        ...

    def by_id(self, ids: Iterable[ContactId]) -> Mapping[ContactId, Person]: ...

    def page(self, after: UUID | None, limit: int) -> Sequence[Person]:
        """Contacts in the order of their ids."""
        ...


def _one_line(text: str) -> str:
    """Line breaks and NUL have no place in a field: they would end up in headers and in SQL."""
    if any(character < " " or character == "\x7f" for character in text):
        raise ValueError("must not contain line breaks or other control characters")
    return text


def _zone(text: str) -> str:
    if not known_zone(text):
        raise ValueError("is not an IANA time zone")
    return text


def _web(text: str) -> str:
    if not _WEB.fullmatch(text):
        raise ValueError("is not an address that begins with https://")
    return text


def _phone(text: str) -> str:
    if not _PHONE.fullmatch(text):
        raise ValueError("is not a phone number such as +14155550123")
    return text


def _place(text: str) -> str:
    place = text.upper()
    if not known_place(place):
        raise ValueError("is not a country such as GB or a part of one such as US-CA (ISO 3166)")
    return place


def _instant(value: object) -> object:
    """A day is its beginning in UTC; a number is no date that anybody would write."""
    if not isinstance(value, str | datetime):
        raise ValueError("must be a date such as 2026-09-07, or an instant with an offset")  # noqa: TRY004  # a ValueError is what the model tells
    if isinstance(value, datetime):
        return value
    if value.strip().isdigit():
        raise ValueError("must be a date such as 2026-09-07, or an instant with an offset")
    return f"{value.strip()}T00:00:00Z" if _DAY.fullmatch(value.strip()) else value.strip()


def _recent(at: datetime) -> datetime:
    if at.year not in _YEARS:
        raise ValueError(f"must be in the years {_YEARS.start} to {_YEARS.stop - 1}")
    return at


def _small(values: dict[str, Any]) -> dict[str, Any]:
    fault = next(faults(values), None)
    if fault is not None:
        raise ValueError(f"at {fault.path or '/'}: {fault.message}")
    if len(msgspec.json.encode(values)) > OBJECT_BYTES_MAX:
        raise ValueError(f"must not have more than {OBJECT_BYTES_MAX} bytes")
    return values


def _trimmed(value: object) -> object:
    """An empty text says the same as no text."""
    return (value.strip() or None) if isinstance(value, str) else value


Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
SmallObject = Annotated[dict[str, Any], AfterValidator(_small)]
"""JSON of a caller's own: of our limits for JSON, and short."""
Attributes = Annotated[SmallObject, Field(max_length=100)]
EmailAddress = Annotated[Line, AfterValidator(check_syntax)]
WebAddress = Annotated[str, Field(max_length=500), AfterValidator(_one_line), AfterValidator(_web)]
_ZoneName = Annotated[Line, AfterValidator(_zone)]
_PhoneNumber = Annotated[Line, AfterValidator(_phone)]
_PlaceCode = Annotated[Line, AfterValidator(_place)]
_Instant = Annotated[AwareDatetime, BeforeValidator(_instant), AfterValidator(_recent)]

_Optional = BeforeValidator(_trimmed)
_Line = Annotated[Line | None, _Optional]
_Email = Annotated[EmailAddress | None, _Optional]
_Zone = Annotated[_ZoneName | None, _Optional]
_Web = Annotated[WebAddress | None, _Optional]
_Phone = Annotated[_PhoneNumber | None, _Optional]
_Place = Annotated[_PlaceCode | None, _Optional]
_Subscriber = Annotated[Literal["individual", "corporate"] | None, _Optional]
_Tags = Annotated[list[Line], Field(max_length=50)]


class GivenConsent(BaseModel):
    """Why a contact may be written to, with its evidence: since when, from where, to which text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ground: Ground
    at: _Instant
    expires_at: _Instant | None = None
    source: _Line = None
    text_version: _Line = None

    @model_validator(mode="after")
    def _in_order(self) -> "GivenConsent":
        if self.expires_at is not None and self.expires_at < self.at:
            raise ValueError("it ends before it was given")
        return self


class ContactChange(BaseModel):
    """Fields of a contact to be changed; null clears one, an attribute that is null goes away."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: _Email = None
    first_name: _Line = None
    last_name: _Line = None
    title: _Line = None
    company: _Line = None
    city: _Line = None
    timezone: _Zone = None
    linkedin_url: _Web = None
    phone: _Phone = None
    country: _Place = None
    subscriber: _Subscriber = None
    consent: GivenConsent | None = None
    tags: _Tags = []
    attributes: Attributes = {}


class NewContact(ContactChange):
    """A contact as given; one with a known `external_id` is overwritten."""

    external_id: _Line = None


class ContactShown(msgspec.Struct, frozen=True, kw_only=True):
    """A contact as the tenant sees it."""

    id: ContactId
    external_id: str | None
    email: str | None
    first_name: str | None
    last_name: str | None
    title: str | None
    company: str | None
    city: str | None
    timezone: str | None
    linkedin_url: str | None
    phone: str | None
    country: str | None
    subscriber: str | None
    consent: Consent | None
    tags: tuple[str, ...]
    attributes: Mapping[str, Any]


def row_of(given: NewContact) -> ContactRow:
    """A given contact as a row to write."""
    values = given.model_dump(exclude={"consent"})
    values["tags"] = tuple(values["tags"])
    return ContactRow(**values, consent=_consent(given.consent))


def _consent(given: GivenConsent | None) -> Consent | None:
    if given is None:
        return None
    return Consent(
        ground=given.ground.value,
        at=given.at,
        expires_at=valid_until(given.ground, given.at, given.expires_at),
        source=given.source or "",
        text_version=given.text_version or "",
    )


def changed(person: Person, change: ContactChange) -> Person:
    """The contact with the given fields changed and all others as they were."""
    given = change.model_dump(exclude_unset=True)
    if "consent" in given:
        given["consent"] = _consent(change.consent)
    if "tags" in given:
        given["tags"] = tuple(given["tags"])
    if "attributes" in given:
        merged = {**person.attributes, **given["attributes"]}
        given["attributes"] = {name: value for name, value in merged.items() if value is not None}
    return msgspec.structs.replace(person, **given)


def shown(person: Person) -> ContactShown:
    """A contact without its key and its digests."""
    fields = {name: getattr(person, name) for name in ContactRow.__struct_fields__}
    return ContactShown(id=person.contact_id, **fields)

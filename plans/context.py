"""What a plan is checked against besides itself: the contact and the tenant's policy."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from plans.schema.scalars import Channel, Day, Duration

Family = Literal["email", "sms", "linkedin"]


class _Given(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)


class Identity(_Given):
    """An address of the contact in one channel family."""

    address: str
    suppressed: str | None = None
    consent: str | None = None


class ContactContext(_Given):
    """The contact as the check and the templates see it (plan-dsl.md 13); personal data."""

    tenant: str
    contact: str
    channels: dict[Family, Identity] = {}
    vars: dict[str, Any] = {}


class Reentry(_Given):
    """Whether and when a contact may run the same campaign again."""

    allowed: bool = False
    cooldown: Duration = "P90D"
    max: int = 1


class TenantPolicy(_Given):
    """What the tenant rules for all its plans (plan-dsl.md 14)."""

    max_sends: int | None = None
    max_duration: Duration = "P180D"
    allowed_channels: list[Channel] | None = None
    timer_grace: Duration = "PT2M"
    machine_events_count: bool = False
    reentry: Reentry = Reentry()
    calendars: dict[str, list[Day]] = {}
    costs: dict[Family, float] = {"email": 0.001, "sms": 0.008, "linkedin": 0.0}

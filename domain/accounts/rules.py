"""The tenant's rules of sending, with their defaults, and the caps that follow from them."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from domain.accounts.errors import SettingRefused
from domain.accounts.facts import AccountSettings, RuleValue
from domain.accounts.words import Profile, Weekend
from domain.timing import known_zone

NAME_LENGTH_MAX = 40


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant may set about its sending; `paused` is moved by orders of its own."""

    paused: str = ""
    zone: str = "UTC"
    sender_minute_max: int = 20
    sender_hour_max: int = 1_000
    sender_day_max: int = 100
    tenant_hour_max: int = 5_000
    domain_hour_max: int = 200
    apart_days: int = 60
    touch_gap_h: int = 0
    weekend: Weekend = Weekend.HARD_STOP
    weekend_percent: int = 25
    strict_consent: bool = False
    health_min: int = 30
    pace_min_s: int = 30
    pace_max_s: int = 90
    validate_max_age_days: int = 90


SETTABLE = tuple(name for name in Rules.__struct_fields__ if name != "paused")
LEAST: Mapping[str, int] = {
    "sender_minute_max": 1,
    "sender_hour_max": 1,
    "sender_day_max": 1,
    "tenant_hour_max": 1,
    "domain_hour_max": 1,
    "apart_days": 0,
    "touch_gap_h": 0,
    "weekend_percent": 1,
    "health_min": 0,
    "pace_min_s": 0,
    "pace_max_s": 0,
    "validate_max_age_days": 1,
}
"""The least value of each number."""
MOST: Mapping[str, int] = {"weekend_percent": 100, "health_min": 100}
NUMBER_MAX = 2_147_483_647


class Caps(NamedTuple):
    """How much one sender may send in a minute, in an hour and in a day; None: as much as comes."""

    minute: int
    hour: int
    day: int | None


def caps_of(settings: AccountSettings, rules: Rules) -> Caps:
    """The account's own caps, and the tenant's where it has none; only mailboxes need one a day."""
    of_tenant = rules.sender_day_max if settings.profile is Profile.MAILBOX else None
    return Caps(
        minute=rules.sender_minute_max if settings.minute_max is None else settings.minute_max,
        hour=rules.sender_hour_max if settings.hour_max is None else settings.hour_max,
        day=of_tenant if settings.day_max is None else settings.day_max,
    )


def changed_rules(rules: Rules, changes: Mapping[str, RuleValue]) -> Rules:
    """The rules with these changes; raises SettingRefused, which names the field."""
    for name, value in changes.items():
        if name not in SETTABLE:
            raise SettingRefused(name, f"there is no such rule; there are {', '.join(SETTABLE)}")
        if name in LEAST:
            check_number(name, value, least=LEAST[name], most=MOST.get(name, NUMBER_MAX))
    try:
        new = msgspec.convert(msgspec.structs.asdict(rules) | dict(changes), Rules)
    except msgspec.ValidationError as error:
        raise SettingRefused(_place(error), str(error)) from None
    check_zone("zone", new.zone)
    if new.pace_min_s > new.pace_max_s:
        raise SettingRefused(
            "pace_min_s",
            f"{new.pace_min_s} is more than pace_max_s, {new.pace_max_s}: give the smaller first",
        )
    return new


def check_settings(settings: AccountSettings) -> None:
    """Raise SettingRefused for caps that would let nothing out and for zones that do not exist."""
    for name in ("day_max", "minute_max", "hour_max"):
        value = getattr(settings, name)
        if value is not None:
            check_number(name, value, least=1)
    if settings.zone:
        check_zone("zone", settings.zone)
    if len(settings.rotation_set) > NAME_LENGTH_MAX:
        raise SettingRefused("rotation_set", f"a name has up to {NAME_LENGTH_MAX} characters")


def check_number(field: str, value: object, *, least: int, most: int = NUMBER_MAX) -> None:
    """Raise SettingRefused unless this is a whole number between the two."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise SettingRefused(field, f"{value!r} is no whole number")
    if not least <= value <= most:
        mend = "; to send nothing, pause instead" if least == 1 and value < least else ""
        raise SettingRefused(field, f"{value} is not between {least} and {most}{mend}")


def check_zone(field: str, zone: str) -> None:
    """Raise SettingRefused for a zone that the time zone database does not have."""
    if not known_zone(zone):
        raise SettingRefused(field, f"{zone!r} is no time zone; one is Europe/Lisbon")


def _place(error: msgspec.ValidationError) -> str:
    return str(error).rpartition("$.")[2].strip("`") or "rules"

"""All settings, read once: environment variables ANTIPHON_..., or a TOML file, or the defaults."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from infra.failpoints import VARIABLES, FailpointsRefused, require_testing

PREFIX = "ANTIPHON_"
CONFIG = "ANTIPHON_CONFIG"


def _served_by(*schemes: str) -> AfterValidator:
    def check(url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(schemes):
            raise ValueError(f"must begin with {' or '.join(schemes)}")
        return url

    return AfterValidator(check)


class UnknownSetting(Exception):
    """A variable or a key that is no setting, or a value that cannot be one."""


class Settings(BaseModel):
    """Every setting with its default and its meaning; frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    home: Annotated[
        Path, Field(description="directory of the embedded servers, their data, logs and keys")
    ] = Path(".antiphon")
    database_url: Annotated[
        SecretStr | None,
        Field(description="PostgreSQL 15 or newer; absent: an embedded server under home"),
        _served_by("postgresql://", "postgres://"),
    ] = None
    redis_url: Annotated[
        SecretStr | None,
        Field(description="Redis 7 or newer, or Valkey; absent: an embedded server under home"),
        _served_by("redis://", "rediss://"),
    ] = None
    pepper: Annotated[
        SecretStr | None,
        Field(
            min_length=32,
            description="secret behind API keys, links and suppressions, 32 characters or more; "
            "absent: drawn once and kept under home. Never in the database",
        ),
    ] = None
    public_url: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[^/\s]+$",
            description="address of the web process as recipients and providers see it; "
            "absent: http://127.0.0.1 and the web port",
        ),
    ] = None
    web_host: Annotated[str, Field(description="address the web process listens on")] = "127.0.0.1"
    web_port: Annotated[
        int | None,
        Field(ge=1, le=65535, description="port of the web process; absent: a free one, kept"),
    ] = None
    sendgrid_api_key: Annotated[
        SecretStr | None, Field(description="key for Mail Send; needed before anything is sent")
    ] = None
    sendgrid_base_url: Annotated[
        str,
        Field(pattern=r"^https?://[^/\s]+$", description="where Mail Send is called"),
    ] = "https://api.sendgrid.com"
    sendgrid_open_tracking: Annotated[
        bool, Field(description="let SendGrid report opens too; it knows machine opens")
    ] = True
    sendgrid_validation_key: Annotated[
        SecretStr | None,
        Field(description="key for SendGrid's e-mail validation; absent: nobody is asked there"),
    ] = None
    check_domains: Annotated[
        bool,
        Field(
            description="ask DNS whether the domain of an address takes mail before the first mail "
            "goes there; `antiphon check --go-live` wants it on"
        ),
    ] = False
    webhook_trust_s: Annotated[
        int, Field(ge=1, description="age of a webhook signature that is trusted at once, seconds")
    ] = 300
    webhook_accept_s: Annotated[
        int, Field(ge=1, description="age up to which it is accepted and marked late, seconds")
    ] = 90_000
    webhook_per_minute: Annotated[
        int,
        Field(
            ge=1,
            description="signed webhook posts that each tenant may make in a minute, in each web "
            "process; more are answered with 429",
        ),
    ] = 1000
    api_calls_per_minute: Annotated[
        int,
        Field(
            ge=1,
            description="calls of the API that one key may make in a minute, in each web process; "
            "more are answered with 429",
        ),
    ] = 6000
    contact_exports_per_day: Annotated[
        int,
        Field(ge=1, description="copies of contacts that a tenant may take within 24 hours"),
    ] = 100
    worker_threads: Annotated[
        int, Field(ge=1, le=64, description="threads of a worker process for actors")
    ] = 8
    call_threads: Annotated[
        int, Field(ge=1, le=256, description="provider calls at once in a worker process")
    ] = 32
    workers: Annotated[int, Field(ge=1, le=16, description="worker processes of up and demo")] = 1
    connect_timeout_s: Annotated[
        float, Field(gt=0, description="time for a connection to a provider, seconds")
    ] = 3.0
    call_timeout_s: Annotated[
        float, Field(gt=0, description="time for a whole provider call, seconds")
    ] = 10.0
    endpoints_allow_private: Annotated[
        bool,
        Field(
            description="let webhook nodes call http addresses and machines of this network too; "
            "for trials and tests, never where tenants are strangers"
        ),
    ] = False
    call_guard_s: Annotated[
        int, Field(gt=0, description="a claim older than this is not called any more, seconds")
    ] = 30
    sweep_after_s: Annotated[
        int, Field(gt=0, description="an attempt without outcome is UNKNOWN after this, seconds")
    ] = 60
    tick_ms: Annotated[
        int, Field(ge=20, le=10_000, description="how often the ticker rings for due work, ms")
    ] = 250
    plan_model: Annotated[
        str | None,
        Field(
            description="model that `antiphon plan write` asks, by its name in pydantic-ai, such "
            "as anthropic:... or openai:...; its key is in the provider's own variable",
        ),
    ] = None
    audit_copy: Annotated[
        Path | None,
        Field(
            description="directory on another host, or one that can only be appended to, where "
            "each signed checkpoint goes besides home; absent: the log is self-attested only"
        ),
    ] = None
    clock_factor: Annotated[
        float,
        Field(gt=0, description="simulated seconds in a real one; 1 is real time, more is a demo"),
    ] = 1.0
    clock_origin_real: Annotated[
        AwareDatetime | None, Field(description="real instant at which a scaled clock began")
    ] = None
    clock_origin_simulated: Annotated[
        AwareDatetime | None, Field(description="what a scaled clock showed then")
    ] = None
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], Field(description="what is logged")
    ] = "INFO"

    log_format: Annotated[
        Literal["text", "json"],
        Field(description="log lines on stderr: text for people, json for collectors"),
    ] = "text"

    @property
    def scaled(self) -> tuple[datetime, datetime] | None:
        """Both origins of a scaled clock, or None in real time."""
        if self.clock_origin_real is None or self.clock_origin_simulated is None:
            return None
        return self.clock_origin_real, self.clock_origin_simulated


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process; raises UnknownSetting with the name and the mend."""
    given = os.environ if environment is None else environment
    try:
        require_testing(given)
    except FailpointsRefused as error:
        raise UnknownSetting(str(error)) from None
    values = _of_file(given.get(CONFIG))
    for name, value in given.items():
        if name.startswith(PREFIX) and name != CONFIG and name not in VARIABLES:
            values[_field(name.removeprefix(PREFIX).lower(), name)] = value
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise UnknownSetting(_told(error)) from None
    _agree(settings)
    return settings


def _of_file(path: str | None) -> dict[str, Any]:
    if not path:
        return {}
    try:
        with Path(path).open("rb") as file:
            found = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UnknownSetting(f"{CONFIG}={path}: {error}; give a readable TOML file") from None
    return {_field(name, f"{path}: {name}"): value for name, value in found.items()}


def _field(name: str, place: str) -> str:
    if name not in Settings.model_fields:
        raise UnknownSetting(f"{place}: no such setting; `antiphon settings` lists all")
    return name


def _told(error: ValidationError) -> str:
    problems = error.errors(include_input=False, include_url=False)
    return "; ".join(f"{PREFIX}{str(p['loc'][0]).upper()}: {p['msg']}" for p in problems)


def _agree(settings: Settings) -> None:
    """The three times that make a message go out at most once belong together (trust.md 1.1)."""
    if settings.call_guard_s + settings.call_timeout_s >= settings.sweep_after_s:
        raise UnknownSetting(
            "ANTIPHON_CALL_GUARD_S and ANTIPHON_CALL_TIMEOUT_S together must be less than "
            "ANTIPHON_SWEEP_AFTER_S, else a late call could follow its own sweep"
        )
    one_origin = (settings.clock_origin_real is None) != (settings.clock_origin_simulated is None)
    if one_origin or (settings.clock_factor != 1.0 and settings.scaled is None):
        raise UnknownSetting(
            "ANTIPHON_CLOCK_FACTOR, ANTIPHON_CLOCK_ORIGIN_REAL and "
            "ANTIPHON_CLOCK_ORIGIN_SIMULATED are set together or not at all"
        )


def described(settings: Settings) -> Iterator[dict[str, Any]]:
    """Name, value (secrets masked), default and meaning of each setting."""
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        yield {
            "name": PREFIX + name.upper(),
            "value": "********" if isinstance(value, SecretStr) else _plain(value),
            "default": _plain(field.default),
            "meaning": field.description,
        }


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)

"""Settings: read once from the environment or a file; what is wrong is named with its mend."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from infra.settings import Settings, UnknownSetting, described, read_settings

WRONG = {
    "an unknown variable": ({"ANTIPHON_TICK": "5"}, "ANTIPHON_TICK: no such setting"),
    "a number that is none": ({"ANTIPHON_TICK_MS": "soon"}, "ANTIPHON_TICK_MS"),
    "a port out of range": ({"ANTIPHON_WEB_PORT": "70000"}, "ANTIPHON_WEB_PORT"),
    "an address with a path": ({"ANTIPHON_PUBLIC_URL": "https://a.example/x"}, "PUBLIC_URL"),
    "a database that is no PostgreSQL": ({"ANTIPHON_DATABASE_URL": "foo"}, "postgresql://"),
    "a broker that is no Redis": ({"ANTIPHON_REDIS_URL": "foo"}, "redis://"),
    "a pepper that is short": ({"ANTIPHON_PEPPER": "short"}, "ANTIPHON_PEPPER"),
    "times that allow a late call": ({"ANTIPHON_CALL_GUARD_S": "55"}, "ANTIPHON_SWEEP_AFTER_S"),
    "a scaled clock without origins": ({"ANTIPHON_CLOCK_FACTOR": "60"}, "CLOCK_ORIGIN_REAL"),
    "a file that is not there": ({"ANTIPHON_CONFIG": "/nowhere/a.toml"}, "/nowhere/a.toml"),
}


def test_everything_has_a_default() -> None:
    assert read_settings({}) == Settings()


def test_other_programs_variables_are_not_ours() -> None:
    assert read_settings({"PATH": "/bin", "ANTIPHONAL": "1"}) == Settings()


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case: str) -> None:
    given, named = WRONG[case]
    with pytest.raises(UnknownSetting, match=named):
        read_settings(given)


def test_a_wrong_secret_is_not_repeated() -> None:
    with pytest.raises(UnknownSetting) as caught:
        read_settings({"ANTIPHON_PEPPER": "hush-hush"})
    assert "hush-hush" not in str(caught.value)


def test_a_file_gives_settings_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "antiphon.toml"
    file.write_text('tick_ms = 500\nweb_host = "0.0.0.0"\n')
    found = read_settings({"ANTIPHON_CONFIG": str(file), "ANTIPHON_TICK_MS": "100"})
    assert (found.tick_ms, found.web_host) == (100, "0.0.0.0")  # noqa: S104  # a text


def test_an_unknown_key_in_a_file_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "antiphon.toml"
    file.write_text("tick = 500\n")
    with pytest.raises(UnknownSetting, match=r"antiphon\.toml: tick"):
        read_settings({"ANTIPHON_CONFIG": str(file)})


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().tick_ms = 1  # type: ignore[misc]  # that is the point


def test_secrets_are_masked_and_each_setting_has_a_meaning() -> None:
    told = list(described(Settings(pepper=SecretStr("x" * 32), sendgrid_api_key=SecretStr("SG.1"))))
    assert all(one["meaning"] for one in told)
    assert {one["name"] for one in told} == {f"ANTIPHON_{n.upper()}" for n in Settings.model_fields}
    assert not any(secret in str(told) for secret in ("x" * 32, "SG.1"))

"""The lock, the wheel and the launcher are what an installation needs, and no more."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
VERSION = PROJECT["version"]
PACKAGES = ("domain", "plans", "projections", "handlers", "infra")
REQUIREMENT = re.compile(r"^([a-z0-9][a-z0-9-]*)==(\S+)", re.MULTILINE)
OPEN_PACKAGE_DATA = """
import sys
sys.path.insert(0, sys.argv[1])
from importlib.resources import files
for name in sys.argv[2:]:
    package, _, path = name.partition("/")
    found = files(package).joinpath(path)
    assert str(found).startswith(sys.argv[1]), found
    found.read_bytes()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def locked() -> list[str]:
    return [name for name, _ in REQUIREMENT.findall(LOCK)]


def package_data() -> list[str]:
    """What is not code and must be there once installed."""
    found = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*"))
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    ]
    kinds = {Path(name).suffix for name in found} | {Path(name).name for name in found}
    assert {".sql", ".json", "py.typed"} <= kinds
    return found


# --- the lock -------------------------------------------------------------------------------------


def test_the_lock_names_no_address_no_index_and_no_path() -> None:
    told = [
        line
        for line in LOCK.splitlines()
        if "://" in line or "index" in line.lower() or re.search(r"(^|\s)[./]*/\w", line)
    ]
    assert told == []


def test_every_requirement_of_the_lock_has_a_hash() -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", LOCK.strip())
    assert len(blocks) == len(locked()) > len(PROJECT["dependencies"])
    assert [block for block in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}", block)] == []


def test_the_lock_meets_every_direct_requirement_and_all_extras() -> None:
    extras = [each for extra in PROJECT["optional-dependencies"].values() for each in extra]
    direct = [Requirement(each) for each in [*PROJECT["dependencies"], *extras]]
    pinned = dict(REQUIREMENT.findall(LOCK))
    unmet = [each for each in direct if pinned.get(each.name, "none") not in each.specifier]
    assert unmet == []


def test_no_distribution_of_the_lock_takes_the_name_of_a_package_of_ours() -> None:
    assert set(locked()) & {*PACKAGES, "antiphon", "tests"} == set()


# --- the wheel ------------------------------------------------------------------------------------


def test_the_wheel_has_our_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {*PACKAGES, f"antiphon-{VERSION}.dist-info"}
    assert [name for name in names if name.endswith(".pyc")] == []


def test_every_package_says_that_it_is_typed(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


def test_package_data_can_be_opened_once_installed(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)  # a pure wheel is installed by unpacking it
    subprocess.run(
        [sys.executable, "-I", "-S", "-c", OPEN_PACKAGE_DATA, str(tmp_path), *package_data()],
        cwd=tmp_path,
        check=True,
    )


def test_the_installed_command_starts_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    scripts = (tmp_path / f"antiphon-{VERSION}.dist-info" / "entry_points.txt").read_text("utf-8")
    assert "antiphon = infra.cli:main" in scripts
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import infra.cli; "
        "print(infra.cli.__file__); infra.cli.main()"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-c", program, str(tmp_path), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(str(tmp_path))
    assert "demo" in run.stdout


# --- the version ----------------------------------------------------------------------------------


def test_the_version_is_written_in_one_place_of_the_code() -> None:
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert [path for path in sources if VERSION in path.read_text("utf-8")] == []


def test_the_newest_entry_of_the_change_log_is_this_version() -> None:
    versions = re.findall(
        r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    assert versions[0] == VERSION


# --- the launcher ---------------------------------------------------------------------------------


def launcher_in(folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    """The launcher beside a lock of its own, with `path` as its PATH and no network in sight."""
    folder.mkdir()
    for name in ("antiphon", "requirements.lock", "pyproject.toml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / "antiphon").chmod(0o755)
    return subprocess.run(
        ["/bin/sh", str(folder / "antiphon"), "--help"],
        env={"PATH": path},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def programs_without_python(folder: Path) -> str:
    """A PATH with what the launcher calls besides Python."""
    folder.mkdir()
    for name in ("cat", "cksum", "dirname", "readlink", "tail"):
        program(folder, name, f'PATH=/usr/bin:/bin exec {name} "$@"')
    return str(folder)


def test_without_a_new_enough_python_one_line_says_so(tmp_path: Path) -> None:
    path = programs_without_python(tmp_path / "bin")
    program(tmp_path / "bin", "python3", "exit 1")  # what an old one answers to the question
    run = launcher_in(tmp_path / "a path with spaces", path)
    assert run.returncode == 3
    (line,) = run.stderr.splitlines()
    assert "needs Python 3.11 or newer" in line


def test_without_the_venv_module_one_line_names_the_debian_package(tmp_path: Path) -> None:
    path = programs_without_python(tmp_path / "bin")
    program(tmp_path / "bin", "python3", 'case "$2" in *venv*) exit 1;; esac')
    run = launcher_in(tmp_path / "a path with spaces", path)
    assert run.returncode == 3
    (line,) = run.stderr.splitlines()
    assert "python3-venv" in line


def test_an_environment_that_fits_is_used_as_it_is(tmp_path: Path) -> None:
    """Neither Python nor an installer is on the PATH: nothing but the comparison is made."""
    path = programs_without_python(tmp_path / "bin")
    folder = tmp_path / "a path with spaces"
    launcher_in(folder, path)
    venv = folder / ".venv" / "bin"
    venv.mkdir(parents=True)
    program(venv, "python", "exit 0")
    program(venv, "antiphon", 'echo "ran in $PWD with $*"')
    sums = subprocess.run(
        ["cksum", "requirements.lock", "pyproject.toml"],  # noqa: S607  # where POSIX has it
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    (folder / ".venv" / "antiphon-stamp").write_text(f"{sums.stdout}{folder.resolve()}\n")
    link = tmp_path / "link"
    link.symlink_to("a path with spaces/antiphon")
    run = subprocess.run(
        ["/bin/sh", str(link), "plan", "check"],
        env={"PATH": path},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "ran in / with plan check\n"
    assert run.stderr == ""

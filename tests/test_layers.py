"""The import contracts of pyproject.toml hold."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ["domain", "plans", "projections", "handlers", "infra"]


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(directory), "COLUMNS": "200"},
    )


def test_every_import_contract_is_kept() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_import_upwards_breaks_the_layers(tmp_path: Path) -> None:
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
    (tmp_path / "domain" / "wrong.py").write_text("import infra\n")
    layers = _contracts()[0]
    (tmp_path / ".importlinter").write_text(
        "[importlinter]\nroot_packages =\n  " + "\n  ".join(PACKAGES) + "\n"
        "[importlinter:contract:layers]\nname = layers\ntype = layers\nlayers =\n  "
        + "\n  ".join(layers["layers"])
    )
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert "domain is not allowed to import infra" in result.stdout


def test_the_contracts_cover_all_packages() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert settings["tool"]["importlinter"]["root_packages"] == PACKAGES
    assert settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == PACKAGES


def _contracts() -> list[dict[str, list[str]]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts: list[dict[str, list[str]]] = settings["tool"]["importlinter"]["contracts"]
    return contracts

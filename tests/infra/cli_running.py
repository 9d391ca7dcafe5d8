"""The command line in this process, on given servers, and what tests give to it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from infra.cli import main

EXAMPLES = Path(__file__).resolve().parents[2] / "plans" / "examples"
NOWHERE = {
    "ANTIPHON_DATABASE_URL": "postgresql://127.0.0.1:1/nowhere",
    "ANTIPHON_REDIS_URL": "redis://127.0.0.1:1/0",
}
SENDER = {
    "sender": "sam",
    "from_email": "sam@mail.acme.example",
    "from_name": "Sam Okello",
    "calendar_url": "https://cal.acme.example/sam",
    "reply_domain": "reply.acme.example",
    "postal_address": "Acme Ltd, 1 Harbour Street, Lisbon",
    "verified": True,
}
HEADER = "external_id,email,first_name,last_name,company,city,timezone\n"


class Cli:
    """Runs commands with these settings and no others."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.settings = {"ANTIPHON_HOME": str(folder / "home"), **settings}

    def __call__(self, *arguments: str | Path, **settings: str) -> Result:
        given = {**self.settings, **settings}
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            return CliRunner().invoke(main, [str(each) for each in arguments], env=given)

    def json(self, *arguments: str | Path, code: int = 0) -> Any:
        """The one document that a command prints with --json."""
        result = self(*arguments, "--json")
        assert result.exit_code == code, result.stderr
        return json.loads(result.stdout)

    def file(self, name: str, content: object) -> Path:
        """A file of this text, or of this value as JSON."""
        path = self.folder / name
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, "utf-8")
        return path

    def plans(self, plans: Mapping[str, object]) -> Path:
        """A file of JSON lines."""
        lines = [json.dumps({"external_id": key, "plan": plan}) for key, plan in plans.items()]
        return self.file("plans.jsonl", "\n".join(lines) + "\n")

    def tenant_with_campaign(self, name: str, contacts: Sequence[str] = ("c-1", "c-2")) -> None:
        """A tenant with a sender, contacts and the draft `autumn`."""
        rows = [
            f"{each},{each}@home.example,Ada,Byron,Acme,London,Europe/London\n" for each in contacts
        ]
        for done in (
            self("sender", "add", name, self.file("sender.json", SENDER)),
            self("contacts", "import", name, self.file("contacts.csv", HEADER + "".join(rows))),
            self(
                "campaign",
                "add",
                name,
                self.file("campaign.json", {"name": "autumn", "sender": "sam"}),
            ),
        ):
            assert done.exit_code == 0, done.output


def example_plan(name: str = "two_step") -> Any:
    """A plan of ours."""
    return json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))

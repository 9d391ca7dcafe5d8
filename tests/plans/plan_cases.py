"""Plans for tests: the files of tests/data/plans and the smallest valid plan, to be altered."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

Json = Any
"""A JSON value; tests look into it freely."""

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "plans"
EXAMPLES = ROOT / "plans" / "examples"

MAIL: dict[str, Any] = {
    "id": "mail",
    "type": "send",
    "channel": "email",
    "message": {"subject": "Hello", "text": "Hi"},
    "transitions": [{"on": "no_reply", "after": "P3D", "to": "end"}],
}
END: dict[str, Any] = {"id": "end", "type": "stop"}


def plan(*nodes: dict[str, Any], **fields: Json) -> dict[str, Any]:
    """A plan of these nodes, or the smallest valid one, with these fields set."""
    listed = list(nodes) or [MAIL, END]
    start = listed[0].get("id", "mail")
    return deepcopy({"timezone": "UTC", "startNodeId": start, "nodes": listed, **fields})


def mail(**fields: Json) -> dict[str, Any]:
    """The mail node with these fields set."""
    return deepcopy({**MAIL, **fields})


def read(path: Path) -> Json:
    return json.loads(path.read_bytes())


def files(folder: Path) -> list[Any]:
    return sorted(folder.glob("*.json"))

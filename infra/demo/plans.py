"""One plan per contact: the example plans, written for this person as an AI would write them."""

import copy
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from plans.intake import read_json

Document = dict[str, Any]

OPENERS = {
    "logistics": "I read about the new docks at {{ company.name }}.",
    "retail": "Your shops close the month in four days, I hear.",
    "transport": "Fuel surcharges must be a sore point at {{ company.name }} this year.",
    "food": "Short shelf lives leave little time for paper at {{ company.name }}.",
}
OPENER = "A colleague of yours pointed me to you."


class NoPlans(Exception):
    """A folder was given in which there is no plan, or a file that holds none."""


def examples(folder: Path | None) -> Mapping[str, Document]:
    """The plans of a folder by file name, or the ones that antiphon brings."""
    if folder is None:
        found = [
            (file.name, file.read_text(encoding="utf-8"))
            for file in files("plans").joinpath("examples").iterdir()
            if file.name.endswith(".json")
        ]
    else:
        found = [
            (file.name, file.read_text(encoding="utf-8", errors="replace"))
            for file in sorted(folder.glob("*.json"))
        ]
    if not found:
        raise NoPlans(f"{folder}: no *.json file; put one plan in each file")
    return {name: _document(folder, name, text) for name, text in sorted(found)}


def _document(folder: Path | None, name: str, text: str) -> Document:
    read = read_json(text.encode())
    for issue in read.issues:
        raise NoPlans(f"{folder}/{name}: {issue.path or '/'}: {issue.message}")
    if not isinstance(read.document, dict):
        raise NoPlans(f"{folder}/{name}: a plan is one JSON object")
    return read.document


def personal(
    plans: Sequence[Mapping[str, Any]], contact: Mapping[str, Any], *, seed: int
) -> Document:
    """The plan of one contact: an example in the contact's zone, with a line of its own."""
    digest = sha256(f"{seed}:{contact.get('external_id')}".encode()).digest()
    document = copy.deepcopy(dict(plans[digest[0] % len(plans)]))
    if contact.get("timezone"):
        document["timezone"] = contact["timezone"]
    attributes = contact.get("attributes") or {}
    opener = OPENERS.get(str(attributes.get("company.industry")), OPENER)
    first = next((node for node in document["nodes"] if node.get("type") == "send"), None)
    message = (first or {}).get("message") or {}
    if isinstance(message.get("text"), str):
        greeting, newline, rest = message["text"].partition("\n\n")
        message["text"] = f"{greeting}\n\n{opener} {rest}" if newline else message["text"]
    return document

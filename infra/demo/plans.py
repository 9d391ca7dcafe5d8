"""One plan per contact: the example plans, written for this person as an AI would write them."""

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from plans.intake import read_json
from plans.normalise import normalise

Document = dict[str, Any]

OPENERS = {
    "logistics": "I read about the new docks at {{ company.name }}.",
    "retail": "Your shops close the month in four days, I hear.",
    "transport": "Fuel surcharges must be a sore point at {{ company.name }} this year.",
    "food": "Short shelf lives leave little time for paper at {{ company.name }}.",
}
CALENDAR = "sender.calendar_url"
NAME = re.compile(r"[a-z0-9_-]{1,40}")
POSTSCRIPT = "P.S. A short answer is as welcome as a long one."
OPENER = "A colleague of yours pointed me to you."


class NoPlans(Exception):
    """A folder was given in which there is no plan, or a file that holds none."""


def examples(folder: Path | None) -> Mapping[str, Document]:
    """The plans of a folder by file name, or those that antiphon brings and mail can carry."""
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
    documents = {name: _document(folder, name, text) for name, text in sorted(found)}
    if folder is None:
        return {name: plan for name, plan in documents.items() if _by_mail(plan)}
    return documents


def _by_mail(plan: Mapping[str, Any]) -> bool:
    """Whether the demo's one provider can carry all its messages."""
    return all(node["channel"] == "email" for node in plan["nodes"] if node["type"] == "send")


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


def canonical(plan: Mapping[str, Any]) -> Mapping[str, Any]:
    """The plan in the one shape that the functions below read; empty where it has none."""
    document = normalise(dict(plan)).document
    return document if isinstance(document, dict) else {}


def endpoints_of(plans: Iterable[Mapping[str, Any]]) -> list[str]:
    """The endpoints that plans call, by name."""
    return sorted(
        {
            str(node["endpoint"])
            for plan in plans
            for node in _nodes(plan)
            if node.get("type") == "webhook" and NAME.fullmatch(str(node.get("endpoint")))
        }
    )


def waited_for(plan: Mapping[str, Any]) -> list[str]:
    """The events of its own that a plan waits for on its way."""
    return sorted(
        {
            str(way["on"])
            for node in _nodes(plan)
            for way in node.get("transitions") or ()
            if str(way.get("on")).startswith("x_")
        }
    )


def calendar_nodes(plan: Mapping[str, Any], goal: str) -> frozenset[str]:
    """The messages with the sender's calendar in them, of a plan that has this goal."""
    if all(one.get("on") != goal for one in plan.get("goals") or ()):
        return frozenset()
    return frozenset(str(node["id"]) for node in _nodes(plan) if CALENDAR in json.dumps(node))


def reworded(plan: Mapping[str, Any]) -> Document:
    """The same plan, with a last sentence in each of its mails."""
    document = copy.deepcopy(dict(plan))
    for node in _nodes(document):
        for owner in (node, *(node.get("variants") or ())):
            _reword(owner.get("message") or {})
    return document


def _reword(message: dict[str, Any]) -> None:
    if isinstance(message.get("text"), str):
        message["text"] += f"\n\n{POSTSCRIPT}"
    if isinstance(message.get("html"), str):
        message["html"] += f"<p>{POSTSCRIPT}</p>"


def _nodes(plan: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of a plan that was accepted, or of one that will be refused."""
    nodes = plan.get("nodes")
    for node in nodes if isinstance(nodes, list) else ():
        if isinstance(node, dict):
            yield node

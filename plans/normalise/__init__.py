"""Accepted older and simpler shapes become the canonical one, with a note for each change.

Plain renames, nesting and sugar (plan-dsl.md 5); what is not known is left for the shape check.
"""

from typing import Any

import msgspec

from plans.intake import is_sound, is_too_large
from plans.normalise.fields import JsonObject, objects, parse_text, rename, tidy_object
from plans.normalise.nodes import rewrite_event, rewrite_node
from plans.normalise.notebook import Notebook
from plans.schema.scalars import TIMERS
from plans.verify.report import Note

_VERSION_MAX = 100


class Normalised(msgspec.Struct, frozen=True):
    """A submitted document in the canonical shape, and the rules that were applied.

    `sound`: it was seen on the way that it has no fault of those that the intake tells.
    """

    document: Any
    notes: tuple[Note, ...] = ()
    sound: bool = False


def normalise(document: object) -> Normalised:
    """Rename, nest and fill what is known; total over JSON values, and idempotent.

    What is larger than a plan can be stays as it is, to be refused.
    """
    if not isinstance(document, dict):
        return Normalised(document)
    sound = is_sound(document)
    if not sound and is_too_large(document):
        return Normalised(document)
    notes = Notebook()
    plan = tidy_object(_with_listed_nodes(document, notes), (), notes)
    _plan_fields(plan, notes)
    for place, node in objects(plan, "nodes", ()):
        rewrite_node(node, place, notes)
    for place, goal in objects(plan, "goals", ()):
        rewrite_event(goal, place, notes)
    applied = notes.notes()
    # without a rule nothing was put in: what is there was there before, or less of it
    return Normalised(plan, applied, sound=sound and not applied)


def _with_listed_nodes(document: JsonObject, notes: Notebook) -> JsonObject:
    nodes = document.get("nodes")
    if not isinstance(nodes, dict):
        return document
    notes.add("object_to_array", ("nodes",))
    listed = [_with_id(key, node) for key, node in nodes.items() if node is not None]
    return {**document, "nodes": listed}


def _with_id(key: str, node: object) -> object:
    if not isinstance(node, dict) or node.get("id") is not None:
        return node
    return {**node, "id": key}


def _plan_fields(plan: JsonObject, notes: Notebook) -> None:
    rename(plan, (), ("time_zone", "timezone"), notes)
    rename(plan, (), ("timeZone", "timezone"), notes)
    if isinstance(plan.get("start"), str):
        rename(plan, (), ("start", "startNodeId"), notes)
    version = plan.get("version")
    if (
        isinstance(version, int | float)
        and not isinstance(version, bool)
        and 0 <= version < _VERSION_MAX
    ):
        plan["version"] = str(float(version))
        notes.add("number_to_string", ("version",))
    parse_text(plan, (), "metadata", notes)
    defaults = plan.get("defaults")
    if isinstance(defaults, dict):
        parse_text(defaults, ("defaults",), "timers", notes)
        _timers(defaults.get("timers"), notes)


def _timers(timers: object, notes: Notebook) -> None:
    if isinstance(timers, dict):
        for timer in TIMERS:
            rename(timers, ("defaults", "timers"), (f"{timer}_after", timer), notes)

"""What a drawing marks: the worst path, a counterexample, faulty places, counts of a campaign."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from domain.ids import NodeId
from plans.verify.report import Issue, Report

Worst = Literal["sends", "duration"]
"""What the worst path has most of."""

Taken = tuple[NodeId, int | str]
"""An edge: its node, and the index of its transition or the path of the edge below the node."""

_PATHS: Mapping[Worst, str] = {"sends": "maxSendsPath", "duration": "maxDurationPath"}


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """What to mark in the drawing of a plan; ids that the plan does not have are passed over.

    `worst` and `counterexample` may leave out the nodes between; `refuted` is the code that the
    counterexample belongs to; `faulty` has the pointers of the errors with their codes.
    """

    worst: tuple[NodeId, ...] = ()
    worst_by: Worst = "sends"
    counterexample: tuple[NodeId, ...] = ()
    refuted: str = ""
    faulty: Mapping[str, str] = {}
    node_counts: Mapping[NodeId, int] = {}
    edge_counts: Mapping[Taken, int] = {}


NOTHING = Marks()


def marks_of(report: Report, by: Worst = "sends") -> Marks:
    """The worst path of an accepted plan, faulty places and a counterexample of a refused one."""
    errors = [each for each in report.issues if each.severity == "error"]
    if report.ok or not errors:
        return _worst(report.facts or {}, by)
    refuted = next((each for each in errors if _witnessed(each)), None)
    return Marks(
        counterexample=_witnessed(refuted) if refuted else (),
        refuted=refuted.code if refuted else "",
        faulty=_faulty(errors),
    )


def _worst(facts: Mapping[str, Any], by: Worst) -> Marks:
    """The path asked for; the other one where the facts have only that."""
    found = {key: _ids(facts.get(name)) for key, name in _PATHS.items()}
    shown = by if found[by] else next((key for key, path in found.items() if path), by)
    return Marks(worst=found[shown], worst_by=shown)


def _witnessed(issue: Issue) -> tuple[NodeId, ...]:
    witness = issue.witness or {}
    path = _ids(witness.get("path")) or _ids(witness.get("nodes"))
    return (*path, path[0]) if path and issue.code == "E_LOOP_UNBOUNDED" else path


def _ids(listed: object) -> tuple[NodeId, ...]:
    if not isinstance(listed, list | tuple):
        return ()
    return tuple(NodeId(each) for each in listed if isinstance(each, str))


def _faulty(errors: Iterable[Issue]) -> dict[str, str]:
    codes: dict[str, list[str]] = {}
    for each in errors:
        told = codes.setdefault(each.path, [])
        if each.code not in told:
            told.append(each.code)
    return {path: ", ".join(told) for path, told in codes.items()}

"""The plan workbench: paste a plan, see its report with mends, its drawing, its simulation."""

from typing import Any

import msgspec
from markupsafe import Markup
from pydantic import Field

from handlers.api import plan_calls, simulation_calls
from handlers.api.calls import Given
from handlers.api.plan_bodies import PlanBody, PlanToCheck
from handlers.errors import Fault, NotAcceptable
from handlers.web.console.visits import Shown, Visit
from plans.intake import BYTES_MAX, Submitted, read_json
from plans.patch import patched
from plans.simulate import Simulation
from plans.verify.report import Report

RUNS = 300


class Asked(Given):
    """What is asked of the workbench."""

    plan: str = Field("", max_length=BYTES_MAX)
    seed: int = Field(1, ge=0, lt=2**31)


def empty(_: Visit) -> Shown:
    """The page before anything is pasted."""
    return _page("", None)


def tried(visit: Visit) -> Shown:
    """The plan checked, drawn and simulated; with `mend` one patch of the report is applied."""
    asked = visit.told(Asked)
    submitted = read_json(asked.plan.encode())
    mend = visit.form.get("mend", ("",))[0]
    text = asked.plan
    if mend and not submitted.issues:
        submitted, text = _mended(visit, submitted, mend)
    report = _report(visit, submitted)
    return _page(
        text,
        report,
        drawing=_drawing(visit, submitted),
        simulation=_simulation(visit, submitted, asked.seed) if report.ok else None,
    )


def _page(
    text: str,
    report: Report | None,
    drawing: Markup | None = None,
    simulation: Simulation | str | None = None,
) -> Shown:
    values = {"plan_text": text, "report": report, "drawing": drawing, "simulation": simulation}
    return Shown("workbench.html", values)


def _report(visit: Visit, submitted: Submitted) -> Report:
    body = PlanBody(submitted, PlanToCheck())
    return plan_calls.check_plan(visit.call(body=body))


def _drawing(visit: Visit, submitted: Submitted) -> Markup | None:
    body = PlanBody(submitted, plan_calls.PlanToDraw(format="svg"))
    try:
        drawn = plan_calls.draw_plan(visit.call(body=body))
    except NotAcceptable:
        return None
    return Markup(drawn.drawing)  # noqa: S704  # every text in it is escaped by `plans.graph`


def _simulation(visit: Visit, submitted: Submitted, seed: int) -> Simulation | str:
    given = simulation_calls.PlanToSimulate(runs=RUNS, seed=seed)
    try:
        return simulation_calls.simulate_plan(visit.call(body=PlanBody(submitted, given)))
    except NotAcceptable as refused:
        return str(refused)


def _mended(visit: Visit, submitted: Submitted, mend: str) -> tuple[Submitted, str]:
    """The document with the patch of one issue of its report applied."""
    report = _report(visit, submitted)
    patches = [issue.patch for issue in report.issues if issue.patch]
    if not mend.isdecimal() or int(mend) >= len(patches):
        raise NotAcceptable("the form cannot be taken", [Fault("/mend", "unknown", "check again")])
    try:
        document: Any = patched(submitted.document, patches[int(mend)])
    except LookupError:
        fault = Fault("/mend", "patch", "check the plan again")
        raise NotAcceptable("the patch does not fit any more", [fault]) from None
    return Submitted(document), msgspec.json.format(
        msgspec.json.encode(document), indent=2
    ).decode()

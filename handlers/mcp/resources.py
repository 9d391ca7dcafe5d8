"""What a writer of plans may read besides the tools: schemas, the table of codes, examples."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from handlers.errors import NotHere
from handlers.mcp.plan_tools import example_plans
from plans.schema import json_schema
from plans.schema.flavours import FLAVOURS
from plans.verify.codes import CODES

SCHEME = "antiphon://plan/"


class Page(msgspec.Struct, frozen=True):
    """One thing to read: what it is, and how its JSON is made."""

    does: str
    made: Callable[[], Any]


def pages() -> Mapping[str, Page]:
    """Everything to read, by its address."""
    found = {
        f"{SCHEME}schema/{flavour}": Page(
            f"the plan language as JSON Schema, {flavour}", partial(json_schema, flavour)
        )
        for flavour in FLAVOURS
    }
    found[f"{SCHEME}codes"] = Page("every code of a report, with its meaning", _codes)
    for name, plan in example_plans().items():
        found[f"{SCHEME}examples/{name}"] = Page(f"the example plan {name}", partial(_same, plan))
    return found


def read(address: str) -> str:
    """The JSON text at this address; raises NotHere."""
    found = pages().get(address)
    if found is None:
        raise NotHere("nothing is at this address; resources/list has them all")
    return msgspec.json.encode(found.made()).decode()


def _codes() -> Mapping[str, Any]:
    return {
        code: {"severity": row.severity, "stages": row.stages, "meaning": row.meaning}
        for code, row in CODES.items()
    }


def _same(plan: Any) -> Any:  # noqa: ANN401  # a JSON value
    return plan

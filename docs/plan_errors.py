"""Writes docs/plan-errors.md from the catalogue of codes; called by docs/generate.py."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from plans.catalogue import ENTRIES, Entry, Example
from plans.catalogue.sample import CALL, CONTACT, mail, nudge, plan
from plans.catalogue.telling import explanation, laid_out
from plans.catalogue.trial import tried
from plans.patch import patched

HEAD = """# Error codes of plans

Every code that the check of a plan can give, or a revision of a running plan: what it means, where
it points, why it is there, a plan that gets it and the same plan mended. This page is written from
`plans/catalogue/` by `docs/generate.py`; tests run every example.

`antiphon plan check FILE` gives the codes, `antiphon plan explain CODE` tells one section of this
page.

* A stage runs only when those before it found no error: mend what is reported, check again. Stages
  4 and 5 report together.
* Pointers lead into the canonical plan, which has every default filled in. i, j and k are indexes.
* `patch` is there when the mend is mechanical. It is a proposal: it removes its issue, but what it
  leaves behind may have other ones.
* An error refuses the plan; a warning (W_) does not.

## Reading the examples

Of each plan only the parts that matter are shown, under their pointers; long texts are cut. All
plans vary this one:

"""
NODES_ARE = """
Some have one of these nodes in it as well:

"""
CONTACT_IS = """
Where nothing else is said they are for this contact, of a tenant that has no rules of its own:

"""
POINTER = re.compile(r"(?<![\w`<])(?:\.\.\.)?(?:/[\w<>]+)+")
GROUPS: Mapping[str, tuple[int, ...]] = {
    "Stage 1, shape": (1,),
    "Stage 2, references": (2,),
    "Stage 3, graph": (3,),
    "Stage 4, content": (4,),
    "Stage 5, proof": (5,),
    "Revision of a running plan": (),
}
"""The parts of the page; a code of two stages stands in that of the first one."""


def page() -> str:
    """The whole page."""
    parts = [HEAD, block(plan(mail())), NODES_ARE, block([nudge(), CALL]), CONTACT_IS]
    parts += [block(CONTACT), "\n", *contents()]
    parts += [section(entry) for group in GROUPS for entry in entries_of(group)]
    return "".join(parts)


def entries_of(group: str) -> list[Entry]:
    """The entries of a part of the page."""
    return [entry for entry in ENTRIES.values() if entry.row.stages[:1] == GROUPS[group]]


def contents() -> Iterator[str]:
    """The table of contents."""
    yield "## Contents\n\n| code | meaning |\n| --- | --- |\n"
    for group in GROUPS:
        yield f"| **{group}** | |\n"
        for entry in entries_of(group):
            yield f"| [{entry.code}](#{entry.code.lower()}) | {entry.row.meaning} |\n"


def section(entry: Entry) -> str:
    """All of one code."""
    stages = " and ".join(map(str, entry.row.stages))
    stage = f"stage {stages}" if stages else "of a revision"
    where = POINTER.sub(r"`\g<0>`", entry.where)
    first, rest = entry.row.meaning.split(" ", maxsplit=1)
    meaning = f"{first.capitalize() if first.islower() else first} {rest}"  # no name of a field
    head = (
        f"\n## {entry.code}\n\n{meaning}. {entry.why}\n\n"
        f"*{entry.row.severity.capitalize()}, {stage}.* At {where}.\n"
    )
    told = explanation(entry)["examples"]
    return head + "".join(map(example_text, entry.examples, told))


def example_text(example: Example, told: Mapping[str, Any]) -> str:
    """The wrong plan, what is said of it, the right one."""
    stage = f"In stage {example.stage}. " if example.stage else ""
    note = f"{stage}{example.note}".rstrip() + "\n\n" if stage or example.note else ""
    right = "Right, as the patch makes it:" if patch_mends(example, told) else "Right:"
    return (
        f"\n{note}Wrong:\n\n{block(told['wrong'])}\nReported:\n\n{block(told['issue'])}\n"
        f"{right}\n\n{block(told['right'])}"
    )


def patch_mends(example: Example, told: Mapping[str, Any]) -> bool:
    """Whether the patch of the report makes the right plan of the wrong one."""
    patch = told["issue"].get("patch")
    if patch is None:
        return False
    checked = tried(example, example.wrong)
    submitted = example.wrong if checked.document is None else checked.document
    mended = tried(example, patched(submitted, patch))
    return mended.report.plan_hash == tried(example, example.right).report.plan_hash


def block(value: object) -> str:
    """JSON as a block of code."""
    return f"```json\n{laid_out(value)}\n```\n"

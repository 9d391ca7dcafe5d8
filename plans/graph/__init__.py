"""A plan as a layered drawing: SVG for pages and files, mermaid text for documents."""

from plans.graph.marks import NOTHING, Marks, Taken, Worst, marks_of
from plans.graph.mermaid import mermaid
from plans.graph.svg import svg

__all__ = ["NOTHING", "Marks", "Taken", "Worst", "marks_of", "mermaid", "svg"]

"""The page of tools for plan-writing programs, from the table that serves them."""

import json
from collections.abc import Iterator

from handlers.access import ROLES_OF
from handlers.mcp.resources import pages
from handlers.mcp.rights import permission_of
from handlers.mcp.server import input_schema
from handlers.mcp.tool import Tool
from handlers.mcp.tools import TOOLS

HEAD = """# Tools

What plan-writing programs may call over MCP, at `/mcp/` of the web process or through
`antiphon mcp`; how to connect is in
[let-an-ai-write-plans.md](../how-to/let-an-ai-write-plans.md). A key sees the tools of its role.
"""


def page() -> str:
    """Every tool with what it takes and answers, and what there is to read."""
    parts = [HEAD, *(_section(tool) for tool in TOOLS), "## Resources\n"]
    rows = [f"| `{at}` | {one.does} |" for at, one in pages().items()]
    return "\n".join([*parts, "\n".join(["| address | what |", "| --- | --- |", *rows, ""])])


def _section(tool: Tool) -> str:
    permission = permission_of(tool.name)
    roles = ", ".join(sorted(ROLES_OF[permission]))
    changes = "Changes something." if tool.changes else "Changes nothing."
    lines = [
        f"## {tool.name}\n",
        f"{tool.does}.\n",
        f"Answers {tool.answers}.\n",
        f"{changes} Permission `{permission}`: {roles}.\n",
        *_arguments(tool),
    ]
    return "\n".join(lines)


def _arguments(tool: Tool) -> Iterator[str]:
    schema = input_schema(tool)
    properties = schema["properties"]
    if not properties:
        return
    yield "| argument | type | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for name, one in properties.items():
        needed = name in schema.get("required", ())
        default = "required" if needed else f"`{json.dumps(one.get('default'))}`"
        yield f"| `{name}` | {_type(one)} | {default} | {one.get('description', '')} |"
    yield ""


def _type(schema: dict[str, object]) -> str:
    """A type in a word or two; what is nested is in the schema that the tool itself tells."""
    ways = schema.get("anyOf")
    if isinstance(ways, list):
        return " or ".join(_type(each) for each in ways if each.get("type") != "null")
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    words = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
    if isinstance(words, list):
        return ", ".join(f"`{each}`" for each in words)
    told = schema.get("format") or schema.get("type")
    return str(told or "any JSON")

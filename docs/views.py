"""The page of the views for analysts, from the comments of the migration that makes them."""

import re
from collections.abc import Iterator
from pathlib import Path

from infra.migrations.run import migrations

VIEWS_PAGE = Path(__file__).resolve().parent / "reference" / "views.md"
HEAD = """# Views

What analysts read of a tenant, by SQL: views in its schema `t_<name>`, for the role
`antiphon_analyst_<name>`, which can read them and nothing else. There is no personal data in them.
Times are instants; `SET timezone = 'UTC'` shows them in UTC. How to use them:
[analyse.md](../how-to/analyse.md); what is counted: [metrics.md](../explanation/metrics.md).
"""
_COMMENT = re.compile(
    r"COMMENT ON (?:VIEW|COLUMN) {schema}\.(v_\w+)(?:\.(\w+))? IS '((?:[^']|'')*)';"
)


def described() -> Iterator[tuple[str, str, str]]:
    """View, column and what is said of it; without a column it is about the view."""
    for migration in migrations("tenant"):
        for view, column, text in _COMMENT.findall(migration.text):
            yield view, column, text.replace("''", "'")


def page() -> str:
    """The page."""
    parts = [HEAD]
    for view, column, text in described():
        if column:
            parts.append(f"| `{column}` | {text} |\n")
        else:
            parts.append(
                f"\n## {view}\n\n{text[0].upper()}{text[1:]}.\n\n| column | what |\n| --- | --- |\n"
            )
    return "".join(parts)

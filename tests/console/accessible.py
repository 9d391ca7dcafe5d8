"""What keeps people out of a page, found by a script in the page itself (WCAG 2.2, level AA).

It looks at language and title, landmarks and headings, names of fields, buttons, links, frames and
drawings, references by id, heads of tables, tab order, and the contrast of every visible text.
"""

from pathlib import Path

from playwright.sync_api import Page

LOOK = Path(__file__).with_suffix(".js").read_text("utf-8").split("\n", 1)[1]


def barriers(page: Page) -> list[str]:
    """What is wrong, each with the element it was found at."""
    found: list[str] = page.evaluate(LOOK)
    return found

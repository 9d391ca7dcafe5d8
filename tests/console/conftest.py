"""A browser, signed in as somebody of a role; skipped, with the reason, where there is none."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from handlers.access import Role
from infra.embedded.servers import ServerUrls
from tests.console.staged import Staged, served
from tests.stories.house import open_house

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "console"
TAKE = "TAKE_PICTURES"
"""The variable that asks for pictures for the documents."""
PATIENCE_MS = 20_000


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no chromium is installed (Debian: apt-get install chromium)")
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Of one module: while it runs, nobody else in this process may run an event loop."""
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def staged(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Staged]:
    home = tmp_path_factory.mktemp("console")
    with open_house(ServerUrls(database_url, redis_url), home) as house:
        made = Staged(house)
        try:
            with served(made) as url:
                made.url = url
                yield made
        finally:
            made.close()


class Watched:
    """What a page did that none of ours should."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.wrong: list[str] = []

    def watch(self, page: Page) -> None:
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            self.wrong.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(self.url):
            self.wrong.append(f"asked: {request.url}")


Open = Callable[..., Page]


@pytest.fixture
def signed_in(browser: Browser, staged: Staged) -> Iterator[Open]:
    """Opens a page as somebody of a role; in the end nothing strange may have happened."""
    watched, contexts = Watched(staged.url), []

    def opened(path: str = "/", *, role: Role = Role.ADMIN, **options: object) -> Page:
        context = browser.new_context(
            **{
                "base_url": staged.url,
                "locale": "en-GB",
                "timezone_id": "Europe/Lisbon",
                "viewport": {"width": 1360, "height": 900},
                **options,
            }
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([{"name": "antiphon", "value": staged.secret(role), "url": staged.url}])
        page = context.new_page()
        watched.watch(page)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert watched.wrong == []


def take(page: Page, name: str) -> None:
    """A picture for the documents, where they are asked for."""
    if os.environ.get(TAKE):
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png")

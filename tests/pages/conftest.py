"""What the tests of pages share."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")


@pytest.fixture(scope="session")
def browser(absent: Callable[[str], None]) -> Iterator[Browser]:
    """Debian's Chromium, for the tests marked ``peers``."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        absent("Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield started
        started.close()


class Opened(NamedTuple):
    """A page in the browser, what it wrote to the console, and all that it asked for."""

    page: Page
    messages: list[str]
    requests: list[str]


@pytest.fixture(params=["light", "dark"])
def opened(request: pytest.FixtureRequest, browser: Browser, shown: Path) -> Iterator[Opened]:
    """The page that the test file's fixture ``shown`` names, opened from disk in either colour scheme."""
    messages: list[str] = []
    requests: list[str] = []
    page = browser.new_page(color_scheme=request.param, viewport={"width": 1100, "height": 900})
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda made: requests.append(made.url))
    page.goto(shown.as_uri())
    yield Opened(page, messages, requests)
    page.close()

"""What the tests of pages share."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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

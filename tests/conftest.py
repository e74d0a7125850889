"""Fixtures for all tests. Reference facts lie beside the project and are never needed by the product."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # speed is measured in benchmarks/, never in a test
settings.load_profile("untimed")

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "reference"


def _absent(what: str) -> None:
    """A missing part is a skip on a developer's machine and a failure where CI says that everything is there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is absent although CI=true")
    pytest.skip(f"{what} is absent on this machine")


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference facts; skips the test where it is absent."""
    if not SHARED.is_dir():
        _absent("the folder of reference facts (../shared/reference)")
    return SHARED


@pytest.fixture(scope="session")
def official_s071(shared: Path) -> Path:
    """Folder with the published S071 4.4.0 schema and its two imports."""
    return shared / "cdm" / "official-xsd" / "s071-4.4.0-single-file"


@pytest.fixture(scope="session")
def absent() -> Callable[[str], None]:
    """Call with the name of a missing service or product: skips, or fails under CI=true."""
    return _absent

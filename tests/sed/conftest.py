"""Samples and registries for the tests of documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi.schemas import Registry


@pytest.fixture(scope="session")
def samples(shared: Path) -> Path:
    """Folder of the reference samples."""
    return shared / "cdm"


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The packages that ship."""
    return Registry.default()


@pytest.fixture(scope="session")
def bare() -> Registry:
    """A registry that knows nothing."""
    return Registry()

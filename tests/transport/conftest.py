"""What the tests of the transport share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.transport.messages import close_stores


@pytest.fixture(autouse=True)
def _stores() -> Iterator[None]:
    yield
    close_stores()

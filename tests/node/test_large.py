"""Large attachments from node to node: from a file, over two access points, into the sealed store and out of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.transport.test_large import MIB, carried

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc"),
]
NODES = Path(__file__).parent / "large_runner.py"


def test_forty_megabytes_from_node_to_node(tmp_path: Path) -> None:
    peaks = carried(tmp_path, 40 * MIB, ends=NODES)
    assert max(peaks.values()) < 122, peaks


def test_five_hundred_megabytes_from_node_to_node_in_less_than_128_megabytes_of_memory(tmp_path: Path) -> None:
    peaks = carried(tmp_path, 500 * 1_000_000, ends=NODES)
    assert max(peaks.values()) * MIB < 128_000_000, peaks
    print(peaks)

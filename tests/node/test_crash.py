"""Killed at any moment, nothing is lost, nothing is applied twice, and both sides agree in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.node.crashing import check, killed_and_continued, play, sqlite_urls


def moments(folder: Path, cases: int) -> int:
    """How many moments there are to kill at."""
    urls = sqlite_urls(folder)
    count = play(urls, cases, None, 0)
    check(urls, cases)
    return count


def spread(count: int, wanted: int) -> list[int]:
    return sorted({1 + index * (count - 1) // (wanted - 1) for index in range(wanted)})


@pytest.mark.parametrize("part", range(4))
def test_twenty_moments(part: int, tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    count = moments(tmp_path / "whole", 1)
    for kill_at in spread(count, 20)[part::4]:
        folder = tmp_path / str(kill_at)
        folder.mkdir()
        assert killed_and_continued(sqlite_urls(folder), 1, kill_at), f"no kill at {kill_at} of {count}"


@pytest.mark.long
def test_a_hundred_moments(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    count = moments(tmp_path / "whole", 3)
    for kill_at in spread(count, 100):
        folder = tmp_path / str(kill_at)
        folder.mkdir()
        assert killed_and_continued(sqlite_urls(folder), 3, kill_at), f"no kill at {kill_at} of {count}"

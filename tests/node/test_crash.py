"""Killed at any moment, nothing is lost, nothing is applied twice, and both sides agree in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.node.conftest import BOTH_STORES, store_urls
from tests.node.crashing import check, killed_and_continued, killed_on_the_way, play, sqlite_urls


def moments(folder: Path, cases: int) -> int:
    """How many moments there are to kill at."""
    urls = sqlite_urls(folder)
    count = play(urls, cases, None, 0)
    check(urls, cases)
    return count


def killed_at_each(request: pytest.FixtureRequest, kind: str, folder: Path, cases: int, points: int) -> None:
    """Kill at so many moments, spread over a whole run, each time with fresh stores."""
    with store_urls(kind, request, folder) as urls:
        count = play(tuple(urls), cases, None, 0)  # type: ignore[arg-type]  # two of them
        check(tuple(urls), cases)  # type: ignore[arg-type]  # two of them
    for kill_at in spread(count, points):
        with store_urls(kind, request, folder) as urls:
            assert killed_and_continued(tuple(urls), cases, kill_at), f"no kill at {kill_at} of {count}"  # type: ignore[arg-type]


@pytest.mark.peers
def test_a_few_moments_on_postgresql(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    killed_at_each(request, "postgresql", tmp_path, 1, 5)


@pytest.mark.peers
@pytest.mark.long
def test_a_hundred_moments_on_postgresql(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    killed_at_each(request, "postgresql", tmp_path, 3, 100)


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


@pytest.mark.parametrize("kind", BOTH_STORES)
def test_one_exchange_killed_five_times(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with store_urls(kind, request, tmp_path) as (first, second):
        killed_on_the_way((first, second), 6, 5, most=150, wave=3)


@pytest.mark.long
@pytest.mark.parametrize("kind", BOTH_STORES)
def test_a_thousand_cases_killed_a_hundred_times(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Takes some four minutes for each store."""
    with store_urls(kind, request, tmp_path) as (first, second):
        killed_on_the_way((first, second), 1000, 100, most=1500)

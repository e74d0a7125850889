"""The process is killed between any two steps of sending and receiving: nothing lost, nothing twice, no false receipt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.peers.postgresql import postgresql, postgresql_server

__all__ = ["postgresql", "postgresql_server"]

HERE = Path(__file__).parent
MESSAGES = 5


def run(urls: tuple[str, str], points: Iterable[int]) -> list[dict[str, Any]]:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent.parent)}
    command = [sys.executable, str(HERE / "crash_runner.py"), *urls, str(MESSAGES), *map(str, points)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=1800)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(found: dict[str, Any]) -> None:
    everything = [f"m-{number}" for number in range(MESSAGES)]
    assert found["killed"] == -9, found
    assert found["between"]["unstored"] == [], "a receipt for what is not stored"
    assert found["between"]["failed"] == []
    assert found["finished"] == 0
    assert sorted(found["after"]["receipted"]) == everything, "lost"
    assert sorted(found["after"]["applied"]) == everything, "lost or delivered twice"
    for case in range(2):
        mine = [one for one in found["after"]["applied"] if int(one[2:]) % 2 == case]
        assert mine == sorted(mine), "out of order in its case"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where the machine has such a place: a killed process loses nothing there, and nobody waits for a disk."""
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=shared_memory) as place:
        yield Path(place)


def urls_of(folder: Path) -> tuple[str, str]:
    return f"sqlite:///{folder}/a.sqlite", f"sqlite:///{folder}/b.sqlite"


def test_killed_at_twenty_points(folder: Path) -> None:
    [whole] = run(urls_of(folder), [0])
    count = whole["points"]
    assert count >= 100, "there are at least a hundred moments to die at"
    results = run(urls_of(folder), range(1, count, count // 20))
    assert len(results) >= 20
    for found in results:
        check(found)


@pytest.mark.long
def test_killed_at_every_point(folder: Path) -> None:
    [whole] = run(urls_of(folder), [0])
    for found in run(urls_of(folder), range(1, whole["points"] + 1)):
        check(found)


@pytest.mark.peers
def test_killed_at_twenty_points_over_postgresql(postgresql: str) -> None:
    urls = (postgresql, postgresql)
    [whole] = run(urls, [0])
    for found in run(urls, range(1, whole["points"], whole["points"] // 20)):
        check(found)

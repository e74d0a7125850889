"""Killed in the middle of a load: the old copy or the new one, never a mixture."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eessi.directory import Directory
from eessi.directory.store import DirectoryStore
from tests.directory.test_store_contract import FIRST, SECOND
from tests.peers.postgresql import database

ROOT = Path(__file__).parents[2]
POINTS = 50
FEW = 6


def load_in_a_process(place: str, file: Path, point: int) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "tests.directory.killed_load", place, str(file), str(point)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def check(place: str, point: int, seen: set[str]) -> None:
    with DirectoryStore.open(place) as store:
        directory = store.directory()
        copies = store.copies()
        assert directory in (Directory.load(FIRST), Directory.load(SECOND)), f"a mixture after point {point}"
        is_new = directory == Directory.load(SECOND)
        assert len(copies) == (2 if is_new else 1)
        assert copies[-1].version == ("1.10.0" if is_new else "1.9.0")
        assert (set(directory.kept) == {"BE:SYNTH010"}) == is_new
        loads = [event for event in store.events() if event.action == "copy-loaded"]
        assert len(loads) == len(copies)
        store.load(SECOND)
        assert store.directory() == Directory.load(SECOND)
    seen.add("new" if is_new else "old")


def kill_at(points: list[int], base: Path, second: Path, tmp_path: Path) -> set[str]:
    seen: set[str] = set()
    for point in points:
        folder = tmp_path / f"at{point}"
        shutil.copytree(base, folder)
        done = load_in_a_process(str(folder / "d.db"), second, point)
        assert done.returncode == -signal.SIGKILL, done.stderr
        check(str(folder / "d.db"), point, seen)
        shutil.rmtree(folder)
    return seen


@pytest.fixture
def loaded(tmp_path: Path) -> tuple[Path, Path, int]:
    """A store with the first copy, the file of the second, and the number of steps its load takes."""
    base = tmp_path / "base"
    base.mkdir()
    with DirectoryStore.open(base / "d.db") as store:
        store.load(FIRST)
    second = tmp_path / "second.xml"
    second.write_bytes(SECOND)
    trial = tmp_path / "trial"
    shutil.copytree(base, trial)
    done = load_in_a_process(str(trial / "d.db"), second, 0)
    assert done.returncode == 0, done.stderr
    return base, second, int(done.stdout)


def spread(steps: int, number: int) -> list[int]:
    return sorted({1 + round(index * (steps - 1) / (number - 1)) for index in range(number)})


def test_killed_at_a_few_points(loaded: tuple[Path, Path, int], tmp_path: Path) -> None:
    base, second, steps = loaded
    assert steps >= POINTS, "fewer steps than points: count finer"
    assert kill_at(spread(steps, FEW), base, second, tmp_path) == {"old"}


@pytest.mark.long
def test_killed_at_fifty_points(loaded: tuple[Path, Path, int], tmp_path: Path) -> None:
    base, second, steps = loaded
    points = spread(steps, POINTS)
    assert len(points) == POINTS
    kill_at(points, base, second, tmp_path)


@pytest.mark.peers
def test_killed_at_points_of_a_load_into_postgresql(postgresql_server: str, tmp_path: Path) -> None:
    """The server outlives the process that loads, and undoes what it began."""
    second = tmp_path / "second.xml"
    second.write_bytes(SECOND)
    seen: set[str] = set()
    for point in (1, 30, 55, 80):
        with database(postgresql_server) as url:
            with DirectoryStore.open(url) as store:
                store.load(FIRST)
            done = load_in_a_process(url, second, point)
            assert done.returncode == -signal.SIGKILL, done.stderr
            check(url, point, seen)
    assert seen == {"old"}

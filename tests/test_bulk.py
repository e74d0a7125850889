"""One piece of work with any executor: the same results, once each, however often the job is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from eessi import bulk
from eessi.errors import InputError, UsageError

KEYS = [f"k{number}" for number in range(237)]


def squared(text: str) -> int:
    return int(text.removeprefix("k")) ** 2


def slowly(text: str) -> int:
    time.sleep(0.01)
    return squared(text)


WANTED = [(key, squared(key)) for key in KEYS]


def journal(file: Path, job: str = "square") -> bulk.Journal[int]:
    return bulk.Journal(file, job, int, int)  # type: ignore[arg-type]  # plain numbers both ways


@pytest.mark.parametrize("pool", [None, ThreadPoolExecutor, ProcessPoolExecutor])
@pytest.mark.parametrize("batch", [1, 50, 1000])
def test_every_executor_gives_the_same_in_the_same_order(pool: type[ThreadPoolExecutor] | None, batch: int) -> None:
    if pool is None:
        assert list(bulk.run(squared, KEYS, str, batch=batch)) == WANTED
        return
    with pool(2) as executor:
        assert list(bulk.run(squared, KEYS, str, executor=executor, batch=batch)) == WANTED


def test_only_some_things_are_read_ahead() -> None:
    read: list[str] = []

    def load(key: str) -> str:
        read.append(key)
        return key

    many = (f"k{number}" for number in range(100_000))
    with ThreadPoolExecutor(2) as executor:
        results = bulk.run(squared, many, load, executor=executor)
        next(results)
        assert len(read) <= bulk.BATCH * bulk.UNDER_WAY
        results.close()


def test_progress_counts_what_was_done_before_too(tmp_path: Path) -> None:
    file = tmp_path / "j"
    results = bulk.run(squared, KEYS, str, journal=journal(file))
    first = [next(results) for _ in range(10)]
    results.close()
    seen: list[int] = []
    done: list[str] = []

    def load(key: str) -> str:
        done.append(key)
        return key

    assert list(bulk.run(squared, KEYS, load, journal=journal(file), progress=seen.append)) == WANTED
    assert (seen[0], seen[-1], len(first)) == (11, 237, 10)
    assert done == KEYS[10:], "what was finished is not done again"


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_journal_cut_anywhere_is_taken_up(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "j"
    list(bulk.run(squared, KEYS[:5], str, journal=journal(file)))
    file.write_bytes(file.read_bytes()[:-cut])
    assert list(bulk.run(squared, KEYS, str, journal=journal(file))) == WANTED
    assert len(file.read_bytes().splitlines()) == len(KEYS) + 1


def test_a_journal_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "j"
    list(bulk.run(squared, KEYS[:5], str, journal=journal(file)))
    with pytest.raises(UsageError, match="another job"):
        list(bulk.run(squared, KEYS, str, journal=journal(file, "cube")))
    file.write_text("hello\nworld\n")
    with pytest.raises(InputError, match="not the journal"):
        list(bulk.run(squared, KEYS, str, journal=journal(file)))
    assert file.read_text() == "hello\nworld\n"


class Losing(Executor):
    """Loses its workers at the third batch."""

    def __init__(self) -> None:
        self.batches = 0

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]  # the signature of Executor
        self.batches += 1
        future: Future[object] = Future()
        if self.batches == 3:
            future.set_exception(BrokenProcessPool("a worker died"))
        else:
            future.set_result(fn(*args))
        return future


def test_lost_workers_are_one_clear_line_and_nothing_finished_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "j"
    with pytest.raises(bulk.JobStopped, match="run the job again"):
        list(bulk.run(squared, KEYS, str, executor=Losing(), journal=journal(file)))
    assert len(journal(file).finished()) == 100
    assert list(bulk.run(squared, KEYS, str, journal=journal(file))) == WANTED


PROGRAM = """
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tests.test_bulk import KEYS, journal, slowly
from eessi import bulk
with ProcessPoolExecutor(2) as pool:
    list(bulk.run(slowly, KEYS, str, executor=pool, journal=journal(Path({file!r})), batch=10))
"""


@pytest.mark.parametrize("lines", [2, 40, 150])
def test_a_job_killed_in_the_middle_goes_on(tmp_path: Path, lines: int) -> None:
    """SIGKILL of the whole job, at different moments: what was finished is kept, the result is the same."""
    file = tmp_path / "j"
    child = subprocess.Popen([sys.executable, "-c", PROGRAM.format(file=str(file))], start_new_session=True)
    until = time.monotonic() + 60
    while time.monotonic() < until and not (file.exists() and file.read_bytes().count(b"\n") >= lines):
        time.sleep(0.005)
    os.killpg(child.pid, signal.SIGKILL)
    assert child.wait(timeout=10) == -signal.SIGKILL, "it was still at work"
    kept = len(journal(file).finished())
    assert lines - 1 <= kept < len(KEYS)
    assert sorted(bulk.run(squared, KEYS, str, journal=journal(file))) == sorted(WANTED)

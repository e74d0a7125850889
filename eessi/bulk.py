"""One piece of work over many things, with any ``concurrent.futures`` executor: same results, resumable, with progress.

Only ``submit`` of the executor is used, so threads, processes and the executors of other engines do alike (Dask's
``Client.get_executor()``, for one). A few batches are under way at a time: memory does not grow with the number of things.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Generic, TypeVar

import attrs

from eessi.errors import EessiError, InputError, StoreError, UsageError

__all__ = ["JobStopped", "Journal", "processes", "run"]

T = TypeVar("T")
R = TypeVar("R")

BATCH: Final = 50
"""Things sent together: sending one alone costs more than a small document's work."""

UNDER_WAY: Final = 32
"""Batches sent and not yet taken back."""


class JobStopped(EessiError):
    """The executor lost its workers; what was finished stands in the journal."""

    exit_code = 5


@attrs.frozen(slots=True)
class Journal(Generic[R]):
    """What is finished already, one JSON line each, so that a job goes on where it was stopped, by whatever.

    :param job: names the work and its arguments; the journal of another job is refused.
    :param encode: :param decode: a result to plain data and back.
    """

    file: Path
    job: str
    encode: Callable[[R], object]
    decode: Callable[[object], R]

    def finished(self) -> dict[str, R]:
        """The results that stand there, by key. A last line that was cut short is taken away and done again.

        :raises UsageError: when it belongs to another job. :raises InputError: when it is no journal.
        :raises StoreError: when it cannot be read or written.
        """
        try:
            return self._finished()
        except OSError as error:
            raise StoreError(f"{self.file} cannot be used as a journal: {error.strerror}") from None

    def _finished(self) -> dict[str, R]:
        if not self.file.exists():
            self.file.write_text(json.dumps({"job": self.job}) + "\n", encoding="utf-8")
            return {}
        found: dict[str, R] = {}
        whole = 0
        data = self.file.read_bytes()
        for number, line in enumerate(data.splitlines(keepends=True)):
            if not line.endswith(b"\n"):
                break
            self._take(line, number, found)
            whole += len(line)
        if whole == 0:
            self.file.unlink()
            return self._finished()
        if whole < len(data):
            with self.file.open("r+b") as target:
                target.truncate(whole)
        return found

    def _take(self, line: bytes, number: int, found: dict[str, R]) -> None:
        try:
            row = json.loads(line)
            if number == 0:
                job = str(row["job"])
            else:
                found[str(row["key"])] = self.decode(row["result"])
                return
        except (ValueError, KeyError, TypeError):
            raise InputError("not the journal of a job", source=str(self.file), line=number + 1) from None
        if job != self.job:
            raise UsageError(f"{self.file} is the journal of another job ({job}); name another file or finish that one")

    def line(self, key: str, result: R) -> str:
        """The line of one result."""
        return json.dumps({"key": key, "result": self.encode(result)}, ensure_ascii=False) + "\n"


def run(
    work: Callable[[T], R],
    keys: Iterable[str],
    load: Callable[[str], T],
    *,
    executor: Executor | None = None,
    journal: Journal[R] | None = None,
    progress: Callable[[int], None] | None = None,
    batch: int = BATCH,
) -> Iterator[tuple[str, R]]:
    """Each key with its result: those of an earlier run first, then the others in their order.

    :param work: a function of a module, since it may be sent to another process; it must not raise.
    :param load: what ``work`` needs for a key, read here and just before it is sent.
    :param progress: called with the number finished. :param batch: things sent together; fewer where there are few.
    :raises JobStopped: when the executor lost its workers. :raises UsageError: for the journal of another job.
    """
    finished = {} if journal is None else journal.finished()
    count = 0
    for key, result in finished.items():
        count += 1
        yield key, result
    todo = (key for key in keys if key not in finished)
    results = _alone(work, todo, load) if executor is None else _together(work, todo, load, executor, batch)
    log = None if journal is None else journal.file.open("a", encoding="utf-8")
    try:
        for key, result in results:
            if journal is not None and log is not None:
                log.write(journal.line(key, result))
                log.flush()
            count += 1
            if progress is not None:
                progress(count)
            yield key, result
    finally:
        if log is not None:
            log.close()


@contextmanager
def processes(jobs: int) -> Iterator[Executor | None]:
    """An executor of so many processes for :func:`run`; none for one job, which is done where it is asked for."""
    if jobs == 1:
        yield None
        return
    with ProcessPoolExecutor(jobs) as executor:
        yield executor


def _alone(work: Callable[[T], R], keys: Iterable[str], load: Callable[[str], T]) -> Iterator[tuple[str, R]]:
    for key in keys:
        yield key, work(load(key))


def _together(
    work: Callable[[T], R], keys: Iterable[str], load: Callable[[str], T], executor: Executor, size: int
) -> Iterator[tuple[str, R]]:
    under_way: deque[tuple[list[str], Future[list[R]]]] = deque()
    try:
        for batch in _batches(keys, size):
            under_way.append((batch, executor.submit(_each, work, [load(key) for key in batch])))
            if len(under_way) >= UNDER_WAY:
                yield from _taken(*under_way.popleft())
        while under_way:
            yield from _taken(*under_way.popleft())
    except BrokenExecutor as error:
        raise JobStopped(f"the executor lost its workers ({error}); with a journal, run the job again") from None
    finally:
        for _, future in under_way:
            future.cancel()


def _taken(batch: list[str], future: Future[list[R]]) -> Iterator[tuple[str, R]]:
    yield from zip(batch, future.result(), strict=True)


def _each(work: Callable[[T], R], things: list[T]) -> list[R]:
    return [work(thing) for thing in things]


def _batches(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for key in keys:
        batch.append(key)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch

"""Growth: the same work on more and more, and on two processes. What costs more each when there is more of it stands out.

Run: ``python -m benchmarks.growth [--quick] [--output FILE.json]``. A curve's baseline is its first point; each point is the
median of some rounds. Goals are about the last point: at most half as much again as the first.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from benchmarks.documents import documents, registry
from benchmarks.harness import Goal, Outcome, arguments, report, write_results
from benchmarks.memory import resident
from eessi.directory import Directory
from eessi.directory.europe import Europe, plan
from eessi.schemas import CdmPackage, Registry
from eessi.sed import receive

FLAT: Final = 1.5
"""How much more a piece of work may cost at the end of a curve than at its beginning."""


def curve(name: str, points: Sequence[tuple[str, float]], *, first: int = 0) -> tuple[str, list[dict[str, object]]]:
    """A table of one curve: what one unit costs at each point, and how that is to the point ``first``."""
    base = points[first][1]
    outcomes = [Outcome(label, cost, cost / base, cost / base, cost / base) for label, cost in points]
    return report(name, outcomes, (Goal(points[-1][0], FLAT),))


def each(work: Callable[[int], None], count: int, rounds: int) -> float:
    """Processor seconds of one call, out of ``count`` in a row."""
    found = []
    for _ in range(rounds):
        gc.collect()
        start = time.thread_time()
        for number in range(count):
            work(number)
        found.append((time.thread_time() - start) / count)
    return statistics.median(found)


def of_documents(largest: int) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Documents received one after the other, and documents kept."""
    data, packages = documents("5 KB"), registry()

    def one(number: int) -> None:
        assert receive(data[number % len(data)], packages).verdict.is_valid

    each(one, 200, 1)
    sizes = [size for size in (1, 10, 100, 1_000, 10_000, 100_000) if size <= largest]
    points = [(f"{size:,} documents", each(one, size, max(1, min(51, 2_000 // size)))) for size in sizes]
    yield curve("documents received one after the other, each", points)
    kept, held = [], []
    for size in (1_000, 10_000, 40_000):
        if size <= largest:
            gc.collect()
            before = resident()
            held = [receive(data[number % len(data)], packages).record for number in range(size)]
            gc.collect()
            kept.append((f"{size:,} records kept", (resident() - before) / size / 1e6))
            held.clear()
    yield curve("memory of a kept record, bytes where the table says us", kept)


def of_institutions(folder: Path, sizes: Sequence[int]) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Loading a directory, and finding in it; a tenth of the usual competences each, so that ten thousand fit."""
    loaded, found = [], []
    for size in sizes:
        file = folder / f"{size}.xml"
        europe = Europe(plan(size, bucs=plan(1).bucs[:10]))
        with file.open("wb") as out:
            europe.write(out)
        took = time.thread_time()
        directory = Directory.load(file)
        loaded.append((f"{size:,} institutions, load", (time.thread_time() - took) / size))
        assert len(directory) == size
        country, buc = next(iter(directory)).country, next(iter(directory)).competences[0].buc
        day = next(iter(directory)).competences[0].period.start

        def look(_: int, directory: Directory = directory) -> None:
            assert directory.find(buc, "CaseOwner", country, day) is not None  # noqa: B023 - used at once

        each(look, 10, 1)
        found.append((f"{size:,} institutions, find", each(look, 10_000, 5)))
        file.unlink()
    yield curve("directory: load, each institution", loaded)
    yield curve("directory: one look-up", found)


def versions_of(package: CdmPackage, count: int) -> Iterator[CdmPackage]:
    """The same 280 SEDs under one version after the other."""
    import attrs

    for number in range(count):
        yield attrs.evolve(package, version=f"1.{number + 10}")


def of_packages(count: int) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Registries of one to ten packages of 280 SEDs: finding the tree of a document."""
    found, held = [], []
    base = Registry.default().package("sandbox:1.0")
    seds = [entry.sed for entry in base.entries()]
    for size in (1, 2, 5, count):
        gc.collect()
        before = resident()
        known = Registry(tuple(versions_of(base, size)))

        def look(number: int, known: Registry = known) -> None:
            assert known.find(seds[number % len(seds)], "1.0") is not None

        each(look, len(seds), 1)
        found.append((f"{size} packages of 280 SEDs, find", each(look, 10 * len(seds), 5)))
        held.append((f"{size} packages of 280 SEDs, MiB", (resident() - before) / 1024 / 1024 / 1e6))
    yield curve("packages: finding the tree of a document", found)


def typed(files: Sequence[Path]) -> int:
    """What a process does with its share of a folder: read, validate and type; the number of valid documents."""
    packages = registry()
    return sum(receive(file.read_bytes(), packages).record is not None for file in files)


def of_processes(folder: Path, count: int, rounds: int) -> tuple[str, list[dict[str, object]]]:
    """A folder validated and typed by one process and by two: time on the wall, in turn."""
    data = documents("5 KB")
    files = []
    for number in range(count):
        file = folder / f"{number:06}.xml"
        file.write_bytes(data[number % len(data)])
        files.append(file)
    chunks = [files[start : start + 100] for start in range(0, count, 100)]
    times: dict[int, list[float]] = {1: [], 2: []}
    with ProcessPoolExecutor(1) as one, ProcessPoolExecutor(2) as two:
        for pool in (one, two):
            assert sum(pool.map(typed, chunks)) == count
        for _ in range(rounds):
            for jobs, pool in ((1, one), (2, two)):
                start = time.perf_counter()
                assert sum(pool.map(typed, chunks)) == count
                times[jobs].append(time.perf_counter() - start)
    ratios = sorted(alone / both for alone, both in zip(times[1], times[2], strict=True))
    low, middle, high = statistics.quantiles(ratios, n=4)
    outcomes = [
        Outcome("two processes, documents a second over one", statistics.median(times[2]) / count, middle, low, high)
    ]
    text, rows = report(f"two processes over one, {count:,} documents of a folder", outcomes)
    judged = "met" if middle >= 1.9 else "MISSED"
    return f"{text}  >= 1.9: {judged}", [{**rows[0], "goal": f">= 1.9: {judged}"}]


def main() -> None:
    options = arguments(__doc__ or "")
    tables = list(of_documents(10_000 if options.quick else 100_000))
    with tempfile.TemporaryDirectory() as place:
        tables += of_institutions(Path(place), (100, 1_000) if options.quick else (100, 1_000, 3_200, 10_000))
        tables += of_packages(10)
        tables.append(of_processes(Path(place), 2_000 if options.quick else 10_000, 7))
    write_results("growth", tables, options.output)


if __name__ == "__main__":
    main()

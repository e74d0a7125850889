"""One, two and four workers on one PostgreSQL: messages that wait in the inbox are applied, and their receipts sent.

Run: ``python -m benchmarks.workers [--quick] [--output FILE.json]``. By the clock on the wall, start of the processes included:
a ratio over 1 means that many workers took less time than one. In the last row one of two is killed in the middle, and its
jobs go to the other after two seconds of silence. Every run is checked: each message applied once, in the order of its case,
each receipt sent, all chains whole.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from benchmarks.harness import Goal, Outcome, arguments, report, write_results
from tests.node.sharing import check, filled, shared
from tests.peers import postgresql

WAYS = (("one worker", 1, False), ("two workers", 2, False), ("four workers", 4, False), ("two, one killed", 2, True))


def took(server: str, cases: int, workers: int, *, kill: bool) -> float:
    """Seconds for a fresh inbox of two messages a case."""
    with postgresql.database(server) as url, tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        ids = filled(url, folder, cases)
        seconds = shared(url, folder, workers, kill_at=cases if kill else None, limit=600)
        check(url, folder, ids, kills=int(kill))
        return seconds


def main() -> None:
    options = arguments("workers on one PostgreSQL")
    if postgresql.binaries() is None:
        print("PostgreSQL is not installed here: not measured")
        return
    cases, rounds = (50, 1) if options.quick else (500, 3)
    times: dict[str, list[float]] = {name: [] for name, _, _ in WAYS}
    with postgresql.server() as server:
        for _ in range(rounds):
            for name, workers, kill in WAYS:
                times[name].append(took(server, cases, workers, kill=kill))
    base = times["one worker"]
    outcomes = []
    for name, own in times.items():
        ratios = [one / mine for one, mine in zip(base, own, strict=True)]
        outcomes.append(Outcome(name, statistics.median(own), statistics.median(ratios), min(ratios), max(ratios)))
    table = report(
        f"{2 * cases:,} messages on PostgreSQL, times as many as one worker", outcomes, [Goal("two workers")]
    )
    write_results("workers", [table], options.output)


if __name__ == "__main__":
    main()

"""A few ratios with wide limits, for every change: an accident of a factor of two is seen the same day.

Run: ``python -m benchmarks.guard``. A limit is twice what the work must keep to; a ratio over it is measured once more, since
a busy machine can be the cause, and then ends with exit code 1.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks import receive, send, sign, start
from benchmarks.documents import documents
from benchmarks.harness import Goal, Outcome, measure, report

LOOSE: Final = 2.0
"""How many times over its goal a ratio may be before it counts as an accident."""

ROUNDS: Final = 7


def of_receiving() -> list[Outcome]:
    """Record, model and routing view against the parse."""
    data = documents("5 KB")
    return measure(receive.own_cases(data), len(data), baseline=receive.PARSE, rounds=ROUNDS)


def of_sending() -> list[Outcome]:
    """Record to bytes, validated, against the parse."""
    data = documents("5 KB")
    return measure(send.cases(data, quick=True), len(data), baseline=send.PARSE, rounds=ROUNDS)


def of_signing() -> list[Outcome]:
    """Sign and verify against the same by hand."""
    data = documents("5 KB")[:4]
    return measure(sign.cases(data, quick=True), len(data), baseline=sign.HAND, rounds=ROUNDS)


def of_starting() -> list[Outcome]:
    """A cold process to a parsed document against lxml alone."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        document = folder / "document.xml"
        document.write_bytes(documents("5 KB")[0])
        return start.compared(start.PLAIN, start.schema_file(folder), document, ROUNDS)


WATCHED: Final[Sequence[tuple[str, Callable[[], list[Outcome]], Sequence[Goal]]]] = (
    ("receive", of_receiving, receive.GOALS),
    ("send", of_sending, send.GOALS),
    ("sign", of_signing, (Goal(sign.BOTH, 1.5),)),
    ("start", of_starting, (Goal(start.PARSE, 1.5),)),
)


def loosened(goals: Sequence[Goal]) -> list[Goal]:
    """The goals that are limits, twice as wide."""
    return [Goal(goal.case, goal.must * LOOSE) for goal in goals if goal.must is not None and goal.against is None]


def accidents(outcomes: Sequence[Outcome], goals: Sequence[Goal]) -> list[str]:
    """Cases over their limit; one that was not measured at all is an accident, too."""
    found = {one.name: one.ratio for one in outcomes}
    return [goal.case for goal in goals if goal.must is None or not found.get(goal.case, float("inf")) <= goal.must]


def main() -> int:
    failed = []
    for name, run, goals in WATCHED:
        limits, outcomes = loosened(goals), run()
        if accidents(outcomes, limits):
            outcomes = run()
        print(report(f"{name}, with limits {LOOSE:g} times as wide", outcomes, limits)[0], end="\n\n", flush=True)
        failed += accidents(outcomes, limits)
    if failed:
        print(f"slower than twice their goal: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

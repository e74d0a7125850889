"""Side by side, not against the clock: every case once in each round, in a new random order, ratios within a round.

A ratio is the median over rounds of *case / baseline of the same round*; quartiles say how far to trust it. Every result is
checked before anything is timed. Time is that of the processor for this thread, so that other work on the machine disturbs
only through its caches. Absolute times are printed for orientation and are no claim.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

import attrs

__all__ = ["Case", "Goal", "Outcome", "arguments", "environment", "measure", "outcome", "report", "write_results"]


@attrs.frozen(slots=True)
class Case:
    """One way of doing a piece of work.

    :param run: does the work on input number ``i``; called with 0, 1, 2 ... in turn, so that inputs differ.
    :param check: raises when the result for input ``i`` is not right; called for every input before timing.
    """

    name: str
    run: Callable[[int], object]
    check: Callable[[int, object], None]


@attrs.frozen(slots=True)
class Goal:
    """What a ratio must and should be. ``must`` of ``None``: shown, not judged. ``faster``: the ratio is peer / case."""

    case: str
    must: float | None = None
    aim: float | None = None
    against: str | None = None


@attrs.frozen(slots=True)
class Outcome:
    """One case measured: seconds per call, and the ratio to the baseline with its quartiles."""

    name: str
    seconds: float
    ratio: float
    low: float
    high: float


def measure(
    cases: Sequence[Case],
    inputs: int,
    *,
    baseline: str,
    rounds: int = 31,
    sample: float = 0.01,
    seed: int = 1,
    clock: Callable[[], float] = time.thread_time,
) -> list[Outcome]:
    """Measure the cases on ``inputs`` different inputs; the first pass checks every result.

    :param sample: seconds that one case takes in one round, about.
    :param clock: time of the processor for this thread, unless what is measured waits for a disk or another process.
    """
    for case in cases:
        for number in range(inputs):
            case.check(number, case.run(number))
    calls = {case.name: _calls(case, inputs, sample, clock) for case in cases}
    order, source = list(cases), random.Random(seed)
    times: dict[str, list[float]] = {case.name: [] for case in cases}
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        source.shuffle(order)
        for case in order:
            times[case.name].append(_timed(case, calls[case.name], inputs, clock))
    gc.unfreeze()
    return [outcome(case.name, times[case.name], times[baseline]) for case in cases]


def _calls(case: Case, inputs: int, sample: float, clock: Callable[[], float]) -> int:
    start = clock()
    for number in range(inputs):
        case.run(number)
    each = (clock() - start) / inputs
    return max(1, min(20_000, int(sample / each)))


def _timed(case: Case, calls: int, inputs: int, clock: Callable[[], float]) -> float:
    run = case.run
    start = clock()
    for number in range(calls):
        run(number % inputs)
    return (clock() - start) / calls


def outcome(name: str, own: list[float], base: list[float]) -> Outcome:
    """What times of a case and of the baseline, one each per round, say."""
    ratios = sorted(one / other for one, other in zip(own, base, strict=True))
    low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else (ratios[0],) * 3
    return Outcome(name, statistics.median(own), middle, low, high)


def environment() -> dict[str, str]:
    """Where it was measured: interpreter, machine, versions that matter."""
    names = ("lxml", "attrs", "pydantic", "pydantic-xml", "xmlschema", "xsdata", "cryptography")
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system(), **versions}


def report(title: str, outcomes: Sequence[Outcome], goals: Sequence[Goal] = ()) -> tuple[str, list[dict[str, object]]]:
    """A table for people and the same rows for machines; a goal's row says whether it is met."""
    by_name = {one.name: one for one in outcomes}
    wanted = {goal.case: goal for goal in goals if goal.against is None}
    lines = [title, f"  {'case':<44} {'us':>10} {'x':>7} {'quartiles':>15}  goal"]
    rows: list[dict[str, object]] = []
    for one in outcomes:
        goal = wanted.get(one.name)
        said = _judged(one.ratio, goal, more=False) if goal else ""
        lines.append(
            f"  {one.name:<44} {one.seconds * 1e6:>10.1f} {one.ratio:>7.2f} {one.low:>7.2f}-{one.high:<7.2f}  {said}"
        )
        rows.append({"case": one.name, "microseconds": one.seconds * 1e6, "ratio": one.ratio, "low": one.low,
                     "high": one.high, "goal": said or None})  # fmt: skip
    for goal in goals:
        if goal.against is not None and goal.case in by_name and goal.against in by_name:
            faster = by_name[goal.against].ratio / by_name[goal.case].ratio
            said = _judged(faster, goal, more=True)
            lines.append(f"  {goal.case} against {goal.against}: {faster:.1f}x faster  {said}")
            rows.append({"case": goal.case, "against": goal.against, "faster": faster, "goal": said})
    return "\n".join(lines), rows


def _judged(value: float, goal: Goal, more: bool) -> str:
    def holds(limit: float | None) -> bool:
        return limit is not None and (value >= limit if more else value <= limit)

    sign = ">=" if more else "<="
    if goal.must is None:
        return ""
    word = "aim met" if holds(goal.aim) else "met" if holds(goal.must) else "MISSED"
    return f"{sign} {goal.must:g}{f' (aim {goal.aim:g})' if goal.aim is not None else ''}: {word}"


def arguments(what: str) -> argparse.Namespace:
    """``--rounds``, ``--quick``, ``--output FILE.json``."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--quick", action="store_true", help="few rounds, no slow peers: for a look, not for a claim")
    parser.add_argument("--output", type=Path, help="write the results as JSON")
    found = parser.parse_args(sys.argv[1:])
    if found.quick:
        found.rounds = min(found.rounds, 15)
    return found


def write_results(name: str, tables: Sequence[tuple[str, list[dict[str, object]]]], output: Path | None) -> None:
    """Print the tables, and write them as JSON where asked."""
    for text, _ in tables:
        print(text, end="\n\n")
    if output is not None:
        rows = {text.partition("\n")[0]: rows for text, rows in tables}
        output.write_text(
            json.dumps({"benchmark": name, "environment": environment(), "results": rows}, indent=2), "utf-8"
        )

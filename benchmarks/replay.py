"""A scenario in memory against the work inside it: the same validations and the same ``Case.apply`` calls, nothing else.

What a run adds is building the documents, envelopes, parsing, the network, both cases' moves with their reasons, and the
record. The work inside is taken in two ways: done again on its own, on documents that have been looked at before, which is
cheaper than it was; and timed where it happens, between the other work. Run: ``python benchmarks/replay.py``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.harness import Case, Goal, Outcome, arguments, measure, outcome, report, write_results
from eessi.buc import Case as BucCase
from eessi.buc import Event
from eessi.directory import Directory
from eessi.findings import Verdict
from eessi.schemas import Registry
from eessi.testing import Run, Scenario, players, run

RUNS = 5
"""Runs in one round where the work is timed inside them."""

SCENARIOS = Path(__file__).parent.parent / "examples" / "scenarios"


def inside(scenario: Scenario, registry: Registry, directory: Directory) -> list[Callable[[], object]]:
    """The validations and steps of cases that one run of a scenario asks for, ready to be done again."""
    calls: list[Callable[[], object]] = []
    validate, apply = players.validate, BucCase.apply

    def note_validation(document: object, given: Registry) -> Verdict:
        calls.append(lambda: validate(document, given))  # type: ignore[arg-type]  # a Sed or a Message
        return validate(document, given)  # type: ignore[arg-type]  # as above

    def note_step(self: BucCase, event: Event) -> BucCase:
        after = apply(self, event)
        calls.append(lambda: apply(self, event))
        return after

    players.validate, BucCase.apply = note_validation, note_step  # type: ignore[assignment,method-assign]  # put back below
    try:
        run(scenario, registry=registry, directory=directory)
    finally:
        players.validate, BucCase.apply = validate, apply  # type: ignore[method-assign]  # put back
    return calls


def cases(name: str, registry: Registry, directory: Directory) -> list[Case]:
    """The whole run and the work inside it."""
    scenario = Scenario.load(SCENARIOS / name)
    calls = inside(scenario, registry, directory)
    assert len(calls) > 5

    def whole(_number: int) -> Run:
        return run(scenario, registry=registry, directory=directory)

    def alone(_number: int) -> list[object]:
        return [call() for call in calls]

    def passed(_number: int, found: object) -> None:
        assert isinstance(found, Run)
        assert found.passed

    def complete(_number: int, found: object) -> None:
        assert isinstance(found, list)
        assert len(found) == len(calls)

    return [Case("the work inside", alone, complete), Case("the whole run", whole, passed)]


def where_it_happens(name: str, registry: Registry, directory: Directory, rounds: int) -> list[Outcome]:
    """Whole runs, and the validations and steps timed inside each of them."""
    scenario, spent = Scenario.load(SCENARIOS / name), [0.0]
    validate, apply = players.validate, BucCase.apply

    def timed_validation(document: object, given: Registry) -> Verdict:
        start = time.thread_time()
        verdict = validate(document, given)  # type: ignore[arg-type]  # a Sed or a Message
        spent[0] += time.thread_time() - start
        return verdict

    def timed_step(self: BucCase, event: Event) -> BucCase:
        start = time.thread_time()
        after = apply(self, event)
        spent[0] += time.thread_time() - start
        return after

    whole, work = [], []
    players.validate, BucCase.apply = timed_validation, timed_step  # type: ignore[assignment,method-assign]  # put back below
    try:
        for _ in range(rounds):
            spent[0], start = 0.0, time.thread_time()
            for _ in range(RUNS):
                assert run(scenario, registry=registry, directory=directory).passed
            whole.append((time.thread_time() - start) / RUNS)
            work.append(spent[0] / RUNS)
    finally:
        players.validate, BucCase.apply = validate, apply  # type: ignore[method-assign]  # put back
    return [outcome("the work inside, where it happens", work, work), outcome("the whole run", whole, work)]


def main() -> int:
    """Measure both example scenarios."""
    chosen = arguments(__doc__ or "")
    registry, directory = Registry.default(), Directory.synthetic()
    tables, goals = [], [Goal("the whole run", must=5.0)]
    for name in ("s_buc_01.buc.yaml", "la_buc_01.buc.yaml"):
        again = measure(cases(name, registry, directory), 1, baseline="the work inside", rounds=chosen.rounds)
        tables.append(report(f"scenario in memory against its work done again: {name}", again, goals))
        inner = where_it_happens(name, registry, directory, chosen.rounds)
        tables.append(report(f"scenario in memory against its work where it happens: {name}", inner, goals))
    write_results("replay", tables, chosen.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

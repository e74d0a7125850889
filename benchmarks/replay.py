"""A scenario in memory against the work inside it: the same validations and the same ``Case.apply`` calls, nothing else.

What a run adds is building the documents, envelopes, parsing, the network, both cases' moves with their reasons, and the
record. Run: ``python benchmarks/replay.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.harness import Case, Goal, arguments, measure, report, write_results
from eessi.buc import Case as BucCase
from eessi.buc import Event
from eessi.directory import Directory
from eessi.findings import Verdict
from eessi.schemas import Registry
from eessi.testing import Run, Scenario, players, run

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


def main() -> int:
    """Measure both example scenarios."""
    chosen = arguments(__doc__ or "")
    registry, directory = Registry.default(), Directory.synthetic()
    tables = [
        report(
            f"scenario in memory: {name}",
            measure(cases(name, registry, directory), 1, baseline="the work inside", rounds=chosen.rounds),
            [Goal("the whole run", must=5.0)],
        )
        for name in ("s_buc_01.buc.yaml", "la_buc_01.buc.yaml")
    ]
    write_results("replay", tables, chosen.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

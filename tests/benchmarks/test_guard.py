"""The guard sees an accident, and measures what it says it watches."""

from __future__ import annotations

import pytest

from benchmarks import guard
from benchmarks.harness import Goal, Outcome


def measured(ratio: float) -> Outcome:
    return Outcome("work", 1e-6, ratio, ratio, ratio)


def test_a_ratio_over_twice_its_goal_is_an_accident() -> None:
    limits = guard.loosened([Goal("work", 3.0, 2.0), Goal("work", 9, against="peer"), Goal("work")])
    assert limits == [Goal("work", 6.0)]
    assert guard.accidents([measured(5.9)], limits) == []
    assert guard.accidents([measured(6.1)], limits) == ["work"]


@pytest.mark.parametrize("outcomes", [[], [measured(float("nan"))]])
def test_what_was_not_measured_is_an_accident(outcomes: list[Outcome]) -> None:
    assert guard.accidents(outcomes, [Goal("work", 6.0)]) == ["work"]


def test_an_accident_ends_with_one_line_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ratios = iter([7.0, 5.0, 7.0, 7.0])  # the first was the machine's fault, the second is not
    watched = [("one", lambda: [measured(next(ratios))], [Goal("work", 3.0)])] * 2
    monkeypatch.setattr(guard, "WATCHED", watched)
    assert guard.main() == 1
    assert capsys.readouterr().err == "slower than twice their goal: work\n"


def test_every_watched_goal_is_a_limit() -> None:
    for name, _, goals in guard.WATCHED:
        assert guard.loosened(goals), name

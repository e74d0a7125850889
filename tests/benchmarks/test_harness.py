"""The benchmarks measure what they say: results are checked first, ratios are those of a round, goals are judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import receive, send, sign
from benchmarks.documents import documents
from benchmarks.harness import Case, Goal, Outcome, measure, report, write_results


def test_a_wrong_result_is_never_timed() -> None:
    def check(number: int, result: object) -> None:
        assert result == number, "wrong result"

    right, wrong = Case("right", lambda number: number, check), Case("wrong", lambda number: number + 1, check)
    with pytest.raises(AssertionError, match="wrong result"):
        measure([right, wrong], 3, baseline="right", rounds=2, sample=0.0001)


def test_every_input_is_checked_and_every_case_has_a_ratio() -> None:
    seen: list[int] = []
    case = Case("one", lambda number: number, lambda number, result: seen.append(number))
    other = Case("other", lambda number: sum(range(200)), lambda number, result: None)
    outcomes = measure([case, other], 4, baseline="one", rounds=4, sample=0.0001)
    assert seen == [0, 1, 2, 3]
    assert [outcome.name for outcome in outcomes] == ["one", "other"]
    assert outcomes[0].ratio == outcomes[0].low == outcomes[0].high == 1
    assert all(outcome.low <= outcome.ratio <= outcome.high for outcome in outcomes)


def test_goals_are_judged_both_ways(tmp_path: Path) -> None:
    outcomes = [
        Outcome("base", 1e-6, 1.0, 1.0, 1.0),
        Outcome("ours", 3e-6, 3.0, 2.9, 3.1),
        Outcome("peer", 9e-5, 90.0, 89, 91),
    ]
    goals = (
        Goal("ours", 3.5, 2.5),
        Goal("base", 0.5),
        Goal("ours", 25, 40, against="peer"),
        Goal("ours", 5, against="absent"),
    )
    text, rows = report("title", outcomes, goals)
    assert "<= 3.5 (aim 2.5): met" in text
    assert "<= 0.5: MISSED" in text
    assert "30.0x faster  >= 25 (aim 40): met" in text
    assert "absent" not in text
    write_results("name", [(text, rows)], tmp_path / "out.json")
    written = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert written["results"]["title"][1]["ratio"] == 3.0
    assert "lxml" in written["environment"]


def test_documents_are_different_and_valid() -> None:
    import eessi

    data = documents("5 KB")
    assert len(set(data)) == len(data) > 30
    assert all(4_000 < len(one) < 6_500 for one in data)
    assert all(eessi.validate(one).is_valid for one in data[:5])


@pytest.mark.parametrize(
    "cases",
    [
        lambda data: receive.own_cases(data),
        lambda data: send.cases(data, quick=True),
        lambda data: sign.cases(data, quick=True),
    ],
    ids=["receive", "send", "sign"],
)
def test_every_case_does_its_work(cases: Callable[[tuple[bytes, ...]], list[Case]]) -> None:
    data = documents("5 KB")[:2]
    made = cases(data)
    assert len(made) > 4
    for case in made:
        for number in range(len(data)):
            case.check(number, case.run(number))

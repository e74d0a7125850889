"""Two runs that mean the same compare equal; every change of meaning is named once."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from eessi.testing.comparison import VOLATILE, compare

RUN: dict[str, Any] = {
    "scenario": "A request",
    "file": "a.yaml",
    "passed": True,
    "started": "2026-01-01",
    "steps": [
        {"number": 1, "text": "FR sends A001 to BE", "at": "09:00", "exchange": {"ending": "delivered", "header": {"created": "x", "type": "A001"}}},
        {"number": 2, "text": "BE has A001", "at": "09:01", "exchange": None},
    ],
    "parties": [{"name": "FR", "state": "open", "moves": [{"sed": "X001", "kind": "send", "answer": "yes"}, {"sed": "A002", "kind": "reply", "answer": "no"}]}],
}  # fmt: skip


def test_a_run_equals_itself_and_one_with_other_volatile_parts() -> None:
    other = copy.deepcopy(RUN)
    other |= {"file": "b.yaml", "started": "2027-01-01"}
    other["steps"][0]["at"] = "later"
    other["steps"][0]["exchange"]["header"]["created"] = "y"
    assert compare(RUN, RUN) == compare(RUN, other) == ()


def test_every_change_of_meaning_is_named() -> None:
    other = copy.deepcopy(RUN)
    other["steps"][0]["exchange"]["ending"] = "refused"
    other["parties"][0]["moves"][1]["answer"] = "yes"
    found = compare(RUN, other)
    assert [str(difference) for difference in found] == [
        "steps[FR sends A001 to BE].exchange.ending: 'delivered' became 'refused'",
        "parties[FR].moves[reply A002].answer: 'no' became 'yes'",
    ]


def test_a_step_added_in_front_is_one_difference() -> None:
    other = copy.deepcopy(RUN)
    other["steps"].insert(0, {"number": 1, "text": "after 2 days", "says": "2 days pass", "exchange": None})
    for number, step in enumerate(other["steps"], 1):
        step["number"] = number
    (difference,) = compare(RUN, other)
    assert str(difference) == "steps[after 2 days]: nothing became '2 days pass'"


def test_the_same_sentence_twice_is_told_apart() -> None:
    twice = copy.deepcopy(RUN)
    twice["steps"].append(copy.deepcopy(twice["steps"][0]))
    (difference,) = compare(twice, RUN)
    assert difference.place == "steps[FR sends A001 to BE #2]"
    assert difference.new is None


@pytest.mark.parametrize("key", sorted(VOLATILE))
def test_volatile_keys_are_ignored_wherever_they_stand(key: str) -> None:
    assert compare({"a": {key: "1"}}, {"a": {key: "2"}}) == ()
    assert compare({"a": {"other": "1"}}, {"a": {"other": "2"}})

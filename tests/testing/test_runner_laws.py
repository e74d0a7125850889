"""Whatever steps stand in a scenario, in whatever order: it is played to its end, and what the record says is consistent."""

from __future__ import annotations

import json

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from eessi.directory import Directory
from eessi.pages import run_report
from eessi.schemas import Registry
from eessi.testing import Run, compare, load_scenarios, run
from eessi.testing.faults import FaultKind, Habit

REGISTRY, DIRECTORY = Registry.default(), Directory.synthetic()
SEDS = ["A001", "A002", "A005", "A006", "A008", "A011", "H001", "X001", "X005", "X007", "X008", "X009", "X012"]
PARTY, OTHER = st.sampled_from(["FR", "BE"]), {"FR": "BE", "BE": "FR"}


@st.composite
def sending(draw: st.DrawFn) -> object:
    party, sed = draw(PARTY), draw(st.sampled_from(SEDS))
    reply = draw(st.sampled_from(["", "", " in reply to A001", " in reply to A005"]))
    faults = [kind.value for kind in FaultKind if kind is not FaultKind.WRONG_SIGNATURE]
    below: dict[str, object] = {}
    if draw(st.integers(0, 3)) == 0:
        below["fault"] = draw(st.sampled_from(faults))
    if draw(st.integers(0, 4)) == 0:
        below["unchecked"] = True
    if sed in ("X005", "X007"):
        below["participant"] = "DE:TEST0003"
    return {f"{party} sends {sed} to {OTHER[party]}{reply}": below}


@st.composite
def other(draw: st.DrawFn) -> object:
    party, sed = draw(PARTY), draw(st.sampled_from(SEDS))
    sentences = [
        f"{party} may send {sed}", f"{party} may not send {sed}", f"{party} closes the case", f"{party} reopens the case",
        f"{party} archives the case", f"{party} leaves the directory", f"{party} is open", f"{party} has {sed}",
        "after 3 days", "after 1 month",
    ]  # fmt: skip
    return draw(st.sampled_from(sentences))


@st.composite
def texts(draw: st.DrawFn) -> str:
    habit = draw(st.none() | st.sampled_from([habit.value for habit in Habit]))
    belgium = {"role": "Counterparty", "country": "BE"} | ({"habit": habit} if habit else {})
    return yaml.safe_dump(
        {
            "scenario": "Anything", "buc": "LA_BUC_01", "version": draw(st.sampled_from(["4.2", "4.3", "4.4"])),
            "packages": dict.fromkeys(SEDS, "sandbox:1.0"),
            "parties": {"FR": {"role": "CaseOwner", "country": "FR"}, "BE": belgium},
            "steps": draw(st.lists(sending() | other(), min_size=1, max_size=8)),
        }
    )  # fmt: skip


def play(text: str) -> Run:
    (scenario,) = load_scenarios("anything.buc.yaml", text)
    return run(scenario, registry=REGISTRY, directory=DIRECTORY)


@settings(max_examples=60)
@given(texts())
def test_it_is_played_to_its_end_and_the_record_is_consistent(text: str) -> None:
    played = play(text)
    assert played.passed == all(not step.failures for step in played.steps)
    assert [step.number for step in played.steps] == list(range(1, len(played.steps) + 1))
    for exchange in played.exchanges:
        assert (exchange.ending == "refused") == (exchange.header == {})
        assert (exchange.ending == "rejected") == bool(exchange.rejections)
        assert exchange.ending == "delivered" or exchange.reason
        if exchange.ending == "refused":
            assert not exchange.after
    assert all(before.at <= after.at for before, after in zip(played.steps, played.steps[1:], strict=False))


@settings(max_examples=20)
@given(texts())
def test_it_is_the_same_again_and_so_is_its_page(text: str) -> None:
    first, second = play(text), play(text)
    assert first == second
    assert compare(first.document(), second.document()) == ()
    read = Run.model_validate(json.loads(first.model_dump_json()))
    assert run_report(read) == run_report(first)

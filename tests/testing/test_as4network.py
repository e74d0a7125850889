"""A run over AS4 means the same as one in memory, and every message has its receipt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from eessi.errors import UsageError
from eessi.testing import Scenario, compare, run
from tests.testing.conftest import HEAD, sends


@pytest.mark.parametrize("name", ["s_buc_01.buc.yaml", "la_buc_01.buc.yaml"])
def test_a_run_over_as4_means_the_same_as_in_memory(root: Path, name: str) -> None:
    scenario = Scenario.load(root / "examples" / "scenarios" / name)
    memory, as4 = run(scenario), run(scenario, transport="as4")
    assert as4.passed
    different = [one for one in compare(memory.document(), as4.document()) if not one.place.startswith("not_checked")]
    assert different == []
    for exchange in as4.exchanges:
        for way in exchange.way.values():
            assert {"queued", "sent", "taken", "received", "receipted"} <= set(way)
    assert "access-point doubles" in as4.not_checked[-1]


def test_three_institutions_and_attachments(scenario: Callable[..., Scenario]) -> None:
    head = HEAD.replace("steps:", "  DE: {role: Counterparty, country: DE, institution: 'DE:TEST01'}\nsteps:")
    steps = (
        sends("FR sends A001 to BE and DE", "attachments: [{name: proof.pdf, size: 50000}]"),
        sends("BE replies to A001 of FR with A011"),
        "DE has A001",
    )
    played = run(scenario(*steps, head=head), transport="as4")
    assert played.passed, played.failures


@pytest.mark.parametrize(
    ("fault", "because"),
    [("wrong sender", "RUN-SENDER"), ("unreadable", "DOC-UNREADABLE")],
)
def test_faults_are_noticed_over_as4_too(scenario: Callable[..., Scenario], fault: str, because: str) -> None:
    made = scenario(sends("FR sends A001 to BE", f"fault: {fault}"), f"expect rejected because {because}")
    played = run(made, transport="as4")
    assert played.passed, played.failures


def test_an_unknown_transport_is_refused(scenario: Callable[..., Scenario]) -> None:
    with pytest.raises(UsageError, match="it is memory or as4"):
        run(scenario("after 1 day"), transport="pigeon")

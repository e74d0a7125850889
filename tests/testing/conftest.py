"""What the tests of scenarios share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from eessi.testing import Run, Scenario, run

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")

HEAD = """\
scenario: A request
buc: LA_BUC_01
version: 4.3
packages: {A001: "sandbox:1.0", A002: "sandbox:1.0", A011: "sandbox:1.0", A005: "sandbox:1.0", X001: "sandbox:1.0"}
parties:
  FR: {role: CaseOwner, country: FR}
  BE: {role: Counterparty, country: BE}
steps:
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Callable[..., Scenario]:
    """Makes a scenario of steps, one a line."""

    def make(*steps: str, head: str = HEAD) -> Scenario:
        text = head
        for step in steps:
            lines = step.split("\n")
            text += f"  - {lines[0]}\n" + "".join(f"  {line}\n" for line in lines[1:])
        path = tmp_path / "case.buc.yaml"
        path.write_text(text, encoding="utf-8")
        return Scenario.load(path)

    return make


@pytest.fixture
def play(scenario: Callable[..., Scenario]) -> Callable[..., Run]:
    """Plays steps, one a line."""

    def played(*steps: str, head: str = HEAD) -> Run:
        return run(scenario(*steps, head=head))

    return played


def sends(sentence: str, *options: str) -> str:
    """A step that sends a sandbox document of a synthetic person."""
    data = "data: {Person: {PersonIdentification: {familyName: Testperson, forename: Ada, dateBirth: 1980-01-15, sex: '02'}}}"
    return "\n".join([f"{sentence}:", *(f"    {line}" for line in (data, *options))])


REAL_STEPS = (
    sends("FR sends A001 to BE"),
    "BE replies to A001 of FR with A011",
    "FR has A011",
    "BE may not send A002",
    sends("FR sends X001 to BE"),
    "FR is closed",
)
"""A case in which BE may be a real system."""

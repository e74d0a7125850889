"""Every scenario that stands in the documentation passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eessi.testing import load_scenarios, run

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```yaml\n(scenario:.*?)^```", re.MULTILINE | re.DOTALL)
DOCUMENTED = [
    (page.name, text)
    for page in sorted((ROOT / "docs").rglob("*.md"))
    for text in BLOCK.findall(page.read_text(encoding="utf-8"))
]


def test_there_are_some() -> None:
    assert len(DOCUMENTED) >= 3


@pytest.mark.parametrize(("page", "text"), DOCUMENTED, ids=[f"{page}-{n}" for n, (page, _) in enumerate(DOCUMENTED)])
def test_a_documented_scenario_passes(page: str, text: str) -> None:
    for scenario in load_scenarios(ROOT / "examples" / "scenarios" / page, text):
        played = run(scenario)
        assert played.passed, [(step.text, step.failures) for step in played.failures]

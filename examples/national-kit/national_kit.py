"""A national kit: requirements in a CSV, checks as scenarios, one record each.

After ``pip install ./national-kit`` the toolkit finds it: ``eessi campaign national``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eessi.testing import load_scenarios, run
from eessi.testing.campaigns import CheckRecord, Kit, Options
from eessi.testing.campaigns.kit import read_requirements

HERE = Path(__file__).parent
REQUIREMENTS = read_requirements((HERE / "requirements.csv").read_text(encoding="utf-8"), "requirements.csv")

HEAD = """
scenario: {title}
buc: LA_BUC_01
version: 4.3
parties:
  FR: {{role: CaseOwner, country: FR}}
  BE: {{role: Counterparty, country: BE, habit: {habit}}}
steps:
  - FR sends A001 to BE
"""

CHECKS = (
    ("NAT-01", "an answer comes by itself", "answers", "  - after 2 months\n  - BE may not send A011\n"),
    ("NAT-02", "a question is answered before closing", "asks back", "  - FR replies to X012 of BE with X013\n  - FR sends X001 to BE\n"),
)  # fmt: skip


def checks(options: Options) -> Iterator[CheckRecord]:
    """Play one scenario for each requirement."""
    for requirement, title, habit, steps in CHECKS:
        (scenario,) = load_scenarios(HERE / "national.buc.yaml", HEAD.format(title=title, habit=habit) + steps)
        played = run(scenario, transport=options.transport)
        failed = [failure for step in played.failures for failure in step.failures]
        yield CheckRecord(
            id=requirement.lower(),
            scenario=title,
            group="LA_BUC_01",
            requirements=(requirement,),
            passed=played.passed,
            expected="every step as the scenario says",
            observed="; ".join(failed) or "every step as the scenario says",
        )


KIT = Kit("national", "Does our country's way of working hold?", REQUIREMENTS, checks)

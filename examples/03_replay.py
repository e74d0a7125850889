"""Replay a scenario: two simulated institutions carry a case through, and the run becomes a page.

The scenario is a text file that a case worker can read: examples/scenarios/s_buc_01.buc.yaml
"""

import tempfile
from pathlib import Path

from eessi.pages import run_report
from eessi.testing import Scenario, run

scenario = Scenario.load(Path(__file__).parent / "scenarios" / "s_buc_01.buc.yaml")
result = run(scenario)

print(f"{result.scenario}: {'as expected' if result.passed else 'NOT as expected'}")
for step in result.steps:
    print(f"  {step.number:2}. {step.says}")

print("Not checked:")
for line in result.not_checked:
    print(f"  - {line}")

page = Path(tempfile.mkdtemp()) / "run.html"
page.write_text(run_report(result), encoding="utf-8")
print(f"The page has {page.stat().st_size:,} bytes.")
raise SystemExit(0 if result.passed else 1)

"""What testers import: scenarios, the runner, simulated institutions, comparisons, and the record of a run.

::

    scenario = Scenario.load("examples/scenarios/la_buc_01.buc.yaml")
    run = eessi.testing.run(scenario)
    run.passed, run.undetermined, run.not_checked
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eessi.testing.against import Against
    from eessi.testing.clock import VirtualClock
    from eessi.testing.comparison import Difference, compare
    from eessi.testing.coverage import transitions
    from eessi.testing.junit import junit
    from eessi.testing.record import Run
    from eessi.testing.runner import run
    from eessi.testing.scenario import Scenario, load_scenarios, scenario_schema

__all__ = [
    "Against",
    "Difference",
    "Run",
    "Scenario",
    "VirtualClock",
    "compare",
    "junit",
    "load_scenarios",
    "run",
    "scenario_schema",
    "transitions",
]

_HOMES = {
    "against": ("Against",),
    "clock": ("VirtualClock",),
    "comparison": ("Difference", "compare"),
    "coverage": ("transitions",),
    "junit": ("junit",),
    "record": ("Run",),
    "runner": ("run",),
    "scenario": ("Scenario", "load_scenarios", "scenario_schema"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'eessi.testing' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"eessi.testing.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value

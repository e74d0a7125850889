"""Let a process write its own tests: scenarios that walk every step, and twins that try everything it refuses."""

from eessi.testing import run
from eessi.testing.coverage import joined
from eessi.testing.generation import cover, write_scenario

found = cover("H_BUC_01")
print(write_scenario(found.buc, found.version, found.worlds[0]))

runs = [run(scenario) for scenario in found.scenarios()]
twins = [run(scenario) for scenario in found.scenarios(negative=True)]
covered = joined(runs, [found.version])

print(f"{len(runs)} scenarios walk {covered.covered} of {covered.total} steps of {found.buc.code}")
print(f"{len(twins)} twins try {sum(len(twin.steps) for twin in twins)} steps")
print("all as expected:", all(played.passed for played in (*runs, *twins)))

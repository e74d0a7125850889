"""Hunt for a process bug: hold a process with a planted mistake against the right one, and get the shortest way to it."""

import attrs

import eessi
from eessi.testing.hunting import hunt

right = eessi.buc("LA_BUC_01")

# The programmer forgot that accepting (A011) excludes refusing (A002).
wrong = attrs.evolve(right, effects=tuple(one for one in right.effects if one.sed != "A011"))

bug = hunt(right, wrong, "4.3")
assert bug is not None
print(bug)
print("steps needed:", len(bug.walk))

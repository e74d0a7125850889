"""Ask the directory who may take part in a process, and why the others may not.

Run from the project's folder: python examples/40_find_an_institution.py
"""

import datetime as dt

from eessi import Directory, NotAllowed

directory = Directory.synthetic()  # invented; Directory.load("syn001.xml") reads a real copy
on = dt.date(2026, 11, 1)

found = directory.find("LA_BUC_01", "Counterparty", "BE", on)
print(f"LA_BUC_01 in Belgium on {on}: {len(found)} of {len(found) + len(found.left_out)} institutions may answer")
for match in found:
    print(f"  {match.institution.id}  {match.institution.name('fr')}, by {match.route.access_point.id}")
for out in found.left_out:
    print(f"  not {out.institution.id}: it {out.text}")
print(f"The answer holds from {found.since} until {found.until}")

# The ISO spelling of Greece is understood, and said.
print(directory.find("LA_BUC_01", "Counterparty", "GR", on).hints[0])

# A closed body leads to the one that answers for it.
try:
    directory.route("BE:SYNTH015", on)
except NotAllowed as error:
    (successor,) = directory.answering("BE:SYNTH015", on)
    print(f"{error}; {successor.id} answers for it")

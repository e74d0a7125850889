"""Compare two full copies of the directory, and go from one to the other by their difference.

Run from the project's folder: python examples/41_compare_two_copies.py
"""

import datetime as dt

import attrs

from eessi import Directory, InstitutionId, Period
from eessi.directory.syn001_writer import syn001_bytes

monday = Directory.synthetic()

# On Tuesday one body has an end, and another is gone without a word.
closing = InstitutionId("FR:SYNTH002")
bodies = dict(monday.institutions)
bodies[closing] = attrs.evolve(bodies[closing], period=Period(dt.date(2019, 7, 1), dt.date(2027, 1, 1)))
del bodies[InstitutionId("BE:SYNTH010")]
head = attrs.evolve(monday.head, version="1.10.0", created=dt.datetime(2026, 11, 2, 3, tzinfo=dt.UTC))
data = syn001_bytes(Directory(attrs.evolve(monday.content, institutions=bodies), head=head))

tuesday = Directory.load(data)
difference = monday.diff(tuesday)
for change in difference.changes:
    print(f"{change.change_class}: {change.text}")

after = monday.apply(difference)
assert after == tuesday
print(f"{after.get('BE:SYNTH010').id} is kept, closed on {after.get('BE:SYNTH010').period.end}")

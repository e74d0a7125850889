"""A document to read, and what differs between two, without showing a person.

Run from the project's folder: python examples/28_read_and_compare.py
"""

from pathlib import Path

import eessi
from eessi.pages.sed import sed_page
from eessi.sed.render import PERSONAL, compare_readings, hide, read_out

registry = eessi.Registry.default()
sed = eessi.parse(Path(__file__).parent / "documents" / "s071.xml")
assert isinstance(sed, eessi.Sed)

reading = read_out(sed, registry, mask=[PERSONAL])
print(reading.code, reading.title, "- labels from", reading.package)
page = sed_page(reading)
print(f"a page of {len(page):,} characters, nothing loaded from elsewhere")

later = sed.replace("Person/PersonIdentification/familyName", "Testperson-Example")
lines = hide(compare_readings(read_out(sed, registry), read_out(later, registry)), [PERSONAL])
for line in lines:
    if line.kind != "same" and not line.is_group:
        print(line.kind, line.path, "->", [value.text for value in line.right or ()])

"""Two packages for one SED, one replacing the other: which one answers depends on the day that is asked about."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import eessi
from eessi.schemas.importer import package_of

SOURCE = Path("examples/schemas/national-xx")
files = {file.name: file.read_bytes() for file in SOURCE.iterdir()}
wider = {**files, "core.xsd": files["core.xsd"].replace(b'"255"', b'"500"')}
wider["N001-1.0.1.xsd"] = wider.pop("N001-1.0.0.xsd").replace(b'version="1.0.0"', b'version="1.0.1"')

switch = dt.date(2026, 7, 1)
old = package_of(files, source="old", name="national-xx", valid_to=switch)
new = package_of(wider, source="new", name="national-xx", valid_from=switch, replaces=old.coordinates)
registry = eessi.Registry.default().add(old).add(new)

for day in (switch - dt.timedelta(days=1), switch):
    found = registry.find("N001", "1.0", as_of=day)
    structure = registry.structure("N001", "1.0", as_of=day)
    assert found is not None
    assert structure is not None
    subject = structure.find("subject")
    assert subject is not None
    assert subject.facets is not None
    print(f"{day}: {found.coordinates}, subject up to {subject.facets.max_length} characters")

"""Released content never changes: a changed byte under a known version is refused, and a lock file sees what is gone."""

from __future__ import annotations

from pathlib import Path

import eessi
from eessi.schemas.importer import package_of
from eessi.schemas.lock import differences, lock_text

SOURCE = Path("examples/schemas/national-xx")
files = {file.name: file.read_bytes() for file in SOURCE.iterdir()}
registry = eessi.Registry.default().add(package_of(files, source="release", name="national-xx"))
lock = lock_text(registry.packages)

files["core.xsd"] = files["core.xsd"].replace(b'"255"', b'"256"')
changed = package_of(files, source="the same again?", name="national-xx")
try:
    registry.add(changed)
except eessi.PackageError as error:
    print("refused:", error)

for line in differences(lock, eessi.Registry.default().add(changed).packages, source="lock"):
    print("lock:", line)
for line in differences(lock, eessi.Registry.default().packages, source="lock"):
    print("lock:", line)

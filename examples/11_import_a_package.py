"""Official schema files become a package: read from a zip as they came, kept on disk, checked when read."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import eessi

SOURCE = Path("examples/schemas/national-xx")  # synthetic; an institution imports the files that it lawfully holds

with tempfile.TemporaryDirectory() as folder:
    archive = Path(folder) / "national.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in sorted(SOURCE.iterdir()):
            packed.write(file, f"release 1/{file.name}")

    package = eessi.CdmPackage.import_from(archive, name="national-xx")
    kept = package.save(Path(folder) / "national-xx-1.0.0")
    print(package.coordinates, [f"{entry.sed} {entry.version} {entry.fidelity}" for entry in package.entries()])

    registry = eessi.Registry.default().add(eessi.CdmPackage.load(kept))
    structure = registry.structure("N001", "1.0")
    assert structure is not None
    for path, element in structure.walk():
        print(f"  {path}: {element.kind}, {element.min}..{element.max or 'n'}")

    damaged = kept / "files" / "core.xsd"
    damaged.write_bytes(damaged.read_bytes().replace(b"255", b"256"))
    try:
        eessi.Registry.default().add(eessi.CdmPackage.load(kept)).schema("N001", "1.0")
    except eessi.PackageError as error:
        print("refused:", error)

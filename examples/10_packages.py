"""Which schema applies: what ships, how well each SED is known, and what that means for a verdict."""

from __future__ import annotations

import eessi

registry = eessi.Registry.default()
for package in registry.packages:
    entries = package.entries()
    print(
        f"{package.coordinates:12} {package.origin.value:8} {len({entry.sed for entry in entries})} SEDs, hash {package.hash[:12]}"
    )

for sed, version in (("S071", "4.4"), ("A001", "4.4"), ("P4000", "4.0"), ("A001", "1.0"), ("A002", "4.3")):
    found = registry.find(sed, version)
    if found is None:
        print(f"{sed} {version}: known by name only, so no verdict can be given")
    else:
        print(
            f"{sed} {version}: {found.fidelity} by {found.coordinates}, namespace {registry.structure_of(found).namespace}"
        )

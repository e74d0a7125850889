"""The resolved structure of a SED: paths, cardinalities, facets, choices and code texts, without reading XML Schema."""

from __future__ import annotations

import eessi
from eessi.schemas import Choice

structure = eessi.Registry.default().structure("S071", "4.4")
assert structure is not None

town = structure.find("AddressOfPersonForWhomAnEntitlementDocument/Address/town")
assert town is not None
assert town.facets is not None
print("town:", "required" if town.required else "optional", "up to", town.facets.max_length, "characters")

sex = structure.find("Person/PersonIdentification/sex")
assert sex is not None
assert sex.codes is not None
print("sex:", ", ".join(f"{code.value} {code.label}" for code in sex.codes.codes))

for particle in structure.root.children:
    if isinstance(particle, Choice):
        print("one of:", " or ".join(element.name for element in particle.elements()))

required = [path for path, element in structure.walk() if element.required and not element.children]
print(len(required), "required leaves, for example", required[0])

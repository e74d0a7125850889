"""Read a SED: type and version at once, content by path, changes as copies, nothing lost.

Run from the project's folder: python examples/20_read_a_sed.py
"""

from pathlib import Path

import eessi

file = Path(__file__).parent / "documents" / "s071.xml"
sed = eessi.parse(file)
assert isinstance(sed, eessi.Sed)
print(sed, sed.namespace)

print("sex:", sed["Person/PersonIdentification/sex"])
for path, text in list(sed.items())[:4]:
    print(f"  {path}: {len(text)} characters")

changed = sed.replace("Person/PersonIdentification/sex", "98")
print(
    "changed copy:",
    changed["Person/PersonIdentification/sex"],
    "- the original:",
    sed["Person/PersonIdentification/sex"],
)

registry = eessi.Registry.default()
print("unknown to the packages:", sed.unknown(registry) or "nothing")
assert eessi.serialise(sed) == file.read_bytes()
print("an unchanged document comes back byte for byte")

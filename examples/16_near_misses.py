"""Near-misses of every kind: one defect each, and the finding it deserves.

Run from the project's folder: python examples/16_near_misses.py
"""

import eessi
from eessi.schemas import validate_bytes
from eessi.schemas.generator import Size, generate, near_misses

registry = eessi.Registry.default()
structure = registry.structure("S071", "4.4")
assert structure is not None

for kind in near_misses():
    made = generate(structure, seed=2026, size=Size.FULL, near_miss=kind)
    finding = validate_bytes(made.data, registry).errors[0]
    mended = "" if finding.fix is None else f"; a machine may {finding.fix.action} it"
    print(f"{kind}: {finding.message()}{mended}")

"""Measure how seeded defects are found, placed, told and mended; a table per kind on standard output.

Run from the project's folder: python tools/measure_defects.py [EACH] [SEED]
"""

from __future__ import annotations

import random
import sys
from collections import Counter

from lxml import etree

from eessi.errors import UsageError
from eessi.findings.mending import apply_fix
from eessi.schemas import Registry, Structure, validate_bytes
from eessi.schemas.generator import Generated, Size, generate, near_misses

COLUMNS = ("defects", "found", "placed", "findings", "fixes", "valid", "determined", "restored")


def canonical(data: bytes) -> bytes:
    root = etree.fromstring(data, etree.XMLParser(remove_blank_text=True))
    return etree.tostring(root, method="c14n", exclusive=True)


def measure(made: Generated, registry: Registry, numbers: Counter[str]) -> None:
    errors = validate_bytes(made.data, registry).errors
    numbers["defects"] += 1
    numbers["found"] += bool(errors)
    numbers["placed"] += all(error.path and error.line and error.column for error in errors)
    numbers["findings"] += len(errors)
    fix = errors[0].fix if errors else None
    if fix is None:
        return
    mended = apply_fix(made.data, errors[0])
    numbers["fixes"] += 1
    numbers["valid"] += validate_bytes(mended, registry).is_valid
    numbers["determined"] += fix.determined
    numbers["restored"] += fix.determined and canonical(mended) == canonical(made.original or b"<none/>")


def of_kind(kind: str, structure: Structure, registry: Registry, each: int, seed: int) -> Counter[str]:
    numbers: Counter[str] = Counter()
    for number in range(each):
        size = (Size.TYPICAL, Size.FULL)[number % 2]
        try:
            made = generate(structure, seed + number, size=size, near_miss=kind, indent=True)
        except UsageError:
            continue
        measure(made, registry, numbers)
    return numbers


def main() -> None:
    each = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(2**40)
    registry = Registry.default()
    structure = registry.structure("S071", "4.4")
    assert structure is not None
    print(f"seed {seed}")
    print(f"{'kind':18}" + "".join(f"{column:>12}" for column in COLUMNS))
    total: Counter[str] = Counter()
    for kind in near_misses():
        numbers = of_kind(kind, structure, registry, each, seed)
        total += numbers
        print(f"{kind:18}" + "".join(f"{numbers[column]:12}" for column in COLUMNS))
    print(f"{'all':18}" + "".join(f"{total[column]:12}" for column in COLUMNS))


if __name__ == "__main__":
    main()

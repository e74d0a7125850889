"""The measure: seeded defects of every kind, fresh seeds each run. Each is found, placed, told once; fixes mend.

Seeds are drawn anew and printed with every failure; ``EESSI_SEED`` repeats a run.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from lxml import etree

from eessi.errors import UsageError
from eessi.findings.mending import apply_fix
from eessi.schemas import Registry, validate_bytes
from eessi.schemas.generator import Generated, Size, generate, near_misses

SEED = int(os.environ.get("EESSI_SEED") or random.SystemRandom().randrange(2**40))
EACH = 12
"""Documents per kind: 30 kinds make more than 300 defects."""

FAMILIES = {"SCH-ORDER-LAST": "SCH-ORDER"}
"""Ids that say the same of another place."""


def documents(kind: str) -> Iterator[Generated]:
    structure = Registry.default().structure("S071", "4.4")
    assert structure is not None
    for number in range(EACH):
        size = Size.FULL if number % 2 else Size.TYPICAL
        try:
            yield generate(structure, SEED + number, size=size, near_miss=kind, indent=True)
        except UsageError:
            continue  # this document had no place for the defect; the test counts what is left


def canonical(data: bytes) -> bytes:
    root = etree.fromstring(data, etree.XMLParser(remove_blank_text=True))
    return etree.tostring(root, method="c14n", exclusive=True)


@pytest.mark.parametrize("kind", near_misses())
def test_defects_are_found_placed_and_mended(kind: str) -> None:
    registry = Registry.default()
    schema = registry.schema("S071", "4.4")
    assert schema is not None
    numbers: Counter[str] = Counter()
    for made in documents(kind):
        where = f"seed {made.seed}, {kind} at {made.path}"
        assert made.original is not None
        assert validate_bytes(made.original, registry).is_valid, where
        assert not schema.validate(made.root), f"{where}: the defect breaks nothing"
        errors = validate_bytes(made.data, registry).errors
        assert errors, f"{where}: not found"
        for error in errors:
            assert error.path, where
            assert error.line, where
            assert error.column, where
        assert FAMILIES.get(errors[0].id, errors[0].id) == made.broken_rule, f"{where}: told as {errors[0].id}"
        numbers["documents"] += 1
        numbers["findings"] += len(errors)
        _mend(made, errors[0], registry, numbers, where)
    assert numbers["documents"] >= EACH * 0.5, f"seed {SEED}: too few places for {kind}"
    assert numbers["findings"] <= 1.2 * numbers["documents"], f"seed {SEED}: {numbers}"
    assert numbers["restored"] >= 0.9 * numbers["determined"], f"seed {SEED}: {numbers}"


def _mend(made: Generated, error: object, registry: Registry, numbers: Counter[str], where: str) -> None:
    from eessi.findings import Finding

    assert isinstance(error, Finding)
    if error.fix is None:
        return
    mended = apply_fix(made.data, error)
    verdict = validate_bytes(mended, registry)
    assert verdict.is_valid, f"{where}: the fix {error.fix} leaves {[(f.id, f.path) for f in verdict.findings]}"
    numbers["mended"] += 1
    if error.fix.determined:
        assert made.original is not None
        numbers["determined"] += 1
        numbers["restored"] += canonical(mended) == canonical(made.original)


FIXED = {"extra", "misplaced", "misspelt", "letter-case", "level", "level-of-several", "level-too-many", "repeated-element", "iso-country", "code-label", "blanks",
         "unwrapped-code", "wrapped-leaf", "repeated-code", "date-form", "child-namespace", "default-namespace",
         "root-namespace", "attribute", "root-attribute"}  # fmt: skip
"""Kinds for which a fix is promised; for the others no machine can know what was meant."""


@pytest.mark.parametrize("kind", sorted(FIXED))
def test_a_fix_is_offered_where_it_is_promised(kind: str) -> None:
    offered = [validate_bytes(made.data, Registry.default()).errors[0].fix is not None for made in documents(kind)]
    assert offered
    assert sum(offered) >= 0.8 * len(offered), f"seed {SEED}"


def test_two_defects_give_two_findings() -> None:
    """Defects far apart do not hide one another."""
    registry = Registry.default()
    structure = registry.structure("S071", "4.4")
    assert structure is not None
    told, made = 0, 0
    for number in range(40):
        first = generate(structure, SEED + number, size=Size.FULL, near_miss="empty")
        second = first.data.replace(b"<s:S071 ", b'<s:S071 extra="1" ', 1)
        ids = sorted(finding.id for finding in validate_bytes(second, registry).errors)
        made += 1
        told += ids == ["SCH-ATTRIBUTE", "SCH-EMPTY"]
    assert told == made, f"seed {SEED}"

"""Seeded changes on the exact tree of S071: the right id, class and direction, and a working witness for each refusal."""

from __future__ import annotations

import random

import attrs
import pytest

from eessi.release.change import ChangeClass, Direction, kind_of
from eessi.release.compare import compare_structures
from eessi.release.witness import find_witness
from eessi.schemas import Registry
from eessi.schemas.structure import Element, Kind, Structure
from tests.release.mutations import MUTATIONS
from tests.release.test_witness import side

SEEDS = range(5)
NARROWER = {"CHG-TYPE", "CHG-PATTERN"}
"""Kinds whose direction depends on the types involved."""


@pytest.fixture(scope="module")
def s071() -> Structure:
    found = Registry.default().structure("S071", "4.4", package="open:4.4")
    assert found is not None
    unsigned = tuple(
        c for c in found.root.children if not (isinstance(c, Element) and c.kind is Kind.SIGNATURE)
    )  # a schema of its own then needs no other file
    return attrs.evolve(found, root=attrs.evolve(found.root, children=unsigned))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_seeded_change_is_found_and_proved(name: str, seed: int, s071: Structure) -> None:
    made = MUTATIONS[name](s071, random.Random(f"{name}{seed}"))
    assert made is not None, f"S071 has no place for {name}"
    new, (id, path) = made
    found = compare_structures(s071, new)
    assert (id, path) in [(change.id, change.path) for change in found]
    assert len(found) <= 2, [(change.id, change.path) for change in found]
    before, after = side(s071), side(new)
    for change in found:
        kind = kind_of(change.id)
        assert change.cls is kind.cls
        if change.id not in NARROWER:
            assert change.direction is kind.direction
        if change.cls is ChangeClass.REFUSED:
            witness = find_witness(change, before, after)
            assert witness is not None, f"{change.id} {change.path}"
            assert witness.refused_by in (
                change.direction,
                *((Direction.OLD, Direction.NEW) if change.direction is Direction.BOTH else ()),
            )
            assert witness.isolated


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_turned_round_gives_the_mirror(name: str, s071: Structure) -> None:
    made = MUTATIONS[name](s071, random.Random(name))
    assert made is not None
    there = sorted(kind_of(change.id).mirror for change in compare_structures(s071, made[0]))
    back = sorted(change.id for change in compare_structures(made[0], s071))
    assert there == back


def test_there_are_at_least_120_and_every_kind_of_one_document_among_them() -> None:
    assert len(MUTATIONS) * len(SEEDS) >= 120

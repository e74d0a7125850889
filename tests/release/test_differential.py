"""No unexplained difference: whatever one version accepts and the other refuses, some reported change names the place."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from lxml import etree

from eessi.release.change import ChangeClass, Direction
from eessi.release.compare import compare_structures
from eessi.release.witness import Side, error_places, rerooted
from eessi.schemas.generator import Size, generate
from eessi.schemas.structure import Structure
from tests.release.mutations import MUTATIONS
from tests.release.test_seeded_changes import s071 as s071  # the fixture
from tests.release.test_witness import side

SIZES = (Size.MINIMAL, Size.TYPICAL, Size.FULL)


def mutated(base: Structure, rng: random.Random) -> Structure:
    """One to three random changes on top of each other."""
    new = base
    for name in rng.sample(sorted(MUTATIONS), rng.randint(1, 3)):
        made = MUTATIONS[name](new, rng)
        new = made[0] if made else new
    return new


def unexplained(old: Side, new: Side, count: int, rng: random.Random) -> Iterator[str]:
    changes = [c for c in compare_structures(old.structure, new.structure) if c.cls is ChangeClass.REFUSED]
    for index in range(count):
        accepts, refuses, who = (old, new, Direction.NEW) if index % 2 else (new, old, Direction.OLD)
        root = etree.fromstring(generate(accepts.structure, rng, size=SIZES[index % 3]).data)
        assert accepts.schema.validate(root), accepts.schema.error_log
        if refuses.schema.validate(rerooted(root, refuses.structure.namespace)):
            continue
        places = error_places(refuses.schema.error_log)
        scopes = [{c.path, c.old_path or c.path} for c in changes if c.direction in (who, Direction.BOTH)]
        wide = {p for scope in scopes for path in scope for p in (path, path.rpartition("/")[0])}
        for place in places:
            if not any(place in wide or step in wide for step in _above(place)):
                yield f"{who}: {place}: {[(c.id, c.path) for c in changes]}"


def _above(place: str) -> Iterator[str]:
    """The place and the group it stands in: a schema complains at the child that does not fit its group."""
    yield place
    yield place.rpartition("/")[0]


def run(base: Structure, pairs: int, documents: int, seed: str) -> list[str]:
    rng = random.Random(seed)
    old = side(base)
    troubles: list[str] = []
    for _ in range(pairs):
        troubles += unexplained(old, side(mutated(base, rng)), documents, rng)
    return troubles


def test_two_thousand_pairs_leave_no_unexplained_difference(s071: Structure) -> None:
    assert run(s071, 50, 40, "normal") == []


@pytest.mark.long
def test_a_hundred_thousand_pairs_leave_no_unexplained_difference(s071: Structure) -> None:
    assert run(s071, 500, 200, "long") == []

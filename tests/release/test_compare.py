"""Comparison of two versions of a SED: one smallest pair per kind of change, and laws that hold for all."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings

from eessi.release.change import Change, change_kinds, kind_of
from eessi.release.compare import compare_structures, effective_bounds
from eessi.release.content import automaton, shortest_between
from eessi.schemas.structure import Choice, Code, CodeList, Element, Particle, Structure
from tests.release.trees import code, group, leaf, structure, structures

A, B, C, D = leaf("alpha"), leaf("beta", 0), leaf("gamma"), leaf("delta")


def ids(old: tuple[Particle, ...], new: tuple[Particle, ...]) -> list[tuple[str, str]]:
    found = compare_structures(structure(*old), structure(*new))
    return [(change.id, change.path) for change in found]


def relabelled(element: Element, **labels: str) -> Element:
    assert element.codes is not None
    rows = tuple(Code(row.value, {"en": labels.get(f"c{row.value}", row.label)}) for row in element.codes.codes)
    return attrs.evolve(element, codes=CodeList("List", rows))


PAIRS: list[tuple[str, str, tuple[Particle, ...], tuple[Particle, ...]]] = [
    ("CHG-ELEMENT-ADDED", "beta", (A,), (A, B)),
    ("CHG-REQUIRED-ADDED", "gamma", (A,), (A, C)),
    ("CHG-ELEMENT-RENAMED", "familyNames", (A, leaf("familyName")), (A, leaf("familyNames"))),
    ("CHG-ELEMENT-MOVED", "group/beta", (A, B, group("group", C)), (A, group("group", C, B))),
    ("CHG-MIN-RAISED", "beta", (A, B), (A, leaf("beta", 1))),
    ("CHG-MAX-LOWERED", "beta", (A, leaf("beta", 0, None)), (A, leaf("beta", 0, 3))),
    ("CHG-CHOICE-MADE", "", (A, leaf("x", 0), leaf("y", 0)), (A, Choice(((leaf("x"),), (leaf("y"),)), min=0))),
    ("CHG-CHOICE-REQUIRED", "", (A, Choice(((C,), (D,)), min=0)), (A, Choice(((C,), (D,))))),
    ("CHG-ORDER", "", (A, C), (C, A)),
    ("CHG-KIND", "gamma", (A, C), (A, code("gamma", "01", "02"))),
    ("CHG-TYPE", "gamma", (A, leaf("gamma", base="string")), (A, leaf("gamma", base="date"))),
    ("CHG-FACET-TIGHTENED", "gamma", (leaf("gamma", max_length=65),), (leaf("gamma", max_length=25),)),
    ("CHG-PATTERN", "gamma", (leaf("gamma", patterns=("[a-z]+",)),), (leaf("gamma", patterns=("[A-Z]+",)),)),
    ("CHG-CODE-ADDED", "gamma", (code("gamma", "01"),), (code("gamma", "01", "02"),)),
    (
        "CHG-CODE-RELABELLED",
        "gamma",
        (code("gamma", "01"),),
        (relabelled(code("gamma", "01"), c01="something else"),),
    ),
    ("CHG-CODES-REPEAT", "gamma", (code("gamma", "01", "02"),), (code("gamma", "01", "02", several=True),)),
    (
        "CHG-UNIQUE-ADDED",
        "gamma",
        (code("gamma", "01", "02", several=True),),
        (attrs.evolve(code("gamma", "01", "02", several=True), unique_values=True),),
    ),
    ("CHG-DEFAULT", "gamma", (C,), (attrs.evolve(C, default="x"),)),
    ("CHG-NILLABLE", "gamma", (C,), (attrs.evolve(C, nillable=True),)),
    ("CHG-ANNOTATION", "gamma", (C,), (attrs.evolve(C, labels={"en": "Gamma"}),)),
]
"""Kind, path, old children, new children: the smallest pair that shows it. The mirror kinds follow by turning it round."""


@pytest.mark.parametrize(("id", "path", "old", "new"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_one_change_is_one_row(id: str, path: str, old: tuple[Particle, ...], new: tuple[Particle, ...]) -> None:
    assert ids(old, new) == [(id, path)]


@pytest.mark.parametrize(("id", "path", "old", "new"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_turned_round_gives_the_mirror(
    id: str, path: str, old: tuple[Particle, ...], new: tuple[Particle, ...]
) -> None:
    assert [found for found, _ in ids(new, old)] == [kind_of(id).mirror]


def test_every_kind_of_one_document_is_shown_by_a_pair() -> None:
    shown = {pair[0] for pair in PAIRS} | {kind_of(pair[0]).mirror for pair in PAIRS}
    elsewhere = {"CHG-SED-NEW", "CHG-SED-GONE", "CHG-NAMESPACE", "CHG-NOT-COMPARED", "CHG-CONTENT"}
    elsewhere |= {"CHG-TRANSACTION-NEW", "CHG-TRANSACTION-GONE", "CHG-TRANSACTION-CHANGED"}
    assert shown | elsewhere == {kind.id for kind in change_kinds()}


@pytest.mark.parametrize("kind", change_kinds(), ids=lambda kind: kind.id)
def test_every_kind_has_a_mirror_that_points_back(kind: object) -> None:
    row = kind_of(kind.id)  # type: ignore[attr-defined]  # parametrised with ChangeKind
    assert kind_of(row.mirror).mirror == row.id
    assert kind_of(row.mirror).direction is row.direction.mirrored
    assert row.why
    assert row.mend


@given(structures)
@settings(max_examples=100)
def test_nothing_changed_reports_nothing(one: Structure) -> None:
    assert compare_structures(one, one) == ()


def mirrored(change: Change) -> tuple[str, str]:
    return kind_of(change.id).mirror, str(change.direction.mirrored)


@given(structures, structures)
@settings(max_examples=150, deadline=None)
def test_the_way_back_mirrors_the_way_there(one: Structure, two: Structure) -> None:
    there = sorted(mirrored(change) for change in compare_structures(one, two))
    back = sorted((change.id, str(change.direction)) for change in compare_structures(two, one))
    assert there == back


@given(structures, structures)
@settings(max_examples=150, deadline=None)
def test_a_different_language_never_goes_unreported(one: Structure, two: Structure) -> None:
    first, second = automaton(one.root.children), automaton(two.root.children)
    if shortest_between(first, second) or shortest_between(second, first):
        assert compare_structures(one, two)


def test_a_content_model_that_no_rule_names_is_still_reported() -> None:
    pairs = (Choice(((leaf("a"), leaf("b")), (leaf("b"), leaf("a")))),)
    loose = (Choice(((leaf("a"),), (leaf("b"),)), min=2, max=2),)
    found = compare_structures(structure(*pairs), structure(*loose))
    assert found, "aa and bb are new"


def test_bounds_see_through_choices() -> None:
    model = (A, Choice(((C, B), (D,)), min=1, max=None))
    assert effective_bounds(model, "alpha") == (1, 1)
    assert effective_bounds(model, "gamma") == (0, None)
    assert effective_bounds(model, "missing") == (0, 0)


def test_the_same_change_has_the_same_fingerprint_in_every_run() -> None:
    (change,) = compare_structures(structure(A), structure(A, B))
    assert change.fingerprint == Change.of("CHG-ELEMENT-ADDED", "S071", "beta").fingerprint
    assert change.text == "beta was added, optional"


def test_a_given_rename_is_believed() -> None:
    old, new = structure(A, leaf("familyName")), structure(A, leaf("surname"))
    assert [c.id for c in compare_structures(old, new)] != ["CHG-ELEMENT-RENAMED"]
    assert [c.id for c in compare_structures(old, new, {"familyName": "surname"})] == ["CHG-ELEMENT-RENAMED"]


def test_kinds_are_compared_at_depth() -> None:
    assert ids((group("g", group("h", A)),), (group("g", group("h", A, B)),)) == [("CHG-ELEMENT-ADDED", "g/h/beta")]

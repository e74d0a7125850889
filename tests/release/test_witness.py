"""Witnesses are judged by compiled schemas: one version accepts, the other refuses, and nothing can be taken away."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from lxml import etree

from eessi.release.change import Change, ChangeClass, Direction
from eessi.release.compare import compare_structures
from eessi.release.witness import Side, build, find_witness
from eessi.schemas.structure import Particle, Structure
from eessi.schemas.xsdwriter import write
from tests.release.test_compare import PAIRS
from tests.release.trees import structure, structures


def side(one: Structure) -> Side:
    return Side(one, etree.XMLSchema(etree.fromstring(write(one).encode())))


def pair(old: tuple[Particle, ...], new: tuple[Particle, ...]) -> tuple[Side, Side, list[Change]]:
    before, after = structure(*old, namespace="urn:test:old"), structure(*new, namespace="urn:test:new")
    found = [c for c in compare_structures(before, after) if c.cls is ChangeClass.REFUSED]
    return side(before), side(after), found


def rerooted(document: bytes, namespace: str) -> etree._Element:
    root = etree.fromstring(document)
    moved = etree.Element(f"{{{namespace}}}S071")
    moved.extend(copy.deepcopy(list(root)))
    return moved


@pytest.mark.parametrize("turned", [False, True], ids=["there", "back"])
@pytest.mark.parametrize(("id", "path", "old", "new"), PAIRS, ids=[row[0] for row in PAIRS])
def test_every_refusal_has_a_witness(
    id: str, path: str, old: tuple[Particle, ...], new: tuple[Particle, ...], turned: bool
) -> None:
    before, after, changes = pair(new, old) if turned else pair(old, new)
    for change in changes:
        witness = find_witness(change, before, after)
        assert witness is not None, f"{change.id} {change.path}"
        accepts, refuses = (before, after) if witness.refused_by is Direction.NEW else (after, before)
        assert accepts.schema.validate(etree.fromstring(witness.document))
        assert not refuses.schema.validate(rerooted(witness.document, refuses.structure.namespace))


@pytest.mark.parametrize(("id", "path", "old", "new"), PAIRS, ids=[row[0] for row in PAIRS])
def test_no_element_can_be_dropped(id: str, path: str, old: tuple[Particle, ...], new: tuple[Particle, ...]) -> None:
    before, after, changes = pair(old, new)
    for change in changes:
        witness = find_witness(change, before, after)
        assert witness is not None
        accepts, refuses = (before, after) if witness.refused_by is Direction.NEW else (after, before)
        root = etree.fromstring(witness.document)
        for node in list(root.iterdescendants()):
            smaller = copy.deepcopy(root)
            path_to = root.getroottree().getelementpath(node)
            victim = smaller.find(path_to)
            assert victim is not None
            parent = victim.getparent()
            assert parent is not None
            parent.remove(victim)
            still = accepts.schema.validate(smaller) and not refuses.schema.validate(
                rerooted(etree.tostring(smaller), refuses.structure.namespace)
            )
            assert not still, f"{change.id}: {path_to} can go"


@given(structures, structures)
@settings(max_examples=60, deadline=None)
def test_random_pairs_leave_no_refusal_without_a_witness(one: Structure, two: Structure) -> None:
    before, after = side(one), side(two)
    for change in compare_structures(one, two):
        if change.cls is ChangeClass.REFUSED:
            assert find_witness(change, before, after) is not None, f"{change.id} {change.path} {change.direction}"


@given(structures)
@settings(max_examples=60, deadline=None)
def test_the_smallest_document_is_valid(one: Structure) -> None:
    assert side(one).schema.validate(build(one))

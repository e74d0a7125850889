"""Migration: nothing lost silently, nothing invented, and back again gives the original less the reported loss."""

from __future__ import annotations

import copy
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from lxml import etree

from eessi.errors import DefinitionError
from eessi.ids import CdmVersion
from eessi.release.migration import MigrationMap, migrate
from eessi.release.witness import build
from eessi.schemas import Registry
from eessi.schemas.structure import Choice, Element, Structure
from tests.release.test_witness import side
from tests.release.trees import code, group, leaf, structure, structures

A, B = leaf("alpha"), leaf("beta", 0)


def document(one: Structure, xml: str) -> etree._Element:
    return etree.fromstring(f'<s:S071 xmlns:s="{one.namespace}" sedGVer="4" sedVer="3">{xml}</s:S071>')


def pair(old: tuple[Element | Choice, ...], new: tuple[Element | Choice, ...]) -> tuple[Structure, Structure]:
    first = structure(*old, version="4.3", namespace="urn:test:4.3")
    return first, structure(*new, version="4.4", namespace="urn:test:4.4")


def content(made: bytes | etree._Element) -> str:
    root = etree.fromstring(made) if isinstance(made, bytes) else made
    bare = etree.Element("bare")
    bare.extend(copy.deepcopy(list(root)))
    etree.cleanup_namespaces(bare)
    return "".join(etree.tostring(child).decode() for child in bare)


def test_the_root_names_the_new_version() -> None:
    old, new = pair((A,), (A,))
    made = etree.fromstring(migrate(document(old, "<alpha>x</alpha>"), old, new).document)
    assert made.tag == "{urn:test:4.4}S071"
    assert dict(made.attrib) == {"sedGVer": "4", "sedVer": "4"}


def test_what_has_no_place_is_reported() -> None:
    old, new = pair((A, B), (A,))
    done = migrate(document(old, "<alpha>x</alpha><beta>y</beta>"), old, new)
    assert content(done.document) == "<alpha>x</alpha>"
    assert [(loss.path, loss.change, loss.content) for loss in done.losses] == [
        ("beta", "CHG-ELEMENT-REMOVED", b"<beta>y</beta>")
    ]


def test_order_renames_and_moves_are_done() -> None:
    old, new = pair(
        (A, leaf("familyName"), B, group("g", leaf("x"))),
        (leaf("familyNames"), A, group("g", leaf("x"), leaf("beta", 0))),
    )
    xml = "<alpha>a</alpha><familyName>f</familyName><beta>b</beta><g><x>1</x></g>"
    done = migrate(document(old, xml), old, new)
    assert content(done.document) == "<familyNames>f</familyNames><alpha>a</alpha><g><x>1</x><beta>b</beta></g>"
    assert (done.losses, done.todo) == ((), ())


def test_a_required_addition_is_left_to_a_person() -> None:
    old, new = pair((A,), (A, leaf("gamma")))
    done = migrate(document(old, "<alpha>x</alpha>"), old, new)
    assert [(todo.path, todo.change) for todo in done.todo] == [("gamma", "CHG-REQUIRED-ADDED")]


def test_a_withdrawn_code_needs_a_map() -> None:
    old, new = pair((code("gamma", "01", "02", low=0),), (code("gamma", "01", "03", low=0),))
    root = document(old, "<gamma><value>02</value></gamma>")
    done = migrate(root, old, new)
    assert content(done.document) == ""
    assert [loss.change for loss in done.losses] == ["CHG-CODE-WITHDRAWN"]
    done = migrate(root, old, new, MigrationMap(codes={"gamma": {"02": "03"}}))
    assert content(done.document) == "<gamma><value>03</value></gamma>"
    assert (done.losses, done.todo) == ((), ())


def test_too_long_is_never_cut() -> None:
    old, new = pair((leaf("gamma", max_length=50),), (leaf("gamma", max_length=5),))
    done = migrate(document(old, "<gamma>123456</gamma>"), old, new)
    assert content(done.document) == "<gamma>123456</gamma>"
    assert "6 characters, 5 are allowed" in done.todo[0].what


def test_too_many_keep_the_first_and_say_so() -> None:
    old, new = pair((leaf("gamma", 1, None),), (leaf("gamma", 1, 2),))
    done = migrate(document(old, "<gamma>1</gamma><gamma>2</gamma><gamma>3</gamma>"), old, new)
    assert content(done.document) == "<gamma>1</gamma><gamma>2</gamma>"
    assert [loss.content for loss in done.losses] == [b"<gamma>3</gamma>"]


def test_the_map_is_read_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "map.toml"
    file.write_text('[paths]\n"a/b" = "c"\n[codes."x/y"]\n"01" = "02"\n', encoding="utf-8")
    assert MigrationMap.load(file) == MigrationMap({"a/b": "c"}, {"x/y": {"01": "02"}})
    file.write_text("[path]\n", encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"map.toml: path: unknown table"):
        MigrationMap.load(file)


@given(structures)
@settings(max_examples=60, deadline=None)
def test_to_an_equal_version_nothing_changes(one: Structure) -> None:
    new = attrs.evolve(one, namespace="urn:test:next")
    root = build(one)
    done = migrate(root, one, new)
    assert (done.losses, done.todo) == ((), ())
    assert content(done.document) == content(root)


@given(structures, structures)
@settings(max_examples=80, deadline=None)
def test_with_nothing_left_to_do_the_new_schema_accepts(one: Structure, two: Structure) -> None:
    done = migrate(build(one), one, two)
    if not done.todo:
        assert side(two).schema.validate(etree.fromstring(done.document))


@pytest.mark.parametrize("sed", ["A001", "S071", "P2000", "U020", "X001"])
def test_back_and_forth_gives_the_original_less_the_loss(sed: str) -> None:
    registry = Registry.default()
    old = registry.structure(sed, CdmVersion(1, 0), package="sandbox:1.0")
    new = registry.structure(sed, CdmVersion(1, 1), package="sandbox:1.1")
    assert old is not None
    assert new is not None
    root = build(old, "Period")
    there = migrate(root, old, new)
    back = migrate(etree.fromstring(there.document), new, old)
    assert not there.losses
    assert etree.tostring(etree.fromstring(back.document), method="c14n") == etree.tostring(root, method="c14n")

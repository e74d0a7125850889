"""Whole packages against each other: documents and transactions that came and went, and what was not compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi.release.change import Direction
from eessi.release.difference import compare_packages
from eessi.schemas import CdmPackage
from eessi.schemas.xsdwriter import write
from tests.release.trees import leaf, structure

TRANSACTION = """<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:test:envelope">
  <xsd:element name="{name}" type="xsd:string"/>
</xsd:schema>"""
FIRST = "S_BUC_01-4.4-CaseOwner-Counterparty-Start-S071-4.4.xsd"
SECOND = "S_BUC_01-4.4-Counterparty-CaseOwner-New-S072-4.4.xsd"


def package(folder: Path, name: str, files: dict[str, str]) -> CdmPackage:
    place = folder / name
    place.mkdir()
    namespace = "http://ec.europa.eu/eessi/ns/4_4/S071"
    (place / "S071-4.4.xsd").write_text(write(structure(leaf("alpha"), namespace=namespace)), encoding="utf-8")
    for file, text in files.items():
        (place / file).write_text(text, encoding="utf-8")
    return CdmPackage.import_from(place, name=name, version="4.4")


def found(folder: Path, old: dict[str, str], new: dict[str, str]) -> list[tuple[str, str, Direction]]:
    changes = compare_packages(package(folder, "old", old), package(folder, "new", new)).changes
    return [(change.id, change.path, change.direction) for change in changes]


def test_a_step_that_came_and_one_that_went(tmp_path: Path) -> None:
    one = TRANSACTION.format(name="a")
    changes = found(tmp_path, {FIRST: one}, {SECOND: one})
    assert [(id, str(direction)) for id, _, direction in changes] == [
        ("CHG-TRANSACTION-GONE", "new"),
        ("CHG-TRANSACTION-NEW", "old"),
    ]


def test_a_step_whose_schema_changed(tmp_path: Path) -> None:
    changes = found(tmp_path, {FIRST: TRANSACTION.format(name="a")}, {FIRST: TRANSACTION.format(name="b")})
    assert [id for id, _, _ in changes] == ["CHG-TRANSACTION-CHANGED"]


@pytest.mark.parametrize("change", [lambda t: t.replace("\n  ", "\n\n\t"), lambda t: t.replace("  <", "  <!-- x --><")])
def test_white_space_and_comments_are_no_change(change: object, tmp_path: Path) -> None:
    text = TRANSACTION.format(name="a")
    assert found(tmp_path, {FIRST: text}, {FIRST: change(text)}) == []  # type: ignore[operator]  # a function of the table

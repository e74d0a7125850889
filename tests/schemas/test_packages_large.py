"""Packages as large as a real release: read lazily, every tree as it was made, only so much kept."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from lxml import etree

from eessi.schemas import CdmPackage, Registry
from eessi.schemas.importer import package_of
from eessi.schemas.saved import open_package
from tests.schemas.large import multi_files, single_files, structures


@pytest.mark.parametrize("make", [single_files, multi_files])
def test_every_tree_is_read_back(make: object, tmp_path: Path) -> None:
    seed = secrets.randbits(30)
    files = single_files(12, seed=seed) if make is single_files else multi_files(12, seed=seed, transactions=30)
    package = CdmPackage.load(package_of(files, source="large").save(tmp_path / "large"))
    assert [trouble for _, trouble in package.check() if trouble] == []
    registry = Registry().add(package)
    for structure in structures(12, seed=seed):
        assert registry.structure(structure.sed, structure.version) == structure, seed


def test_transactions_import_the_sed_they_carry() -> None:
    package = package_of(multi_files(4, transactions=12), source="large")
    registry = Registry().add(package)
    assert len(package.transactions()) == 12
    (first, *_) = package.transactions()
    schema = registry.transaction_schema(first.name)
    sed = registry.schema(first.name.sed, "4.5")
    assert schema is not None
    assert sed is not None
    space = f"http://ec.europa.eu/eessi/ns/4_5/{first.name.sed}"
    header = "http://eessi.dgempl.ec.europa.eu/namespaces/sbdh"
    empty = f'<s:{first.name.sed} xmlns:s="{space}"/>'
    assert not schema.validate(
        etree.fromstring(f'<h:StandardBusinessDocument xmlns:h="{header}">{empty}</h:StandardBusinessDocument>')
    )
    assert "Person" in str(schema.error_log)


@pytest.mark.long
@pytest.mark.parametrize("layout", ["single", "multi"])
def test_a_whole_release(layout: str, tmp_path: Path) -> None:
    files = single_files(280) if layout == "single" else multi_files(280, transactions=2_000)
    package = open_package(package_of(files, source="large").save(tmp_path / "large"))
    registry = Registry().add(package)
    for structure in structures(280):
        assert registry.structure(structure.sed, structure.version) == structure
        assert registry.schema(structure.sed, structure.version) is not None
    assert len(registry._schema_cache) == 64
    assert package.verify() == ()

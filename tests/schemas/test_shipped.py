"""The shipped tables, row by row against the facts they were made from, and what they say about themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from eessi.ids import CdmVersion
from eessi.schemas import Choice, Element, Fidelity, Kind, Particle, Registry, Structure
from eessi.schemas.lock import differences
from eessi.schemas.tables import Tables

FOLDERS = ("open-4.4", "sandbox-1.0", "sandbox-1.1")
Node = dict[str, Any]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.default()


@pytest.fixture(scope="module")
def facts(shared: Path) -> Node:
    found: Node = json.loads((shared / "cdm" / "elements.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def catalogue(shared: Path) -> list[Node]:
    found: list[Node] = json.loads((shared / "catalogue" / "seds.json").read_text(encoding="utf-8"))
    return found


def trees(facts: Node) -> Iterator[tuple[str, Node]]:
    for code, sed in facts["seds"].items():
        for tree in (sed, *sed.get("other_versions", ())):
            if tree["elements"]:
                yield code, tree


def asked(tree: Node) -> str:
    """A version for which the tree must be found."""
    return "4.2" if tree["cdm"] == ["4.x"] else str(tree["cdm"][-1])


def test_every_tree_of_the_facts_is_there_and_nothing_else(facts: Node, registry: Registry) -> None:
    entries = registry.package("open:4.4").entries()
    assert len(entries) == sum(1 for _ in trees(facts)) == 29
    assert Counter(entry.fidelity for entry in entries if entry.version != CdmVersion(3, 1) or entry.sed != "P4000") == {
        Fidelity.EXACT: 1, Fidelity.OBSERVED: 13, Fidelity.MAPPED: 14,
    }  # fmt: skip
    assert {entry.sed for entry in entries} == {code for code, _ in trees(facts)}
    assert all(entry.source for entry in entries)


def test_every_node_of_every_tree(facts: Node, registry: Registry) -> None:
    checked = 0
    for code, tree in trees(facts):
        structure = registry.structure(code, asked(tree), package="open:4.4")
        assert structure is not None, code
        assert structure.fidelity == tree["confidence"]
        assert structure.order_known == tree["order_known"]
        assert structure.open == (tree["confidence"] != "exact")
        if "namespace" in tree:
            assert structure.namespace == tree["namespace"]
        checked += same(tree["elements"], structure.root.children, code, facts, exact=not structure.open)
    assert checked > 3_500


def same(nodes: list[Node], particles: tuple[Particle, ...], path: str, facts: Node, *, exact: bool) -> int:
    """Compare one level and all below; the number of nodes compared."""
    assert len(nodes) == len(particles), path
    count = 0
    for node, particle in zip(nodes, particles, strict=True):
        count += 1
        if "choice" in node:
            assert isinstance(particle, Choice), path
            assert all(len(branch) == 1 for branch in particle.branches)
            branches = tuple(branch[0] for branch in particle.branches)
            count += same(node["choice"], branches, f"{path}/choice", facts, exact=exact)
        elif "ref" in node:
            assert isinstance(particle, Element)
            assert (particle.kind, particle.min, particle.max) == (Kind.SIGNATURE, 0, 1)
        else:
            assert isinstance(particle, Element), path
            same_element(node, particle, f"{path}/{node['name']}", facts, exact=exact)
            count += same(node.get("children", []), particle.children, f"{path}/{node['name']}", facts, exact=exact)
    return count


def same_element(node: Node, element: Element, path: str, facts: Node, *, exact: bool) -> None:
    assert element.name == node["name"], path
    assert element.kind == {"simple": "leaf", "code": "code", "group": "group"}[node["kind"]], path
    assert element.known == exact, path
    if node["min"] is not None:
        assert element.min == node["min"], path
    if node["max"] is not None:
        assert element.max == (None if node["max"] == "unbounded" else node["max"]), path
    basic = facts["basic_types"].get(node.get("type"))
    if basic and element.kind is Kind.LEAF:
        assert element.facets is not None
        assert element.facets.base == basic["base"].removeprefix("xsd:"), path
        assert [element.facets.min_length, element.facets.max_length] == [
            int(basic[key]) if key in basic else None for key in ("minLength", "maxLength")
        ], path
        assert element.facets.patterns == ((basic["pattern"],) if "pattern" in basic else ()), path
    listed = facts["code_lists"].get(node.get("type"))
    if listed:
        assert element.codes is not None
        assert [(code.value, code.label) for code in element.codes.codes] == [
            (row["code"], row["en"]) for row in listed["codes"]
        ], path
        if listed["multiple"]:
            assert element.value_max is None, path
    assert element.unique_values == bool(node.get("unique_values")), path


def test_every_basic_type_and_code_list(facts: Node) -> None:
    tables = Tables("open-4.4")
    assert tables.types.keys() == facts["basic_types"].keys()
    assert tables.codes.keys() == facts["code_lists"].keys()
    for name, row in facts["code_lists"].items():
        assert [(code.value, code.label) for code in tables.codes[name].codes] == [
            (c["code"], c["en"]) for c in row["codes"]
        ]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_sandbox_has_every_code_of_the_catalogue(version: str, catalogue: list[Node], registry: Registry) -> None:
    entries = registry.package(f"sandbox:{version}").entries()
    assert [entry.sed for entry in entries] == [row["code"] for row in catalogue]
    assert len(entries) == 280
    for entry in entries:
        assert entry.fidelity is Fidelity.SANDBOX
        assert entry.namespace == f"urn:eessi-toolkit:sandbox:{version}:{entry.sed}"
        assert "europa" not in entry.namespace


def test_no_sandbox_entry_answers_for_eessi(registry: Registry, catalogue: list[Node]) -> None:
    """Whatever CDM version is asked for, practice documents are never the answer, and the other way round."""
    for row in catalogue:
        for version in ("3.1", "4.0", "4.1", "4.2", "4.3", "4.4"):
            found = registry.find(row["code"], version)
            assert found is None or found.fidelity is not Fidelity.SANDBOX
        for version in ("1.0", "1.1"):
            found = registry.find(row["code"], version)
            assert found is not None
            assert found.fidelity is Fidelity.SANDBOX


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_table_names_its_source_and_date(folder: str, root: Path) -> None:
    files = sorted((root / "eessi" / "schemas" / "packages" / folder).rglob("*.jsonl"))
    assert len(files) >= 4
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        head = json.loads(lines[0])
        assert {"about", "source", "date", "tool"} <= head.keys(), file
        assert len(lines) > 1, file
        for line in lines[1:]:
            json.loads(line)


def test_the_tables_are_what_the_tools_make(shared: Path, root: Path, tmp_path: Path) -> None:
    """Nobody edits a table by hand: running the tools again gives the same bytes."""
    for name in ("make_open_package.py", "make_sandbox_packages.py"):
        (tmp_path / "tools").mkdir(exist_ok=True)
        (tmp_path / "tools" / name).write_bytes((root / "tools" / name).read_bytes())
    for name in ("make_open_package.py", "make_sandbox_packages.py"):
        command = [sys.executable, f"tools/{name}", str(shared)]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    made = tmp_path / "eessi" / "schemas" / "packages"
    kept = root / "eessi" / "schemas" / "packages"
    files = {file.relative_to(made) for file in made.rglob("*.jsonl")}
    assert files == {file.relative_to(kept) for file in kept.rglob("*.jsonl")}
    for file in files:
        assert (made / file).read_bytes() == (kept / file).read_bytes(), file


def test_the_shipped_content_is_locked(root: Path, registry: Registry) -> None:
    lock = root / "eessi" / "schemas" / "packages" / "lock.json"
    assert differences(lock.read_text(encoding="utf-8"), registry.packages, source="lock.json") == ()


@pytest.mark.parametrize("package", ["open:4.4", "sandbox:1.0", "sandbox:1.1"])
def test_every_schema_compiles(package: str, registry: Registry) -> None:
    results = list(registry.package(package).check())
    assert len(results) == len(registry.package(package).entries())
    assert [trouble for _, trouble in results if trouble] == []


def minimal(structure: Structure) -> etree._Element:
    root = etree.Element(f"{{{structure.namespace}}}{structure.sed}")
    etree.SubElement(etree.SubElement(root, "Anything"), "at").text = "all"
    return root


def test_open_trees_describe_and_never_refuse(registry: Registry) -> None:
    for entry in registry.package("open:4.4").entries():
        structure = registry.structure(entry.sed, entry.version, package="open:4.4")
        schema = registry.schema(entry.sed, entry.version, package="open:4.4")
        assert structure is not None
        assert schema is not None
        accepted = schema.validate(minimal(structure))
        assert accepted == (entry.fidelity is not Fidelity.EXACT), entry
        wrong = etree.Element(f"{{urn:other}}{structure.sed}")
        assert not schema.validate(wrong), entry


def test_a_tree_without_stated_version_serves_every_4_x_in_its_own_namespace(registry: Registry) -> None:
    for version in ("4.0", "4.1", "4.2", "4.3", "4.4"):
        found = registry.find("P2200", version)
        assert found is not None
        assert found.entry.stated == "4.x"
        structure = registry.structure("P2200", version)
        assert structure is not None
        assert structure.namespace == CdmVersion.parse(version).namespace("P2200")
    assert registry.find("P2200", "3.1") is None


def test_a_sed_known_by_name_only_is_not_found(registry: Registry) -> None:
    assert registry.find("A002", "4.3") is None
    assert registry.structure("A002", "4.3") is None
    assert registry.schema("A002", "4.3") is None


# what differs between the two practice packages


def found_changes(registry: Registry, sed: str) -> set[tuple[str, str]]:
    """Paths that differ between sandbox 1.0 and 1.1 of one SED, found without the comparison tool."""
    old, new = (registry.structure(sed, version) for version in ("1.0", "1.1"))
    assert old is not None
    assert new is not None
    one, two = dict(old.walk()), dict(new.walk())
    found = {("removed", path) for path in one.keys() - two.keys()} | {
        ("added", path) for path in two.keys() - one.keys()
    }
    for path in one.keys() & two.keys():
        a, b = one[path], two[path]
        for what in ("min", "max", "facets", "codes"):
            if getattr(a, what) != getattr(b, what):
                found.add((what, path))
    if [child.name for child in old.root.elements()] != [child.name for child in new.root.elements()]:
        found.add(("order", sed))
    return found


ALL_SEDS = {
    ("added", "Person/PersonIdentification/familyNameAtBirth"),
    ("removed", "Person/PersonIdentification/placeBirth"),
    ("codes", "Person/PersonIdentification/sex"),
    ("facets", "Person/PersonIdentification/sex"),
    ("codes", "Decision/outcome"),
    ("facets", "Decision/outcome"),
    ("facets", "Decision/reason"),
    ("facets", "Institution/institutionName"),
    ("min", "Institution/contact"),
    ("max", "remark"),
}


def test_the_invented_differences_are_those_written_down(registry: Registry) -> None:
    def expected(sed: str) -> set[tuple[str, str]]:
        return ALL_SEDS | {("order", sed)}

    assert found_changes(registry, "P2000") == expected("P2000")
    assert found_changes(registry, "A001") == expected("A001") | {("added", "Decision/legalBasis")}
    assert found_changes(registry, "A011") == expected("A011") | {("min", "Decision/decisionDate")}
    assert found_changes(registry, "S072") == expected("S072") | {
        ("added", f"Period/UnlimitedPeriod{below}") for below in ("", "/startDate", "/reason")
    }
    renamed = {("removed", "Decision/reason"), ("added", "Decision/motive")}
    assert found_changes(registry, "X001") == (expected("X001") - {("facets", "Decision/reason")}) | renamed


def test_the_signature_of_a_sed_is_accepted(registry: Registry, shared: Path) -> None:
    signature = (shared / "as4" / "xades" / "sed-signature-2020.xml").read_bytes()
    schema = registry.schema("X001", "1.0")
    assert schema is not None
    person = (
        "<familyName>T</familyName><forename>A</forename><dateBirth>1980-01-15</dateBirth><sex><value>01</value></sex>"
    )
    start = '<s:X001 xmlns:s="urn:eessi-toolkit:sandbox:1.0:X001"><Person><PersonIdentification>'
    document = f"{start}{person}</PersonIdentification></Person>".encode() + signature + b"</s:X001>"
    assert schema.validate(etree.fromstring(document)), schema.error_log
    for old, new in (
        (b"SignedInfo>", b"SignedInfos>"),
        (b'Target="#', b'Aim="#'),
        (b"2020-09-22T", b"2020-09-31T"),
    ):
        assert not schema.validate(etree.fromstring(document.replace(old, new))), old

"""What a user installs: the wheel holds the tables and no tests, and comes out the same twice."""

from __future__ import annotations

import email
import importlib.metadata
import json
import os
import subprocess
import sys
import tarfile
import tomllib
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

from tools import licences, make_sbom, vulnerabilities

SOURCE_DATE = "1764028800"  # 2025-11-25, any fixed day


def build(root: Path, target: str, folder: Path) -> Path:
    env = {**os.environ, "SOURCE_DATE_EPOCH": SOURCE_DATE}
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=root, env=env, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(root, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(root, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_what_is_built_is_reproducible(root: Path, target: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    first: Path = request.getfixturevalue(target)
    assert build(root, target, tmp_path).read_bytes() == first.read_bytes()


def test_the_source_archive_is_enough_to_build_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (unpacked,) = (tmp_path / "source").iterdir()
    again = build(unpacked, "wheel", tmp_path / "wheel")
    assert again.read_bytes() == wheel.read_bytes()


def test_tables_are_in_and_tests_are_out(root: Path, wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    data = {
        str(file.relative_to(root))
        for file in (root / "eessi").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {name for name in data if name.endswith((".toml", ".jsonl", ".xsd", ".j2", ".py", ".typed"))} <= names
    assert not [name for name in names if name.startswith(("tests/", "docs/", "benchmarks/", "tools/"))]


def test_no_official_schema_is_shipped(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    for name in archive.namelist():
        content = archive.read(name)
        assert b"EESSI.CC.BDT" not in content, f"{name} carries text of an official schema"
        assert b"ccts:UniqueID>" not in content, f"{name} carries text of an official schema"


def test_licence_and_notice_are_inside(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/NOTICE") for name in names)


def test_licences_of_all_that_is_installed_go_with_ours() -> None:
    assert licences.refused() == {}


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ("MIT", True),
        ("Apache-2.0 OR BSD-3-Clause", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("Proprietary, ask us", False),
        ("LicenseRef-of-our-own", False),
        ("", False),
    ],
)
def test_a_licence_not_known_to_fit_is_refused(expression: str, fits: bool) -> None:
    assert licences.may_be_combined(expression) is fits


def test_the_licence_in_the_table_is_the_one_a_dependency_states() -> None:
    for name, said in licences.TABLE["declared"].items():
        read = licences.licence_of(importlib.metadata.distribution(name))
        assert licences.SPDX.parse(read) == licences.SPDX.parse(said), name


@pytest.fixture(scope="module")
def bill(wheel: Path) -> dict[str, Any]:
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if ".dist-info/sboms/" in name)
    text = archive.read(name).decode("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_bill_of_materials_in_the_wheel_is_up_to_date(root: Path, bill: dict[str, Any]) -> None:
    assert json.loads(make_sbom.bill()) == bill, "run: .venv/bin/python -m tools.make_sbom"
    assert make_sbom.FILE.read_text(encoding="utf-8") == make_sbom.bill()


def test_the_bill_of_materials_names_what_the_wheel_asks_for(wheel: Path, bill: dict[str, Any]) -> None:
    """Against what an installer reads in the wheel, not against what the bill was made from."""
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = email.message_from_bytes(archive.read(name))
    asked: dict[str, set[str]] = {}
    for line in metadata.get_all("Requires-Dist") or []:
        requirement = Requirement(line)
        extra = line.partition("extra == ")[2].strip("'\" ")
        if licences.normal(requirement.name) != "eessi-toolkit" and extra not in make_sbom.NOT_FOR_USERS:
            asked.setdefault(licences.normal(requirement.name), set()).add(str(requirement.specifier))
    needed = [part for part in bill["components"] if part["bom-ref"].startswith("needs:")]
    told = {}
    for part in needed:
        (line,) = (one["value"] for one in part["properties"] if one["name"] == "eessi-toolkit:requires")
        told[part["name"]] = {str(Requirement(line).specifier)}
    assert told == asked
    (ours,) = (one for one in bill["dependencies"] if one["ref"] == "eessi-toolkit")
    assert ours["dependsOn"] == sorted(part["bom-ref"] for part in needed)


def test_the_bill_of_materials_holds_nothing_of_the_moment(bill: dict[str, Any]) -> None:
    assert "timestamp" not in bill["metadata"]
    assert uuid.UUID(bill["serialNumber"].removeprefix("urn:uuid:")).version == 5


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([{"name": "lxml", "version": "1", "vulns": []}], "clean"),
        ([{"name": "lxml", "version": "1", "vulns": [{"id": "X-1"}]}], "vulnerable"),
        ([{"name": "lxml", "skip_reason": "not found"}], "undetermined"),
        (
            [{"name": "lxml", "skip_reason": "not found"}, {"name": "attrs", "version": "1", "vulns": []}],
            "undetermined",
        ),
        ([], "undetermined"),
    ],
)
def test_what_was_not_looked_up_is_never_called_clean(rows: list[dict[str, Any]], word: str) -> None:
    assert vulnerabilities.read(json.dumps({"dependencies": rows})).word == word


def test_a_service_that_did_not_answer_leaves_it_undetermined() -> None:
    assert vulnerabilities.read("").word == "undetermined"
    missed = vulnerabilities.read(json.dumps({"dependencies": [{"name": "lxml", "skip_reason": "not found"}]}))
    known = vulnerabilities.read(json.dumps({"dependencies": [{"name": "lxml", "version": "1", "vulns": []}]}))
    assert vulnerabilities.together([missed, known]).word == "clean"


def test_lowest_versions_are_all_named(root: Path) -> None:
    """A dependency without a lower bound would be tested at a version nobody ever ran."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [
        *project["dependencies"],
        *(line for name in extras for line in extras[name] if name not in {"dev", "docs"}),
    ]
    assert [line for line in lines if ">=" not in line and not line.startswith("eessi-toolkit")] == []


def test_both_commands_are_installed() -> None:
    points = {point.name: point.value for point in importlib.metadata.entry_points(group="console_scripts")}
    assert points["eessi"] == points["eessi-toolkit"] == "eessi.cli:main"


def test_version_is_said_once(root: Path) -> None:
    import eessi

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == eessi.__version__
    assert f"version: {eessi.__version__}" in (root / "CITATION.cff").read_text(encoding="utf-8")
    assert f"softwareVersion: {eessi.__version__}" in (root / "publiccode.yml").read_text(encoding="utf-8")

"""What a user installs: the wheel holds the tables and no tests, and comes out the same twice."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

SOURCE_DATE = "1764028800"  # 2025-11-25, any fixed day

ALLOWED_LICENCES = (
    "MIT", "BSD", "Apache", "EUPL", "ISC", "PSF", "Python Software Foundation", "MPL", "Mozilla", "LGPL", "Unlicense", "0BSD",
)  # fmt: skip
"""Licences of dependencies that may be combined with EUPL-1.2 (its appendix names the copyleft ones)."""


def build_wheel(root: Path, folder: Path) -> Path:
    env = {**os.environ, "SOURCE_DATE_EPOCH": SOURCE_DATE}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=root, env=env, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(root, tmp_path_factory.mktemp("wheel"))


def test_wheel_is_reproducible(root: Path, wheel: Path, tmp_path: Path) -> None:
    again = build_wheel(root, tmp_path)
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(wheel.read_bytes()).digest()


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


def declared(root: Path) -> list[str]:
    import re

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    names = {re.split(r"[\[<>=~! ;]", line, maxsplit=1)[0] for group in groups for line in group}
    return sorted(names - {"eessi-toolkit"})


def licence_of(distribution: str) -> str:
    meta = importlib.metadata.metadata(distribution)
    classifiers = [line for line in meta.get_all("Classifier") or [] if line.startswith("License ::")]
    named = [meta.get("License-Expression") or "", (meta.get("License") or "")[:200], *classifiers]
    return " ".join(named).strip() or _first_line_of_licence_file(distribution)


def _first_line_of_licence_file(distribution: str) -> str:
    """What a distribution without metadata about its licence says at the top of its licence file."""
    for file in importlib.metadata.files(distribution) or ():
        if "licenses" in file.parts:
            return file.read_text(encoding="utf-8").strip().splitlines()[0]
    return ""


def test_licences_of_dependencies_go_with_ours(root: Path) -> None:
    unknown = {}
    for name in declared(root):
        try:
            licence = licence_of(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # an extra that this environment does not have, such as the peers of benchmarks
        if not any(allowed.lower() in licence.lower() for allowed in ALLOWED_LICENCES):
            unknown[name] = licence
    assert not unknown


def test_both_commands_are_installed() -> None:
    points = {point.name: point.value for point in importlib.metadata.entry_points(group="console_scripts")}
    assert points["eessi"] == points["eessi-toolkit"] == "eessi.cli:main"


def test_version_is_said_once(root: Path) -> None:
    import eessi

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == eessi.__version__
    assert f"version: {eessi.__version__}" in (root / "CITATION.cff").read_text(encoding="utf-8")
    assert f"softwareVersion: {eessi.__version__}" in (root / "publiccode.yml").read_text(encoding="utf-8")

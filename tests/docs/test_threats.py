"""The threat model names what stands against each attack and the test that holds the line: here each of them must exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "threat-model.md").read_text(encoding="utf-8")
BORDERS = ("Documents", "Envelopes", "directory", "Packages", "Scenario", "case files", "viewers")
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in PAGE.splitlines()
    if line.startswith("| ") and "what is tried" not in line
]


def names_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_each_border_has_rows() -> None:
    headings = " ".join(re.findall(r"^## (.*)$", PAGE, re.MULTILINE))
    assert [border for border in BORDERS if border not in headings] == []
    assert len(ROWS) > 25


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_the_test_that_holds_the_line_exists(row: tuple[str, ...]) -> None:
    tried, against, held = row
    assert tried
    assert against
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", held)
    assert named, f"{tried}: name file and test, as `tests/file.py::test_name`"
    assert len(named) == held.count("`tests/"), f"{tried}: a file without its test, or a folder"
    for file, name in named:
        assert name in names_in(ROOT / file), f"{tried}: {file} has no {name}"

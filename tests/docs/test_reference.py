"""The generated reference pages: one per finding id, all reached from their list."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from eessi.findings import explain, known_ids


@pytest.fixture(scope="module")
def pages(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.spec_from_file_location("reference_pages", root / "docs" / "reference_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("reference")
    module.write_all(folder)
    return folder


def test_every_finding_has_a_page(pages: Path) -> None:
    assert {file.stem for file in (pages / "findings").iterdir()} == set(known_ids())
    for id in known_ids():
        text = (pages / "findings" / f"{id}.md").read_text(encoding="utf-8")
        texts = explain(id)
        assert text.startswith(f"# {id}\n")
        for part in ("message", "why", "mend", "source"):
            assert texts[part] in text, id


def test_the_list_leads_to_every_page(pages: Path) -> None:
    text = (pages / "findings.md").read_text(encoding="utf-8")
    assert [id for id in known_ids() if f"(findings/{id}.md)" not in text] == []

"""Open cases against new definitions: those that fit go on, the others name the event that stands against them."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from eessi.buc import load_definitions
from eessi.cli.program import run
from eessi.release.open_cases import assess_cases
from eessi.stores import Store
from eessi.transport.corners import FourCorners
from tests.node.conftest import BE, FR, pair_of, sandbox


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The store of a node with one open case in which A001 and A005 were sent."""
    with Store.open(tmp_path / "fr.db") as fr, Store.open(tmp_path / "be.db") as be:
        pair = pair_of(FourCorners(FR, BE, stores=(fr, be)))
        case_id = pair.fr.start("LA_BUC_01", [BE], version="4.3")
        pair.fr.send(case_id, sandbox("A001"))
        pair.fr.send(case_id, sandbox("A005"))
    return tmp_path / "fr.db"


def without_a005(folder: Path) -> Path:
    """LA_BUC_01 as if A005 had been withdrawn: an invented new version."""
    text = files("eessi.buc").joinpath("definitions", "LA_BUC_01.toml").read_text(encoding="utf-8")
    head, *parts = text.split("\n[[")
    kept = [part for part in parts if '"A005"' not in part and '"A006"' not in part]
    folder.mkdir()
    (folder / "LA_BUC_01.toml").write_text("\n[[".join([head, *kept]), encoding="utf-8")
    return folder


def test_an_unchanged_process_lets_every_case_go_on(store: Path) -> None:
    with Store.open(store) as opened:
        [found] = assess_cases(opened)
    assert (found.buc, found.possible, found.lost, found.gained) == ("LA_BUC_01", True, (), ())


def test_a_withdrawn_sed_stands_against_the_case(store: Path, tmp_path: Path) -> None:
    new = load_definitions(without_a005(tmp_path / "new"))
    with Store.open(store) as opened:
        [found] = assess_cases(opened, definitions=new)
    assert not found.possible
    assert found.event == 2
    assert "A005" in str(found.why)
    assert "A005" in found.lost


def test_the_command(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = without_a005(tmp_path / "new")
    words = [
        "impact",
        "sandbox:1.0",
        "sandbox:1.1",
        "--cases",
        str(store),
        "--definitions",
        str(folder),
        "--format",
        "json",
    ]
    assert run(words) == 1
    [case] = json.loads(capsys.readouterr().out)["cases"]
    assert (case["possible"], case["event"]) == (False, 2)
    assert run(["impact", "sandbox:1.0", "sandbox:1.1", "--cases", str(store)]) == 0
    assert "1 may go on, 0 may not" in capsys.readouterr().out
    assert run(["impact", "sandbox:1.0", "sandbox:1.1"]) == 2

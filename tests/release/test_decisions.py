"""Decisions about changes: they hold until their day, and those that lost their change are named."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from eessi.cli.program import run
from eessi.errors import DefinitionError
from eessi.release import compare_structures
from eessi.release.decisions import Decisions
from tests.release.trees import leaf, structure

DAY = dt.date(2026, 11, 25)
(CHANGE,) = compare_structures(structure(leaf("a")), structure(leaf("a"), leaf("b", 0)))


def decided(tmp_path: Path, text: str) -> Decisions:
    file = tmp_path / "decisions.toml"
    file.write_text(text, encoding="utf-8")
    return Decisions.load(file)


ROW = '[{key}]\ndecision = "accepted"\nreason = "agreed with all"\nfunction = "head of unit"\nuntil = {until}\n'


def test_a_decision_stands_until_its_day(tmp_path: Path) -> None:
    kept = decided(tmp_path, ROW.format(key=CHANGE.fingerprint, until=DAY))
    assert kept.stands(CHANGE, DAY)
    assert kept.troubles([CHANGE], DAY) == ()
    assert not kept.stands(CHANGE, DAY + dt.timedelta(days=1))
    assert "decide again" in kept.troubles([CHANGE], DAY + dt.timedelta(days=1))[0]


def test_a_decision_without_its_change_is_named(tmp_path: Path) -> None:
    kept = decided(tmp_path, ROW.format(key="0" * 16, until=DAY))
    assert kept.troubles([CHANGE], DAY) == (f"{'0' * 16}: no such change any more; the decision can go",)


def test_a_decision_needs_a_reason(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"decisions.toml: abc.reason"):
        decided(tmp_path, '[abc]\ndecision = "accepted"\nreason = ""\nfunction = "head"\n')


def test_the_command_passes_when_everything_is_decided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    words = ["diff", "sandbox:1.0", "sandbox:1.1", "--sed", "A003", "--format", "json"]
    assert run(words) == 1
    changes = json.loads(capsys.readouterr().out)["changes"]
    file = tmp_path / "d.toml"
    file.write_text("".join(ROW.format(key=c["fingerprint"], until="2999-01-01") for c in changes), encoding="utf-8")
    assert run([*words, "--decisions", str(file)]) == 0

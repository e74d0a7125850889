"""``eessi models generate`` writes files that can be imported and says what it wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from eessi.cli.program import run


def test_files_are_written_and_can_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "models"
    command = [
        "models",
        "generate",
        "open:4.4",
        "--sed",
        "S071",
        "--sed",
        "p2000",
        "--out",
        str(out),
        "--format",
        "json",
    ]
    assert run(command) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["sed"] for row in document["files"]] == ["S071", "P2000"]
    assert "follow its terms of use" in (out / "s071_4_4.py").read_text(encoding="utf-8")
    check = "import s071_4_4 as m; print(m.SexCode('02').label, m.S071.VERSION)"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=out)
    assert result.stdout.split() == ["Female", "4.4.0"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["open:4.4", "--sed", "S999"], 2),
        (["none:1", "--sed", "S071"], 2),
        (["open:4.4", "--sed", "S071", "--cdm", "3.9"], 2),
    ],
)
def test_what_does_not_exist_is_one_line(
    arguments: list[str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "generate", *arguments, "--out", str(tmp_path)]) == code
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())

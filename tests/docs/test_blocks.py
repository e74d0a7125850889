"""Every code block and command line of the README and the documentation runs as it stands.

A page's ``python`` blocks run in order in one process, its ``console`` blocks line by line after ``$``, in a folder that
looks like the project's. Set-up commands that the CI script itself runs are listed below and not run again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
PAGES = [page for page in PAGES if "_build" not in page.parts and "generated" not in page.parts]

RUN_BY_CI = re.compile(r"(?:git clone|cd eessi-toolkit|make\b|pip install|python -m pip|python3 -m venv|\.ci/run)")
"""Set-up commands: ``.ci/run`` runs them on a clean checkout, or they need a checkout to exist."""

STARTS_A_SERVER = re.compile(r"eessi (?:access-point|node) run")
"""Commands that run until they are stopped; their own tests start and stop them."""

BLOCK = re.compile(r"^```(?P<kind>python|console)\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path, kind: str) -> list[str]:
    return [found["code"] for found in BLOCK.finditer(page.read_text(encoding="utf-8")) if found["kind"] == kind]


def commands(page: Path) -> list[str]:
    lines: list[str] = []
    for block in blocks(page, "console"):
        joined = block.replace("\\\n", " ")
        lines += [line[2:].strip() for line in joined.splitlines() if line.startswith("$ ")]
    return [line for line in lines if not RUN_BY_CI.match(line) and not STARTS_A_SERVER.search(line)]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder that looks like the project's; what a page writes lands here."""
    folder = tmp_path / "project"
    folder.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in {".git", ".venv", "demo.html"}:
            (folder / entry.name).symlink_to(entry)
    return folder


def environment(tmp_path: Path) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "EESSI_HOME": str(tmp_path / "home"), "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_runs(page: Path, place: Path, tmp_path: Path) -> None:
    env = environment(tmp_path)
    script = "\n\n".join(blocks(page, "python"))
    lines = commands(page)
    if not script and not lines:
        return  # nothing to run on this page
    if script:
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=place, env=env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{page.name}: {done.stderr[-2000:]}"
    for line in lines:
        wanted = re.search(r"#\s*exit (\d+)\s*$", line)
        done = subprocess.run(["bash", "-c", line], cwd=place, env=env, capture_output=True, text=True, timeout=300)
        code = int(wanted[1]) if wanted else 0
        assert done.returncode == code, f"{page.name}: $ {line}\nexit {done.returncode}\n{done.stderr[-1500:]}"
        assert "Traceback" not in done.stderr

"""Each guard of the envelope taken out, one by one: some test must turn red. The table is ``guards.toml``."""

from __future__ import annotations

import ast
import functools
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@attrs.frozen
class Guard:
    """A row: where it stands, what it holds, its text, what stands there when it is gone, and the test that sees it."""

    file: str
    holds: str
    old: str
    new: str
    test: str

    @property
    def path(self) -> str:
        return f"eessi/transport/{self.file}.py"


@functools.cache
def guards() -> tuple[Guard, ...]:
    table = tomllib.loads((HERE / "guards.toml").read_text(encoding="utf-8"))
    return tuple(Guard(**row) for row in table["guard"])


def named(guard: Guard) -> str:
    return f"{guard.file}: {guard.holds}"


@pytest.mark.parametrize("guard", guards(), ids=named)
def test_each_row_fits_the_code_and_names_a_test(guard: Guard) -> None:
    code = (ROOT / guard.path).read_text(encoding="utf-8")
    assert code.count(guard.old) == 1
    compile(code.replace(guard.old, guard.new), guard.path, "exec")
    file, _, function = guard.test.partition("::")
    assert function in functions(file)


@functools.cache
def functions(file: str) -> frozenset[str]:
    tests = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(one.name for one in ast.walk(tests) if isinstance(one, ast.FunctionDef))


def run(place: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider", "--tb=line", *tests]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=600, env=environment)


@pytest.mark.long
def test_without_it_a_test_turns_red(tmp_path: Path) -> None:
    """All named tests pass as the code is; with one guard out, the test named for it fails."""
    for folder in ("eessi", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    whole = run(tmp_path, sorted({guard.test for guard in guards()}))
    assert whole.returncode == 0, whole.stdout
    survived = []
    for guard in guards():
        file = tmp_path / guard.path
        code = file.read_text(encoding="utf-8")
        file.write_text(code.replace(guard.old, guard.new), encoding="utf-8")
        if run(tmp_path, [guard.test]).returncode != 1:
            survived.append(named(guard))
        file.write_text(code, encoding="utf-8")
    assert survived == []

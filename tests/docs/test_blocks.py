"""Every code block and command line of the README and the documentation runs as it stands, in the order of its page.

A page's ``python`` blocks share one process, as if typed into one interpreter; command lines (``console`` after ``$ ``, each
line of ``sh``) run between them, in a folder that looks like the project's. Servers run beside the page until it ends.
``toml`` and ``yaml`` blocks are given to the reader of the file that they show. What is not run stands below, with its reason.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import traceback
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import warm

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")])
PAGES = [page for page in PAGES if "_build" not in page.parts and "generated" not in page.parts]

NOT_RUN = {
    "README.md": {
        "make demo": "CI runs it first, on a fresh checkout",
        "make test": "it is what runs this test",
        ". .venv/bin/activate": "the environment of the tests is at work already",
    },
    "docs/performance.md": {
        "make bench": "hours of measuring; its parts run small in tests/benchmarks",
        "python -m benchmarks.receive": "minutes of measuring; runs small in tests/benchmarks",
    },
    "docs/howto/node-workers.md": {
        "pip install 'eessi-toolkit[postgresql]'": "not published yet; the environment of the tests holds this extra",
    },
}
"""Page -> command line -> why this test does not run it."""

SETTINGS = {
    "docs/howto/node-workers.md": "needs PostgreSQL: run by test_workers_as_shown, below",
}
"""Pages whose ``py`` block needs a setting that a reader has and a test must build."""

SERVER = re.compile(r"eessi access-point run\b")
COLD = frozenset({"README.md"})
"""Pages whose commands are all started from nothing, by the shell."""

RUN_HERE = frozenset({"python", "console", "sh", "py"})
BLOCK = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)

SHELL = re.compile(r"[|&;<>$`*~()]")
"""What only a shell understands."""


def interpreter(typed: Connection) -> None:
    """Run what is typed, in one place for names; answer each with what went wrong."""
    names: dict[str, object] = {"__name__": "__page__"}
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    while (code := typed.recv()) is not None:
        try:
            exec(compile(code, "block", "exec"), names)
            typed.send(None)
        except BaseException:  # noqa: BLE001  # told to whoever typed it
            typed.send(traceback.format_exc())


class Block(NamedTuple):
    kind: str
    code: str


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    return [Block(*found.group("kind", "code")) for found in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def commands(block: Block) -> list[str]:
    lines = block.code.replace("\\\n", " ").splitlines()
    if block.kind == "console":
        return [line[2:].strip() for line in lines if line.startswith("$ ")]
    return [line.strip() for line in lines if line.strip()]


# ---- readers of the files that pages show ----------------------------------------------------------------------------


def scenario(text: str, folder: Path) -> None:
    from eessi.testing import Scenario, run

    file = folder / "shown.buc.yaml"
    file.write_text(text, encoding="utf-8")
    done = run(Scenario.load(file))
    assert done.passed, done


def policy(text: str, folder: Path) -> None:
    from eessi.directory.rights import Policy

    file = folder / "directory.toml"
    file.write_text(text, encoding="utf-8")
    assert Policy.load(file).rights


def retention(text: str, folder: Path) -> None:
    from eessi.node.retention import load_rules

    file = folder / "retention.toml"
    file.write_text(text, encoding="utf-8")
    ids = {rule.id for rule in load_rules(file)}
    assert {row["id"] for row in tomllib.loads(text)["rule"] if not row.get("off")} <= ids


def decision_paths(text: str, folder: Path) -> None:
    from eessi.node.decisions import load_decision_paths

    file = folder / "decisions.toml"
    file.write_text(text, encoding="utf-8")
    ids = {row.id for row in load_decision_paths(file)}
    assert {row["id"] for row in tomllib.loads(text)["rule"]} <= ids


def entry_points(text: str, folder: Path) -> None:
    from eessi.schemas import rules

    (group,) = tomllib.loads(text)["project"]["entry-points"]
    assert f'"{group}"' in Path(rules.__file__).read_text(encoding="utf-8"), "no such group is looked for"
    for name, value in tomllib.loads(text)["project"]["entry-points"][group].items():
        assert EntryPoint(name, value, group).attr


def profile(text: str, folder: Path) -> None:
    from eessi.testing.against import load_profile

    file = folder / "partner.toml"
    file.write_text(text, encoding="utf-8")
    assert load_profile(file).real.party


def planted_faults(text: str, folder: Path) -> None:
    """Appended to the file of a double, as the page says."""
    from eessi.transport.access_point_config import load_access_point, write_demo
    from eessi.transport.local import LocalWire

    file = write_demo(folder / "access-point")
    with file.open("a", encoding="utf-8") as end:
        end.write(f"\n{text}")
    point = load_access_point(file, LocalWire(lambda: dt.datetime.now(dt.UTC)))
    named = [(row["name"], row["number"]) for row in tomllib.loads(text)["fault"]]
    assert [(trouble.name, number) for _, number in named for trouble in point._faults(number)] == named


READERS: dict[tuple[str, str], Callable[[str, Path], None]] = {
    ("docs/howto/testing-against.md", "toml"): profile,
    ("docs/howto/transport-access-point.md", "toml"): planted_faults,
    ("docs/howto/testing-scenarios.md", "yaml"): scenario,
    ("docs/howto/testing-faults.md", "yaml"): scenario,
    ("docs/howto/directory-change.md", "toml"): policy,
    ("docs/howto/node-retention.md", "toml"): retention,
    ("docs/howto/node-statistics.md", "toml"): decision_paths,
    ("docs/howto/validate-findings.md", "toml"): entry_points,
}

FACE = """
import datetime as dt
from pathlib import Path
from eessi.buc import Event
from eessi.directory import Directory
from eessi.directory.syn001_writer import syn001_bytes
data, today, event = Path("examples/documents/s071.xml").read_bytes(), dt.date(2026, 6, 1), Event("sent", sed="A001")
syn001 = syn001_bytes(Directory.synthetic())
"""
"""What the drawing of the face in the architecture takes as given."""


# ---- the page --------------------------------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder that looks like the project's; what a page writes lands here."""
    folder = tmp_path / "project"
    folder.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in {".git", ".venv", ".venv-lowest", "demo.html"}:
            (folder / entry.name).symlink_to(entry)
    shutil.make_archive(str(folder / "cdm-4.4"), "zip", ROOT / "examples" / "schemas" / "national-xx")
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    home = {"EESSI_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}
    return {**os.environ, **home, "PATH": path, "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}


class Reader:
    """Somebody who types a page: one interpreter, one shell, and servers in terminals of their own.

    Commands that need no shell run in forked processes (:mod:`tests.warm`), unless the page is to be typed ``cold``.
    """

    def __init__(self, folder: Path, environment: dict[str, str], *, cold: bool) -> None:
        self._cold = cold
        self._folder, self._environment = folder, environment
        self._typed, there = warm.pipe()
        self._python = warm.start(interpreter, there, folder=folder, environment=environment)
        there.close()
        self._servers: list[subprocess.Popen[str]] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]

    def _start(self, words: list[str]) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            words,
            cwd=self._folder,
            env=self._environment,
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def types(self, code: str) -> None:
        self._typed.send(code)
        told = self._typed.recv()
        assert told is None, f"{code}\n{told}"

    def runs(self, line: str) -> None:
        """Run a command line; ``# exit N`` at its end says which code a reader is to expect."""
        wanted = re.search(r"#\s*exit (\d+)\s*$", line)
        if SERVER.search(line):
            self._serves(line)
            return
        if "eessi node init" in line:  # a port of this page's own, so that pages may be tried side by side
            line = f"{line} --url http://127.0.0.1:{self._port}"
        done = self._done(line)
        assert done.returncode == (int(wanted[1]) if wanted else 0), f"$ {line}\n{done.stdout}\n{done.stderr[-1500:]}"
        assert "Traceback" not in done.stderr

    def _done(self, line: str) -> warm.Done | subprocess.CompletedProcess[str]:
        plain = re.sub(r"\s+#.*", "", line)
        if plain.startswith("eessi ") and not SHELL.search(plain) and not self._cold:
            return warm.command(shlex.split(plain)[1:], folder=self._folder, environment=self._environment)
        return subprocess.run(
            ["bash", "-c", line], cwd=self._folder, env=self._environment, capture_output=True, text=True, timeout=300
        )

    def _serves(self, line: str) -> None:
        server = self._start(["bash", "-c", f"exec {line} --port {self._port}"])
        self._servers.append(server)
        for _ in range(300):
            assert server.poll() is None, f"$ {line}\nended by itself with {server.returncode}"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return
            time.sleep(0.1)
        pytest.fail(f"$ {line}\nnever listened")

    def leaves(self) -> None:
        self._typed.send(None)
        self._python.join(timeout=30)
        for server in self._servers:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=30)


@pytest.fixture
def reader(place: Path, environment: dict[str, str], page: Path) -> Iterator[Reader]:
    someone = Reader(place, environment, cold=name_of(page) in COLD)
    yield someone
    someone.leaves()


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=name_of)
def test_page_runs(page: Path, reader: Reader, tmp_path: Path) -> None:
    name = name_of(page)
    if name == "docs/design/architecture.md":
        reader.types(FACE)
    for block in blocks(page):
        if block.kind == "python" or (block.kind == "py" and name not in SETTINGS):
            reader.types(block.code)
        elif block.kind in ("console", "sh"):
            for line in commands(block):
                if re.sub(r"\s+#.*", "", line) not in NOT_RUN.get(name, {}):
                    reader.runs(line)
        elif (name, block.kind) in READERS:
            READERS[name, block.kind](block.code, tmp_path)


def test_each_kind_of_block_is_tried_or_shows_nothing_to_try() -> None:
    """Blocks without a language are drawings and outputs; every other must be run or read by this file."""
    untried = [
        (name_of(page), block.kind)
        for page in PAGES
        for block in blocks(page)
        if block.kind not in RUN_HERE | {""}
        and not block.kind.startswith("{")
        and (name_of(page), block.kind) not in READERS
    ]
    assert untried == []


def test_what_is_not_run_is_there() -> None:
    for name, lines in NOT_RUN.items():
        shown = [re.sub(r"\s+#.*", "", line) for block in blocks(ROOT / name) for line in commands(block)]
        assert set(lines) <= set(shown), name
    for name in SETTINGS:
        assert [block for block in blocks(ROOT / name) if block.kind == "py"], name
    for name, kind in READERS:
        assert [block for block in blocks(ROOT / name) if block.kind == kind], name


WORKERS = """
import os, signal, sys, threading
from pathlib import Path
from tests.node.conftest import BE, FR
from tests.node.sharing import FileWire, node_at
node = node_at(sys.argv[1], FR, BE, FileWire(Path(sys.argv[2])))
threading.Timer(3, os.kill, (os.getpid(), signal.SIGTERM)).start()
"""


@pytest.mark.peers
def test_workers_as_shown(postgresql: str, environment: dict[str, str], tmp_path: Path) -> None:
    (shown,) = [block.code for block in blocks(ROOT / "docs/howto/node-workers.md") if block.kind == "py"]
    assert '"postgresql://eessi@db.internal/eessi"' in shown
    code = WORKERS + shown.replace('"postgresql://eessi@db.internal/eessi"', "sys.argv[1]") + 'print("ended")\n'
    done = subprocess.run(
        [sys.executable, "-c", code, postgresql, str(tmp_path / "wire")],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "ended\n", done.stderr[-2000:]

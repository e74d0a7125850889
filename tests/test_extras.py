"""Every optional part, used where its libraries are not installed: one line that names the extra, from the library and the command."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement

from tests.test_face import ROOMS

ROOT = Path(__file__).parent.parent


class Use(NamedTuple):
    """Code that needs a library, and the extra that is to be named; ``None`` where the answer is *undetermined* instead."""

    library: str
    code: str
    extra: str | None


USES = (
    Use("jinja2", "from eessi.pages.verdict import verdict_report; verdict_report([])", "pages"),
    Use("yaml", "from eessi.testing import Scenario; Scenario.load('examples/scenarios/s_buc_01.buc.yaml')", "testing"),
    Use("hypothesis", "import eessi.testing.strategies", "testing"),
    Use("hypothesis", "import eessi; from eessi.schemas import generator_strategies as g; g.near_miss_documents(None)", "testing"),
    Use("jinja2", "import eessi; from eessi.pages.process import process_page; process_page(eessi.buc('LA_BUC_01'), '4.4')", "pages"),
    Use("rapidfuzz", "from eessi import Directory; Directory.synthetic().search('fund')", "directory"),
    Use("openpyxl", "from eessi.directory.workbook import write_table; write_table('t', ['a'], [])", "directory"),
    Use("openpyxl", "from eessi.release.excel import write_sheet; write_sheet('x.xlsx', 't', ['a'], [], widths=[1])", "release"),
    Use("polib", "from eessi.release.label_files import write_texts; from pathlib import Path; "
        "write_texts([], Path('x.po'), lang='fr', package='p')", "release"),
    Use("sqlalchemy", "import eessi.stores; eessi.stores.Store", "stores"),
    Use("alembic", "from eessi.stores import Store; Store.open('sqlite://')", "stores"),
    Use("sqlalchemy", "import eessi.node; eessi.node.Node", "transport"),
    Use("psycopg", "from eessi.stores import Store; Store.open('postgresql://nowhere.invalid/x')", "postgresql"),
    Use("psycopg", "import eessi.node.workers", "postgresql"),
    Use("procrastinate", "import eessi.node.workers", "postgresql"),
    Use("cryptography", "import eessi; from eessi.sed import signature; signature.verify(eessi.parse('examples/documents/s071.xml'))", "signature"),
    Use("cryptography", "import eessi.transport.wss", "transport"),
    Use("cryptography", "import eessi.node; eessi.node.Vault.generate().seal(b'', 'a')", "transport"),
    Use("httpx", "import eessi.transport.http_client", "transport"),
    Use("starlette", "import eessi.transport.http_server", "transport"),
    Use("rich", "from eessi.findings.report_text import as_text; as_text([])", "cli"),
    Use("stdnum", "import eessi.schemas.rules_numbers as r; r._is_valid('stdnum.iban')", None),
)  # fmt: skip

ELSEWHERE = {
    "click": "the command itself; test_the_command_without_its_extra",
    "uvicorn": "asked for by `eessi access-point run` alone, which starts a server; test_the_command_without_its_extra",
    "tzdata": "data; where the system has its own zones nothing is missing",
}
"""Libraries of extras that have no row above."""

TRY = """
import importlib, json, os, sys
answers = []
loaded, asked = json.load(sys.stdin)
for name in loaded:  # so that a child need not load all the others
    importlib.import_module(name)
assert not [name for name in sys.modules if name.split(".")[0] == "eessi"]
for library, code in asked:
    read, write = os.pipe()
    if os.fork() == 0:
        for name in [name for name in sys.modules if name.split(".")[0] == library]:
            del sys.modules[name]
        sys.modules[library] = None
        try:
            exec(code)
            told = ["", "nothing"]
        except Exception as error:
            told = [type(error).__name__, str(error)]
        os.write(write, json.dumps(told).encode())
        os._exit(0)
    os.close(write)
    with open(read) as answer:
        answers.append(json.load(answer))
    os.wait()
print(json.dumps(answers))
"""


LOADED = (
    "attrs",
    "lxml.etree",
    "pydantic",
    "xmlschema",
    "alembic",
    "cryptography.x509",
    "hypothesis",
    "openpyxl",
    "sqlalchemy",
)


def tried(asked: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What each library's absence made of some code: kind and text of the error. Each in a process of its own, forked
    from an interpreter that has loaded what takes long and nothing of the toolkit.
    """
    done = subprocess.run(
        [sys.executable, "-c", TRY],
        cwd=ROOT,
        input=json.dumps([LOADED, asked]),
        capture_output=True,
        text=True,
        check=True,
    )
    return [(kind, text) for kind, text in json.loads(done.stdout)]


@pytest.fixture(scope="module")
def answers() -> dict[Use, tuple[str, str]]:
    return dict(zip(USES, tried([(use.library, use.code) for use in USES]), strict=True))


@pytest.mark.parametrize("use", USES, ids=lambda use: f"{use.library}-{use.extra}-{USES.index(use)}")
def test_a_use_without_its_library_names_the_extra(use: Use, answers: dict[Use, tuple[str, str]]) -> None:
    kind, text = answers[use]
    if use.extra is None:
        assert kind == "RuleCannotCheck", text
    else:
        assert kind == "MissingExtra", text
        assert f"pip install 'eessi-toolkit[{use.extra}]'" in text
    assert "\n" not in text


COMMAND = "import sys; sys.modules[sys.argv.pop(1)] = None; from eessi.cli import main; main()"


@pytest.mark.parametrize(
    ("library", "words", "extra"),
    [
        ("click", "--version", "cli"),
        ("rich", "--version", "cli"),
        ("jinja2", "buc show LA_BUC_01 --format html", "pages"),
        ("yaml", "replay examples/scenarios/s_buc_01.buc.yaml", "testing"),
        ("uvicorn", "access-point run --config none.toml", "transport"),
    ],
)
def test_the_command_without_its_extra(library: str, words: str, extra: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, library, *words.split()], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert f"pip install 'eessi-toolkit[{extra}]'" in done.stderr


FACES = """
import importlib
from eessi.errors import MissingExtra
for room in ROOMS:
    try:
        module = importlib.import_module(f"eessi.{room}")
        for name in module.__all__:
            getattr(module, name)
    except MissingExtra as error:
        assert "pip install 'eessi-toolkit[" in str(error), error
"""
OPTIONAL = sorted({use.library for use in USES})


@pytest.fixture(scope="module")
def faces() -> dict[str, tuple[str, str]]:
    code = f"ROOMS = {[*ROOMS, 'errors', 'ids']}\n{FACES}"
    return dict(zip(OPTIONAL, tried([(library, code) for library in OPTIONAL]), strict=True))


@pytest.mark.parametrize("library", OPTIONAL)
def test_the_faces_without_an_optional_part_work_or_name_the_extra(
    library: str, faces: dict[str, tuple[str, str]]
) -> None:
    assert faces[library] == ("", "nothing")


def test_every_library_of_an_extra_is_tried() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    modules = {"pyyaml": "yaml", "python-stdnum": "stdnum"}
    wanted = {
        modules.get(name, name)
        for extra, lines in extras.items()
        if extra not in {"dev", "docs", "bench", "all"}
        for name in (Requirement(line).name for line in lines)
        if name != "eessi-toolkit"
    }
    assert wanted == {use.library for use in USES} | set(ELSEWHERE)

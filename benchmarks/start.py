"""Starting: from a cold process to the first document, and the first document of a SED type, against lxml alone.

Run: ``python -m benchmarks.start [--quick] [--output FILE.json]``. Every sample is a process of its own; its time is that of
its processor, start of the interpreter included, except where only the first document of a type is timed inside it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import attrs

from benchmarks.documents import documents, schema_file
from benchmarks.harness import Goal, Outcome, arguments, outcome, report, write_results

LXML_VALID: Final = "lxml: compile, parse, validate"
TYPED: Final = "eessi: first typed, validated document"
MODELLED: Final = "eessi: first validated pydantic model"
LXML_PARSE: Final = "import lxml.etree, parse"
PARSE: Final = "import eessi, parse"
VERSION: Final = "eessi --version"
COMPILE: Final = "lxml compile of the published schema"
FIRST: Final = "first document of a type: schema and record"
FIRST_MODEL: Final = "first document of a type: schema and model"

GOALS: Final = (
    Goal(TYPED, 1.7, 1.4),
    Goal(PARSE, 1.5, 1.4),
    Goal(FIRST, 2.0, 1.2),
)


@attrs.frozen
class Script:
    """One way of starting.

    :param code: run by a new interpreter with the schema's file and the document's file as arguments; prints ``right``
        when its result is right, and behind it the seconds where it times itself.
    """

    name: str
    code: str


_READ = "import sys; schema, document = sys.argv[1:]; data = open(document, 'rb').read()\n"
_HARDENED = (
    "etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)"
)
_NAME = "Person/PersonIdentification/familyName"

COLD: Final = (
    Script(
        LXML_VALID,
        f"{_READ}from lxml import etree\nxsd = etree.XMLSchema(etree.parse(schema)); root = etree.fromstring(data, {_HARDENED})\n"
        f"print('right' if xsd.validate(root) and root.findtext({_NAME!r}) else xsd.error_log)",
    ),
    Script(
        TYPED,
        f"{_READ}from eessi.schemas import Registry\nfrom eessi.sed import receive\ngot = receive(data, Registry.default())\n"
        "print('right' if got.verdict.is_valid and got.record.Person.PersonIdentification.familyName else got.verdict)",
    ),
    Script(
        MODELLED,
        f"{_READ}from eessi.schemas import Registry\nfrom eessi.sed import receive\nfrom eessi.sed.models import as_model\n"
        "known = Registry.default(); got = receive(data, known); model = as_model(got.sed, known)\n"
        "print('right' if got.verdict.is_valid and model.Person.PersonIdentification.familyName else got.verdict)",
    ),
)
PLAIN: Final = (
    Script(
        LXML_PARSE,
        f"{_READ}import lxml.etree as etree\nroot = etree.fromstring(data, {_HARDENED})\n"
        f"print('right' if root.findtext({_NAME!r}) else root)",
    ),
    Script(PARSE, f"{_READ}import eessi\nsed = eessi.parse(data)\nprint('right' if sed.name == 'S071' else sed)"),
    Script(VERSION, "import sys; sys.argv[1:] = ['--version']\nfrom eessi.cli import main\nprint('right'); main()"),
)
_TIMED = "import time; start = time.thread_time()\n"
_PRINT = "print('right' if {} else 'wrong', time.thread_time() - start)"
_IMPORTS = "from lxml import etree\nfrom eessi.schemas import Registry\nfrom eessi.sed import models, receive\nimport eessi.schemas.validation, eessi.schemas.xsdwriter\n"
_WARM = (
    "known = Registry.default(); receive(data.replace(b'/4_4/S071', b'/4_4/Z999').replace(b'S071', b'Z999'), known)\n"
)
FIRST_OF_TYPE: Final = (
    Script(
        COMPILE,
        f"{_READ}{_IMPORTS}{_WARM}{_TIMED}xsd = etree.XMLSchema(etree.parse(schema))\n{_PRINT.format('xsd is not None')}",
    ),
    Script(
        FIRST,
        f"{_READ}{_IMPORTS}{_WARM}{_TIMED}got = receive(data, known)\n{_PRINT.format('got.verdict.is_valid and got.record')}",
    ),
    Script(
        FIRST_MODEL,
        f"{_READ}{_IMPORTS}{_WARM}{_TIMED}got = receive(data, known); model = models.as_model(got.sed, known)\n"
        f"{_PRINT.format('got.verdict.is_valid and model')}",
    ),
)


def seconds(script: Script, schema: Path, document: Path) -> float:
    """What one run takes: the seconds that it says itself, else the time of its processor.

    :raises AssertionError: when its result is not right.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", script.code, str(schema), str(document)],
        stdout=subprocess.PIPE,
        text=True,
        env=compiled_in(document.parent / "bytecode"),
    )
    assert process.stdout is not None
    said = process.stdout.read().split()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{script.name}: exit {process.returncode}"
    assert said[:1] == ["right"], f"{script.name}: {' '.join(said)}"
    return float(said[1]) if len(said) == 2 and script in FIRST_OF_TYPE else usage.ru_utime + usage.ru_stime


def compiled_in(folder: Path) -> dict[str, str]:
    """The environment in which modules are loaded as an installation leaves them: compiled, whoever runs this."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**environment, "PYTHONPYCACHEPREFIX": str(folder)}


def compared(scripts: tuple[Script, ...], schema: Path, document: Path, rounds: int) -> list[Outcome]:
    """Each once in every round, in a new order; the first is the baseline."""
    source, order = random.Random(1), list(scripts)
    times: dict[str, list[float]] = {script.name: [] for script in scripts}
    for script in scripts:
        seconds(script, schema, document)  # files are read, and modules compiled, once before
    for _ in range(rounds):
        source.shuffle(order)
        for script in order:
            times[script.name].append(seconds(script, schema, document))
    return [outcome(script.name, times[script.name], times[scripts[0].name]) for script in scripts]


def main() -> None:
    options = arguments(__doc__ or "")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        document = folder / "document.xml"
        document.write_bytes(documents("5 KB")[0])
        schema = schema_file(folder)
        tables = []
        for title, scripts in (
            ("cold process to a verdict, S071 4.4, 5 KB", COLD),
            ("cold process to a parsed document, S071 4.4, 5 KB", PLAIN),
            (
                f"first document of a type, against {'the published' if schema.parent != folder else 'the open'} schema",
                FIRST_OF_TYPE,
            ),
        ):
            outcomes = compared(scripts, schema, document, options.rounds)
            tables.append(report(title, outcomes, GOALS))
        write_results("start", tables, options.output)


if __name__ == "__main__":
    main()

"""Explain: the verdict on a document with three faults, every finding told, against the parse alone and against xmlschema.

Run: ``python -m benchmarks.explain [--quick] [--output FILE.json]``. The baseline P is a hardened lxml parse of the same bytes.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

import xmlschema
from lxml import etree

from benchmarks.documents import SIZES, documents, hardened_parser, registry
from benchmarks.harness import Case, Goal, arguments, measure, report, write_results
from eessi import _xml
from eessi.findings import Outcome, Verdict
from eessi.schemas import validate_bytes

PARSE = "lxml parse (P)"
FAST = "lxml parse and validate"
EXPLAIN = "verdict with every finding explained"
TEXTS = "the same with messages and hints"
ITER_ERRORS = "xmlschema iter_errors"

GOALS = (Goal(EXPLAIN, 12, 4), Goal(EXPLAIN, 6, against=ITER_ERRORS))


@functools.cache
def damaged(size: str) -> tuple[tuple[bytes, frozenset[str]], ...]:
    """The documents with three faults each, a missing name, an unknown code and a day that is none; and the ids to be found."""
    return tuple(_with_faults(data) for data in documents(size))


def _with_faults(data: bytes) -> tuple[bytes, frozenset[str]]:
    root = _xml.parse(data)
    person = root.find("Person/PersonIdentification")
    assert person is not None
    name, sex, birth = (person.find(step) for step in ("familyName", "sex/value", "dateBirth"))
    assert name is not None
    assert sex is not None
    assert birth is not None
    person.remove(name)
    sex.text, birth.text = "7Q", "1980-02-30"
    return _xml.serialise(root), frozenset({"SCH-MISSING", "SCH-CODE", "SCH-DATE-IMPOSSIBLE"})


def cases(size: str) -> list[Case]:
    """The floors, what the toolkit does, and the peer doing the same work."""
    packages, parser, made = registry(), hardened_parser(), damaged(size)
    schema = packages.schema("S071", "4.4")
    assert schema is not None
    data = [document for document, _ in made]

    def three(number: int, result: object) -> None:
        assert isinstance(result, Verdict)
        assert result.outcome is Outcome.INVALID
        assert {finding.id for finding in result.findings} == made[number][1]
        assert len(result.findings) == 3
        assert all(finding.path and finding.line and finding.column for finding in result.findings)

    def told(number: int) -> Verdict:
        verdict = validate_bytes(data[number], packages)
        assert all(finding.message() and finding.hint() for finding in verdict.findings)
        return verdict

    return [
        Case(PARSE, lambda number: etree.fromstring(data[number], parser), _refuse(None)),
        Case(FAST, lambda number: schema.validate(etree.fromstring(data[number], parser)), _refuse(False)),
        Case(EXPLAIN, lambda number: validate_bytes(data[number], packages), three),
        Case(TEXTS, told, three),
        Case(ITER_ERRORS, _iter_errors(data), _at_least_three),
    ]


def _refuse(wanted: bool | None) -> Callable[[int, object], None]:
    def check(_number: int, result: object) -> None:
        assert result is wanted if wanted is not None else isinstance(result, etree._Element)

    return check


def _at_least_three(_number: int, result: object) -> None:
    assert isinstance(result, list)
    assert len(result) >= 3


def _iter_errors(data: list[bytes]) -> Callable[[int], object]:
    found = registry().find("S071", "4.4")
    assert found is not None
    sources = found.sources()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in sources.files.items():
            (folder / file).write_bytes(content)
        schema = xmlschema.XMLSchema10(str(folder / sources.main), allow="local")
    return lambda number: list(schema.iter_errors(data[number].decode()))


def main() -> None:
    options = arguments(__doc__ or "")
    tables = []
    for size in SIZES:
        count = len(documents(size))
        outcomes = measure(cases(size), count, baseline=PARSE, rounds=options.rounds, sample=0.03)
        tables.append(report(f"three faults explained, S071 4.4, {size}, {count} different documents", outcomes, GOALS))
    write_results("explain", tables, options.output)


if __name__ == "__main__":
    main()

"""Send: a typed object to bytes that are then parsed and validated, as they go out.

Run: ``python -m benchmarks.send [--quick] [--output FILE.json]``. The baseline P is a hardened lxml parse of the same bytes.
"""

from __future__ import annotations

import importlib.util

from lxml import etree

from benchmarks.documents import SIZES, documents, hardened_parser, pydantic_xml_module, registry, structure
from benchmarks.harness import Case, Goal, arguments, measure, report, write_results
from eessi import _xml
from eessi.sed.models import models_of
from eessi.sed.records import records_of

PARSE, FLOOR = "lxml parse (P)", "tostring, parse, validate (floor)"
WRITER, SEND, MODEL = "record to bytes", "record to bytes, parsed and validated", "model to bytes, parsed and validated"
GOALS = (Goal(SEND, 3.1, 2.8), Goal(WRITER, 1.0, 0.65))


def cases(data: tuple[bytes, ...], quick: bool) -> list[Case]:
    """Floors, the toolkit's writers, and pydantic-xml where it is installed."""
    parser, schema = hardened_parser(), registry().schema("S071", "4.4")
    assert schema is not None
    roots = [_xml.parse(one) for one in data]
    records = [records_of(structure()).read(one, root) for one, root in zip(data, roots, strict=True)]
    models = [models_of(structure()).read(one, root) for one, root in zip(data, roots, strict=True)]

    def right(number: int, result: object) -> None:
        assert isinstance(result, bytes)
        assert _xml.canonical(_xml.parse(result)) == _xml.canonical(roots[number])

    def proved(written: bytes) -> bytes:
        if not schema.validate(etree.fromstring(written, parser)):
            raise AssertionError("what was written is not valid")
        return written

    found = [
        Case(PARSE, lambda number: etree.fromstring(data[number], parser), lambda number, result: None),
        Case("lxml tostring", lambda number: etree.tostring(roots[number], encoding="UTF-8"), right),
        Case(FLOOR, lambda number: proved(etree.tostring(roots[number], encoding="UTF-8")), right),
        Case(WRITER, lambda number: records[number].to_bytes(), right),
        Case(SEND, lambda number: proved(records[number].to_bytes()), right),
        Case(MODEL, lambda number: proved(models[number].to_bytes()), right),
    ]
    if not quick and importlib.util.find_spec("pydantic_xml"):
        root_class = pydantic_xml_module().S071
        peers = [root_class.from_xml_tree(root) for root in roots]
        found.append(Case("pydantic-xml to bytes, parsed and validated",
                          lambda number: proved(peers[number].to_xml(skip_empty=True, exclude_none=True)), right))  # fmt: skip
    return found


def main() -> None:
    options = arguments(__doc__ or "")
    tables = []
    for size in SIZES:
        data = documents(size)
        outcomes = measure(cases(data, options.quick), len(data), baseline=PARSE, rounds=options.rounds)
        tables.append(report(f"send, S071 4.4, {size}, {len(data)} different documents", outcomes, GOALS))
    write_results("send", tables, options.output)


if __name__ == "__main__":
    main()

"""Receive: bytes to document, verdict and typed content, against the parse alone and against other libraries.

Run: ``python -m benchmarks.receive [--quick] [--output FILE.json]``. The baseline P is a hardened lxml parse of the same bytes.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from lxml import etree

from benchmarks.documents import (
    SIZES,
    documents,
    hardened_parser,
    pydantic_xml_module,
    registry,
    structure,
    xsdata_module,
)
from benchmarks.harness import Case, Goal, arguments, measure, report, write_results
from eessi import _xml
from eessi.sed import receive
from eessi.sed.models import RootModel, models_of
from eessi.sed.selection import selection_of

PARSE = "lxml parse (P)"
RECEIVE, MODEL, ROUTING = "receive: Sed, verdict, record", "receive to model, all facets", "routing view, ten fields"
TO_DICT, XSDATA, PYDANTIC_XML = "xmlschema to_dict", "xsdata + lxml validation", "pydantic-xml + lxml validation"

TEN_FIELDS = (
    "Person/PersonIdentification/familyName", "Person/PersonIdentification/forename", "Person/PersonIdentification/dateBirth",
    "Person/PersonIdentification/sex",
    "Person/PersonIdentification/PINPersonInEachInstitution/PersonalIdentificationNumber/country",
    "Person/PersonIdentification/PINPersonInEachInstitution/PersonalIdentificationNumber/personalIdentificationNumber",
    "AddressOfPersonForWhomAnEntitlementDocument/Address/town", "AddressOfPersonForWhomAnEntitlementDocument/Address/country",
    "AddressOfPersonForWhomAnEntitlementDocument/residenceInThisCountrySince", "PeriodEntitlement/FixedPeriod/startDate",
)  # fmt: skip

GOALS = (
    Goal(RECEIVE, 3.5, 3.0),
    Goal(MODEL, 5.0, 4.0),
    Goal(ROUTING, 2.7, 2.2),
    Goal(RECEIVE, 25, 35, against=TO_DICT),
    Goal(RECEIVE, 9, 11, against=XSDATA),
    Goal(RECEIVE, 5, 7, against=PYDANTIC_XML),
)


def _same(data: bytes, other: bytes) -> None:
    assert _xml.canonical(_xml.parse(data)) == _xml.canonical(_xml.parse(other))


def own_cases(data: tuple[bytes, ...]) -> list[Case]:
    """The floors and what the toolkit does."""
    packages, models, parser = registry(), models_of(structure()), hardened_parser()
    schema = packages.schema("S071", "4.4")
    assert schema is not None
    chosen = selection_of(TEN_FIELDS)

    def validated(number: int) -> bool:
        return schema.validate(etree.fromstring(data[number], parser))

    def received(number: int, result: object) -> None:
        assert result.verdict.is_valid  # type: ignore[attr-defined]  # a Received
        _same(result.record.to_bytes(), data[number])  # type: ignore[attr-defined]  # a Received

    def model(number: int) -> RootModel:
        root = _xml.parse(data[number])
        assert schema.validate(root)
        return models.read(data[number], root)

    def routed(number: int) -> tuple[object, bool, tuple[str | None, ...]]:
        root = _xml.parse(data[number])
        return root.tag, schema.validate(root), chosen(root)

    def right_fields(number: int, result: object) -> None:
        root = _xml.parse(data[number])
        _, valid, found = result  # type: ignore[misc]  # what routed returns
        assert valid
        assert list(found) == [root.findtext(path) or root.findtext(f"{path}/value") for path in TEN_FIELDS]

    return [
        Case(PARSE, lambda number: etree.fromstring(data[number], parser), _element),
        Case("lxml parse and validate", validated, _true),
        Case(RECEIVE, lambda number: receive(data[number], packages), received),
        Case(MODEL, model, lambda number, result: _same(result.to_bytes(), data[number])),  # type: ignore[attr-defined]  # a model
        Case(ROUTING, routed, right_fields),
    ]


def _element(number: int, result: object) -> None:
    assert isinstance(result, etree._Element)


def _true(number: int, result: object) -> None:
    assert result is True


def peer_cases(data: tuple[bytes, ...]) -> list[Case]:
    """Other libraries doing the same work, as their documentation says; those that are not installed are left out."""
    packages, parser = registry(), hardened_parser()
    schema = packages.schema("S071", "4.4")
    assert schema is not None
    cases = [Case(TO_DICT, _xmlschema(data), lambda number, result: _dict(result))]
    if importlib.util.find_spec("pydantic_xml"):
        root_class = pydantic_xml_module().S071

        def pydantic_xml(number: int) -> object:
            root = etree.fromstring(data[number], parser)
            assert schema.validate(root)
            return root_class.from_xml_tree(root)

        cases.append(Case(PYDANTIC_XML, pydantic_xml, lambda number, result: _named(result, data[number])))
    if importlib.util.find_spec("xsdata"):
        from xsdata.formats.dataclass.context import XmlContext
        from xsdata.formats.dataclass.parsers import XmlParser

        module, reader = xsdata_module(), XmlParser(context=XmlContext())

        def xsdata(number: int) -> object:
            assert schema.validate(etree.fromstring(data[number], parser))
            return reader.from_bytes(data[number], module.S071)

        cases.append(Case(XSDATA, xsdata, lambda number, result: _instance(result, module.S071)))
    return cases


def _xmlschema(data: tuple[bytes, ...]) -> Callable[[int], object]:
    import tempfile
    from pathlib import Path

    import xmlschema

    found = registry().find("S071", "4.4")
    assert found is not None
    sources = found.sources()
    folder = Path(tempfile.mkdtemp())
    for name, content in sources.files.items():
        (folder / name).write_bytes(content)
    schema = xmlschema.XMLSchema10(str(folder / sources.main), allow="local")
    return lambda number: schema.to_dict(data[number].decode())


def _dict(result: object) -> None:
    assert isinstance(result, dict)
    assert "Person" in result


def _named(result: object, data: bytes) -> None:
    expected = _xml.parse(data).findtext("Person/PersonIdentification/familyName")
    assert result.Person.PersonIdentification.familyName == expected  # type: ignore[attr-defined]  # made at run time


def _instance(result: object, cls: type) -> None:
    assert isinstance(result, cls)


def main() -> None:
    options = arguments(__doc__ or "")
    tables = []
    for size in SIZES:
        data = documents(size)
        cases = own_cases(data) + ([] if options.quick else peer_cases(data))
        outcomes = measure(cases, len(data), baseline=PARSE, rounds=options.rounds, sample=0.03)
        tables.append(report(f"receive, S071 4.4, {size}, {len(data)} different documents", outcomes, GOALS))
    write_results("receive", tables, options.output)


if __name__ == "__main__":
    main()

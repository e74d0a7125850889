"""Documents to read: everything in order, official words where there are any, nothing shown that is masked."""

from __future__ import annotations

import pytest

from eessi import _xml
from eessi.schemas import Registry
from eessi.schemas.structure import Code, CodeList, Element, Facets, Kind
from eessi.sed import Sed
from eessi.sed.personal import Tells, tells
from eessi.sed.render import PERSONAL, Entry, Reading, compare_readings, hide, own_words, read_out
from tests.sed.grown import document
from tests.sed.test_records import structure_of

NAME = "Invented-Surname"


def sed_of(data: bytes) -> Sed:
    return Sed(_xml.parse(data), data)


@pytest.fixture(scope="module")
def sed() -> Sed:
    data = document(structure_of(Registry.default(), "S071"), 3, fill=1.0).decode()
    start = data.index("<familyName>") + len("<familyName>")
    return sed_of((data[:start] + NAME + data[data.index("</familyName>") :]).encode())


def walk(entries: tuple[Entry, ...]) -> list[Entry]:
    return [one for entry in entries for one in (entry, *walk(entry.entries))]


def test_everything_is_there_in_order(sed: Sed, registry: Registry) -> None:
    reading = read_out(sed, registry)
    shown = [(one.path, value.text) for one in walk(reading.entries) for value in one.values]
    assert [text for _, text in shown] == [text for _, text in sed.items()]
    assert (reading.code, reading.version, reading.package) == ("S071", "4.4", "open:4.4")
    assert reading.title
    assert not reading.sandbox
    assert not reading.signed
    assert all(one.known for one in walk(reading.entries))


def test_code_texts_come_from_the_package(sed: Sed, registry: Registry) -> None:
    reading = read_out(sed, registry)
    sex = next(one for one in walk(reading.entries) if one.name == "sex")
    assert sex.values[0].meaning in ("Male", "Female", "Unknown")
    assert sex.own  # the open package has no labels for elements


def test_labels_of_a_language_and_own_wording_beside() -> None:
    from eessi.ids import CdmVersion, SedType
    from eessi.schemas.structure import Structure

    codes = CodeList("x", (Code("1", {"en": "One", "fr": "Un"}), Code("2")))
    given = Element("given", Kind.LEAF, facets=Facets(), labels={"en": "The given", "fr": "Le donné"})
    root = Element(
        "A001", Kind.GROUP, children=(given, Element("bare", Kind.LEAF, min=0), Element("c", Kind.CODE, codes=codes))
    )
    structure = Structure(SedType("A001"), CdmVersion(4, 4), "http://ec.europa.eu/eessi/ns/4_4/A001", root)
    reader_of = read_out.__globals__["_Reader"]
    reader = reader_of("fr", frozenset(), structure)
    tree = _xml.parse(b"<A001><given>x</given><c><value>1</value></c><new>y</new></A001>")
    entries = reader.inside(tree, root, "", "")
    assert [(one.label, one.own, one.known) for one in entries] == [
        ("Le donné", False, True),
        ("C", True, True),
        ("New", True, False),
    ]
    assert entries[1].values[0].meaning == "Un"
    assert reader.left_out(tree, root) == ("Bare",)
    assert reader_of("de", frozenset(), structure).inside(tree, root, "", "")[0].label == "The given"


@pytest.mark.parametrize(
    ("name", "words"),
    [("familyNameAtBirth", "Family name at birth"), ("PINPersonInEachInstitution", "PIN person in each institution"),
     ("institutionID", "Institution ID"), ("BICSWIFT", "BICSWIFT"), ("x", "X"), ("dateDecisionArt4829872009", "Date decision art 4829872009")],
)  # fmt: skip
def test_own_words(name: str, words: str) -> None:
    assert own_words(name) == words


def test_what_no_package_knows_is_shown_by_its_names(sed: Sed) -> None:
    reading = read_out(sed, Registry())
    assert reading.package is None
    assert len(walk(reading.entries)) == len(walk(read_out(sed, Registry.default()).entries))
    assert not any(one.known for one in walk(reading.entries))


def test_masking_by_path_and_by_what_is_personal(sed: Sed, registry: Registry) -> None:
    by_path = read_out(sed, registry, mask=["Person/PersonIdentification"])
    for one in walk(by_path.entries):
        below = one.path.startswith("Person/PersonIdentification/")
        assert all(value.masked == below for value in one.values), one.path
    personal = read_out(sed, registry, mask=[PERSONAL])
    shown = [value.text for one in walk(personal.entries) for value in one.values if not value.masked]
    assert NAME not in shown
    hidden = {one.path for one in walk(personal.entries) if any(value.masked for value in one.values)}
    for one in walk(read_out(sed, registry).entries):
        for value in one.values:
            telling = not value.code and tells(one.name, value.text).personal
            assert (one.path in hidden) == telling, one.path


def test_a_list_entry_more_does_not_shift_the_others(sed: Sed, registry: Registry) -> None:
    text = sed.data.decode()
    start = text.index("<PersonalIdentificationNumber>")
    end = text.index("</PersonalIdentificationNumber>") + len("</PersonalIdentificationNumber>")
    entry = text[start:end].replace("<personalIdentificationNumber>", "<personalIdentificationNumber>new")
    more = sed_of((text[:start] + entry + text[start:]).encode())
    lines = compare_readings(read_out(sed, registry), read_out(more, registry))
    values = [line for line in lines if line.kind != "same" and not line.is_group]
    assert {line.kind for line in values} == {"added"}
    back = compare_readings(read_out(more, registry), read_out(sed, registry))
    assert {line.kind for line in back if line.kind != "same" and not line.is_group} == {"removed"}


def test_comparing_finds_the_change_and_hides_it(sed: Sed, registry: Registry) -> None:
    other = sed_of(sed.data.replace(NAME.encode(), b"Another-Surname"))
    lines = compare_readings(read_out(sed, registry), read_out(other, registry))
    changed = [line for line in lines if line.kind == "changed" and not line.is_group]
    assert [line.path for line in changed] == ["Person/PersonIdentification/familyName"]
    hidden = hide(lines, [PERSONAL])
    assert [line.kind for line in hidden] == [line.kind for line in lines]
    assert NAME not in repr(hidden)
    assert "Another-Surname" not in repr(hidden)
    assert all(line.kind == "same" for line in compare_readings(read_out(sed, registry), read_out(sed, registry)))


def test_every_sed_of_every_package_can_be_read(registry: Registry) -> None:
    for package in registry.packages:
        for entry in list(package.entries())[::4]:
            structure = registry.structure(entry.sed, entry.version, package=package.coordinates)
            assert structure is not None
            sed = sed_of(document(structure, 2))
            reading: Reading = read_out(sed, registry)
            shown = [value.text for one in walk(reading.entries) for value in one.values if value.text]
            assert shown == [text for _, text in sed.items() if text]


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [("familyName", "x", Tells.NAME), ("country", "BE", Tells.CODE), ("country", "a long sentence", Tells.TEXT),
     ("institutionID", "BE:1", Tells.INSTITUTION), ("anything", "2020-01-01", Tells.DATE), ("startDate", "soon", Tells.TEXT),
     ("personalIdentificationNumber", "1", Tells.PIN), ("neverHeardOf", "x", Tells.TEXT), ("Street", "x", Tells.ADDRESS)],
)  # fmt: skip
def test_what_a_leaf_tells(name: str, text: str, kind: Tells) -> None:
    assert tells(name, text) is kind

"""Records hold everything a document says, are the same classes everywhere, and give the document back."""

from __future__ import annotations

import gc
import random
import re

import attrs
import pytest
from lxml import etree

import eessi
from eessi import _xml
from eessi.errors import PackageError, UsageError
from eessi.ids import CdmVersion, SedType
from eessi.schemas import Registry
from eessi.schemas.structure import Choice, Element, Facets, Fidelity, Kind, Structure
from eessi.sed import Sed, generated, receive
from eessi.sed.plan import identifier, plan_of
from eessi.sed.records import Block, RootBlock, as_record, records_of
from tests.sed.grown import document


def structure_of(registry: Registry, code: str, version: str = "4.4") -> Structure:
    structure = registry.structure(code, version)
    assert structure is not None
    return structure


def same(left: bytes, right: bytes) -> bool:
    return _xml.canonical(_xml.parse(left)) == _xml.canonical(_xml.parse(right))


@pytest.fixture
def s071(registry: Registry) -> Structure:
    return structure_of(registry, "S071")


def leaf(name: str, **more: object) -> Element:
    return Element(name, Kind.LEAF, facets=Facets(), **more)  # type: ignore[arg-type]  # keywords of Element


def small(*children: Element | Choice, **more: object) -> Structure:
    root = Element("A001", Kind.GROUP, children=children)
    return Structure(SedType("A001"), CdmVersion(4, 4), "http://ec.europa.eu/eessi/ns/4_4/A001", root, **more)  # type: ignore[arg-type]  # keywords of Structure


def wrapped(inside: str) -> bytes:
    return f'<s:A001 xmlns:s="http://ec.europa.eu/eessi/ns/4_4/A001">{inside}</s:A001>'.encode()


def read(structure: Structure, data: bytes) -> RootBlock:
    return records_of(structure).read(data, _xml.parse(data))


@pytest.mark.parametrize("seed", range(60))
def test_fast_and_slow_reader_agree_and_the_document_comes_back(s071: Structure, seed: int) -> None:
    data = document(s071, seed)
    root = _xml.parse(data)
    records = records_of(s071)
    fast, slow = records.read(data, root), records.read_tree(root)
    assert fast == slow
    assert same(records.write(fast), data)


def test_the_fast_way_is_taken(s071: Structure, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: object) -> None:
        raise AssertionError("the slow way was taken")

    monkeypatch.setattr("eessi.sed.records.Records.read_tree", never)
    monkeypatch.setattr("eessi.sed.byname.write_content", never)
    data = document(s071, 1, fill=1.0)
    assert same(read(s071, data).to_bytes(), data)


def test_every_known_tree_round_trips(registry: Registry) -> None:
    rnd = random.Random(5)
    seen = 0
    for package in registry.packages:
        entries = list(package.entries())
        for entry in entries if len(entries) < 60 else rnd.sample(entries, 20):
            structure = registry.structure(entry.sed, entry.version, package=package.coordinates)
            if structure is None:
                continue
            for seed in range(3):
                data = document(structure, seed)
                assert same(read(structure, data).to_bytes(), data), (package.coordinates, entry.sed, seed)
                seen += 1
    assert seen > 100


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("<familyName>", "<familyName>van-<!-- c -->den-", 1),
        lambda text: text.replace("<familyName>", "<familyName>a<?go on?>b", 1),
        lambda text: text.replace("<familyName>", "<familyName><![CDATA[<forename>x</forename>]]>", 1),
        lambda text: text.replace("<familyName>", "<familyName>1>2>3>forename>v", 1),
        lambda text: text.replace("<familyName>", "<familyName>what?<!--<forename>B-->", 1),
        lambda text: text.replace("<familyName>", "<familyName>&#60;b&#x3e;&amp;&quot;&apos;", 1),
        lambda text: text.replace("<Person>", "<Person><!-- <forename>x</forename> -->", 1),
        lambda text: text.replace("><", ">\n  <"),
        lambda text: text.replace("><", ">\r\n\t<"),
        lambda text: text.replace("<Person>", '<Person xmlns="">', 1),
        lambda text: text.replace("<Person>", "<Person >", 1).replace("</Person>", "</Person\n>", 1),
        lambda text: "\ufeff" + text,
        lambda text: text.partition("?>\n")[2],
        lambda text: text + "\n<!-- end -->\n<?end?>\n",
    ],
)
def test_whatever_the_spelling_the_record_is_right(s071: Structure, change: object) -> None:
    text = document(s071, 3, fill=1.0).decode()
    data = change(text).encode()  # type: ignore[operator]  # a function of text
    root = _xml.parse(data)
    record = records_of(s071).read(data, root)
    assert record == records_of(s071).read_tree(root)
    expected = root.find("Person/PersonIdentification/familyName")
    assert expected is not None
    assert record.Person.PersonIdentification.familyName == expected.text  # type: ignore[attr-defined]  # made at run time


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_other_encodings_are_read_from_the_tree(s071: Structure, encoding: str) -> None:
    data = '<s:S071 xmlns:s="%s"><Person><PersonIdentification><familyName>Müller</familyName></PersonIdentification></Person></s:S071>'
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + data % s071.namespace
    assert read(s071, text.encode(encoding)).Person.PersonIdentification.familyName == "Müller"  # type: ignore[attr-defined]


def test_unknown_content_is_kept_in_its_place() -> None:
    structure = small(leaf("a"), Element("G", Kind.GROUP, children=(leaf("b"), leaf("c"))), leaf("d"), open=True)
    data = wrapped("<a>1</a><new x='1'>N<y/></new><G><c>3</c>stray<b>2</b><b>again</b></G><d z='1'>4</d>")
    record = read(structure, data)
    assert record.G.b == "2"  # type: ignore[attr-defined]
    assert len(record.extra) == 2  # the unknown element, and the leaf with an attribute
    assert len(record.G.extra) == 2  # type: ignore[attr-defined]  # stray text and the second b
    assert same(record.to_bytes(), data)
    assert same(attrs.evolve(record, a="changed").to_bytes(), data.replace(b"<a>1", b"<a>changed"))


def test_interleaved_lists_keep_their_order() -> None:
    repeated = Choice(((leaf("a"),), (leaf("b"),)), max=None)
    structure = small(repeated)
    data = wrapped("<a>1</a><b>2</b><a>3</a>")
    record = read(structure, data)
    assert (record.a, record.b) == (("1", "3"), ("2",))  # type: ignore[attr-defined]
    assert same(record.to_bytes(), data)


def test_a_group_in_itself() -> None:
    inner = Element("Part", Kind.GROUP, min=0, max=None, type_name="PartType", recursive=True)
    part = Element("Part", Kind.GROUP, min=0, max=None, children=(leaf("name", min=0), inner), type_name="PartType")
    structure = small(part)
    data = wrapped(
        "<Part><name>1</name><Part><name>2</name><Part/></Part></Part><Part><Part><name>3</name></Part></Part>"
    )
    record = read(structure, data)
    assert record.Part[0].Part[0].name == "2"  # type: ignore[attr-defined]
    assert type(record.Part[0]) is type(record.Part[0].Part[0])  # type: ignore[attr-defined]
    assert same(record.to_bytes(), data.replace(b"<Part/>", b"<Part></Part>"))


def test_texts_are_escaped_and_nothing_can_be_injected(s071: Structure) -> None:
    record = read(s071, document(s071, 1, fill=1.0))
    for hostile in ("</familyName><familyName>x", "a]]>b", "a&b", "&amp;", "\r", "<", "x\n y\t", '"'):
        person = attrs.evolve(record.Person.PersonIdentification, familyName=hostile)  # type: ignore[attr-defined]
        changed = attrs.evolve(record, Person=attrs.evolve(record.Person, PersonIdentification=person))  # type: ignore[attr-defined]
        again = read(s071, changed.to_bytes())
        assert again.Person.PersonIdentification.familyName == hostile  # type: ignore[attr-defined]
        assert again == changed


@pytest.mark.parametrize("wrong", [7, ("a",), None])
def test_a_field_of_another_kind_is_refused_in_one_line(s071: Structure, wrong: object) -> None:
    record = read(s071, document(s071, 1))
    broken = attrs.evolve(record, Person=wrong)  # type: ignore[call-arg]
    if wrong is None:
        assert b"<Person>" not in broken.to_bytes()
    else:
        with pytest.raises(UsageError, match="of another kind"):
            broken.to_bytes()


def test_half_a_surrogate_is_refused(s071: Structure) -> None:
    record = read(s071, document(s071, 1))
    person = attrs.evolve(record.Person.PersonIdentification, familyName="\ud800")  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="not Unicode"):
        attrs.evolve(record, Person=attrs.evolve(record.Person, PersonIdentification=person)).to_bytes()  # type: ignore[attr-defined, call-arg]


def test_a_record_is_frozen_and_shows_no_values(s071: Structure) -> None:
    record = read(s071, document(s071, 1))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        record.Person = None  # type: ignore[attr-defined]
    assert repr(record).startswith("<S071: ")
    assert record.Person.PersonIdentification.familyName not in repr(record.Person)  # type: ignore[attr-defined]
    assert hash(record) == hash(read(s071, document(s071, 1)))


def test_shared_blocks_are_the_same_classes(registry: Registry, s071: Structure) -> None:
    other = attrs.evolve(s071, sed=SedType("S072"), root=attrs.evolve(s071.root, name="S072"), version=CdmVersion(4, 3))
    first, second = records_of(s071), records_of(other)
    assert first.of("PersonType") is second.of("PersonType")
    assert first.cls is not second.cls  # the document itself belongs to one SED and version
    assert first is records_of(s071)


def test_the_classes_of_two_versions_stand_side_by_side(registry: Registry) -> None:
    old = structure_of(registry, "A001", "1.0")
    new = structure_of(registry, "A001", "1.1")
    one, two = read(old, document(old, 1)), read(new, document(new, 1))
    assert type(one) is not type(two)
    assert one.plan.structure.version == CdmVersion(1, 0)
    with pytest.raises(UsageError, match=r"this is not A001 1\.1"):
        records_of(new).read(document(old, 1), _xml.parse(document(old, 1)))


HOSTILE = [
    "class", "None", "__init__", "__class__", "extra", "sequence", "to_bytes", "to_sed", "signature", "prefix", "attributes",
    "sedPackage", "str", "tuple", "New", "Class", "intern", "k", "i", "o", "self", "naïve", "date-of.birth", "date_of_birth",
    "records", "plan", "A001",
]  # fmt: skip


def test_any_xml_name_becomes_a_field_and_comes_back() -> None:
    structure = small(*(leaf(name, min=0) for name in HOSTILE))
    data = wrapped("".join(f"<{name}>{number}</{name}>" for number, name in enumerate(HOSTILE)))
    record = read(structure, data)
    names = [field.name for field in plan_of(structure).root.fields]
    assert len(set(names)) == len(HOSTILE)
    assert all(name.isidentifier() for name in names)
    assert [getattr(record, name) for name in names] == [str(number) for number in range(len(HOSTILE))]
    assert same(record.to_bytes(), data)


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "a'b",
        'a"); import os #',
        "a\nb",
        "",
        "1a",
        "a>b",
        "a<b",
        "__import__('os')",
        "a'+exit()+'",
        "a]",
        "a}",
        "a\\",
    ],
)
def test_no_name_of_a_schema_is_ever_run(name: str) -> None:
    with pytest.raises(PackageError, match="cannot be the name"):
        records_of(small(leaf(name)))


def test_type_names_are_only_labels() -> None:
    group = Element("G", Kind.GROUP, children=(leaf("a"),), type_name="X(object):\n    import os\nclass Y")
    record = read(small(group), wrapped("<G><a>1</a></G>"))
    assert type(record.G).__name__.isidentifier()  # type: ignore[attr-defined]


def test_generated_source_holds_nothing_but_names() -> None:
    """Every text in the source is the repr of a checked tag; no other word of the structure reaches it."""
    marked = Element(
        "G", Kind.GROUP, children=(leaf("a", labels={"en": "LABEL"}),), type_name="TYPE", labels={"en": "LABEL"}
    )
    plan = plan_of(small(marked))
    for block in plan.blocks:
        for reading in generated.Reading:
            source = generated.reader_source(block, reading, {}) + generated.writer_source(block)
            assert "LABEL" not in source
            assert "TYPE" not in source


@pytest.mark.parametrize(
    ("text", "name"),
    [("personID", "personID"), ("class", "class_"), ("date-of.birth", "date_of_birth"), ("__init__", "x__init__"),
     ("model_x", "model_x_"), ("1a", "x1a"), ("ä", "x_")],
)  # fmt: skip
def test_identifiers(text: str, name: str) -> None:
    assert identifier(text) == name
    assert identifier(text, [name]) != name


def test_root_attributes_and_prefix_come_back(s071: Structure) -> None:
    data = document(s071, 1).replace(
        b" sedVer=", b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a &quot;&lt;b" other="1&#10;2" sedVer='
    ).replace(b"s:S071", b"ns1:S071").replace(b"xmlns:s=", b"xmlns:ns1=")  # fmt: skip
    record = read(s071, data)
    assert record.sedVer == "4"
    assert record.prefix == "ns1"
    assert dict(record.attributes)["other"] == "1\n2"
    assert same(record.to_bytes(), data)


SIGNATURE = (
    '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:x a="1"/></ds:SignedInfo>'
    "<ds:SignatureValue>abc</ds:SignatureValue></ds:Signature>"
)


VALID_SIGNATURE = (
    '<ds:Signature xmlns:ds="SPACE"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="urn:c14n"/>'
    '<ds:SignatureMethod Algorithm="urn:rsa"/><ds:Reference><ds:DigestMethod Algorithm="urn:sha"/>'
    "<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    "<ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature>"
)
"""One that the schema accepts; it proves nothing."""


@pytest.mark.parametrize("gap", ["", "\n  "])
def test_a_signature_is_carried_along(s071: Structure, gap: str) -> None:
    plain = document(s071, 1).decode()
    data = plain.replace("</s:S071>", f"{gap}{SIGNATURE}{gap}</s:S071>").encode()
    record = read(s071, data)
    assert record.signature == SIGNATURE
    assert attrs.evolve(record, signature=None) == read(s071, plain.encode())
    assert record.to_sed().is_signed
    nested = data.replace(b"<ds:SignatureValue>abc", SIGNATURE.encode() + b"<ds:SignatureValue>abc")
    assert read(s071, nested) == records_of(s071).read_tree(_xml.parse(nested))


def test_receive_judges_as_validate_does(registry: Registry, s071: Structure) -> None:
    for seed in range(6):
        data = document(s071, seed, fill=1.0)
        for _ in range(2):  # the second time by what the first has found out
            received = receive(data, registry)
            assert received.verdict == eessi.validate(data, registry)
            assert received.verdict.is_valid
            assert received.sed == eessi.parse(data)
            assert received.record == as_record(received.sed, registry)
    wrong = data.replace(b"<familyName>", b"<surname>").replace(b"</familyName>", b"</surname>")
    assert receive(wrong, registry).verdict == eessi.validate(wrong, registry)
    other = data.replace(b'sedVer="4"', b'sedVer="3"')
    assert receive(other, registry).verdict == eessi.validate(other, registry)
    assert receive(other, registry).verdict.findings


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "windows-1252"])
@pytest.mark.parametrize("space", ["http://www.w3.org/2000/09/xmldsig#", "http://www.w3.org/2000/09/xmldsig&#35;"])
def test_receive_sees_a_signature_in_every_encoding(
    registry: Registry, s071: Structure, encoding: str, space: str
) -> None:
    """Once, a signed document in UTF-16 was said to be unsigned after an unsigned one had been received."""
    plain = document(s071, 1).decode()
    receive(plain.encode(), registry)
    text = plain.replace("</s:S071>", f"{VALID_SIGNATURE.replace('SPACE', space)}</s:S071>")
    text = re.sub("encoding=.UTF-8.", f'encoding="{encoding}"', text)
    data = text.encode(encoding, errors="xmlcharrefreplace")
    assert receive(data, registry).sed.is_signed
    verdict = receive(data, registry).verdict
    assert verdict == eessi.validate(data, registry)
    assert verdict.is_valid
    assert next(entry.why for entry in verdict.not_checked if entry.what == "signature") != "the document is not signed"


def test_receive_of_what_no_package_knows(registry: Registry) -> None:
    data = b'<s:Z999 xmlns:s="http://ec.europa.eu/eessi/ns/4_4/Z999"/>'
    received = receive(data, registry)
    assert received.record is None
    assert received.verdict == eessi.validate(data, registry)


def test_what_receive_keeps_holds_no_document(registry: Registry, s071: Structure) -> None:
    marker = "Leavenotrace"
    data = document(s071, 1, fill=1.0).replace(b"<familyName>", b"<familyName>" + marker.encode())
    for _ in range(3):
        receive(data, registry)
    del data
    gc.collect()
    held = [one for one in gc.get_objects() if isinstance(one, Sed | Block | etree._Element)]
    assert not [one for one in held if isinstance(one, Sed) and marker in one.data.decode("utf-8", "replace")]


def test_only_exact_trees_are_exact(registry: Registry) -> None:
    for package in registry.packages:
        for entry in package.entries():
            if entry.fidelity is Fidelity.OBSERVED:
                structure = registry.structure(entry.sed, entry.version, package=package.coordinates)
                assert structure is not None
                assert not plan_of(structure).exact
                assert not any(field.required for _, field in plan_of(structure).walk())
                return

"""RINA JSON in all its forms: there and back, with a report of what was dropped or guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eessi.errors import InputError
from eessi.ids import CdmVersion
from eessi.schemas import Registry
from eessi.sed import Header, Kind, Message, Party, Sed, parse, read_rina_json, recognise, serialise, write_rina_json
from eessi.sed.json_text import JsonNumber, JsonValue, dump_json, load_json
from eessi.sed.losses import LossKind, LossReport
from eessi.sed.rina_json import find_sed, to_rina_json

SAMPLES = (
    ("A001-4.4.json", None),
    ("P2000-4.1-draft.json", None),
    ("P2100-draft1.json", "4.2"),
    ("P4000-4.0.json", None),
    ("P5000-4.0.json", None),
    ("P9000.json", "4.2"),
    ("document_X001_1.json", None),
    ("u020-child-document-001.json", "4.2"),
    ("u020-child-document-003.json", "4.2"),
    ("u020-master-document.json", None),
    ("u029-child-document-002.json", "4.3"),
    ("u029-master-document.json", None),
)
MAPPINGS = (("P2100-mapping.json", "4.2"), ("P4000-mapping.json", "4.0"))
"""Skeletons whose leaves are place holders: the largest trees there are in this form."""


def without_empties(value: JsonValue) -> JsonValue:
    """What is left of a document when everything empty is taken away."""
    if isinstance(value, dict):
        kept = {name: without_empties(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner not in ("", None, {}, [])}
    if isinstance(value, list):
        return [inner for entry in value if (inner := without_empties(entry)) not in ("", None, {}, [])]
    return value


def only_sed(text: str) -> dict[str, JsonValue]:
    ((_, name, body),) = find_sed(load_json(text))
    return {name: body}


def again(sed: Sed) -> Sed:
    document = parse(serialise(sed))
    assert isinstance(document, Sed)
    return document


def report_of(sed: Sed) -> LossReport:
    assert sed.report is not None
    return sed.report


@pytest.fixture(params=SAMPLES + MAPPINGS, ids=lambda row: str(row[0]))
def sample(request: pytest.FixtureRequest, samples: Path) -> tuple[str, str | None]:
    name, version = request.param
    folder = "rina-nav-mapping" if (name, version) in MAPPINGS else "rina"
    return (samples / "samples-json" / folder / name).read_text(encoding="utf-8"), version


def test_every_sample_is_listed_here(samples: Path) -> None:
    rina = {file.name for file in (samples / "samples-json" / "rina").iterdir()}
    others = {"sbdhWithAttachments.json", "u020-subdocuments-collection.json"}
    assert rina - others == {name for name, _ in SAMPLES}
    for name in others:
        found = recognise((samples / "samples-json" / "rina" / name).read_bytes())
        assert found in (Kind.RINA_HEADER, Kind.RINA_SUBDOCUMENTS)


def test_samples_are_equal_as_values_after_xml(sample: tuple[str, str | None], registry: Registry) -> None:
    text, version = sample
    sed = read_rina_json(text, version=version, registry=registry)
    wanted = without_empties(only_sed(text))
    assert load_json(write_rina_json(sed, registry)) == wanted
    assert load_json(write_rina_json(again(sed), registry)) == wanted
    assert recognise(text.encode()) is Kind.RINA_JSON


def test_samples_are_equal_as_values_without_any_tree(sample: tuple[str, str | None], registry: Registry) -> None:
    """An unknown SED: the same content under a code that no package knows."""
    text, _ = sample
    ((_, body),) = only_sed(text).items()
    foreign = json.dumps({"P9999": body})
    sed = read_rina_json(foreign, version="4.2", registry=registry)
    assert load_json(write_rina_json(again(sed), registry)) == without_empties({"P9999": body})


def test_samples_tell_every_empty_member(sample: tuple[str, str | None], registry: Registry) -> None:
    text, version = sample
    sed = read_rina_json(text, version=version, registry=registry)
    lost = report_of(sed).of(LossKind.EMPTY, LossKind.NULL)
    assert bool(lost) == (without_empties(only_sed(text)) != only_sed(text))


def test_a001_keeps_every_value(samples: Path, registry: Registry) -> None:
    text = (samples / "samples-json" / "rina" / "A001-4.4.json").read_text(encoding="utf-8")
    sed = read_rina_json(text, registry=registry)
    assert (sed.type, sed.version, sed.namespace) == (
        "A001",
        CdmVersion(4, 4),
        "http://ec.europa.eu/eessi/ns/4_4/A001",
    )
    assert sed["Person/PersonIdentification/sex"] == "02"
    assert sed.values("Person/AdditionalInformationPerson/nationality") == ("AF", "XK")
    assert sed["Addresses/Address/Address/country"] == "NO"
    assert sed.attributes["sedPackage"] == "Sector Components/Legislation Applicable/A001"
    assert sed.unknown(registry) == ()
    assert report_of(sed).lost == ()


def test_the_order_is_that_of_the_tree(registry: Registry) -> None:
    text = '{"S071": {"sedVer": "4", "StatusPerson": {"status": {"value": ["01"]}}, "sedGVer": "4", "Person": {"PersonIdentification": {"sex": {"value": ["01"]}, "forename": "Ada", "familyName": "T"}}}}'
    sed = read_rina_json(text, registry=registry)
    assert [path for path, _ in sed.items()] == [
        "Person/PersonIdentification/familyName",
        "Person/PersonIdentification/forename",
        "Person/PersonIdentification/sex",
        "StatusPerson/status",
    ]
    assert report_of(sed).is_lossless


def test_a_guessed_order_is_said(registry: Registry, bare: Registry) -> None:
    text = '{"S071": {"sedGVer": "4", "sedVer": "3", "b": {"x": "1", "y": "2"}, "a": "1"}}'
    near = report_of(read_rina_json(text, registry=registry))
    assert ("S071", "that of version 4.4") in {(entry.path, entry.detail) for entry in near.of(LossKind.ORDER)}
    none = report_of(read_rina_json(text, registry=bare))
    assert {(entry.path, entry.detail) for entry in none.guessed} == {("S071", "as given"), ("S071/b", "as given")}


def test_there_is_no_default_version(registry: Registry) -> None:
    for body in ("{}", '{"sedGVer": "4"}', '{"sedGVer": "x", "sedVer": "2"}', '{"sedVer": "2"}', '{"sedGVer": ""}'):
        with pytest.raises(InputError, match="--version"):
            read_rina_json(f'{{"A001": {body}}}', registry=registry)
    assert read_rina_json('{"A001": {}}', version="4.3", registry=registry).version == CdmVersion(4, 3)


@pytest.mark.parametrize(
    ("attributes", "version"),
    [
        ('"sedGVer": "4", "sedVer": "10"', (4, 10)),
        ('"sedGVer": 4, "sedVer": 2', (4, 2)),
        ('"sedGVer": "4.2", "sedVer": "4.2"', (4, 2)),
        ('"sedGVer": "4", "sedVer": "4.3"', (4, 3)),
        ('"sedGVer": "3", "sedVer": "1"', (3, 1)),
    ],
)
def test_versions_as_they_are_written(attributes: str, version: tuple[int, int], registry: Registry) -> None:
    text = f'{{"A001": {{{attributes}, "a": "1"}}}}'
    sed = read_rina_json(text, registry=registry)
    assert sed.version == CdmVersion(*version)
    body = load_json(write_rina_json(sed, registry))
    assert isinstance(body, dict)
    if version[0] > 3:
        assert body == load_json(text)


def test_the_callers_version_wins_and_is_reported(registry: Registry) -> None:
    sed = read_rina_json('{"A001": {"sedGVer": "4", "sedVer": "2"}}', version="4.4", registry=registry)
    assert sed.version == CdmVersion(4, 4)
    assert report_of(sed).of(LossKind.VERSION)[0].detail == "the document says 4.2, the caller 4.4"


def test_numbers_and_booleans_stay_what_they_were(registry: Registry) -> None:
    text = '{"A001": {"sedGVer": "4", "sedVer": "9", "amount": 1500.00, "flag": true, "list": [1, "2"], "off": false}}'
    sed = read_rina_json(text, registry=registry)
    assert (sed["amount"], sed["flag"], sed.values("list")) == ("1500.00", "true", ("1", "2"))
    value = load_json(write_rina_json(sed, registry))
    assert value == load_json(text)
    body = value["A001"]  # type: ignore[index,call-overload]  # an object, by the line above
    assert isinstance(body["amount"], JsonNumber)
    assert body["off"] is False
    assert len(report_of(sed).of(LossKind.NUMBER)) == 4


def test_a_list_of_one_and_a_single_member_are_told_apart(registry: Registry, bare: Registry) -> None:
    text = '{"A001": {"sedGVer": "4", "sedVer": "9", "odd": [{"x": "1"}], "Things": {"Thing": [{"x": ["1"]}]}}}'
    sed = read_rina_json(text, registry=registry)
    assert load_json(write_rina_json(sed, registry)) == load_json(text)
    assert load_json(write_rina_json(again(sed), bare)) == load_json(text)
    plain = parse(serialise(sed).replace(b"eessi-toolkit-rina", b"other"))
    assert isinstance(plain, Sed)
    written = to_rina_json(plain, bare)
    assert written.value["A001"] == {
        "sedGVer": "4", "sedVer": "9", "odd": {"x": "1"}, "Things": {"Thing": [{"x": "1"}]},
    }  # fmt: skip
    assert {entry.path for entry in written.report.of(LossKind.LIST)} >= {"A001/odd", "A001/Things/Thing"}


def test_a_plain_code_is_kept_or_wrapped_on_request(registry: Registry) -> None:
    text = '{"S071": {"sedGVer": "4", "sedVer": "4", "Person": {"PersonIdentification": {"sex": "02"}}}}'
    plain = read_rina_json(text, registry=registry)
    assert b"<sex>02</sex>" in serialise(plain)
    assert report_of(plain).of(LossKind.CODE)[0].path == "S071/Person/PersonIdentification/sex"
    assert load_json(write_rina_json(again(plain), registry)) == load_json(text)
    wrapped = read_rina_json(text, registry=registry, wrap_codes=True)
    assert b"<sex><value>02</value></sex>" in serialise(wrapped)


def test_the_form_of_3_1(registry: Registry) -> None:
    text = '{"S072": {"sedGVer": "3", "sedVer": "1", "Person": {"PersonIdentification": {"sex": "Male", "PINPersonInEachInstitution": {"personIdentificationNumberList": [{"country": "UK"}]}}}}}'
    sed = read_rina_json(text, registry=registry)
    assert sed.namespace == "http://ec.europa.eu/eessi/ns"
    assert load_json(write_rina_json(sed, registry)) == load_json(text)
    foreign = read_rina_json(text.replace("S072", "S999"), registry=registry)
    assert foreign["Person/PersonIdentification/Sex"] == "Male"
    path = "Person/PersonIdentification/PINPersonInEachInstitution/PersonIdentificationNumber/Country"
    assert foreign[path] == "UK"
    assert load_json(write_rina_json(again(foreign), registry)) == load_json(text.replace("S072", "S999"))


def test_a_sed_inside_an_export(registry: Registry) -> None:
    inner = json.dumps({"X001": {"CaseContext": {"PersonContext": {"familyName": "Test"}}}})
    export = {"id": "1", "documentTypeVersion": {"businessVersion": "4.2.1"}, "content": inner}
    sed = read_rina_json(json.dumps(export), registry=registry)
    assert sed.version == CdmVersion(4, 2)
    assert sed["CaseContext/PersonContext/familyName"] == "Test"
    assert {entry.path for entry in report_of(sed).of(LossKind.OUTSIDE)} == {"id", "documentTypeVersion", "content"}


def test_content_without_the_name_of_its_sed(registry: Registry) -> None:
    body = {"sedPackage": "Sector Components/Pensions/P2000", "sedGVer": "4", "sedVer": "2", "a": "1"}
    sed = read_rina_json(json.dumps({"content": body}), registry=registry)
    assert (sed.type, sed.version, sed["a"]) == ("P2000", CdmVersion(4, 2), "1")
    assert [entry.path for entry in report_of(sed).lost] == ["content"]
    bare = read_rina_json(json.dumps(body), registry=registry)
    assert bare == sed
    assert report_of(bare).lost == ()


names = st.from_regex(r"[a-wyz][A-Za-z0-9]{0,6}", fullmatch=True)
texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=9,
)
leaves = (
    texts
    | st.booleans()
    | st.integers().map(str).map(JsonNumber)
    | st.decimals(allow_nan=False, allow_infinity=False, places=2).map(lambda d: JsonNumber(f"{d:f}"))
)
contents = st.recursive(
    leaves,
    lambda inner: st.dictionaries(
        names | st.just("value"), inner | st.lists(inner, min_size=1, max_size=3), min_size=1, max_size=4
    ),
    max_leaves=20,
)


@settings(deadline=None, database=None)
@given(
    st.dictionaries(names, contents | st.lists(contents, min_size=1, max_size=3), min_size=1, max_size=4),
    st.sampled_from(["4", "3"]),
)
def test_any_content_of_an_unknown_sed_comes_back_the_same(body: dict[str, JsonValue], major: str) -> None:
    """Lists of one, numbers, booleans and codes of no known tree: equal as values after XML."""
    registry = Registry.default()
    text = dump_json({"P9999": {**body, "sedGVer": major, "sedVer": "1"}})
    sed = read_rina_json(text, registry=registry)
    assert load_json(write_rina_json(sed, registry)) == load_json(text)
    assert load_json(write_rina_json(again(sed), registry)) == load_json(text)


def test_a_note_is_written_only_where_it_is_needed(samples: Path, registry: Registry) -> None:
    text = (samples / "samples-json" / "rina" / "A001-4.4.json").read_text(encoding="utf-8")
    assert b"eessi-toolkit-rina" not in serialise(read_rina_json(text, registry=registry))
    odd = read_rina_json('{"A001": {"sedGVer": "4", "sedVer": "9", "odd": [{"x": 1}]}}', registry=registry)
    assert serialise(odd).splitlines()[1] == (
        b'<?eessi-toolkit-rina {"lists": ["/odd"], "literals": ["/odd[1]/x[1]"]}?>'
    )
    assert again(odd).report is None
    assert to_rina_json(again(odd), registry).report.lost == ()


def test_no_note_travels_in_a_message(registry: Registry) -> None:
    odd = read_rina_json('{"A001": {"sedGVer": "4", "sedVer": "9", "odd": [{"x": 1}]}}', registry=registry)
    message = Message.compose(Header(sender=Party("FR:01"), receivers=(Party("BE:01"),)), odd)
    assert b"eessi-toolkit-rina" not in message.data
    assert message.sed == odd
    assert parse(message.data).sed.same_content(odd)  # type: ignore[union-attr]  # a message


@pytest.mark.parametrize(
    "note",
    [
        b"{}", b"nonsense", b'{"lists": 1}', b'{"literals": ["/a[1]"]}', b'{"names": {"/a": "familyName"}}',
        b'{"names": {"/a": 7}}', b'{"lists": ["/nowhere", 3]}',
    ],
)  # fmt: skip
def test_a_strangers_note_does_no_harm(note: bytes, registry: Registry) -> None:
    data = b'<?eessi-toolkit-rina %s?><s:A001 xmlns:s="http://ec.europa.eu/eessi/ns/4_9/A001"><a>1, "b": 2</a></s:A001>'
    sed = parse(data % note)
    assert isinstance(sed, Sed)
    assert load_json(write_rina_json(sed, registry)) == {"A001": {"a": '1, "b": 2'}}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "no SED"),
        ("{}", "no SED"),
        ('{"a": {"b": 1}}', "no SED"),
        ('{"A001": {}, "A002": {}}', "2 SEDs"),
        ('{"A001": {"sedGVer": "4", "sedVer": "4", "a b": "1"}}', "cannot be the name"),
        ('{"A001": {"sedGVer": "4", "sedVer": "4", "xmlns": "1"}}', "cannot be the name"),
        ('{"A001": {"sedGVer": "4", "sedVer": "4", "a": "x\\u0000"}}', "characters that XML"),
        ('{"A001": {"sedGVer": "4", "sedVer": "4", "a": "\\ud800"}}', "characters that XML"),
        ('{"A001": {"sedGVer": "4", "sedVer": "4", "a": [["1"]]}}', "inside an array"),
        ('{"A001": {"sedGVer": "4", "sedVer": "4", "a": ', "not well-formed"),
        ('{"A001": {"sedGVer": "3", "sedVer": "1", "a": "1", "A": "2"}}', "two members become the one element A"),
    ],
)
def test_what_cannot_become_a_sed(text: str, why: str, registry: Registry) -> None:
    with pytest.raises(InputError, match=why):
        read_rina_json(text, registry=registry)


def test_what_json_cannot_carry_is_reported(registry: Registry) -> None:
    data = (
        b'<?xml version="1.0"?><!-- a --><s:A001 xmlns:s="http://ec.europa.eu/eessi/ns/4_9/A001" xmlns:q="urn:q" q:a="1" sedGVer="4">lost'
        b'<a b="1">x<!-- b --></a><?c d?><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></s:A001>'
    )
    sed = parse(data)
    assert isinstance(sed, Sed)
    written = to_rina_json(sed, registry)
    assert {(entry.kind, entry.path) for entry in written.report.lost} == {
        (LossKind.COMMENT, "A001"),
        (LossKind.ATTRIBUTE, "A001/@a"),
        (LossKind.ATTRIBUTE, "A001/a/@b"),
        (LossKind.TEXT, "A001"),
        (LossKind.SIGNATURE, "A001/Signature"),
    }
    assert written.report.of(LossKind.COMMENT)[0].detail == "3 of them"
    assert not written.report.is_lossless
    assert all(str(entry) for entry in written.report.entries)


def test_the_3_1_sample_in_json_and_back(samples: Path, registry: Registry) -> None:
    message = parse(samples / "samples-xml" / "P4000-sbdh-3.1.xml")
    assert not isinstance(message, Sed)
    written = to_rina_json(message.sed, registry)
    assert {entry.kind for entry in written.report.lost} == {LossKind.SIGNATURE, LossKind.ATTRIBUTE}
    back = read_rina_json(written.text, version="3.1", registry=registry)
    assert dict(back.items()) == dict(message.sed.items())

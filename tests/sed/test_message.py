"""Messages: header and document read byte for byte, written in every known form."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eessi import _xml
from eessi.errors import DefinitionError, InputError, UsageError
from eessi.ids import Action, BucId, CaseId, CdmVersion, Role, SedType
from eessi.sed import Attachment, Header, Message, Party, Sed, parse, serialise
from eessi.sed.envelope import about_message
from eessi.sed.header import AttachmentEntry, Kept, same_id
from eessi.sed.header_json import read_header_json, write_header_json
from eessi.sed.header_xml import HeaderForm, form_for, header_element, read_header, shipped_forms
from eessi.sed.validation import Kind, recognise

SED = b'<s:A001 xmlns:s="http://ec.europa.eu/eessi/ns/4_3/A001" sedGVer="4" sedVer="3">\r\n <a><!-- c --><?p i?>x</a> </s:A001>'


def header(**changes: object) -> Header:
    values: dict[str, object] = {
        "sender": Party("FR:0100000001", Role.CASE_OWNER),
        "receivers": (Party("BE:0203980409", Role.COUNTERPARTY),),
        "sed": SedType("A001"),
        "sed_version": CdmVersion(4, 3),
        "buc": BucId("LA_BUC_01"),
        "buc_version": CdmVersion(4, 3),
        "action": Action.START,
        "case_id": CaseId("61eee278b31337408d4a3d0c9f985cdc"),
        "instance_id": "00000000-0000-4000-8000-000000000001",
        "set_id": "00000000-0000-4000-8000-0000000000aa",
        "document_version": 1,
        "created": "2026-11-25T09:30:00Z",
        **changes,
    }
    return Header(**values)  # type: ignore[arg-type]  # the values are those of the fields


def message_of(data: bytes) -> Message:
    document = parse(data)
    assert isinstance(document, Message)
    return document


def sed_of(data: bytes) -> Sed:
    document = parse(data)
    assert isinstance(document, Sed)
    return document


def test_header_1_0_of_the_sample(samples: Path) -> None:
    data = (samples / "samples-xml" / "P4000-sbdh-3.1.xml").read_bytes()
    message = message_of(data)
    found = message.header
    assert (found.header_version, found.sed, found.sed_version, found.type_version) == (
        "1.0", "P4000", CdmVersion(3, 1), CdmVersion(4, 0),
    )  # fmt: skip
    assert (found.sender, found.receiver) == (Party("UK:UK001", Role.CASE_OWNER), Party("UK:UK010", Role.COUNTERPARTY))
    assert (found.buc, found.buc_version, found.action) == ("P_BUC_05", CdmVersion(1, 0), Action.NEW)
    assert found.created_at is not None
    assert found.created_at.isoformat() == "2014-05-26T13:08:00.288000+02:00"
    assert found.kept == ()
    assert serialise(message) == data
    assert message.sed.data in data
    assert message.sed.is_signed
    assert about_message(message)[0] == []


def test_header_1_1_of_a_system_message(shared: Path) -> None:
    data = (shared / "directory" / "sample_syn001_v1.xml").read_bytes()
    message = message_of(data)
    assert message.header.action is Action.START
    assert message.header.buc == "SYNC_SUC_01"
    assert message.header.transaction == "SYNC_SUC_01-4.2-DataSource-DataDestination-Start-SYN001-4.2.xsd"
    assert message.header.transaction in (message.header.schema_location or "")
    assert message.sed.type == "SYN001"
    assert message.sed.data in data
    assert about_message(message)[0] == []


def test_compose_keeps_the_bytes_of_the_sed() -> None:
    sed = sed_of(SED)
    message = Message.compose(header(), sed)
    assert SED in message.data
    again = message_of(message.data)
    assert again.sed.data == SED
    assert again.header == attrs.evolve(header(), schema_location=again.header.schema_location)
    assert again.header.schema_location is not None
    assert recognise(message.data) is Kind.SBDH


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_header_survives_its_form(version: str) -> None:
    full = header(header_version=version)
    if version == "1.0":
        full = attrs.evolve(full, set_id=None, document_version=None, type_version=CdmVersion(4, 3))
    assert read_header(header_element(full)) == full


def test_several_receivers_and_unknown_parts_survive() -> None:
    several = header(
        receivers=(Party("BE:0203980409", Role.COUNTERPARTY), Party("DE:1234", Role.COUNTERPARTY)),
        kept=(Kept("BusinessScope/New/Thing", "7"),),
    )
    assert read_header(header_element(several)) == several


def test_children_in_any_order_and_values_of_no_known_form_are_kept() -> None:
    element = header_element(header())
    element[:] = list(reversed(element))
    assert read_header(element) == header()
    odd = header_element(header())
    for leaf in odd.iter("{*}CaseAction", "{*}Type", "{*}BusinessServiceName"):
        leaf.text = "Odd thing"
    found = read_header(odd)
    assert (found.action, found.sed, found.buc) == (None, None, None)
    assert {part.text for part in found.kept} == {"Odd thing"}
    assert read_header(header_element(found)) == found


@pytest.mark.parametrize(
    "service", ["P_BUC_05:x", "nonsense:1.0", "P_BUC_05:1.0:New:more", "P_BUC_05:1.0:Sideways", ":::"]
)
def test_a_service_name_of_another_form_is_kept_whole(service: str) -> None:
    element = header_element(header())
    for leaf in element.iter("{*}BusinessServiceName"):
        leaf.text = service
    found = read_header(element)
    assert (found.buc, found.buc_version) == (None, None)
    assert found.kept == (Kept("BusinessScope/CaseId/BusinessServiceName", service),)
    assert read_header(header_element(found)) == found


def test_what_a_form_cannot_say_is_refused_not_dropped() -> None:
    for lost in ({"protected": True}, {"related_set_id": "00000000-0000-4000-8000-0000000000bb"}):
        with pytest.raises(UsageError, match="no known place"):
            header_element(header(**lost))
    with pytest.raises(UsageError, match="no form of header 9"):
        header_element(header(header_version="9"))


def test_a_later_form_is_data(tmp_path: Path) -> None:
    table = tmp_path / "headers.toml"
    table.write_text(
        '[[form]]\nversion = "1.2"\nrows = [\n'
        ' { path = "HeaderVersion", field = "header_version" },\n'
        ' { path = "Sender/Identifier", field = "id" },\n'
        ' { path = "DocumentIdentification/Type", field = "sed" },\n'
        ' { path = "BusinessScope/ProtectedPerson", field = "protected" },\n]\n',
        encoding="utf-8",
    )
    forms = HeaderForm.load(table)
    message = Message.compose(header(header_version="1.2", protected=True), sed_of(SED), forms=forms)
    assert Kept("BusinessScope/ProtectedPerson", "true") in message_of(message.data).header.kept
    assert form_for("1.1", forms) in shipped_forms()
    table.write_text("[[form]]\nversion = 1\n", encoding="utf-8")
    with pytest.raises(DefinitionError):
        HeaderForm.load(table)


def test_json_header_both_ways(samples: Path) -> None:
    text = (samples / "samples-json" / "rina" / "sbdhWithAttachments.json").read_text(encoding="utf-8")
    found = read_header_json(text)
    assert json.loads(write_header_json(found)) == json.loads(text)
    assert found.protected is False
    assert found.attachments[0].file_name == "attachment_xml.xml"
    assert found.kept == ()


def test_json_header_keeps_what_it_does_not_know() -> None:
    text = json.dumps(
        {
            "sender": {"identifier": "FR:0100000001", "contactTypeIdentifier": "Strange", "x": 1},
            "receivers": [{"identifier": "BE:0203980409", "new": [1, {"a": None}]}],
            "documentIdentification": {"type": "not a SED", "more": True},
            "future": {"deep": "1"},
        }
    )
    found = read_header_json(text)
    again = json.loads(write_header_json(found))
    assert again["sender"]["contactTypeIdentifier"] == "Strange"
    assert again["sender"]["x"] == 1
    assert again["receivers"][0]["new"] == [1, {"a": None}]
    assert again["documentIdentification"]["type"] == "not a SED"
    assert again["documentIdentification"]["more"] is True
    assert again["future"] == {"deep": "1"}


def test_a_json_without_header_is_refused() -> None:
    with pytest.raises(InputError, match="no message header"):
        read_header_json("{}")


def test_xml_and_json_headers_agree() -> None:
    one = header()
    again = read_header_json(write_header_json(one))
    assert same_id(again.instance_id, one.instance_id)
    assert same_id(again.set_id, one.set_id)
    assert attrs.evolve(again, instance_id=one.instance_id, set_id=one.set_id) == one


institutions = st.builds(
    "{}:{}".format, st.sampled_from(["FR", "BE", "EL"]), st.from_regex(r"[A-Za-z0-9]{4,10}", fullmatch=True)
)
parties = st.builds(
    Party, institutions, st.none() | st.sampled_from(Role), st.none() | st.just("urn:eu:europa:ec:dgempl:eessi:ir")
)
versions = st.builds(CdmVersion, st.integers(4, 9), st.integers(0, 30))
ids = st.uuids().map(str)
headers = st.builds(
    Header,
    sender=parties,
    receivers=st.lists(parties, min_size=1, max_size=3).map(tuple),
    sed=st.sampled_from(["A001", "S071", "DA012C", "SYN001"]).map(SedType),
    sed_version=versions,
    buc=st.sampled_from(["LA_BUC_01", "S_BUC_17a", "SYNC_SUC_01"]).map(BucId),
    buc_version=versions,
    action=st.none() | st.sampled_from(Action),
    case_id=ids.map(CaseId),
    instance_id=ids,
    set_id=st.none() | ids,
    document_version=st.none() | st.integers(1, 99),
    created=st.none() | st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
)


@settings(deadline=None, database=None)
@given(headers)
def test_any_header_survives_both_forms(one: Header) -> None:
    assert read_header(header_element(one)) == one
    again = read_header_json(write_header_json(one))
    assert same_id(again.instance_id, one.instance_id)
    assert same_id(again.set_id, one.set_id) or one.set_id is None
    assert attrs.evolve(again, instance_id=one.instance_id, set_id=one.set_id) == one


@settings(deadline=None, database=None)
@given(st.uuids(), st.booleans(), st.booleans())
def test_ids_are_compared_normalised(id: object, hyphens: bool, capitals: bool) -> None:
    text = str(id)
    other = text if hyphens else text.replace("-", "")
    assert same_id(text, other.upper() if capitals else other)
    assert not same_id(text, None)
    assert not same_id(None, None)


def test_header_and_document_that_disagree() -> None:
    message = Message.compose(header(sed=SedType("A011"), sed_version=CdmVersion(4, 2)), sed_of(SED))
    findings, _ = about_message(message)
    assert [(one.id, one.got, one.expected) for one in findings if one.id == "DOC-VERSION"] == [
        ("DOC-VERSION", "A011", ("A001",)),
        ("DOC-VERSION", "4.2", ("4.3",)),
    ]


def test_a_poor_header_is_described() -> None:
    poor = Header(sender=Party("nobody"), receivers=(), created="yesterday", header_version="1.1")
    findings, not_checked = about_message(Message(poor, sed_of(SED), SED))
    ids = [one.id for one in findings]
    assert ids.count("MSG-MISSING") == 5
    assert {"MSG-PARTY", "MSG-TIME"} <= set(ids)
    assert not_checked == []
    assert all(one.message() for one in findings)


def test_a_wrong_transaction_name_is_seen() -> None:
    message = Message.compose(header(schema_location="urn:x A-1-B.xsd"), sed_of(SED))
    assert [one.id for one in about_message(message)[0]] == ["MSG-LOCATION"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'<x:StandardBusinessDocument xmlns:x="u"/>', "no header"),
        (b'<x:StandardBusinessDocument xmlns:x="u"><x:StandardBusinessDocumentHeader/></x:StandardBusinessDocument>', "no document"),
        (
            b'<x:StandardBusinessDocument xmlns:x="u"><x:StandardBusinessDocumentHeader/><a/><b/></x:StandardBusinessDocument>',
            "2 documents",
        ),
    ],
)  # fmt: skip
def test_envelopes_that_carry_no_single_sed(data: bytes, why: str) -> None:
    with pytest.raises(InputError, match=why):
        parse(data)


def envelope(body: bytes, *, head: bytes = b"", encoding: str = "utf-8", declaration: str = "") -> bytes:
    text = (
        declaration.encode()
        + b'<x:StandardBusinessDocument xmlns:x="http://eessi.dgempl.ec.europa.eu/namespaces/sbdh" '
        + b'xmlns:up="http://ec.europa.eu/eessi/ns/4_3/A001" '
        + head
        + b"><x:StandardBusinessDocumentHeader/>"
        + body
        + b"</x:StandardBusinessDocument>"
    )
    return text.decode().encode(encoding)


def test_a_sed_that_uses_a_prefix_of_its_envelope_is_made_to_stand_alone() -> None:
    message = message_of(envelope(b"<up:A001><a>1</a></up:A001>"))
    assert b"xmlns:up" in message.sed.data
    assert sed_of(message.sed.data).same_content(message.sed)


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_a_sed_in_another_encoding_keeps_its_content(encoding: str) -> None:
    body = '<s:A001 xmlns:s="http://ec.europa.eu/eessi/ns/4_3/A001"><a>Åsa</a></s:A001>'.encode()
    message = message_of(envelope(body, encoding=encoding, declaration=f'<?xml version="1.0" encoding="{encoding}"?>'))
    alone = sed_of(message.sed.data)
    assert alone["a"] == "Åsa"


@pytest.mark.parametrize(
    "body",
    [
        b'<s:A001 xmlns:s="http://ec.europa.eu/eessi/ns/4_3/A001"/>',
        b'<s:A001 xmlns:s="http://ec.europa.eu/eessi/ns/4_3/A001" sedPackage="a>b"/>',
        b'<s:A001 xmlns:s="http://ec.europa.eu/eessi/ns/4_3/A001" ></s:A001 >',
        b'<s:A001 xmlns:s="http://ec.europa.eu/eessi/ns/4_3/A001">\r\n<a>&lt;</a><!-- > --></s:A001>',
    ],
)
def test_the_cut_is_exact(body: bytes) -> None:
    data = envelope(b"  <!-- before -->" + body + b"\n<!-- after -->")
    sed = message_of(data).sed
    assert sed_of(sed.data).same_content(sed)
    assert sed.data == body or b"a&gt;b" in sed.data


def test_lines_of_an_embedded_sed_are_those_of_the_message(samples: Path) -> None:
    data = (samples / "samples-xml" / "P4000-sbdh-3.1.xml").read_bytes()
    line = message_of(data).sed.root.sourceline
    assert line is not None
    start = data[: data.index(b"<sed:P4000")].count(b"\n") + 1
    assert start <= line <= start + 2  # libxml2 counts to the end of the start tag


def test_the_signed_part_is_the_same_alone(samples: Path) -> None:
    """White space around the signature counts: both ways to the SED give the same canonical bytes."""
    data = (samples / "samples-xml" / "P4000-sbdh-3.1.xml").read_bytes()
    message = message_of(data)
    whole = _xml.parse(data, comments=True)
    inside = next(child for child in _xml.elements(whole) if _xml.local_name(child) == "P4000")
    assert _xml.canonical(_xml.parse(message.sed.data, comments=True)) == _xml.canonical(inside)


def test_attachments_enter_the_header_once() -> None:
    part = Attachment.of(b"%PDF-1.7", "decision.pdf", medical=True)
    message = Message.compose(header(attachments=(part.entry,)), sed_of(SED), (part,))
    assert message.header.attachments == (part.entry,)
    more = Message.compose(header(), sed_of(SED), (part,))
    assert more.header.attachments == (AttachmentEntry(part.identifier, "decision.pdf", "application/pdf", True, None),)
    assert message == more
    assert "list of attachments" in {entry.what for entry in about_message(message)[1]}
    assert message != Message.compose(header(), sed_of(SED))

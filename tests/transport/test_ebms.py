"""The header as values: written and read back, text cut by comments, identities that may not be missing."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi import _xml
from eessi.transport import names
from eessi.transport.ebms import (
    Agreement,
    ErrorSignal,
    Failure,
    PartInfo,
    Party,
    PartyId,
    Property,
    PullRequest,
    ReceiptSignal,
    SignedReference,
    Unit,
    UserMessage,
    read_envelope,
    when,
    write_envelope,
)
from eessi.transport.limits import Limits
from eessi.transport.refusal import Refused, all_codes, ebms_code
from tests.transport.messages import code_of

IDS = {"messaging": "m", "body": "b"}
word = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=12)
maybe = st.none() | word
properties = st.lists(st.builds(Property, word, st.just("") | word, maybe), max_size=3).map(tuple)
parties = st.builds(Party, st.lists(st.builds(PartyId, word, maybe), min_size=1, max_size=2).map(tuple), word)
users = st.builds(
    UserMessage,
    message_id=word,
    timestamp=word,
    sender=parties,
    receiver=parties,
    service=word,
    action=word,
    conversation_id=word,
    service_type=maybe,
    ref_to=maybe,
    agreement=st.none() | st.builds(Agreement, word, word, maybe),
    mpc=maybe,
    properties=properties,
    parts=st.lists(st.builds(PartInfo, word, properties), max_size=3, unique_by=lambda one: one.href).map(tuple),
)
references = st.builds(
    SignedReference,
    word,
    st.lists(st.tuples(word, st.just(()) | st.just(("env", "wsu"))), max_size=2).map(tuple),
    word,
    st.text("ABCDabcd0189+/", min_size=1, max_size=20),
)
receipts = st.builds(
    ReceiptSignal, word, word, maybe, st.lists(references, max_size=3).map(tuple), copied=st.none() | users
)
failures = st.builds(Failure, word, st.sampled_from(["failure", "warning"]), word, word, maybe, maybe, maybe, word)
errors = st.builds(ErrorSignal, word, word, maybe, st.lists(failures, min_size=1, max_size=2).map(tuple))
pulls = st.builds(PullRequest, word, word, word)


@given(st.one_of(users, receipts, errors, pulls))
def test_what_is_written_is_read_back(unit: Unit) -> None:
    data = _xml.serialise(write_envelope((unit,), ids=IDS, role=names.NEXT_MSH).root)
    found = read_envelope(data)
    assert found.units == (unit,)
    assert found.multihop
    assert found.warnings == ()


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert code_of(lambda: read_envelope(data)) in {None, "EBMS:0009", "EBMS:0004", "EBMS:0003"}


def user_xml(**changes: str) -> bytes:
    unit = UserMessage("id", "2026-01-05T08:00:00Z", Party.of("a"), Party.of("b"), "s", "act", "conv")
    text = _xml.serialise(write_envelope((unit,), ids=IDS).root).decode()
    for old, new in [pair.split("=>", 1) for pair in changes.values()]:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def test_a_comment_does_not_cut_a_value_in_two() -> None:
    found = read_envelope(user_xml(change="<eb:MessageId>id</=><eb:MessageId>i<!-- c -->d</"))
    assert found.units[0].message_id == "id"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("<eb:MessageId>id</eb:MessageId>=>", "EBMS:0009"),
        ("<eb:PartyId>a</eb:PartyId>=>", "EBMS:0009"),
        ("<eb:PartyId>b</eb:PartyId>=><eb:PartyId> </eb:PartyId>", "EBMS:0009"),
        ("<eb:Service>s</eb:Service>=>", "EBMS:0009"),
        ("<eb:UserMessage>=><eb:Other/><eb:UserMessage>", "EBMS:0009"),
        ("</eb:UserMessage>=></eb:UserMessage><eb:UserMessage/>", "EBMS:0003"),
        (names.SOAP12 + "=>" + names.SOAP11, "EBMS:0003"),
        ("<eb:Service>=><eb:AgreementRef>no uri</eb:AgreementRef><eb:Service>", "EBMS:0003"),
    ],
)
def test_headers_that_are_refused(change: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read_envelope(user_xml(change=change))
    assert caught.value.code == code


def test_what_the_schema_wants_but_routing_does_not_need_is_a_warning() -> None:
    found = read_envelope(user_xml(change="<eb:Action>act</eb:Action>=>"))
    assert found.warnings == ("Action is missing",)


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE e [<!ENTITY x 'y'>]><e/>",
        b'<!DOCTYPE e [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><e>&b;</e>',
        b'<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/passwd">]><e>&x;</e>',
        b"\x89PNG\r\n",
        b"",
        b"<e",
        b"<e/>",
    ],
)
def test_entities_and_what_is_no_envelope_are_refused(data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read_envelope(data)
    assert caught.value.code == "EBMS:0009"


def test_depth_is_limited() -> None:
    deep = user_xml(change="<eb:Service>=>" + "<x>" * 50 + "</x>" * 50 + "<eb:Service>")
    with pytest.raises(Refused) as caught:
        read_envelope(deep)
    assert caught.value.code == "EBMS:0004"


@pytest.mark.parametrize(
    ("limits", "unit"),
    [
        (Limits(properties=1), UserMessage("i", "t", Party.of("a"), Party.of("b"), "s", "a", "c", properties=(Property("a", "1"), Property("b", "2")))),
        (Limits(parts=1), UserMessage("i", "t", Party.of("a"), Party.of("b"), "s", "a", "c", parts=(PartInfo("cid:a"), PartInfo("cid:b")))),
        (Limits(references=1), ReceiptSignal("i", "t", "r", (SignedReference("#a", (), "m", "d"), SignedReference("#b", (), "m", "d")))),
    ],
)  # fmt: skip
def test_counts_are_limited(limits: Limits, unit: Unit) -> None:
    with pytest.raises(Refused) as caught:
        read_envelope(_xml.serialise(write_envelope((unit,), ids=IDS).root), limits=limits)
    assert caught.value.code == "EBMS:0004"


def test_the_same_part_named_twice_is_refused() -> None:
    unit = UserMessage(
        "i", "t", Party.of("a"), Party.of("b"), "s", "a", "c", parts=(PartInfo("cid:a"), PartInfo("cid:a"))
    )
    with pytest.raises(Refused, match="twice"):
        read_envelope(_xml.serialise(write_envelope((unit,), ids=IDS).root))


def test_moments() -> None:
    noon = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
    for text in (
        "2026-01-05T12:00:00Z",
        "2026-01-05T12:00:00.0000000Z",
        "2026-01-05T13:00:00+01:00",
        "2026-01-05T12:00:00",
    ):
        assert when(text) == noon, text
    assert when("2026-13-05T12:00:00Z") is None
    assert when("yesterday") is None


def test_every_row_of_the_error_table() -> None:
    rows = all_codes()
    assert len(rows) == 23
    for row in rows:
        assert row.code.startswith("EBMS:")
        assert row.severity in {"failure", "warning"}
        assert row.category in {"Content", "Communication", "Unpackaging", "Processing"}
        assert row.text
        assert row.name.isalpha()
        assert ebms_code(row.code.removeprefix("EBMS:")) is row
    assert {row.code for row in rows if row.severity == "warning"} == {"EBMS:0002", "EBMS:0006", "EBMS:0023"}

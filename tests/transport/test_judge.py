"""Security of received messages: whatever is changed, moved, left out or added is refused, with the right code."""

from __future__ import annotations

import copy
import datetime as dt
import gzip
import hashlib
import re

import attrs
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from eessi.transport import Part, wss
from eessi.transport.demo_keys import demo_key
from eessi.transport.ebms import Envelope, PartInfo, Party, Property, UserMessage
from eessi.transport.inspection import Inspection
from eessi.transport.judge import Result, judge
from eessi.transport.limits import Limits
from eessi.transport.mime import MimePart, pack, unpack
from eessi.transport.names import DS, EB, GZIP, SOAP12, WSSE, WSU, XENC, clark
from eessi.transport.pmode import load_pmode
from eessi.transport.policy import EnvelopePolicy
from eessi.transport.refusal import Refused
from tests.transport.messages import BE, DE, FR, NOW, PAYLOAD, judged, packet, repacked, signed

ENCRYPTED = load_pmode("edelivery")
MESSAGE = UserMessage("i", "2026-01-05T08:00:00Z", Party.of(FR), Party.of(BE), "s", "a", "c")


def with_part(
    body: bytes = b"x", *, href: str = "cid:p", kind: str = "application/octet-stream", **properties: str
) -> tuple[bytes, str]:
    listed = tuple(Property(name, value) for name, value in properties.items())
    message = attrs.evolve(MESSAGE, parts=(PartInfo(href, listed),))
    return signed(message, [MimePart.of(body, kind, "p")])


def test_a_whole_message_is_accepted_and_gives_its_payloads() -> None:
    source = packet(attachments=(Part("a.pdf", b"%PDF", "application/pdf"),))
    found = judged(source.body, source.content_type)
    assert found.result is Result.ACCEPT, found.findings
    assert [(one.id, one.mime_type, one.content()) for one in found.payloads] == [
        ("DefaultSED", "application/xml", PAYLOAD),
        ("a.pdf", "application/pdf", b"%PDF"),
    ]
    assert found.signed is not None
    assert found.signed.references == source.references


@pytest.mark.parametrize("reference", ["bst", "ski", "issuer_serial"])
@pytest.mark.parametrize("encrypt", [False, True])
def test_three_ways_to_name_the_certificate(reference: str, encrypt: bool) -> None:
    pmode = load_pmode(
        "edelivery", {"security": {"key_reference": reference, "encryption_reference": reference, "encrypt": encrypt}}
    )
    source = packet(pmode=pmode)
    assert judged(source.body, source.content_type).result is Result.ACCEPT


# --- changed, moved, left out ---


@pytest.mark.parametrize("pmode", [load_pmode("eessi"), ENCRYPTED], ids=["signed", "encrypted"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_changed_byte_of_a_signed_message_is_accepted(pmode: object, data: st.DataObject) -> None:
    """Header, body and parts: any one bit, unless the message means exactly the same (blanks outside what is signed)."""
    source = packet(pmode=pmode)  # type: ignore[arg-type]  # parametrised
    at = data.draw(st.integers(0, len(source.body) - 1))
    bit = data.draw(st.integers(0, 7))
    changed = bytearray(source.body)
    changed[at] ^= 1 << bit
    found = judged(bytes(changed), source.content_type)
    if found.result is Result.ACCEPT:
        assert found.signed is not None
        assert found.signed.references == source.references
        assert [one.content() for one in found.payloads] == [PAYLOAD]
        assert found.envelope is not None
        original = judged(source.body, source.content_type).envelope
        assert original is not None
        assert found.envelope.units == original.units


def test_a_changed_header() -> None:
    data, kind = repacked(packet(), text=lambda body: body.replace(b">Send<", b">Sent<"))
    assert judged(data, kind).code == "EBMS:0101"


def test_a_changed_payload() -> None:
    data, kind = repacked(packet(), parts=lambda parts: [attrs.evolve(parts[0], body=gzip.compress(b"<other/>"))])
    assert judged(data, kind).code == "EBMS:0101"


def test_a_changed_encrypted_payload_is_told_like_every_other_failure() -> None:
    def change(parts: list[MimePart]) -> list[MimePart]:
        body = parts[0].body
        return [attrs.evolve(parts[0], body=body[:-1] + bytes([body[-1] ^ 1]))]

    broken = judged(*repacked(packet(pmode=ENCRYPTED), parts=change))
    short = judged(*repacked(packet(pmode=ENCRYPTED), parts=lambda parts: [attrs.evolve(parts[0], body=b"x")]))
    source = packet(pmode=ENCRYPTED)
    no_key = judge(source.body, source.content_type, policy=EnvelopePolicy(), keys=[demo_key(DE)])
    assert {one.code for one in (broken, short, no_key)} == {"EBMS:0102"}
    assert len({one.detail for one in (broken, short, no_key)}) == 1


@pytest.mark.parametrize(
    "old",
    [b"http://www.w3.org/2009/xmlenc11#aes128-gcm", b"http://www.w3.org/2009/xmlenc11#rsa-oaep", b"mgf1sha256"],
)
def test_other_encryption_algorithms(old: bytes) -> None:
    data, kind = repacked(packet(pmode=ENCRYPTED), text=lambda body: body.replace(old, b"urn:other"))
    assert judged(data, kind).code == "EBMS:0102"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"xmldsig-more#rsa-sha256", b"xmldsig-more#rsa-sha1"),
        (b"http://www.w3.org/2001/04/xmlenc#sha256", b"http://www.w3.org/2000/09/xmldsig#sha1"),
        (b'<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"', b'<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"'),
        (b'<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"', b'<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"'),
    ],
)  # fmt: skip
def test_weak_or_unknown_signature_algorithms(old: bytes, new: bytes) -> None:
    data, kind = repacked(packet(), text=lambda body: body.replace(old, new))
    assert judged(data, kind).code == "EBMS:0101"


def test_short_keys() -> None:
    certificate = demo_key("EL:SHORT", bits=1024)
    found = wss.verify(*_signed_by(certificate), minimum_bits=1024)
    assert found is not None
    with pytest.raises(Exception, match="less than 2048 bits"):
        wss.verify(*_signed_by(certificate))


def _signed_by(key: wss.KeyPair) -> tuple[Envelope, dict[str, MimePart]]:
    from eessi.transport.ebms import write_envelope

    envelope = write_envelope((MESSAGE,), ids={"messaging": "m", "body": "b"})
    wss.sign(envelope, (), key, id="t")
    return envelope, {}


def test_an_unsigned_message_is_refused_by_default() -> None:
    unsigned = load_pmode("eessi", {"security": {"sign": False}})
    source = packet(pmode=unsigned)
    assert judged(source.body, source.content_type).code == "EBMS:0103"
    lenient = judged(source.body, source.content_type, policy=EnvelopePolicy.reading())
    assert lenient.result is Result.ACCEPT
    assert [one.what for one in lenient.not_checked] == ["signature"]


def test_a_part_in_clear_although_encryption_is_agreed() -> None:
    source = packet()
    assert judged(source.body, source.content_type, policy=EnvelopePolicy(require_encrypted=True)).code == "EBMS:0103"


@pytest.mark.parametrize("name", ["messaging", "body"])
def test_header_and_body_must_be_covered(name: str) -> None:
    def shorten(root: etree._Element) -> None:
        info = root.find(f".//{clark(DS, 'SignedInfo')}")
        assert info is not None
        for reference in info.findall(clark(DS, "Reference")):
            if (reference.get("URI") or "").startswith(f"#{name}"):
                info.remove(reference)

    data, kind = repacked(packet(), envelope=shorten)
    assert judged(data, kind).code == "EBMS:0101"


def test_a_part_that_the_signature_leaves_out() -> None:
    message = attrs.evolve(MESSAGE, parts=(PartInfo("cid:p"), PartInfo("cid:q")))
    parts = [MimePart.of(b"1", "application/pdf", "p"), MimePart.of(b"2", "application/pdf", "q")]
    data, kind = signed(message, parts[:1])
    body = unpack(data, kind).root.body
    kind, data = pack(body, parts)
    found = judged(data, kind)
    assert (found.code, found.findings[0].id) == ("EBMS:0101", "AS4-COVERAGE")


def wrapped(root: etree._Element, where: str) -> None:
    """The classic: the signed header moves aside, and another stands in its place under another id."""
    header = root.find(clark(SOAP12, "Header"))
    assert header is not None
    original = header.find(clark(EB, "Messaging"))
    assert original is not None
    forged = copy.deepcopy(original)
    forged.set(clark(WSU, "Id"), "forged")
    action = forged.find(f".//{clark(EB, 'Action')}")
    assert action is not None
    action.text = "Forged"
    header.replace(original, forged)
    holder = etree.Element("{urn:x}Wrapper")
    holder.append(original)
    {"header": header, "root": root, "security": header.find(clark(WSSE, "Security"))}[where].append(holder)  # type: ignore[union-attr]  # all three are there


@pytest.mark.parametrize("where", ["header", "root", "security"])
def test_signature_wrapping(where: str) -> None:
    data, kind = repacked(packet(), envelope=lambda root: wrapped(root, where))
    found = judged(data, kind)
    assert (found.code, found.findings[0].id) == ("EBMS:0101", "AS4-WRAPPING")


def test_two_elements_with_the_same_id() -> None:
    def twice(root: etree._Element) -> None:
        header, messaging = root.find(clark(SOAP12, "Header")), root.find(f".//{clark(EB, 'Messaging')}")
        assert header is not None
        assert messaging is not None
        other = etree.SubElement(header, "{urn:x}Other")
        other.set("Id", str(messaging.get(clark(WSU, "Id"))))

    data, kind = repacked(packet(), envelope=twice)
    found = judged(data, kind)
    assert (found.code, found.findings[0].id) == ("EBMS:0101", "AS4-WRAPPING")


def test_two_security_headers_and_two_signatures() -> None:
    def again(tag: str, parent: str) -> object:
        def add(root: etree._Element) -> None:
            found, holder = root.find(f".//{tag}"), root.find(f".//{parent}")
            assert found is not None
            assert holder is not None
            holder.append(copy.deepcopy(found))

        return add

    for tag, parent in (
        (clark(WSSE, "Security"), clark(SOAP12, "Header")),
        (clark(DS, "Signature"), clark(WSSE, "Security")),
    ):
        data, kind = repacked(packet(), envelope=again(tag, parent))  # type: ignore[arg-type]  # a function of the root
        assert judged(data, kind).code == "EBMS:0101"


@pytest.mark.parametrize("uri", ["", "http://example.test/x", "#xpointer(/)", "#nothing", "file:///etc/passwd"])
def test_references_that_point_elsewhere(uri: str) -> None:
    def point(root: etree._Element) -> None:
        reference = root.find(f".//{clark(DS, 'Reference')}")
        assert reference is not None
        reference.set("URI", uri)

    data, kind = repacked(packet(), envelope=point)
    assert judged(data, kind).code == "EBMS:0101"


def test_the_references_of_a_receipt_are_not_taken_for_those_of_its_signature() -> None:
    """A receipt repeats references that may even name its own ids; only those under SignedInfo count."""
    from eessi import _xml
    from eessi.transport.compose import compose_receipt

    source = packet()
    receipt = compose_receipt(
        "m-1@test", source.references, load_pmode("eessi"), demo_key(FR), NOW, message_id="m-1@test"
    )
    root = _xml.parse(receipt.body)
    nri = root.find(f".//{clark(EB, 'Receipt')}//{clark(DS, 'Reference')}")
    assert nri is not None
    assert nri.get("URI") == "#" + str(root.find(f".//{clark(EB, 'Messaging')}").get(clark(WSU, "Id")))  # type: ignore[union-attr]  # just written
    assert judged(receipt.body, receipt.content_type).result is Result.ACCEPT


# --- who signed ---


def test_the_certificate_is_pinned_to_the_party() -> None:
    source = packet(signer=DE)
    found = judged(source.body, source.content_type)
    assert (found.code, found.findings[0].id) == ("EBMS:0101", "AS4-TRUST")
    assert judged(source.body, source.content_type, pinned=()).code == "EBMS:0101"
    assert judged(source.body, source.content_type, pinned=(FR, DE)).result is Result.ACCEPT


def test_an_expired_or_future_certificate() -> None:
    source = packet()
    for on in (dt.datetime(2019, 1, 1, tzinfo=dt.UTC), dt.datetime(2031, 1, 1, tzinfo=dt.UTC)):
        found = judge(
            source.body, source.content_type, policy=EnvelopePolicy(),
            signers=lambda _envelope, _on: [demo_key(FR).certificate], on=on,
        )  # fmt: skip
        assert found.code == "EBMS:0101"


def test_a_certificate_damaged_in_any_byte_is_refused() -> None:
    """Found by the long run: a certificate that can be read and whose key cannot."""
    import base64

    certificate = demo_key(FR).certificate.public_bytes(Encoding.DER)
    whole = base64.b64encode(certificate)
    for at in range(0, len(certificate), 3):
        damaged = bytearray(certificate)
        damaged[at] ^= 0x41
        changed = base64.b64encode(bytes(damaged))
        data, kind = repacked(packet(), text=lambda body, new=changed: body.replace(whole, new))  # type: ignore[misc]  # bound now
        found = judge(data, kind, policy=EnvelopePolicy())
        assert found.code in {"EBMS:0101", None}
        assert judged(data, kind).code == "EBMS:0101"
        assert Inspection("user", found).report()


def test_what_has_no_canonical_form_is_refused() -> None:
    """Found by the long run: a relative namespace name is well-formed XML and cannot be canonicalised."""
    data, kind = repacked(
        packet(), text=lambda body: body.replace(b"<ds:SignedInfo>", b'<ds:SignedInfo xmlns:x="relative" x:a="">')
    )
    assert judged(data, kind).code == "EBMS:0101"
    data, kind = repacked(
        packet(), text=lambda body: body.replace(b"<eb:UserMessage>", b'<eb:UserMessage xmlns:x="relative" x:a="">')
    )
    assert judged(data, kind).code == "EBMS:0101"
    with pytest.raises(Refused, match="canonical"):
        with_part(b'<a xmlns:x="relative" x:b=""/>', kind="application/xml")


# --- parts ---


def test_missing_surplus_and_doubled_parts() -> None:
    assert judged(*repacked(packet(), parts=lambda parts: [MimePart.of(b"", "a/b", "other")])).code == "EBMS:0011"
    assert (
        judged(*repacked(packet(), parts=lambda parts: [*parts, MimePart.of(b"", "a/b", "more")])).code == "EBMS:0003"
    )
    assert judged(*repacked(packet(), parts=lambda parts: [*parts, *parts])).code == "EBMS:0007"
    assert judged(*repacked(packet(), parts=lambda parts: [attrs.evolve(parts[0], headers=())])).code == "EBMS:0007"


@pytest.mark.parametrize(("href", "code"), [("http://example.test/x", "EBMS:0011"), ("file:///etc/passwd", "EBMS:0011"), ("", "EBMS:0009"), ("p", "EBMS:0009"), ("cid:", "EBMS:0011")])  # fmt: skip
def test_payloads_outside_the_message_are_never_fetched(href: str, code: str) -> None:
    assert judged(*with_part(href=href)).code == code


def test_a_payload_in_the_body() -> None:
    def fill(envelope: Envelope) -> None:
        etree.SubElement(envelope.body, "{urn:x}Payload")

    assert judged(*signed(MESSAGE, [], change=fill)).code == "EBMS:0002"


def test_compression_rules() -> None:
    assert judged(*with_part(gzip.compress(b"x"), CompressionType=GZIP)).code == "EBMS:0303"
    assert judged(*with_part(b"x", CompressionType="application/zip", MimeType="a/b")).code == "EBMS:0003"
    assert judged(*with_part(b"no gzip", CompressionType=GZIP, MimeType="a/b")).code == "EBMS:0303"
    assert judged(*with_part(gzip.compress(b"x")[:-1], CompressionType=GZIP, MimeType="a/b")).code == "EBMS:0303"
    assert judged(*with_part(gzip.compress(b"x") + b"rest", CompressionType=GZIP, MimeType="a/b")).code == "EBMS:0303"
    found = judged(*with_part(gzip.compress(b"x") + gzip.compress(b"y"), CompressionType=GZIP, MimeType="a/b"))
    assert [one.content() for one in found.payloads] == [b"xy"]
    empty = judged(*with_part(gzip.compress(b""), CompressionType=GZIP, MimeType="a/b"))
    assert [one.content() for one in empty.payloads] == [b""]
    damaged = bytearray(gzip.compress(b"x" * 100))
    damaged[15] ^= 0xFF
    assert judged(*with_part(bytes(damaged), CompressionType=GZIP, MimeType="a/b")).code == "EBMS:0303"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("UTF-8", None),
        ("utf-16", None),
        ("ISO-8859-1", None),
        ("utf-9", "EBMS:0003"),
        ("", "EBMS:0003"),
        ("../x", "EBMS:0003"),
    ],
)
def test_character_sets(name: str, code: str | None) -> None:
    assert judged(*with_part(b"x", CharacterSet=name)).code == code


def test_compressing_after_signing_or_encrypting_is_refused() -> None:
    """The order is compress, sign, encrypt; done otherwise, digests or ciphertext do not fit what is sent."""
    data, kind = with_part(b"x", CompressionType=GZIP, MimeType="a/b")  # signed over the plain bytes
    packed = unpack(data, kind)
    kind, data = pack(packed.root.body, [attrs.evolve(packed.parts[0], body=gzip.compress(b"x"))])
    assert judged(data, kind).code == "EBMS:0101"
    late = repacked(
        packet(pmode=ENCRYPTED), parts=lambda parts: [attrs.evolve(one, body=gzip.compress(one.body)) for one in parts]
    )
    assert judged(*late).code == "EBMS:0102"


def test_the_order_of_parts_and_of_what_the_header_says_of_them_is_free() -> None:
    source = packet(
        attachments=(Part("a.pdf", b"%PDF", "application/pdf"), Part("b.pdf", b"%PDF-2", "application/pdf"))
    )
    data, kind = repacked(source, parts=lambda parts: parts[::-1])
    assert [one.id for one in judged(data, kind).payloads] == ["DefaultSED", "a.pdf", "b.pdf"]


def test_a_bomb_is_stopped_by_its_ratio_and_by_the_cap() -> None:
    bomb = gzip.compress(b"\0" * 30_000_000)
    found = judged(*with_part(bomb, CompressionType=GZIP, MimeType="a/b"))
    assert (found.code, found.findings[0].id) == ("EBMS:0004", "AS4-LIMIT")
    small = EnvelopePolicy(limits=Limits(plain=1000))
    assert (
        judged(
            *with_part(gzip.compress(bytes(range(256)) * 8), CompressionType=GZIP, MimeType="a/b"), policy=small
        ).code
        == "EBMS:0004"
    )


@pytest.mark.parametrize("compressed", [True, False])
def test_the_business_document_has_a_cap_of_its_own(compressed: bool) -> None:
    """It is handed over in memory, whereas what lies beside it is read in pieces."""
    policy = EnvelopePolicy(limits=Limits(document=2000))
    said = {"CompressionType": GZIP, "MimeType": "a/b"} if compressed else {}
    for size, result in ((2000, None), (2001, "EBMS:0004")):
        content = bytes(range(256)) * 8
        body = gzip.compress(content[:size]) if compressed else content[:size]
        assert judged(*with_part(body, **said), policy=policy).code == result
    beside = packet(attachments=(Part("a.bin", bytes(range(256)) * 8, "a/b"),))
    roomy = EnvelopePolicy(limits=Limits(document=len(PAYLOAD)))
    assert judged(beside.body, beside.content_type, policy=roomy).result is Result.ACCEPT


def test_a_nested_bomb_is_not_opened_twice() -> None:
    inner = gzip.compress(b"\0" * 3_000_000)
    found = judged(*with_part(gzip.compress(inner), CompressionType=GZIP, MimeType="application/gzip"))
    assert [one.content() for one in found.payloads] == [inner]


def test_thousands_of_parts() -> None:
    parts = [MimePart.of(b"", "a/b", f"p{number}") for number in range(3000)]
    data, kind = repacked(packet(), parts=lambda _: parts)
    assert judged(data, kind).code == "EBMS:0004"


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        ("text/plain", b"a\nb\n", b"a\r\nb\r\n"),
        ("application/xml", b"<a  x='1'/>", b'<a x="1"></a>'),
        ("image/svg+xml", b"<a><!-- c --></a>", b"<a></a>"),
    ],
)
def test_the_content_transform_by_type(kind: str, first: bytes, second: bytes) -> None:
    data, content_type = with_part(first, kind=kind)
    packed = unpack(data, content_type)
    content_type, data = pack(packed.root.body, [attrs.evolve(packed.parts[0], body=second)])
    assert judged(data, content_type).result is Result.ACCEPT
    data, content_type = with_part(first)  # as bytes every difference counts
    packed = unpack(data, content_type)
    content_type, data = pack(packed.root.body, [attrs.evolve(packed.parts[0], body=second)])
    assert judged(data, content_type).code == "EBMS:0101"


def test_a_compressed_part_cannot_be_relabelled_as_text() -> None:
    """The type of a MIME part is not signed: as text its line ends would not count, as what it is they do."""
    candidates = (gzip.compress(hashlib.sha256(bytes([n % 256, n // 256])).digest(), mtime=0) for n in range(60_000))
    body = next(one for one in candidates if b"\r\n" in one and not re.search(rb"(?<!\r)\n|\r(?!\n)", one))
    data, kind = with_part(body, CompressionType=GZIP, MimeType="a/b")
    packed = unpack(data, kind)
    for name, content, result in (
        ("text/plain", body.replace(b"\r\n", b"\n"), Result.REJECT),
        ("text/plain", body, Result.ACCEPT),
        ("application/xml", body, Result.ACCEPT),
    ):
        part = MimePart((("Content-Type", name), ("Content-ID", "<p>")), content)
        kind, data = pack(packed.root.body, [part])
        assert judged(data, kind).result is result


@pytest.mark.parametrize(
    ("said", "labelled", "code"),
    [
        ("application/pdf", "text/plain", "EBMS:0003"),
        ("application/pdf", "application/xml", "EBMS:0003"),
        ("text/plain", "application/octet-stream", None),
        ("text/xml", "application/xml", None),
        ("application/pdf", "application/pdf", None),
    ],
)
def test_a_part_is_not_digested_more_loosely_than_the_signed_header_says(
    said: str, labelled: str, code: str | None
) -> None:
    assert judged(*with_part(b"<a/>", kind=labelled, MimeType=said)).code == code


def test_a_part_that_is_said_to_be_xml_and_is_hostile() -> None:
    with pytest.raises(Refused):
        with_part(b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", kind="application/xml")


def test_a_boundary_inside_a_payload() -> None:
    source = packet()
    boundary = unpack(source.body, source.content_type).content_type.partition('boundary="')[2].partition('"')[0]
    pmode = load_pmode("eessi", {"packaging": {"compress": False}})
    from eessi.transport.compose import compose_user
    from tests.transport.messages import parcel

    inside = attrs.evolve(parcel(), payload=f"<a>\r\n--{boundary}\r\n</a>".encode())
    other = compose_user(inside, pmode, demo_key(FR), NOW)
    found = judged(other.body, other.content_type)
    assert [one.content() for one in found.payloads] == [inside.payload]


def test_an_encrypted_message_at_an_intermediary_shows_its_header_only() -> None:
    source = packet(pmode=ENCRYPTED)
    found = judge(
        source.body, source.content_type, policy=EnvelopePolicy(intermediary=True),
        signers=lambda _envelope, _on: [demo_key(FR).certificate], on=NOW,
    )  # fmt: skip
    assert (found.result, found.payloads) == (Result.ACCEPT, ())
    data, kind = repacked(packet(pmode=ENCRYPTED), text=lambda body: body.replace(b">TC1Leg1<", b">TC1Leg2<"))
    forged = judge(data, kind, policy=EnvelopePolicy(intermediary=True))
    assert forged.code == "EBMS:0101"


def test_two_wrapped_keys_are_refused() -> None:
    def again(root: etree._Element) -> None:
        key = root.find(f".//{clark(XENC, 'EncryptedKey')}")
        assert key is not None
        parent = key.getparent()
        assert parent is not None
        other = copy.deepcopy(key)
        other.set("Id", "other")
        parent.append(other)

    data, kind = repacked(packet(pmode=ENCRYPTED), envelope=again)
    assert judged(data, kind).code == "EBMS:0102"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_the_judge_never_raises(data: bytes) -> None:
    assert judged(data, "").result is Result.REJECT

"""Every guard alone: a message that is whole and rightly signed but for one thing, and the very reason it is refused for.

Most of these would be refused by a second guard too; the reason says that the first one stood. ``guards.toml`` names for each
guard the test that turns red without it.
"""

from __future__ import annotations

import base64
import copy
import datetime as dt
import functools
from collections.abc import Callable

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier
from lxml import etree

from eessi import _xml
from eessi.transport import names, wss
from eessi.transport.compose import compose_error, compose_receipt
from eessi.transport.demo_keys import demo_key
from eessi.transport.ebms import PartInfo, Party, UserMessage, read_envelope, write_envelope
from eessi.transport.judge import Judgement, Result, judge
from eessi.transport.limits import Limits
from eessi.transport.mime import MimePart, pack, unpack
from eessi.transport.names import DS, EB, EBBP, EXC_C14N, SOAP12, WSSE, WSU, XENC, clark
from eessi.transport.pmode import load_pmode
from eessi.transport.policy import EnvelopePolicy
from eessi.transport.refusal import Refused
from eessi.transport.wss.keys import matches_issuer_serial
from tests.transport.messages import BE, DE, FR, NOW, judged, packet, repacked, signed

MESSAGE = UserMessage(
    "i", "2026-01-05T08:00:00Z", Party.of(FR), Party.of(BE), "s", "a", "c", parts=(PartInfo("cid:p"),)
)
PART = MimePart.of(b"content", "application/octet-stream", "p")
READING = EnvelopePolicy.reading()
Change = Callable[[etree._Element], None]


def at(root: etree._Element, *path: tuple[str, str]) -> etree._Element:
    found = root.find(".//" + "/".join(clark(*step) for step in path))
    assert found is not None, path
    return found


def why(found: Judgement) -> str:
    """Code and reason."""
    return f"{found.code} {found.findings[0].params['detail'] if found.findings else ''}"


def resealed(change: Change, message: UserMessage = MESSAGE) -> tuple[bytes, str]:
    """A message whose SignedInfo or header was changed and signed again, so that nothing but the change is wrong."""
    data, kind = signed(message, [PART] if message.parts else [])
    packed = unpack(data, kind)
    root = _xml.parse(bytes(packed.root.body), comments=True)
    change(root)
    text = etree.tostring(at(root, (DS, "SignedInfo")), method="c14n", exclusive=True)
    made = demo_key(FR).private_key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    value = root.find(f".//{clark(DS, 'SignatureValue')}")
    if value is not None:
        value.text = base64.b64encode(made).decode()
    kind, data = pack(_xml.serialise(root), packed.parts)
    return bytes(data), kind


def block(root: etree._Element, *, id: str, inside: str = "") -> etree._Element:
    """A block of the header that the signature leaves out."""
    made = etree.SubElement(at(root, (SOAP12, "Header")), "{urn:x}Block")
    if inside:
        made = etree.SubElement(made, inside)
    made.set(clark(WSU, "Id"), id)
    return made


def reference(
    root: etree._Element,
    uri: str,
    digested: etree._Element | bytes,
    *,
    digest: str = names.SHA256,
    transforms: tuple[str, ...] = (EXC_C14N,),
) -> None:
    """One more reference, whose digest is right."""
    data = digested if isinstance(digested, bytes) else etree.tostring(digested, method="c14n", exclusive=True)
    made = hashes.Hash(hashes.SHA256())
    made.update(data)
    one = etree.SubElement(at(root, (DS, "SignedInfo")), clark(DS, "Reference"), URI=uri)
    listed = etree.SubElement(one, clark(DS, "Transforms"))
    for transform in transforms:
        etree.SubElement(listed, clark(DS, "Transform"), Algorithm=transform)
    etree.SubElement(one, clark(DS, "DigestMethod"), Algorithm=digest)
    etree.SubElement(one, clark(DS, "DigestValue")).text = base64.b64encode(made.finalize()).decode()


def signed_block(root: etree._Element, **more: object) -> None:
    reference(root, "#x", block(root, id="x"), **more)  # type: ignore[arg-type]  # as given


def references_of(root: etree._Element) -> list[etree._Element]:
    return at(root, (DS, "SignedInfo")).findall(clark(DS, "Reference"))


def test_what_is_signed_again_without_a_change_is_accepted() -> None:
    """Else the cases below would prove nothing."""
    assert judged(*resealed(lambda root: None)).result is Result.ACCEPT
    assert judged(*resealed(signed_block)).result is Result.ACCEPT


# --- the signature ---


def two_headers(root: etree._Element) -> None:
    etree.SubElement(at(root, (SOAP12, "Header")), clark(WSSE, "Security"))


def two_infos(root: etree._Element) -> None:
    etree.SubElement(at(root, (DS, "Signature")), clark(DS, "SignedInfo"))


def same_id(root: etree._Element) -> None:
    block(root, id="x")
    block(root, id="x")


def method(name: str, algorithm: str) -> Change:
    return lambda root: at(root, (DS, name)).set("Algorithm", algorithm)


def without_references(count: int) -> Change:
    def change(root: etree._Element) -> None:
        for one in references_of(root)[:count]:
            at(root, (DS, "SignedInfo")).remove(one)

    return change


def without_reference_to(number: int) -> Change:
    return lambda root: at(root, (DS, "SignedInfo")).remove(references_of(root)[number])


def twice(root: etree._Element) -> None:
    at(root, (DS, "SignedInfo")).append(copy.deepcopy(references_of(root)[0]))


def nested_security(root: etree._Element) -> None:
    holder = block(root, id="y", inside=clark(WSSE, "Security"))
    inner = etree.SubElement(holder, "{urn:x}Inner")
    inner.set(clark(WSU, "Id"), "x")
    reference(root, "#x", inner)


def other_body(root: etree._Element) -> None:
    """The signed body stands elsewhere; the one of the envelope is not signed."""
    body = at(root, (SOAP12, "Body"))
    moved = block(root, id=str(body.get(clark(WSU, "Id"))), inside=clark(SOAP12, "Body"))
    body.set(clark(WSU, "Id"), "other")
    old = next(one for one in references_of(root) if one.get("URI") == f"#{moved.get(clark(WSU, 'Id'))}")
    at(root, (DS, "SignedInfo")).remove(old)
    reference(root, str(old.get("URI")), moved)


def two_transforms(root: etree._Element) -> None:
    listed = references_of(root)[-1].find(clark(DS, "Transforms"))
    assert listed is not None
    etree.SubElement(listed, clark(DS, "Transform"), Algorithm=EXC_C14N)


def no_value(root: etree._Element) -> None:
    at(root, (DS, "Signature")).remove(at(root, (DS, "SignatureValue")))


def no_key(root: etree._Element) -> None:
    at(root, (DS, "Signature")).remove(at(root, (DS, "KeyInfo")))


def token(value: bytes, *, tag: str = "BinarySecurityToken") -> Change:
    def change(root: etree._Element) -> None:
        one = at(root, (WSSE, "BinarySecurityToken"))
        one.text, one.tag = base64.b64encode(value).decode(), clark(WSSE, tag)

    return change


def der(key: wss.KeyPair) -> bytes:
    return key.certificate.public_bytes(Encoding.DER)


def negative_serial() -> bytes:
    """As damage on the way makes it; later versions of the library will not read it at all (RFC 5280, 4.1.2.2)."""
    made = bytearray(der(demo_key(FR)))
    at = made.index(b"\x02\x14", 12) if b"\x02\x14" in made[12:30] else made.index(b"\x02\x13", 12)
    made[at + 2] |= 0x80
    return bytes(made)


@functools.cache
def certificate(kind: str) -> x509.Certificate:
    """A certificate that is not usual: another kind of key, or very large."""
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = demo_key(FR).private_key
    if kind == "ec":
        key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "synthetic")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, NOW, NOW + dt.timedelta(days=1))
    if kind == "large":
        filling = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), bytes(70_000))
        made = made.add_extension(filling, critical=False)
    return made.sign(key, hashes.SHA256())


SIGNATURES: dict[str, tuple[Change, str]] = {
    "two security headers": (two_headers, "EBMS:0101 there is more than one security header"),
    "two SignedInfo": (two_infos, "EBMS:0101 the signature must have one SignedInfo"),
    "two elements with one id": (same_id, "EBMS:0101 two elements have the same id"),
    "another canonical form of SignedInfo": (
        method("CanonicalizationMethod", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
        "EBMS:0101 SignedInfo is not canonicalised exclusively",
    ),
    "another signature algorithm": (
        method("SignatureMethod", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        "EBMS:0101 the signature algorithm is not accepted",
    ),
    "no reference": (without_references(9), "EBMS:0101 the signature covers nothing"),
    "the header is left out": (without_reference_to(0), "EBMS:0101 the signature does not cover header and body"),
    "the body is left out": (without_reference_to(1), "EBMS:0101 the signature does not cover header and body"),
    "the part is left out": (without_reference_to(2), "EBMS:0101 the signature does not cover every part"),
    "one reference twice": (twice, "EBMS:0101 the signature covers the same thing twice"),
    "another digest": (
        lambda root: signed_block(root, digest="http://www.w3.org/2000/09/xmldsig#sha1"),
        "EBMS:0101 a digest algorithm is not accepted",
    ),
    "a reference outside": (
        lambda root: reference(root, "http://example.test/x", b""),
        "EBMS:0101 a reference points outside the message",
    ),
    "a reference to nothing": (
        lambda root: reference(root, "#nothing", b""),
        "EBMS:0101 a reference points at no element",
    ),
    "a signed part that did not come": (
        lambda root: reference(root, "cid:nothing", b"", transforms=(names.ATTACHMENT_CONTENT,)),
        "EBMS:0101 a signed part is not in the message",
    ),
    "a security header inside another block": (
        nested_security,
        "EBMS:0101 a reference points at an element in a strange place",
    ),
    "another body": (other_body, "EBMS:0101 a reference points at an element in a strange place"),
    "two transforms of an element": (
        lambda root: signed_block(root, transforms=(EXC_C14N, EXC_C14N)),
        "EBMS:0101 a reference to an element must use exclusive canonicalisation alone",
    ),
    "two transforms of a part": (
        two_transforms,
        "EBMS:0101 a reference to a part must use the content transform alone",
    ),
    "no signature value": (no_value, "EBMS:0101 the signature value is missing or not base64"),
    "no key": (no_key, "EBMS:0101 the signature names no certificate that can be read"),
    "a token that is none": (
        token(der(demo_key(FR)), tag="Other"),
        "EBMS:0101 the signature names no certificate that can be read",
    ),
    "a token with something else": (
        token(b"\x30\x03abc"),
        "EBMS:0101 the signature names no certificate that can be read",
    ),
    "a negative serial number": (
        lambda root: token(negative_serial())(root),
        "EBMS:0101 the signature names no certificate that can be read",
    ),
    "a key of another kind": (
        lambda root: token(certificate("ec").public_bytes(Encoding.DER))(root),
        "EBMS:0101 the signer's key is no RSA key",
    ),
    "somebody else's key": (token(der(demo_key(DE))), "EBMS:0101 the signature value does not fit the certificate"),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name: str) -> None:
    change, reason = SIGNATURES[name]
    assert why(judged(*resealed(change))) == reason


def test_a_signature_of_something_else() -> None:
    def other(root: etree._Element) -> None:
        made = demo_key(FR).private_key.sign(b"something else", padding.PKCS1v15(), hashes.SHA256())
        at(root, (DS, "SignatureValue")).text = base64.b64encode(made).decode()

    assert (
        why(judged(*repacked(packet(), envelope=other))) == "EBMS:0101 the signature value does not fit the certificate"
    )


def test_a_certificate_of_more_than_64_kib_is_not_read() -> None:
    large = certificate("large")
    data, kind = resealed(token(large.public_bytes(Encoding.DER)))
    found = judge(data, kind, policy=EnvelopePolicy(), signers=lambda _envelope, _on: (large,), on=NOW)
    assert why(found) == "EBMS:0101 the signature names no certificate that can be read"


def test_references_are_counted() -> None:
    found = judged(*resealed(lambda root: None), policy=EnvelopePolicy(limits=Limits(references=2)))
    assert why(found) == "EBMS:0004 more than 2 references"


def test_issuer_and_serial_number_both_count() -> None:
    one, other = demo_key(FR).certificate, demo_key(BE).certificate
    issuer = one.issuer.rfc4514_string()
    assert matches_issuer_serial(one, issuer, str(one.serial_number))
    assert not matches_issuer_serial(one, issuer, str(one.serial_number + 1))
    assert not matches_issuer_serial(one, other.issuer.rfc4514_string(), str(one.serial_number))


def test_a_certificate_that_is_not_at_hand() -> None:
    source = packet(pmode=load_pmode("eessi", {"security": {"key_reference": "ski"}}))
    found = judge(source.body, source.content_type, policy=EnvelopePolicy(), on=NOW)
    assert why(found) == "EBMS:0101 the certificate of the signer is not at hand"
    assert judge(source.body, source.content_type, policy=READING, on=NOW).result is Result.PARSE


def test_a_message_laid_out_after_it_was_signed_proves_nothing() -> None:
    data, kind = repacked(packet(), envelope=lambda root: etree.indent(root))
    assert why(judged(data, kind)) == "EBMS:0101 the file was pretty-printed after it was signed"
    assert judged(data, kind, policy=READING).result is Result.PARSE


# --- encryption ---


def of_encryption(change: Change) -> Judgement:
    data, kind = repacked(packet(pmode=load_pmode("edelivery")), envelope=change)
    return judged(data, kind)


def no_data(root: etree._Element) -> None:
    one = at(root, (XENC, "EncryptedData"))
    one.getparent().remove(one)  # type: ignore[union-attr]  # it has one


def data_twice(root: etree._Element) -> None:
    one = at(root, (XENC, "EncryptedData"))
    again = copy.deepcopy(one)
    again.set("Id", "again")
    one.addnext(again)


def broken_key(root: etree._Element) -> None:
    at(root, (XENC, "EncryptedKey"), (XENC, "CipherData"), (XENC, "CipherValue")).text = base64.b64encode(
        bytes(256)
    ).decode()


def no_cid(root: etree._Element) -> None:
    one = at(root, (XENC, "CipherReference"))
    one.set("URI", str(one.get("URI")).removeprefix("cid:"))


@pytest.mark.parametrize("change", [no_data, data_twice, broken_key, no_cid])
def test_whatever_is_wrong_with_encryption_is_answered_alike(change: Change) -> None:
    assert why(of_encryption(change)) == "EBMS:0102 the message cannot be decrypted"


def test_the_form_of_the_parts_is_looked_at_before_anything_is_decrypted() -> None:
    def zipped(root: etree._Element) -> None:
        listed = [one for one in root.iter(clark(EB, "Property")) if one.get("name") == "CompressionType"]
        listed[0].text = "application/zip"
        broken_key(root)

    assert why(of_encryption(zipped)) == "EBMS:0003 the compression of a part is not gzip"


def test_algorithms_are_looked_at_before_anything_is_decrypted() -> None:
    def weak(root: etree._Element) -> None:
        at(root, (DS, "SignatureMethod")).set("Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")
        broken_key(root)

    assert why(of_encryption(weak)) == "EBMS:0101 the signature algorithm is not accepted"


# --- the header ---

HEADERS = {
    "two eb:Messaging": (
        "</eb:Messaging>=></eb:Messaging><x:Messaging xmlns:x='" + EB + "'/>",
        "there is more than one eb:Messaging header",
    ),
    "a blank service": ("<eb:Service>s</=><eb:Service> </", "Service is missing or empty"),
    "no sender": ("eb:From>=>eb:Von>", "the party From is missing"),
    "no receiver": ("eb:To>=>eb:An>", "the party To is missing"),
    "two headers": ("<soap:Body=><soap:Header/><soap:Body", "the envelope has more than one Header"),
    "two bodies": ("<soap:Body=><soap:Body/><soap:Body", "the envelope must have one Body"),
}
SIGNAL = "<eb:SignalMessage><eb:MessageInfo><eb:MessageId>s</eb:MessageId></eb:MessageInfo>{}</eb:SignalMessage>"
SIGNALS = {
    "nothing": ("", "eb:Messaging is empty"),
    "no id": (SIGNAL.format("<eb:PullRequest/>").replace("<eb:MessageId>s</eb:MessageId>", ""), "MessageId is missing or empty"),
    "an empty signal": (SIGNAL.format(""), "a SignalMessage must hold a receipt, errors or a pull request"),
    "two kinds": (SIGNAL.format("<eb:PullRequest/><eb:Receipt/>"), "a SignalMessage must hold a receipt, errors or a pull request"),
    "two requests": (SIGNAL.format("<eb:PullRequest/><eb:PullRequest/>"), "a SignalMessage holds the same signal twice"),
    "an error without code": (SIGNAL.format('<eb:Error errorCode="" severity="failure"/>'), "an Error lacks its code or its severity"),
    "an error without severity": (SIGNAL.format('<eb:Error errorCode="EBMS:0001" severity=""/>'), "an Error lacks its code or its severity"),
    "a reference without its URI": (
        SIGNAL.format(
            f'<eb:Receipt><n:NonRepudiationInformation xmlns:n="{EBBP}"><n:MessagePartNRInformation><d:Reference xmlns:d="{DS}">'
            '<d:DigestMethod Algorithm="a"/><d:DigestValue>AA==</d:DigestValue></d:Reference></n:MessagePartNRInformation>'
            "</n:NonRepudiationInformation></eb:Receipt>"
        ),
        "a ds:Reference lacks its URI, digest method or digest value",
    ),
}  # fmt: skip


def refused(data: bytes, limits: Limits | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        read_envelope(data, limits=limits or Limits())
    return caught.value


@pytest.mark.parametrize("name", HEADERS)
def test_header(name: str) -> None:
    change, reason = HEADERS[name]
    old, _, new = change.partition("=>")
    text = _xml.serialise(write_envelope((MESSAGE,), ids={"messaging": "m", "body": "b"}).root).decode()
    prefix = text.partition(":Envelope")[0].rpartition("<")[2]
    old, new = old.replace("soap:", f"{prefix}:"), new.replace("soap:", f"{prefix}:")
    assert old in text
    found = refused(text.replace(old, new).encode())
    assert (found.code, found.detail) == ("EBMS:0009", reason)


def messaging(inside: str) -> bytes:
    return (
        f'<s:Envelope xmlns:s="{SOAP12}"><s:Header><eb:Messaging xmlns:eb="{EB}">{inside}</eb:Messaging></s:Header>'
        "<s:Body/></s:Envelope>"
    ).encode()


@pytest.mark.parametrize("name", SIGNALS)
def test_signal(name: str) -> None:
    inside, reason = SIGNALS[name]
    found = refused(messaging(inside))
    assert (found.code, found.detail) == ("EBMS:0009", reason)


def test_what_is_no_soap_envelope() -> None:
    other = (
        messaging(SIGNAL.format("<eb:PullRequest/>"))
        .replace(b"s:Envelope", b"o:Envelope")
        .replace(b"xmlns:s=", b"xmlns:o='urn:x' xmlns:s=")
    )
    assert refused(other).detail == "the root element is no SOAP envelope"


def test_bundled_units_are_counted() -> None:
    bundle = messaging(SIGNAL.format("<eb:PullRequest/>") * 3)
    assert len(read_envelope(bundle, limits=Limits(units=3)).units) == 3
    assert refused(bundle, Limits(units=2)).detail == "eb:Messaging has more than 2 units"


def test_a_missing_action_and_a_bare_fault_are_read_and_never_accepted() -> None:
    data, kind = signed(attrs.evolve(MESSAGE, action=None), [PART])
    assert why(judged(data, kind)) == "EBMS:0009 Action is missing"
    assert judged(data, kind, policy=READING).result is Result.PARSE
    fault = f'<s:Envelope xmlns:s="{SOAP12}"><s:Body><s:Fault/></s:Body></s:Envelope>'.encode()
    assert why(judged(fault, "application/soap+xml")) == "EBMS:0009 a SOAP fault without an ebMS header"
    assert judged(fault, "application/soap+xml", policy=READING).result is Result.PARSE


def test_a_payload_in_the_body_that_the_header_names_and_one_that_it_does_not() -> None:
    def filled(message: UserMessage) -> tuple[bytes, str]:
        return signed(message, [], change=lambda envelope: etree.SubElement(envelope.body, "{urn:x}Payload"))

    named, unnamed = attrs.evolve(MESSAGE, parts=(PartInfo("#b"),)), attrs.evolve(MESSAGE, parts=())
    assert why(judged(*filled(unnamed))) == "EBMS:0002 there is a payload in the SOAP body"
    assert judged(*filled(unnamed), policy=READING).result is Result.REJECT
    assert why(judged(*filled(named))) == "EBMS:0002 the payload stands in the SOAP body"
    assert judged(*filled(named), policy=READING).result is Result.PARSE


def test_a_stored_header_says_how_a_part_is_compressed() -> None:
    """The parts are not in the file, and the header alone is wrong."""
    from eessi.transport.ebms import Property

    listed = PartInfo("cid:p", (Property("CompressionType", "application/zip"), Property("MimeType", "a/b")))
    data, kind = signed(attrs.evolve(MESSAGE, parts=(listed,)), [PART])
    envelope = bytes(unpack(data, kind).root.body)
    assert (
        why(judged(envelope, "application/soap+xml", policy=READING))
        == "EBMS:0003 the compression of a part is not gzip"
    )


# --- signals and what is not signed ---


def test_a_receipt_whose_references_are_foreign() -> None:
    made = compose_receipt("m", packet().references, load_pmode("eessi"), demo_key(FR), NOW, message_id="r")
    foreign = bytes(made.body).replace(EBBP.encode(), b"http://example.test/other-signals")
    unproved = EnvelopePolicy(require_signed=False)

    def receipt(root: etree._Element) -> None:
        header = at(root, (EB, "Messaging"))
        header[:] = [copy.deepcopy(one) for one in at(etree.fromstring(foreign), (EB, "Messaging"))]
        info = at(root, (DS, "SignedInfo"))
        old = references_of(root)[0]
        info.remove(old)
        reference(root, str(old.get("URI")), header)

    data, kind = resealed(receipt, attrs.evolve(MESSAGE, parts=()))
    assert why(judged(data, kind, policy=unproved)) == "EBMS:0302 the receipt's references are in an unknown namespace"


def test_nothing_unsigned_stands_for_itself_but_a_whole_message() -> None:
    open_ = EnvelopePolicy(require_signed=False)
    made = compose_error("EBMS:0004", "x", load_pmode("eessi"), demo_key(FR), NOW, message_id="e", ref_to="m")

    def unsigned(root: etree._Element) -> None:
        one = at(root, (WSSE, "Security"))
        one.getparent().remove(one)  # type: ignore[union-attr]  # it has one

    root = _xml.parse(bytes(made.body))
    unsigned(root)
    assert why(judged(_xml.serialise(root), "", policy=open_)) == "EBMS:0103 nothing in this message is signed"
    data, kind = repacked(packet(), envelope=unsigned)
    assert judged(data, kind, policy=open_).result is Result.ACCEPT
    lines = data.replace(b"\r\n", b"\n")
    assert why(judged(lines, kind, policy=open_)).startswith("EBMS:0007 the lines of the frame end in LF")

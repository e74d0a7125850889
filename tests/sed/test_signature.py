"""Signatures: the form that documents have, proved by other hands, and refused when anything is out of place."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from eessi import _xml
from eessi.errors import SecurityError, UsageError
from eessi.schemas import Fidelity, Registry
from eessi.sed import Sed
from eessi.sed.signature import _loaded as signer_certificate
from eessi.sed.signature import check_parts, sign, verify
from eessi.trust import INCLUSIVE_C14N, RSA_SHA256, SHA256, SecurityPolicy
from tests.sed.grown import document
from tests.sed.signing import NOW, certificate, key
from tests.sed.test_records import structure_of

DS = "{http://www.w3.org/2000/09/xmldsig#}"


def sed_of(data: bytes) -> Sed:
    return Sed(_xml.parse(data), data)


@pytest.fixture(scope="module")
def plain() -> Sed:
    return sed_of(document(structure_of(Registry.default(), "S071"), 1, fill=1.0))


@pytest.fixture(scope="module")
def signed(plain: Sed) -> Sed:
    return sign(plain, key(), certificate(), signing_time=NOW, registry=Registry.default())


def der(number: int = 0) -> bytes:
    return certificate(number).public_bytes(serialization.Encoding.DER)


def test_what_was_signed_by_whom_and_when(plain: Sed, signed: Sed) -> None:
    verified = verify(signed)
    assert verified.signed == etree.tostring(plain.root, method="c14n", exclusive=True)
    assert verified.root == "S071"
    assert verified.subject == certificate().subject.rfc4514_string()
    assert verified.serial == 4711
    assert verified.thumbprint == hashlib.sha256(der()).hexdigest()
    assert verified.signing_time == NOW
    assert verified.exclusive
    assert verified.trusted is None
    assert any("trusted" in text for text in verified.not_checked)
    assert any("revoked" in text for text in verified.not_checked)


def test_the_bytes_around_the_signature_stay(plain: Sed, signed: Sed) -> None:
    start, end = signed.data.index(b"<ds:Signature"), signed.data.index(b"</ds:Signature>") + len(b"</ds:Signature>")
    assert signed.data[:start] + signed.data[end:] == plain.data


def test_a_signed_document_is_still_valid(signed: Sed, registry: Registry) -> None:
    import eessi

    assert eessi.validate(signed, registry).is_valid


def test_the_text_is_in_canonical_form(signed: Sed) -> None:
    """The parts are hashed as they are written, which is right only when they are canonical already."""
    signature = signed.root[-1]
    assert etree.tostring(signature, method="c14n", exclusive=True).decode() in signed.data.decode()


def test_signxml_agrees(signed: Sed) -> None:
    signxml = pytest.importorskip("signxml")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pem = certificate().public_bytes(serialization.Encoding.PEM)
        config = signxml.SignatureConfiguration(expect_references=2, verification_time=NOW)
        results = signxml.XMLVerifier().verify(
            etree.fromstring(signed.data), x509_cert=pem.decode(), expect_config=config
        )
    assert results[0].signed_data == verify(signed).signed


def test_by_hand(signed: Sed) -> None:
    """The rule of the wire facts, written down with nothing but a canonicaliser and a hash."""
    root = etree.fromstring(signed.data)
    root.remove(root[-1])
    digest = base64.b64encode(hashlib.sha256(etree.tostring(root, method="c14n", exclusive=True)).digest()).decode()
    assert digest == etree.fromstring(signed.data).findtext(f".//{DS}DigestValue")


LAYOUTS: list[Callable[[bytes], bytes]] = [
    lambda data: data.replace(b"><", b">\n  <"),
    lambda data: data.replace(b"><", b">\r\n\t<"),
    lambda data: data.replace(b"<Person>", b"<Person><!-- note -->"),
    lambda data: data.replace(b"<Person>", b"<Person><?keep me?>"),
    lambda data: data.replace(b"?>\n", b"?>\n<?before this?><!-- a -->\n") + b"\n<!-- </s:S071> -->\n<?after?>\n",
    lambda data: data.replace(b"</s:S071>", b"\n</s:S071 >\n"),
    lambda data: data.replace(b"<s:S071 ", b'<s:S071 xmlns:unused="urn:x" '),
    lambda data: data.partition(b"?>\n")[2],
    lambda data: data.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
    lambda data: data.replace(b"<familyName>", b"<familyName>&amp;&#x20AC;<![CDATA[<x>]]>"),
    lambda data: (
        data.replace(b"s:S071", b"S071").replace(b"xmlns:s=", b"xmlns=").replace(b"<Person>", b'<Person xmlns="">')
    ),
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout_can_be_signed(plain: Sed, layout: Callable[[bytes], bytes]) -> None:
    sed = sed_of(layout(plain.data))
    done = sign(sed, key(), certificate(), signing_time=NOW, loopback=True)
    assert verify(done).root == "S071"
    assert verify(sed_of(done.data)).signed == verify(done).signed


def test_white_space_around_the_signature_counts(signed: Sed) -> None:
    wider = signed.data.replace(b"</ds:Signature>", b"</ds:Signature>\n")
    with pytest.raises(SecurityError, match="changed after it was signed"):
        verify(sed_of(wider))


def test_comments_do_not_count(signed: Sed) -> None:
    assert verify(sed_of(signed.data.replace(b"<Person>", b"<Person><!-- later -->"))).root == "S071"


def replaced(data: bytes, pattern: str, by: str) -> bytes:
    text, count = re.subn(pattern, by, data.decode(), count=1, flags=re.DOTALL)
    assert count == 1
    return text.encode()


BAD: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("changed after", lambda d: replaced(d, "<familyName>", "<familyName>x")),
    ("changed after", lambda d: replaced(d, ' sedVer="4"', ' sedVer="3"')),
    ("changed after", lambda d: replaced(d, "<Person>", "<Person><?do it?>")),
    ("signature value does not match", lambda d: replaced(d, "(<ds:SignatureValue[^>]*>)....", r"\1AAAA")),
    ("properties of the signature were changed", lambda d: replaced(d, "2026-03-01T12", "2026-03-01T13")),
    ("not signed", lambda d: replaced(d, "<ds:Signature .*</ds:Signature>", "")),
    ("more than one", lambda d: replaced(d, "(<ds:Signature .*</ds:Signature>)", r"\1\1")),
    ("not the last child", lambda d: replaced(d, "</ds:Signature>", "</ds:Signature><new/>")),
    ("not the last child", lambda d: replaced(d, "(<Person>)(.*)(<ds:Signature .*</ds:Signature>)", r"\1\3\2")),
    ("an id twice", lambda d: replaced(d, "<Person>", f'<Person Id="{_id(d)}">')),
    ("an id twice", lambda d: replaced(d, "<Person>", '<Person Id="r-id-1">')),
    ("does not cover", lambda d: replaced(d, 'Type="" URI=""', 'Type="" URI="#r-id-1"')),
    ("does not cover", lambda d: replaced(replaced(d, ' Id="r-id-1"', ""), "(<ds:Reference .*?</ds:Reference>)", r"\1\1")),
    ("does not cover", lambda d: replaced(d, "<ds:Reference Type=.*?</ds:Reference>", "")),
    ("not its own|other than its own", lambda d: replaced(d, 'URI="#xades-id', 'URI="#xades-other')),
    ("belong to another", lambda d: replaced(d, 'Target="#id', 'Target="#other')),
    ("digest algorithm", lambda d: replaced(d, "xmlenc#sha256", "xmldsig#sha1")),
    ("signature algorithm", lambda d: replaced(d, "rsa-sha256", "rsa-sha1")),
    ("signature algorithm", lambda d: replaced(d, "xmldsig-more#rsa-sha256", "xmldsig#hmac-sha1")),
    ("canonicalisation", lambda d: replaced(d, 'CanonicalizationMethod Algorithm="[^"]*"', 'CanonicalizationMethod Algorithm="urn:x"')),
    ("transforms other", lambda d: replaced(d, "(<ds:Transform )", '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>\\1')),
    ("parameters", lambda d: replaced(d, "(enveloped-signature\">)", "\\1<ds:XPath>not(x)</ds:XPath>")),
    ("not base64", lambda d: replaced(d, "(<ds:X509Certificate>)", r"\1*")),
    ("does not bring", lambda d: replaced(d, "<ds:X509Certificate>.*</ds:X509Certificate>", f"<ds:X509Certificate>{base64.b64encode(der(1)).decode()}</ds:X509Certificate>")),
    ("does not bring", lambda d: replaced(d, "<ds:KeyInfo>.*</ds:KeyInfo>", "")),
    ("SignatureValue, not one", lambda d: replaced(d, "<ds:SignatureValue.*</ds:SignatureValue>", "")),
    ("SignedProperties, not one", lambda d: replaced(d, "(<xades:SignedProperties)(.*)(</xades:SignedProperties>)", r"\1\2\3\1/>")),
]  # fmt: skip


def _id(data: bytes) -> str:
    found = re.search(rb'<ds:Signature xmlns:ds="[^"]*" Id="([^"]*)"', data)
    assert found
    return found[1].decode()


@pytest.mark.parametrize(("why", "change"), BAD, ids=[f"{number}-{why[:20]}" for number, (why, _) in enumerate(BAD)])
def test_what_is_out_of_place_is_refused(signed: Sed, why: str, change: Callable[[bytes], bytes]) -> None:
    data = change(signed.data)
    assert data != signed.data
    with pytest.raises(SecurityError, match=why) as refused:
        verify(sed_of(data))
    shown = str(refused.value)
    assert "\n" not in shown
    assert base64.b64encode(der()).decode()[:30] not in shown


def test_wrapping_is_refused(signed: Sed) -> None:
    """The signed document hidden inside another one that would be read in its place."""
    inner = signed.data.partition(b"?>\n")[2]
    outer = signed.data.replace(b"<familyName>", b"<familyName>evil").replace(
        b"</s:S071>", b"<hidden>" + inner + b"</hidden></s:S071>"
    )
    with pytest.raises(SecurityError):
        verify(sed_of(outer))
    stolen = re.search(rb"<ds:Signature .*</ds:Signature>", signed.data, re.DOTALL)
    assert stolen
    bare = signed.data.replace(stolen[0], b"")
    wrapped = bare.replace(b"<familyName>", b"<familyName>evil").replace(
        b"</s:S071>", b"<o>" + bare.partition(b"?>\n")[2] + b"</o>" + stolen[0] + b"</s:S071>"
    )
    with pytest.raises(SecurityError, match="changed after"):
        verify(sed_of(wrapped))


def test_another_key_is_refused(plain: Sed, signed: Sed) -> None:
    """A signature remade with a key of one's own holds, but not as that of a trusted institution."""
    own = sign(plain, key(1), certificate(1), signing_time=NOW, loopback=True)
    policy = SecurityPolicy(trusted=frozenset({hashlib.sha256(der()).hexdigest().upper()}))
    assert verify(signed, policy).trusted is True
    with pytest.raises(SecurityError, match="not one that the policy trusts"):
        verify(own, policy)


def test_the_policy_decides(plain: Sed, signed: Sed) -> None:
    for policy, why in [
        (SecurityPolicy(digest_methods=frozenset()), "digest algorithm"),
        (SecurityPolicy(signature_methods=frozenset()), "signature algorithm"),
        (SecurityPolicy(minimum_rsa_bits=3072), "at least 3072 bits"),
        (SecurityPolicy(on=dt.date(2030, 1, 1)), "not valid on 2030-01-01"),
        (SecurityPolicy(issuers=(der(1), b"no certificate"[:0] or der(1))), "policy trusts"),
    ]:
        with pytest.raises(SecurityError, match=why):
            verify(signed, policy)
    assert verify(signed, SecurityPolicy(on=NOW.date())).trusted is None
    by = sign(plain, key(2), certificate(2, issuer=1), signing_time=NOW, loopback=True)
    authority = certificate(1, name="Authority").public_bytes(serialization.Encoding.DER)
    assert verify(by, SecurityPolicy(issuers=(authority,))).trusted is True
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        SecurityPolicy().on = None  # type: ignore[misc]


def older(plain: Sed, transforms: str, exclusive: bool) -> Sed:
    """A signature as other software writes it, made with lxml and the hash alone."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    done = sign(plain, key(), certificate(), signing_time=NOW, loopback=True)
    root = etree.fromstring(done.data)
    signature = root[-1]
    digest = base64.b64encode(
        hashlib.sha256(etree.tostring(plain.root, method="c14n", exclusive=exclusive)).digest()
    ).decode()
    reference = signature[0][2]
    reference[0].getparent().replace(
        reference[0], etree.fromstring(f'<ds:Transforms xmlns:ds="{DS[1:-1]}">{transforms}</ds:Transforms>')
    )  # type: ignore[union-attr]  # it has one
    reference[2].text = digest
    value = key().sign(etree.tostring(signature[0], method="c14n", exclusive=True), PKCS1v15(), hashes.SHA256())
    signature[1].text = base64.b64encode(value).decode()
    return sed_of(etree.tostring(root))


ENVELOPED_ONLY = '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'


def test_the_older_form_is_read_and_named(plain: Sed) -> None:
    for transforms in (ENVELOPED_ONLY, f'{ENVELOPED_ONLY}<ds:Transform Algorithm="{INCLUSIVE_C14N}"/>'):
        sed = older(plain, transforms, exclusive=False)
        assert verify(sed).exclusive is False
        with pytest.raises(SecurityError, match="older, inclusive form"):
            verify(sed, SecurityPolicy(inclusive=False))


def test_a_reference_without_the_enveloped_transform_is_refused(plain: Sed) -> None:
    with pytest.raises(SecurityError, match="transforms other"):
        verify(older(plain, "", exclusive=False))


@pytest.mark.parametrize("code", ["A001"])
def test_sandbox_and_unproved_documents_are_not_signed_for_others(registry: Registry, plain: Sed, code: str) -> None:
    sandbox = sed_of(document(structure_of(registry, code, "1.0"), 1))
    entry = next(e for p in registry.packages for e in p.entries() if e.fidelity is Fidelity.OBSERVED)
    observed = sed_of(document(structure_of(registry, entry.sed, str(entry.version)), 1))
    broken = sed_of(plain.data.replace(b"<Person>", b"<Person><odd/>"))
    arguments = {"key": key(), "certificate": certificate(), "signing_time": NOW}
    for sed in (sandbox, observed, broken):
        with pytest.raises(SecurityError):
            sign(sed, registry=registry, **arguments)  # type: ignore[arg-type]  # keywords of sign
        assert verify(sign(sed, loopback=True, **arguments)).root  # type: ignore[arg-type]  # keywords of sign
    with pytest.raises(SecurityError, match="not checked"):
        sign(plain, **arguments)  # type: ignore[arg-type]  # keywords of sign


def test_what_cannot_be_signed(plain: Sed, signed: Sed) -> None:
    for change, error, why in [
        ({"sed": signed}, UsageError, "signed already"),
        ({"signing_time": dt.datetime(2026, 1, 1)}, UsageError, "no time zone"),
        ({"key": key(1)}, SecurityError, "does not belong"),
        ({"key": ec.generate_private_key(ec.SECP256R1())}, SecurityError, "only RSA"),
        ({"sed": sed_of(b'<s:S071 xmlns:s="http://ec.europa.eu/eessi/ns/4_4/S071"/>')}, UsageError, "empty"),
    ]:
        arguments = {
            "sed": plain,
            "key": key(),
            "certificate": certificate(),
            "signing_time": NOW,
            "loopback": True,
        } | change
        with pytest.raises(error, match=why):
            sign(**arguments)  # type: ignore[arg-type]  # keywords of sign


def test_the_public_signature_of_2020(shared: Path) -> None:
    """Its document is not public; its properties, its value and its form are all there is to check."""
    data = (shared / "as4" / "xades" / "sed-signature-2020.xml").read_bytes()
    root = etree.fromstring(data)
    parts = check_parts(root, SecurityPolicy())
    assert parts.digest == root.findtext(f".//{DS}DigestValue")
    assert (parts.digest_method, parts.exclusive) == (SHA256, True)
    assert parts.signing_time == dt.datetime(2020, 9, 22, 15, 1, 4, tzinfo=dt.UTC)
    with pytest.raises(SecurityError, match="properties of the signature were changed"):
        check_parts(etree.fromstring(data.replace(b"15:01:04", b"15:01:05")), SecurityPolicy())


def test_the_public_document_of_2017(shared: Path) -> None:
    """It was pretty-printed and edited later: without the blanks, properties and value hold, its digest does not."""
    data = (shared / "as4" / "eessi" / "defaultSED.xml").read_bytes()
    blanks = etree.XMLParser(remove_blank_text=True)
    signature = next(etree.fromstring(data, blanks).iter(f"{DS}Signature"))
    for element in signature.iter():
        element.text = (element.text or "").strip()
    parts = check_parts(etree.fromstring(etree.tostring(signature)), SecurityPolicy())
    assert parts.exclusive is False


def test_ours_and_the_public_form_have_the_same_elements(signed: Sed, shared: Path) -> None:
    theirs = etree.fromstring((shared / "as4" / "xades" / "sed-signature-2020.xml").read_bytes())
    names = [(element.tag, sorted(element.keys())) for element in theirs.iter()]
    assert [(element.tag, sorted(element.keys())) for element in signed.root[-1].iter()] == names
    algorithms = [element.get("Algorithm") for element in theirs.iter() if element.get("Algorithm")]
    assert [e.get("Algorithm") for e in signed.root[-1].iter() if e.get("Algorithm")] == algorithms
    assert RSA_SHA256 in algorithms


def test_a_certificate_without_a_positive_serial_number_is_none() -> None:
    der = bytearray(certificate().public_bytes(serialization.Encoding.DER))
    at = der.index(bytes.fromhex("02021267"))  # 4711, an INTEGER of two bytes
    der[at + 2] |= 0x80
    with pytest.raises(SecurityError, match="cannot be read"):
        signer_certificate(bytes(der))

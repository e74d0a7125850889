"""Sign and verify a SED (enveloped XAdES, RSA 3072), against the same work by hand in lxml and cryptography, and signxml.

Run: ``python -m benchmarks.sign [--quick] [--output FILE.json]``.
"""

from __future__ import annotations

import base64
import datetime as dt
import functools
import hashlib
import importlib.util
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from lxml import etree

from benchmarks.documents import documents, hardened_parser
from benchmarks.harness import Case, Goal, arguments, measure, report, write_results
from eessi import _xml
from eessi.sed import Sed
from eessi.sed.signature import sign, verify
from eessi.trust import Verified

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
HAND_SIGN, HAND_VERIFY, HAND = "sign by hand (floor)", "verify by hand (floor)", "sign and verify by hand (floor)"
SIGN, VERIFY, BOTH = "sign", "verify", "sign and verify"
DS = "http://www.w3.org/2000/09/xmldsig#"


@functools.cache
def key() -> rsa.RSAPrivateKey:
    """A throw-away key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=3072)


@functools.cache
def certificate() -> x509.Certificate:
    """A self-signed certificate of nobody."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Benchmark")])
    builder = x509.CertificateBuilder(name, name, key().public_key(), 1)
    builder = builder.not_valid_before(NOW - dt.timedelta(days=9)).not_valid_after(NOW + dt.timedelta(days=9))
    return builder.sign(key(), hashes.SHA256())


def _digest(octets: bytes) -> str:
    return base64.b64encode(hashlib.sha256(octets).digest()).decode()


def sign_by_hand(data: bytes) -> bytes:
    """Parse, canonicalise, hash, sign twice hashed information, put it in, write: the least that has to be done."""
    root = etree.fromstring(data, hardened_parser())
    digest = _digest(etree.tostring(root, method="c14n", exclusive=True))
    der = certificate().public_bytes(serialization.Encoding.DER)
    properties = f"<p><time>{NOW.isoformat()}</time><cert>{_digest(der)}</cert></p>"
    info = f'<ds:SignedInfo xmlns:ds="{DS}"><ds:D>{digest}</ds:D><ds:D>{_digest(properties.encode())}</ds:D></ds:SignedInfo>'
    value = base64.b64encode(key().sign(info.encode(), PKCS1v15(), hashes.SHA256())).decode()
    text = (f'<ds:Signature xmlns:ds="{DS}">{info}<ds:V>{value}</ds:V><ds:C>{base64.b64encode(der).decode()}</ds:C>'
            f"<ds:O>{properties}</ds:O></ds:Signature>")  # fmt: skip
    root.append(etree.fromstring(text))
    return etree.tostring(root, encoding="UTF-8")


def verify_by_hand(data: bytes) -> bytes:
    """Parse, take out, canonicalise, hash twice, load the certificate, verify."""
    root = etree.fromstring(data, hardened_parser())
    signature = root[-1]
    root.remove(signature)
    octets = etree.tostring(root, method="c14n", exclusive=True)
    info = signature[0]
    assert info[0].text == _digest(octets)
    assert info[1].text == _digest(etree.tostring(signature[3][0], method="c14n", exclusive=True))
    loaded = x509.load_der_x509_certificate(base64.b64decode(signature[2].text or ""))
    public = loaded.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    canonical = etree.tostring(info, method="c14n", exclusive=True)
    public.verify(base64.b64decode(signature[1].text or ""), canonical, PKCS1v15(), hashes.SHA256())
    return octets


def _ours(data: bytes) -> Sed:
    sed = Sed(_xml.parse(data), data)
    return sign(sed, key(), certificate(), signing_time=NOW, loopback=True)


def _verified(data: bytes) -> Verified:
    return verify(Sed(_xml.parse(data), data))


def cases(data: tuple[bytes, ...], quick: bool) -> list[Case]:
    """Everything from bytes to bytes, and from bytes to a verdict."""
    by_hand, ours = [sign_by_hand(one) for one in data], [_ours(one).data for one in data]

    def signed(number: int, result: object) -> None:
        assert isinstance(result, Sed)
        assert verify(result).root == "S071"

    def covered(number: int, result: object) -> None:
        assert isinstance(result, Verified)
        assert result.signed == etree.tostring(etree.fromstring(data[number]), method="c14n", exclusive=True)

    def octets(number: int, result: object) -> None:
        assert result == etree.tostring(etree.fromstring(data[number]), method="c14n", exclusive=True)

    found = [
        Case(HAND, lambda number: verify_by_hand(sign_by_hand(data[number])), octets),
        Case(BOTH, lambda number: verify(_ours(data[number])), covered),
        Case(HAND_SIGN, lambda number: sign_by_hand(data[number]), lambda number, result: octets(number, verify_by_hand(bytes(result)))),  # type: ignore[call-overload]  # bytes
        Case(SIGN, lambda number: _ours(data[number]), signed),
        Case(HAND_VERIFY, lambda number: verify_by_hand(by_hand[number]), octets),
        Case(VERIFY, lambda number: _verified(ours[number]), covered),
    ]  # fmt: skip
    if not quick and importlib.util.find_spec("signxml"):
        import signxml

        pem = certificate().public_bytes(serialization.Encoding.PEM).decode()
        config = signxml.SignatureConfiguration(expect_references=2, verification_time=NOW)

        def signxml_verify(number: int) -> object:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return signxml.XMLVerifier().verify(etree.fromstring(ours[number]), x509_cert=pem, expect_config=config)

        found.append(Case("signxml verify", signxml_verify, lambda number, result: None))
    return found


def main() -> None:
    options = arguments(__doc__ or "")
    data = documents("5 KB")[:10]
    outcomes = measure(cases(data, options.quick), len(data), baseline=HAND, rounds=options.rounds, sample=0.03)
    text = report(f"sign and verify, S071 4.4, 5 KB, RSA 3072, {len(data)} documents", outcomes, (
        Goal(BOTH, 1.5, 1.2), Goal(SIGN, None), Goal(SIGN, 1 / 1.5, 1 / 1.2, against=HAND_SIGN),
        Goal(VERIFY, 1 / 1.5, 1 / 1.2, against=HAND_VERIFY)))  # fmt: skip
    write_results("sign", [text], options.output)


if __name__ == "__main__":
    main()

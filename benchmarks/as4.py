"""AS4: build a signed, compressed message and take one apart, against RSA, canonical form and gzip by hand.

Run: ``python -m benchmarks.as4 [--quick] [--output FILE.json]``. phase4 in a warm JVM
is measured in ``benchmarks.phase4``.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import hashlib
import zlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from lxml import etree

from benchmarks.documents import documents, hardened_parser
from benchmarks.harness import Case, Goal, arguments, measure, report, write_results
from eessi import _xml
from eessi.ids import InstitutionId
from eessi.transport import Parcel
from eessi.transport.compose import Packet, compose_user, user_message
from eessi.transport.demo_keys import demo_key
from eessi.transport.ebms import write_envelope
from eessi.transport.judge import Judgement, Result, judge
from eessi.transport.pmode import load_pmode
from eessi.transport.policy import EnvelopePolicy

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
ME, OTHER = InstitutionId("FR:0100000001"), InstitutionId("BE:0203980409")
KEY = demo_key(ME, bits=3072)
PMODE = load_pmode("eessi")
HAND_BUILD, HAND_OPEN, HAND = "build by hand (floor)", "open by hand (floor)", "build and open by hand (floor)"
BUILD, OPEN, BOTH = "build", "open", "build and open"


def _parcel(data: bytes) -> Parcel:
    return Parcel(ME, OTHER, data, message_id="m@benchmark", conversation_id="case")


def _c14n(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)


def _digest(octets: bytes) -> str:
    return base64.b64encode(hashlib.sha256(octets).digest()).decode()


TEMPLATE = _xml.serialise(
    write_envelope((user_message(_parcel(b""), PMODE, NOW),), ids={"messaging": "m", "body": "b"}).root
)
"""The header as text: the floor fills nothing in."""


def build_by_hand(data: bytes) -> tuple[bytes, bytes]:
    """Compress, parse the header, three canonical forms and hashes, RSA, put together: the least that has to be done."""
    part = gzip.compress(data, 6, mtime=0)
    root = etree.fromstring(TEMPLATE, hardened_parser())
    digests = [_digest(_c14n(root[0][0])), _digest(_c14n(root[1])), _digest(part)]
    info = etree.SubElement(root[0], "Info")
    for one in digests:
        etree.SubElement(info, "Digest").text = one
    value = base64.b64encode(KEY.private_key.sign(_c14n(info), PKCS1v15(), hashes.SHA256())).decode()
    etree.SubElement(root[0], "Value").text = value
    der = KEY.certificate.public_bytes(serialization.Encoding.DER)
    etree.SubElement(root[0], "Token").text = base64.b64encode(der).decode()
    return etree.tostring(root, encoding="UTF-8"), part


def open_by_hand(envelope: bytes, part: bytes) -> bytes:
    """Parse, the same canonical forms and hashes, load the certificate, RSA, decompress."""
    root = etree.fromstring(envelope, hardened_parser())
    messaging, info, value, token = root[0]
    found = [_digest(_c14n(messaging)), _digest(_c14n(root[1])), _digest(part)]
    assert [one.text for one in info] == found
    public = x509.load_der_x509_certificate(base64.b64decode(token.text or "")).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(base64.b64decode(value.text or ""), _c14n(info), PKCS1v15(), hashes.SHA256())
    return zlib.decompress(part, wbits=31)


def build(data: bytes) -> Packet:
    """A message as the engine makes it."""
    return compose_user(_parcel(data), PMODE, KEY, NOW)


def opened(packet: Packet) -> Judgement:
    """A message as the engine judges it, the sender pinned."""
    return judge(
        packet.body,
        packet.content_type,
        policy=EnvelopePolicy(),
        signers=lambda _envelope, _on: (KEY.certificate,),
        on=NOW,
    )


def cases(data: tuple[bytes, ...]) -> list[Case]:
    """From payload to bytes on the wire, and from those to a verified payload."""
    by_hand, ours = [build_by_hand(one) for one in data], [build(one) for one in data]

    def right(number: int, result: object) -> None:
        assert isinstance(result, Judgement)
        assert result.result is Result.ACCEPT
        assert result.payloads[0].content() == data[number]

    def built(number: int, result: object) -> None:
        assert isinstance(result, Packet)
        right(number, opened(result))

    def octets(number: int, result: object) -> None:
        assert result == data[number]

    def sealed(number: int, result: object) -> None:
        assert isinstance(result, tuple)
        octets(number, open_by_hand(*result))

    return [
        Case(HAND, lambda number: open_by_hand(*build_by_hand(data[number])), octets),
        Case(BOTH, lambda number: opened(build(data[number])), right),
        Case(HAND_BUILD, lambda number: build_by_hand(data[number]), sealed),
        Case(BUILD, lambda number: build(data[number]), built),
        Case(HAND_OPEN, lambda number: open_by_hand(*by_hand[number]), octets),
        Case(OPEN, lambda number: opened(ours[number]), right),
    ]


def main() -> None:
    options = arguments(__doc__ or "")
    data = documents("5 KB")[:10]
    outcomes = measure(cases(data), len(data), baseline=HAND, rounds=options.rounds, sample=0.03)
    text = report(f"AS4, signed and compressed, 5 KB payload, RSA 3072, {len(data)} documents", outcomes, (
        Goal(BOTH, 1.8, 1.3),
        Goal(BUILD, 1 / 1.8, 1 / 1.3, against=HAND_BUILD), Goal(OPEN, 1 / 1.8, 1 / 1.3, against=HAND_OPEN)))  # fmt: skip
    write_results("as4", [text], options.output)


if __name__ == "__main__":
    main()

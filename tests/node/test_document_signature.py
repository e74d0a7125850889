"""A document that is signed is applied only as it was signed, and by whom the directory names."""

from __future__ import annotations

import base64

import attrs
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from eessi.directory import Certificate, Directory
from eessi.node.partners import DirectoryPartners
from eessi.sed import Sed
from eessi.sed.signature import sign
from eessi.transport import Parcel
from eessi.trust import SecurityPolicy
from tests.node.conftest import BE, Pair, sandbox
from tests.node.test_node import parcel_of, take
from tests.sed.signing import NOW, certificate, key


def signed(number: int = 0) -> Sed:
    return sign(sandbox("A001"), key(number), certificate(number), signing_time=NOW, loopback=True)


@pytest.fixture
def parcel(pair: Pair) -> Parcel:
    """A signed document on its way to Belgium."""
    case_id = str(pair.fr.start("LA_BUC_01", [BE], version="4.4"))
    pair.fr.send(case_id, signed())
    return parcel_of(pair, case_id)


def changed(parcel: Parcel) -> Parcel:
    payload = bytes(parcel.payload)
    assert payload.count(b"Testperson<") == 1
    return attrs.evolve(parcel, payload=payload.replace(b"Testperson<", b"Testpersonx<"))


def test_a_signature_that_holds_is_no_obstacle(pair: Pair, parcel: Parcel) -> None:
    assert take(pair, parcel) is None
    assert pair.be.held() == ()


def test_a_document_changed_after_it_was_signed_is_held(pair: Pair, parcel: Parcel) -> None:
    assert "NODE-SIGNATURE" in str(take(pair, changed(parcel)))
    (held,) = pair.be.held()
    assert held.rule == "NODE-SIGNATURE"
    assert "changed after it was signed" in held.reason
    assert "Testperson" not in held.reason


def test_another_signer_is_refused_until_the_directory_names_it(pair: Pair, parcel: Parcel) -> None:
    named = {certificate(1)}
    pair.be.signers = lambda sender, at: SecurityPolicy(
        trusted=frozenset(one.fingerprint(SHA256()).hex() for one in named)
    )
    assert "NODE-SIGNATURE" in str(take(pair, parcel))
    assert not pair.be.retry(parcel.message_id)
    named.add(certificate(0))
    assert pair.be.retry(parcel.message_id)
    assert pair.be.held() == ()


def test_the_directory_names_the_business_certificates() -> None:
    base = Directory.synthetic()
    public = certificate(0).public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    row = Certificate("AA" * 20, public_key=base64.b64encode(public).decode())
    body = attrs.evolve(base.get("BE:SYNTH001"), business_certificates=(row.thumbprint,))
    institutions = {**base.content.institutions, body.id: body}
    known = Directory(attrs.evolve(base.content, institutions=institutions, certificates={row.thumbprint: row}))
    signers = DirectoryPartners(known, [certificate(0), certificate(1)], None).signers
    assert signers(body.id, NOW).trusted == {certificate(0).fingerprint(SHA256()).hex()}
    assert signers(base.get("FR:SYNTH001").id, NOW).trusted == frozenset(), "nothing at hand: not judged"

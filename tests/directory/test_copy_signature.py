"""The signature of a copy: verified, not signed, undetermined or broken, and never taken for good in silence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from eessi.directory import Directory
from eessi.directory.copy_signature import SignatureState
from eessi.directory.store import DirectoryStore
from eessi.directory.syn001_writer import syn001_bytes
from eessi.errors import NotAllowed
from eessi.sed import Message, parse
from eessi.sed.signature import sign
from eessi.trust import SecurityPolicy
from tests.sed.signing import NOW, certificate, key

PLAIN = syn001_bytes(Directory.synthetic())
DER = certificate().public_bytes(serialization.Encoding.DER)
TRUST = SecurityPolicy(issuers=(DER,), on=NOW.date())


@pytest.fixture(scope="module")
def signed() -> bytes:
    """The invented copy, signed in its envelope."""
    message = parse(PLAIN)
    assert isinstance(message, Message)
    document = sign(message.sed, key(), certificate(), signing_time=NOW, loopback=True).data
    begin, end = PLAIN.index(b"<sed:SYN001"), PLAIN.index(b"</sed:SYN001>") + len(b"</sed:SYN001>")
    return PLAIN[:begin] + document[document.index(b"<sed:SYN001") :] + PLAIN[end:]


@pytest.fixture
def store() -> Iterator[DirectoryStore]:
    with DirectoryStore.open("memory:") as store:
        yield store


def thumbprint() -> str:
    import hashlib

    return hashlib.sha256(DER).hexdigest()


def test_not_signed_is_said_so(store: DirectoryStore) -> None:
    copy = store.load(PLAIN, trust=TRUST).copy
    assert copy.signature.state is SignatureState.NOT_SIGNED
    assert store.copies()[0].signature == copy.signature
    assert json.loads(store.events()[-1].body)["signature"] == "not signed"


def test_verified_names_the_signer(store: DirectoryStore, signed: bytes) -> None:
    policy = SecurityPolicy(trusted=frozenset({thumbprint()}), on=NOW.date())
    copy = store.load(signed, trust=policy, must_be_signed=True).copy
    assert copy.signature.state is SignatureState.VERIFIED
    assert copy.signature.thumbprint == thumbprint()
    assert store.directory() == Directory.synthetic()
    assert store.copies()[0].signature == copy.signature


def test_who_signed_is_open_without_a_trusted_certificate(store: DirectoryStore, signed: bytes) -> None:
    with pytest.raises(NotAllowed) as caught:
        store.load(signed, must_be_signed=True)
    assert caught.value.rule == "signature"
    copy = store.load(signed).copy
    assert copy.signature.state is SignatureState.UNDETERMINED
    assert "who signed was not judged" in copy.signature.why


def test_a_copy_changed_after_signing_is_never_loaded(store: DirectoryStore, signed: bytes) -> None:
    changed = signed.replace(b"Synthetic French Sickness Fund", b"Synthetic French Sickness Fumd")
    assert changed != signed
    for must in (False, True):
        with pytest.raises(NotAllowed, match="changed after it was signed") as caught:
            store.load(changed, must_be_signed=must, accept=["older", "same-version", "sender", "loss", "endpoints"])
        assert caught.value.rule == "signature"
    assert store.copies() == ()
    assert [event.action for event in store.events()] == ["copy-refused"] * 2


def test_another_signer_is_refused(store: DirectoryStore, signed: bytes) -> None:
    other = certificate(1).public_bytes(serialization.Encoding.DER)
    with pytest.raises(NotAllowed, match="not one that the policy trusts"):
        store.load(signed, trust=SecurityPolicy(issuers=(other,)))


def test_an_unsigned_copy_is_refused_where_a_signature_is_asked_for(store: DirectoryStore) -> None:
    with pytest.raises(NotAllowed, match=r"no verified signature \(not signed\)"):
        store.load(PLAIN, trust=TRUST, must_be_signed=True)


def test_a_signature_in_another_encoding_is_seen_all_the_same(store: DirectoryStore, signed: bytes) -> None:
    text = signed.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    copy = store.load(text.encode("utf-16"), trust=TRUST).copy
    assert copy.signature.state is not SignatureState.NOT_SIGNED


def test_a_signature_out_of_place_is_broken(store: DirectoryStore, signed: bytes) -> None:
    begin = signed.index(b"<ds:Signature ")
    end = signed.index(b"</ds:Signature>") + len(b"</ds:Signature>")
    moved = signed[:begin] + signed[end:]
    at = moved.index(b"<Institution>") + len(b"<Institution>")
    moved = moved[:at] + signed[begin:end] + moved[at:]
    with pytest.raises(NotAllowed, match="signature is broken"):
        store.load(moved, trust=TRUST)


def test_too_large_to_prove_is_undetermined(store: DirectoryStore, signed: bytes) -> None:
    with pytest.raises(NotAllowed, match="undetermined: larger than"):
        store.load(signed, trust=TRUST, must_be_signed=True, prove_up_to=len(signed) - 1)
    copy = store.load(signed, trust=TRUST, prove_up_to=len(signed) - 1).copy
    assert copy.signature.state is SignatureState.UNDETERMINED


@pytest.mark.parametrize("kind", ["bytes", "path", "file"])
def test_what_is_read_is_what_is_proved(store: DirectoryStore, signed: bytes, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "copy.xml"
    file.write_bytes(signed)
    with file.open("rb") as opened:
        source = {"bytes": signed, "path": file, "file": opened}[kind]
        loaded = store.load(source, trust=TRUST, must_be_signed=True, prove_up_to=len(signed))  # type: ignore[arg-type]
    assert loaded.copy.signature.state is SignatureState.VERIFIED


def test_a_rollback_keeps_what_was_proved_of_its_copy(store: DirectoryStore, signed: bytes) -> None:
    store.load(signed, trust=TRUST)
    store.load(PLAIN.replace(b"<version>1.0.0", b"<version>1.1.0"))
    assert store.rollback().signature.state is SignatureState.VERIFIED


def test_the_same_content_signed_is_told_as_what_it_is(store: DirectoryStore, signed: bytes) -> None:
    store.load(PLAIN)
    again = store.load(signed, trust=TRUST)
    assert (again.changed, again.copy.signature.state) == (False, SignatureState.VERIFIED)
    assert json.loads(store.events()[-1].body)["signature"] == "verified"
    assert store.copies()[0].signature.state is SignatureState.NOT_SIGNED

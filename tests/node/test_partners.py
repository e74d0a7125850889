"""Partners by the directory: only a certificate whose public key the directory names for the party counts."""

from __future__ import annotations

import base64
import datetime as dt

import attrs
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from eessi.directory import Certificate, Directory
from eessi.node.partners import DirectoryPartners, pin_of
from eessi.transport.demo_keys import demo_key
from eessi.transport.identity import AccessPointLink

NOW = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
MINE = demo_key("BE:PINNED").certificate
FOREIGN = demo_key("BE:FOREIGN").certificate


@pytest.fixture
def directory() -> Directory:
    base = Directory.synthetic()
    key = MINE.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    named = Certificate("AA" * 20, public_key=base64.b64encode(key).decode())
    body = attrs.evolve(base.get("BE:SYNTH001"), ebms_certificates=(named.thumbprint,))
    content = base.content
    institutions = {**content.institutions, body.id: body}
    return Directory(attrs.evolve(content, institutions=institutions, certificates={named.thumbprint: named}))


def test_the_named_key_counts_and_no_other(directory: Directory) -> None:
    link = AccessPointLink("local://ap/Outbox", ())
    partner = DirectoryPartners(directory, [MINE, FOREIGN], link).partner("BE:SYNTH001", NOW)
    assert partner is not None
    assert partner.certificates == (MINE,)
    assert directory.certificates["AA" * 20].pin == pin_of(MINE)


def test_a_certificate_that_ran_out_does_not_count(directory: Directory) -> None:
    partners = DirectoryPartners(directory, [MINE], None)
    late = MINE.not_valid_after_utc + dt.timedelta(days=1)
    partner = partners.partner("BE:SYNTH001", late)
    assert partner is not None
    assert partner.certificates == ()


def test_who_is_not_in_the_directory_is_nobody(directory: Directory) -> None:
    assert DirectoryPartners(directory, [MINE], None).partner("BE:UNKNOWN1", NOW) is None


def test_nothing_is_trusted_by_its_thumbprint_alone(directory: Directory) -> None:
    content = directory.content
    keyless = {k: attrs.evolve(c, public_key=None) for k, c in content.certificates.items()}
    bare = Directory(attrs.evolve(content, certificates=keyless))
    partner = DirectoryPartners(bare, [MINE], None).partner("BE:SYNTH001", NOW)
    assert partner is not None
    assert partner.certificates == ()

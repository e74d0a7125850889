"""Sign a document and verify it; a changed space breaks the signature.

Run from the project's folder: python examples/27_sign.py
"""

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

import eessi
from eessi.errors import SecurityError
from eessi.sed.signature import sign, verify
from eessi.trust import SecurityPolicy

now = dt.datetime.now(dt.UTC)
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Institution of an example")])
builder = x509.CertificateBuilder(name, name, key.public_key(), 1)
builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=9))
certificate = builder.sign(key, hashes.SHA256())

sed = eessi.parse(Path(__file__).parent / "documents" / "s071.xml")
assert isinstance(sed, eessi.Sed)
signed = sign(sed, key, certificate, signing_time=now, registry=eessi.Registry.default())

policy = SecurityPolicy(trusted=frozenset({certificate.fingerprint(hashes.SHA256()).hex()}))
verified = verify(signed, policy)
print(f"{verified.root} signed by {verified.subject}; trusted: {verified.trusted}")
print("not checked:", "; ".join(verified.not_checked))

changed = eessi.parse(signed.data.replace(b"<Person>", b"<Person> ", 1))
assert isinstance(changed, eessi.Sed)
try:
    verify(changed)
except SecurityError as error:
    print("refused:", error)

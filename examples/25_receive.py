"""Receive a document: one parse for the verdict and the typed content; what is not known is kept.

Run from the project's folder: python examples/25_receive.py
"""

from pathlib import Path

import attrs

import eessi
from eessi.sed import receive

registry = eessi.Registry.default()
data = (Path(__file__).parent / "documents" / "s071.xml").read_bytes()

received = receive(data, registry)
print(received.sed, received.verdict.outcome, received.record)
record = received.record
assert record is not None
print("filled:", [field.name for field in attrs.fields(type(record)) if getattr(record, field.name)])

again = record.to_sed()
print("the same content comes back:", again.same_content(received.sed))

strange = data.replace(b"</Person>", b"<Note>from a later version</Note></Person>")
other = receive(strange, registry)
print(other.verdict.outcome, [finding.id for finding in other.verdict.findings])
assert other.record is not None
assert other.record.to_sed().same_content(other.sed)
print("what the schema does not know is kept in its place")

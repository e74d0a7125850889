"""Mend a damaged document: apply fixes that follow from the document, and say what only a person can know.

Run from the project's folder: python examples/15_mend_a_document.py
"""

from pathlib import Path

import eessi
from eessi.findings.mending import apply_fix
from eessi.schemas import validate_bytes

registry = eessi.Registry.default()
data = (Path(__file__).parent / "documents" / "s071.xml").read_bytes()

# three slips of a program: a name in the wrong letter case, an ISO country code, a code without its <value>
data = data.replace(b"forename>", b"Forename>").replace(
    b"<value>BE</value></nationality>", b"<value>GR</value></nationality>"
)
data = data.replace(b"<sex><value>02</value></sex>", b"<sex>02</sex>")

while True:
    verdict = validate_bytes(data, registry)
    fixable = [finding for finding in verdict.errors if finding.fix is not None and finding.fix.determined]
    if not fixable:
        break
    print(f"line {fixable[0].line}: {fixable[0].message()}")
    data = apply_fix(data, fixable[0])

print(verdict.outcome)
for finding in verdict.errors:
    print(f"for a person to decide: {finding.message()}")

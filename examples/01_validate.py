"""Validate a document: what is known about it, where it is wrong, and what was not checked.

Run from the project's folder: python examples/01_validate.py
"""

from pathlib import Path

import eessi

DOCUMENTS = Path(__file__).parent / "documents"

registry = eessi.Registry.default()

for name in ("s071.xml", "s071-damaged.xml"):
    sed = eessi.parse(DOCUMENTS / name)
    verdict = eessi.validate(sed, registry)
    print(f"{name}: {verdict.outcome}, judged by {verdict.package} ({verdict.fidelity})")
    for finding in verdict.findings:
        print(f"  line {finding.line}, {finding.path}: {finding.message()}")
        if finding.hint():
            print(f"    {finding.hint()}")
    for gap in verdict.not_checked:
        print(f"  not checked: {gap.what} ({gap.why})")

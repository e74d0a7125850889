"""RINA JSON to XML and back: every value kept, every guess told.

Run from the project's folder: python examples/21_convert_json.py
"""

from pathlib import Path

import eessi
from eessi.sed import read_rina_json
from eessi.sed.rina_json import to_rina_json

registry = eessi.Registry.default()
text = (Path(__file__).parent / "documents" / "a001-rina.json").read_text(encoding="utf-8")

sed = read_rina_json(text, registry=registry)
print(sed, "with", len(list(sed.items())), "values")
assert sed.report is not None
print("dropped:", *(str(entry) for entry in sed.report.lost))
print("guessed:", *sorted({f"{entry.kind} ({entry.detail})" for entry in sed.report.guessed}))

back = to_rina_json(sed, registry)
again = read_rina_json(back.text, registry=registry)
assert dict(again.items()) == dict(sed.items())
print("and back: every value is there; lost on the way:", back.report.lost or "nothing")

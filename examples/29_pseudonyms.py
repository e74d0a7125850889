"""A document without its people: keyed, repeatable, still valid, and searched for what might have survived.

Run from the project's folder: python examples/29_pseudonyms.py
"""

from pathlib import Path

import eessi
from eessi.sed.pseudonymise import pseudonymise, survivors

registry = eessi.Registry.default()
sed = eessi.parse(Path(__file__).parent / "documents" / "s071.xml")
assert isinstance(sed, eessi.Sed)

done = pseudonymise(sed, b"a secret of this example", registry=registry)
print("replaced:", done.replaced, "dropped:", done.dropped)
print("searched for", done.checked, "values; found:", survivors(sed, done.sed) or "none")
print("verdict:", eessi.validate(done.sed, registry).outcome)

path = "Person/PersonIdentification/familyName"
print("now called:", done.sed[path])
assert pseudonymise(sed, b"a secret of this example", registry=registry).sed == done.sed
assert pseudonymise(sed, b"another secret, longer", registry=registry).sed[path] != done.sed[path]
print("the same key says the same, another key something else")

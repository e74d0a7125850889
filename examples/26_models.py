"""Fill a model: wrong values are refused at once, with the finding they would deserve and without showing them.

Run from the project's folder: python examples/26_models.py
"""

from pathlib import Path

import pydantic

import eessi
from eessi.sed.models import findings_of

registry = eessi.Registry.default()
sed = eessi.parse(Path(__file__).parent / "documents" / "s071.xml")
assert isinstance(sed, eessi.Sed)

model = sed.as_model(registry)
content = model.model_dump(by_alias=True, exclude_defaults=True)
for path, wrong in [("sex", "3"), ("familyName", ""), ("dateBirth", "2021-02-29"), ("forename", "x" * 200)]:
    person = {**content["Person"]["PersonIdentification"], path: wrong}
    try:
        type(model).model_validate({**content, "Person": {"PersonIdentification": person}})
    except pydantic.ValidationError as error:
        for finding in findings_of(error):
            print(finding.id, finding.path)

print("valid as it is:", eessi.validate(model.to_sed(), registry).outcome)

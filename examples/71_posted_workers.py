"""The flat table of decisions on the applicable legislation: typed, pseudonymous, with the source of each column; as CSV."""

import csv
import json
import sys

from eessi.node import Node, Vault
from eessi.node.decisions import decisions
from eessi.schemas import Registry
from eessi.sed import read_rina_json
from eessi.transport.corners import FourCorners

corners = FourCorners("FR:SYNTH001", "BE:SYNTH001")
[engine, _] = corners.engines
france = Node(engine.outbox.store, engine, Vault.generate(), clock=lambda: corners.now)

DECISION = {  # synthetic
    "A003": {
        "Person": {"PersonIdentification": {
            "familyName": "Testperson", "forename": "Ada", "dateBirth": "1980-01-15", "sex": {"value": ["02"]},
            "PINPersonInEachInstitution": {"PersonalIdentificationNumber": [
                {"country": {"value": ["FR"]}, "personalIdentificationNumber": "TEST-0001"}]},
        }},
        "DecisionLegislationApplicable": {
            "memberStateWhichLegislationApplies": {"value": ["FR"]},
            "PeriodForWhichDecisionApplies": {"FixedPeriod": {"startDate": "2026-01-01", "endDate": "2027-12-31"}},
        },
        "PlaceWork": {"CountriesWork": [{"countryWork": {"value": ["BE"]}}, {"countryWork": {"value": ["NL"]}}]},
    }
}  # fmt: skip
for _ in range(2):
    case_id = france.start("LA_BUC_02", ["BE:SYNTH001"], version="4.4")
    france.send(case_id, read_rina_json(json.dumps(DECISION), version="4.4", registry=Registry.default()))

found = decisions(france.store, france.vault)
table = csv.DictWriter(sys.stdout, [one.column for one in found.columns])
table.writeheader()
table.writerows(found.rows)
for one in found.columns:
    print(f"{one.column}: {'; '.join(one.sources)}")

# One person, two decisions that overlap: what an inspection looks for. No number or name is needed for it.
first, second = found.rows
assert first["person"] == second["person"]
assert "TEST" not in repr(found)
print("overlap:", first["person"], second["period_start"], first["period_end"])
corners.close()

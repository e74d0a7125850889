"""Fill a SED from plain data; order and code wrappers are the builder's work, and all problems come at once.

Run from the project's folder: python examples/22_build_a_sed.py
"""

import datetime as dt

import eessi
from eessi.sed import BuildError

data = {
    "Person": {
        "PersonIdentification": {
            "sex": "02",
            "dateBirth": dt.date(1980, 1, 15),
            "forename": "Ada",
            "familyName": "Testperson",
        },
        "AdditionalInformationPerson": {"nationality": ["EL", "UK"]},
    },
    "StatusPerson/status": "01",
    "PeriodEntitlement/FixedPeriod": {"startDate": dt.date(2026, 1, 1), "endDate": dt.date(2026, 12, 31)},
    "AddressOfPersonForWhomAnEntitlementDocument/Address": {"town": "Athina", "country": "EL", "street": ""},
}
sed = eessi.build("S071", data, version="4.4")
print(sed, eessi.validate(sed).outcome)

data["StatusPerson/status"] = "77"
data["Person"]["PersonIdentification"]["famlyName"] = "x"
try:
    eessi.build("S071", data, version="4.4")
except BuildError as error:
    for finding in error.findings:
        print(f"  {finding.path}: {finding.message()}; {finding.hint() or ''}"[:120])

"""From an application's records to SEDs: rules with declared sources, and a table of origins for auditors.

Run from the project's folder: python examples/24_map_your_data.py
"""

import eessi
from eessi.sed import BuildError
from eessi.sed.mapping import CodeMap, SedMapping, coded, computed, constant, copy

SEX = CodeMap("sex", {"F": "02", "M": "01"}, source="invented register, table 12")
PERSON = "Person/PersonIdentification"


def iso_date(day: object, month: object, year: object) -> str:
    """Day, month and year as one date."""
    return f"{year}-{month:02}-{day:02}"


mapping = SedMapping(
    "S071",
    "4.4",
    (
        copy(f"{PERSON}/familyName", "surname", required=True),
        copy(f"{PERSON}/forename", "given"),
        computed(f"{PERSON}/dateBirth", ("born.d", "born.m", "born.y"), iso_date),
        coded(f"{PERSON}/sex", "gender", SEX),
        copy("AddressOfPersonForWhomAnEntitlementDocument/Address/town", "town"),
        constant("AddressOfPersonForWhomAnEntitlementDocument/Address/country", "EL", "we serve residents of Greece"),
        constant("StatusPerson/status", "01", "this office insures workers only"),
        copy("PeriodEntitlement/FixedPeriod/startDate", "from"),
        copy("PeriodEntitlement/FixedPeriod/endDate", "to"),
    ),
)
print("rules that do not fit the tree:", mapping.check() or "none")
record = {
    "surname": "Testperson", "given": "Ada", "born": {"d": 15, "m": 1, "y": 1980}, "gender": "F", "town": "Athina",
    "from": "2026-01-01", "to": "2026-12-31", "shoe": 38,
}  # fmt: skip
sed = mapping.apply(record)
print(sed, eessi.validate(sed).outcome, "- fields nobody reads:", mapping.unread(record))
print(mapping.lineage_csv())
try:
    mapping.apply({**record, "gender": "X"})
except BuildError as error:
    print(error)

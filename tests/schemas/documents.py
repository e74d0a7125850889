"""Synthetic S071 4.4 documents: one that is right, and near misses named by what is wrong with them. No real person."""

from __future__ import annotations

NAMESPACE = "http://ec.europa.eu/eessi/ns/4_4/S071"

S071 = f"""<s:S071 xmlns:s="{NAMESPACE}" sedPackage="Sector Components/Sickness/S071" sedGVer="4" sedVer="4">
  <Person>
    <PersonIdentification>
      <familyName>Testperson</familyName><forename>Ada</forename><dateBirth>1980-01-15</dateBirth>
      <sex><value>02</value></sex>
      <PINPersonInEachInstitution><PersonalIdentificationNumber>
        <country><value>EL</value></country><personalIdentificationNumber>TEST123</personalIdentificationNumber>
        <sector><value>06</value></sector>
        <Institution><institutionID>EL:0100000001</institutionID><institutionName>Test fund</institutionName></Institution>
      </PersonalIdentificationNumber></PINPersonInEachInstitution>
    </PersonIdentification>
    <AdditionalInformationPerson><nationality><value>EL</value><value>UK</value></nationality></AdditionalInformationPerson>
  </Person>
  <AddressOfPersonForWhomAnEntitlementDocument>
    <Address><town>Athina</town><postalCode>10431</postalCode><country><value>EL</value></country></Address>
    <residenceInThisCountrySince>2020-02-29</residenceInThisCountrySince>
  </AddressOfPersonForWhomAnEntitlementDocument>
  <StatusPerson><status><value>01</value></status></StatusPerson>
  <PeriodEntitlement><OpenPeriod><typeOpenPeriod><value>01</value></typeOpenPeriod><startDate>2026-01-01</startDate></OpenPeriod></PeriodEntitlement>
</s:S071>"""


def _changed(old: str, new: str) -> str:
    assert S071.count(old) >= 1, old
    return S071.replace(old, new, 1)


NEAR_MISSES = {
    "town missing": _changed("<town>Athina</town>", ""),
    "unknown code": _changed("<value>02</value></sex>", "<value>03</value></sex>"),
    "code unwrapped": _changed("<sex><value>02</value></sex>", "<sex>02</sex>"),
    "code twice": _changed("<value>EL</value><value>UK</value>", "<value>EL</value><value>EL</value>"),
    "two codes where one is allowed": _changed(
        "<value>01</value></status>", "<value>01</value><value>02</value></status>"
    ),
    "GR for EL": _changed("<country><value>EL</value></country>", "<country><value>GR</value></country>"),
    "wrong order": _changed(
        "<forename>Ada</forename><dateBirth>1980-01-15</dateBirth>",
        "<dateBirth>1980-01-15</dateBirth><forename>Ada</forename>",
    ),
    "impossible date": _changed("2020-02-29", "2021-02-29"),
    "too long": _changed("10431", "1" * 26),
    "empty postal code": _changed("10431", ""),
    "empty": _changed("<forename>Ada</forename>", "<forename/>"),
    "choice twice": _changed(
        "</StatusPerson>", "</StatusPerson><StatusPerson><status><value>01</value></status></StatusPerson>"
    ),
    "choice never": _changed("<StatusPerson><status><value>01</value></status></StatusPerson>", ""),
    "institution id": _changed("EL:0100000001", "EL:01"),
    "child in namespace": _changed("<Person>", f'<Person xmlns="{NAMESPACE}">'),
    "root attribute of wrong type": _changed('sedGVer="4"', 'sedGVer="four"'),
    "unknown root attribute": _changed('sedGVer="4"', 'sedGver="4"'),
    "other namespace": S071.replace("4_4/S071", "4_3/S071"),
    "extra element": _changed("<Person>", "<Person><Note/>"),
    "attribute below the root": _changed("<Person>", '<Person id="1">'),
}
"""What is wrong -> document; each breaks exactly one rule of the schema."""

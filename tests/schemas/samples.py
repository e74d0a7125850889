"""A synthetic S071 that people can read, and ways to damage it."""

from __future__ import annotations

from eessi.findings import Finding, Verdict
from eessi.schemas import Registry, validate_bytes

S071 = b"""<?xml version="1.0" encoding="UTF-8"?>
<s:S071 xmlns:s="http://ec.europa.eu/eessi/ns/4_4/S071" sedPackage="Sector Components/Sickness/S071" sedGVer="4" sedVer="4">
  <Person>
    <PersonIdentification>
      <familyName>Testperson</familyName>
      <forename>Ada</forename>
      <dateBirth>1980-01-15</dateBirth>
      <sex><value>02</value></sex>
    </PersonIdentification>
    <AdditionalInformationPerson><nationality><value>EL</value><value>UK</value></nationality></AdditionalInformationPerson>
  </Person>
  <AddressOfPersonForWhomAnEntitlementDocument>
    <Address>
      <town>Athina</town>
      <country><value>EL</value></country>
    </Address>
  </AddressOfPersonForWhomAnEntitlementDocument>
  <StatusPerson><status><value>01</value></status></StatusPerson>
  <PeriodEntitlement><FixedPeriod><startDate>2026-01-01</startDate><endDate>2026-06-30</endDate></FixedPeriod></PeriodEntitlement>
</s:S071>
"""
"""Synthetic: no such person exists."""


def damaged(*changes: tuple[str, str]) -> bytes:
    """The sample with texts replaced, each of which must be in it."""
    text = S071.decode()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text.encode()


def judge(*changes: tuple[str, str], **options: object) -> Verdict:
    """The verdict of the shipped packages on the damaged sample."""
    return validate_bytes(damaged(*changes), Registry.default(), **options)  # type: ignore[arg-type]  # passed on by name


def only(*changes: tuple[str, str]) -> Finding:
    """The single finding on the damaged sample."""
    verdict = judge(*changes)
    assert len(verdict.findings) == 1, [(finding.id, finding.path) for finding in verdict.findings]
    return verdict.findings[0]

"""A copy written as SYN001, record by record: for synthetic copies, tests and the double of the central node.

Names, nesting and order as in the directory facts, section 4.1. What SYN001 has no place for (functions, competence by
risk, contacts of people) is never written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Final
from xml.sax.saxutils import escape

from eessi.directory.days import DEFAULT_ZONE, day_text, instant_text
from eessi.directory.records import (
    ALWAYS,
    AccessPoint,
    Address,
    CentralNode,
    Certificate,
    Contact,
    Endpoint,
    Institution,
    Translation,
)
from eessi.directory.syn001 import CopyHead
from eessi.errors import UsageError
from eessi.ids import InstitutionId, Period

if TYPE_CHECKING:
    from eessi.directory.directory import Directory

__all__ = ["syn001_bytes", "write_syn001"]

_SBDH: Final = "http://eessi.dgempl.ec.europa.eu/namespaces/sbdh"
_SED: Final = "http://ec.europa.eu/eessi/ns/4_2/SYN001"
_NO_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NIL_INSTANCE: Final = "00000000-0000-4000-8000-000000000000"


def syn001_bytes(directory: Directory, *, zone: str = DEFAULT_ZONE) -> bytes:
    """A directory as one SYN001 document."""
    from io import BytesIO

    file = BytesIO()
    content = directory.content
    write_syn001(
        file,
        directory.head,
        content.institutions.values(),
        content.access_points.values(),
        content.certificates.values(),
        content.central_node,
        zone=zone,
    )
    return file.getvalue()


def write_syn001(
    file: BinaryIO,
    head: CopyHead,
    institutions: Iterable[Institution],
    access_points: Iterable[AccessPoint] = (),
    certificates: Iterable[Certificate] = (),
    central_node: CentralNode | None = None,
    *,
    zone: str = DEFAULT_ZONE,
) -> None:
    """Write a copy; memory holds one record at a time.

    :param file: open for writing bytes.
    :param zone: zone whose midnights the days are written as.
    :raises UsageError: when a text holds a character that XML cannot carry.
    """
    writer = _Writer(zone)
    file.write(writer.head(head).encode())
    if central_node is not None:
        file.write(writer.central_node(central_node).encode())
    lists: tuple[tuple[str, Iterator[str]], ...] = (
        ("Institutions", map(writer.institution, institutions)),
        ("AccessPoints", map(writer.access_point, access_points)),
        ("Certificates", map(writer.certificate, certificates)),
    )
    for name, records in lists:
        file.write(f"<{name}>\n".encode())
        for record in records:
            file.write(record.encode())
        file.write(f"</{name}>\n".encode())
    file.write(b"</InstitutionRepository></IRSync></sed:SYN001></sbdh:StandardBusinessDocument>\n")


class _Writer:
    def __init__(self, zone: str) -> None:
        self.zone = zone
        self.periods: dict[Period, str] = {}

    def head(self, head: CopyHead) -> str:
        def party(name: str, id: str | None, kind: str) -> str:
            authority = 'Authority="urn:eu:europa:ec:dgempl:eessi:ir"'
            return (
                f"<sbdh:{name}><sbdh:Identifier {authority}>{_text(id or '')}</sbdh:Identifier>"
                f"<sbdh:ContactTypeIdentifier>{kind}</sbdh:ContactTypeIdentifier></sbdh:{name}>"
            )

        created = _leaf("sbdh:CreationDateAndTime", instant_text(head.created)) if head.created else ""
        version = head.type_version or "4.2"
        instance = _text(head.instance or _NIL_INSTANCE)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<sbdh:StandardBusinessDocument xmlns:sbdh="{_SBDH}"><sbdh:StandardBusinessDocumentHeader>'
            "<sbdh:HeaderVersion>1.1</sbdh:HeaderVersion>"
            + party("Sender", head.sender, "DataSource")
            + party("Receiver", head.receiver, "DataDestination")
            + f"<sbdh:DocumentIdentification>{created}<sbdh:CaseAction>Start</sbdh:CaseAction>"
            "<sbdh:Type>SYN001</sbdh:Type>"
            f"<sbdh:InstanceIdentifier>{instance}</sbdh:InstanceIdentifier>"
            f"<sbdh:TypeVersion>{_text(version)}</sbdh:TypeVersion></sbdh:DocumentIdentification>"
            "<sbdh:BusinessScope><sbdh:DocumentVersion>1</sbdh:DocumentVersion>"
            f"<sbdh:SetId>{instance}</sbdh:SetId><sbdh:CaseId>"
            f"<sbdh:InstanceIdentifier>{instance}</sbdh:InstanceIdentifier>"
            f"<sbdh:BusinessServiceName>SYNC_SUC_01:{_text(version)}</sbdh:BusinessServiceName></sbdh:CaseId>"
            "</sbdh:BusinessScope></sbdh:StandardBusinessDocumentHeader>"
            f'<sed:SYN001 xmlns:sed="{_SED}"><IRSync xmlns="">{_leaf("version", head.version)}<InstitutionRepository>\n'
        )

    def central_node(self, node: CentralNode) -> str:
        return (
            f"<CentralServicesNode>{_leaf('officialID', node.id)}"
            f"{_thumbprints('EbMSSignatureCertificate', node.ebms_certificates)}"
            f"{_endpoint('SystemMessageEndpoint', node.system_endpoint)}"
            f"{_thumbprints('TLSCertificate', node.tls_certificates)}</CentralServicesNode>\n"
        )

    def institution(self, each: Institution) -> str:
        relations = "".join(
            f"<Relation><InstitutionIdentification>{_identity(relation.other)}</InstitutionIdentification>"
            f"<relation>{_leaf('value', relation.kind)}</relation></Relation>"
            for relation in each.relations
        )
        return (
            f"<Institution>{_leaf('officialID', each.id)}{_leaf('cLDId', each.short_name)}"
            f"<countryCode>{_leaf('value', each.country)}</countryCode>"
            f"<isPublicIndicator><value>{int(each.is_public)}</value></isPublicIndicator>"
            f"<isLiaisonBodyIndicator><value>{int(each.is_liaison)}</value></isLiaisonBodyIndicator>"
            f"<Relations>{relations}</Relations>{_translations('Name', each.names)}{self.period(each.period)}"
            f"{_addresses(each.addresses)}{_contact(each.contact)}{self.competences(each)}"
            f"{_thumbprints('EbMSSignatureCertificate', each.ebms_certificates)}"
            f"{_thumbprints('BusinessSignatureCertificate', each.business_certificates)}"
            f"{_endpoint('BusinessMessageEndpoint', each.business_endpoint)}"
            f"{_endpoint('SystemMessageEndpoint', each.system_endpoint)}</Institution>\n"
        )

    def competences(self, each: Institution) -> str:
        rows = [
            f"<Competence>{_leaf('id', row.id)}<applicationRole>{row.role.in_directory}</applicationRole>"
            f"{self.period(row.period)}<BUCType><name>{row.buc}</name></BUCType>"
            f"<isEESSIReady>{str(row.is_ready).lower()}</isEESSIReady></Competence>"
            for row in each.competences
        ]
        return f"<Competences>{''.join(rows)}</Competences>"

    def access_point(self, each: AccessPoint) -> str:
        links = "".join(
            f"<LinkedInstitution><Institution>{_identity(link.institution)}</Institution>"
            f"{self.period(link.period)}</LinkedInstitution>"
            for link in each.links
        )
        return (
            f"<AccessPoint>{_leaf('officialID', each.id)}<countryCode>{_leaf('value', each.country)}</countryCode>"
            f"{_translations('Name', each.names)}<ContactDetails>{_contact(each.contact)}</ContactDetails>"
            f"{_addresses(each.addresses)}{self.period(each.period)}<LinkedInstitutions>{links}</LinkedInstitutions>"
            f"{_thumbprints('EbMSSignatureCertificate', each.ebms_certificates)}"
            f"{_thumbprints('ExternalTLSCertificate', each.external_tls_certificates)}"
            f"{_thumbprints('InternalTLSCertificate', each.internal_tls_certificates)}"
            f"{_endpoint('SystemMessageEndpoint', each.system_endpoint)}"
            f"{_endpoint('BusinessMessageEndpoint', each.business_endpoint)}</AccessPoint>\n"
        )

    def certificate(self, each: Certificate) -> str:
        return (
            f"<Certificate>{_leaf('serialNumber', each.serial_number)}{_leaf('subject', each.subject)}"
            f"{_leaf('issuer', each.issuer)}{_leaf('validFrom', instant_text(each.valid_from))}"
            f"{_leaf('validTo', instant_text(each.valid_to))}{_leaf('thumbprint', each.thumbprint)}"
            f"{_leaf('publicKey', each.public_key)}</Certificate>\n"
        )

    def period(self, period: Period) -> str:
        found = self.periods.get(period)
        if found is None:
            start = "" if period.start == ALWAYS.start else _leaf("start", day_text(period.start, self.zone))
            end = _leaf("end", day_text(period.end, self.zone)) if period.end else ""
            found = f"<ValidityPeriod>{start}{end}</ValidityPeriod>"
            if len(self.periods) < 65_536:
                self.periods[period] = found
        return found


def _text(text: str) -> str:
    if _NO_XML.search(text):
        raise UsageError("a text holds a character that XML cannot carry")
    return escape(text, {"\r": "&#13;"})


def _leaf(name: str, text: str | None) -> str:
    return "" if text is None else f"<{name}>{_text(text)}</{name}>"


def _identity(id: InstitutionId) -> str:
    return f"{_leaf('officialID', id)}<countryCode>{_leaf('value', id.country)}</countryCode>"


def _translations(name: str, texts: Iterable[Translation]) -> str:
    rows = "".join(
        f"<Translation>{_leaf('languageCode', text.language)}{_leaf('text', text.text)}</Translation>" for text in texts
    )
    return f"<{name}>{rows}</{name}>"


def _addresses(addresses: Iterable[Address]) -> str:
    rows = "".join(
        f"<PostalAddress>{_leaf('zIPCode', each.postal_code)}"
        f"<isVisitorAddress>{str(each.is_visitor).lower()}</isVisitorAddress>"
        f"{_translations('Street', each.street)}{_translations('Town', each.town)}</PostalAddress>"
        for each in addresses
    )
    return f"<PostalAddresses>{rows}</PostalAddresses>"


def _contact(contact: Contact) -> str:
    return f"<ContactInfo>{''.join(_contact_parts(contact))}</ContactInfo>"


def _contact_parts(contact: Contact) -> Iterator[str]:
    for group, entry, leaf, values in (
        ("URLs", "URL", "uRL", contact.urls),
        ("EmailAddresses", "EmailAddress", "emailAddress", contact.emails),
        ("FaxNumbers", "FaxNumber", "faxNumber", contact.faxes),
        ("PhoneNumbers", "PhoneNumber", "phoneNumber", contact.phones),
    ):
        yield f"<{group}>{''.join(f'<{entry}>{_leaf(leaf, value)}</{entry}>' for value in values)}</{group}>"


def _thumbprints(name: str, thumbprints: Iterable[str]) -> str:
    rows = "".join(
        f"<{name}><CertificateIdentification>{_leaf('thumbprint', print_)}</CertificateIdentification></{name}>"
        for print_ in thumbprints
    )
    return f"<{name}s>{rows}</{name}s>"


def _endpoint(name: str, endpoint: Endpoint | None) -> str:
    if endpoint is None:
        return ""
    return f"<{name}>{_leaf('channel', endpoint.channel)}{_leaf('messageExchangePattern', endpoint.pattern)}</{name}>"

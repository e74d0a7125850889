"""SYN001, the full copy of the directory as the central node sends it: read as a stream of records.

Names and nesting as in the directory facts, section 4.1; the schema itself is not public. Memory holds one institution
at a time, so a whole European copy can be read into a store.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import attrs
from lxml import etree

from eessi._xml import local_name, stream
from eessi.directory.days import instant_of
from eessi.directory.folding import Folding
from eessi.directory.records import (
    AccessPoint,
    Address,
    CentralNode,
    Certificate,
    Competence,
    Contact,
    Endpoint,
    Environment,
    Institution,
    Link,
    Relation,
    link_order,
)
from eessi.errors import InputError
from eessi.ids import BucId, InstitutionId, Period, Role

__all__ = ["CopyHead", "Record", "read_syn001"]

_ROOTS: Final = ("StandardBusinessDocument", "SYN001", "IRSync", "InstitutionRepository")
_PARTS: Final = (
    "StandardBusinessDocumentHeader",
    "version",
    "CentralServicesNode",
    "Institution",
    "AccessPoint",
    "Certificate",
    "Signature",
)
_SIGNATURE: Final = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_TEMPLATES_KEPT: Final = 200_000
_Template = tuple[BucId, Role, Period, bool]
_USUAL_ROW: Final = re.compile(
    r"\s*<applicationRole>([^<&]*)</applicationRole>\s*<ValidityPeriod>\s*"
    r"(?:<start>([^<&]*)</start>\s*)?(?:<end>([^<&]*)</end>\s*)?</ValidityPeriod>\s*"
    r"<BUCType>\s*<name>([^<&]*)</name>\s*</BUCType>\s*(?:<isEESSIReady>([^<&]*)</isEESSIReady>)?\s*"
)
_PLAIN_HEAD: Final = re.compile(r"(?:<Competences[^<>]*>)?\s*<Competence>\s*")


@attrs.frozen(slots=True)
class CopyHead:
    """Where a copy comes from: its version, the moment it was made, who sent it to whom.

    ``is_signed`` says that a signature was met, not that it holds. ``has_endpoints`` is false for sources that carry no access points; ``environment`` is what the source says of itself.
    Parts arrive in the order of the document, so a reader may meet several heads; the later one is the fuller one.
    """

    version: str | None = None
    created: dt.datetime | None = None
    sender: str | None = None
    receiver: str | None = None
    type_version: str | None = None
    instance: str | None = None
    has_endpoints: bool = True
    environment: Environment | None = None
    is_signed: bool = False


Record = CopyHead | CentralNode | Institution | AccessPoint | Certificate


def read_syn001(
    source: bytes | str | Path | BinaryIO, folding: Folding | None = None, *, name: str | None = None
) -> Iterator[Record]:
    """Read a copy record by record, in the order of the document.

    :param source: bytes, path or binary file; a whole SBDH, a bare SYN001, or the repository element alone.
    :param folding: how words are folded; holds the defects found. A new one is made when absent.
    :raises InputError: not XML, truncated, hostile, or no SYN001. Records yielded before belong to a damaged copy.
    """
    reader = _Reader(folding or Folding())
    label = name or (str(source) if isinstance(source, (str, Path)) else None)
    checked = False
    for element in stream(source, *_PARTS, name=label):
        if not checked:
            root = local_name(element.getroottree().getroot())
            if root not in _ROOTS:
                raise InputError(f"this is no SYN001: its root is {root}", source=label)
            checked = True
        record = reader.read(element)
        if record is not None:
            yield record
    if reader.head.is_signed:
        yield reader.head
    if not checked:
        raise InputError("this is no SYN001: it holds no institution repository", source=label)


class _Reader:
    def __init__(self, folding: Folding) -> None:
        self.folding = folding
        self.head = CopyHead()
        self.templates: dict[str, _Template] = {}
        self.plain_heads: set[str] = set()
        self.ids: dict[str, InstitutionId | None] = {}

    def read(self, element: etree._Element) -> Record | None:
        kind = local_name(element)
        if not self.head.is_signed and next(element.iter(_SIGNATURE), None) is not None:
            self.signed()  # out of place, in a part; whoever proves it will say so
        if kind == "Institution":
            return self.institution(element)
        if kind == "AccessPoint":
            return self.access_point(element)
        if kind == "Certificate":
            return self.certificate(element)
        if kind == "CentralServicesNode":
            return self.central_node(element)
        if kind == "Signature":
            return self.signed() if element.tag == _SIGNATURE else None
        self.head = attrs.evolve(self.head, **(_header(element) if kind != "version" else {"version": _text(element)}))
        return self.head

    def signed(self) -> CopyHead:
        self.head = attrs.evolve(self.head, is_signed=True)
        return self.head

    def institution(self, element: etree._Element) -> Institution | None:
        parts = _children(element)
        id = self.folding.institution_id(_leaf(parts, "officialID") or "", "Institution")
        if id is None:
            return None
        country = self.folding.country(_value(parts, "countryCode"), id)
        return Institution(
            id=id,
            country=country,
            names=self.folding.names(_translations(parts.get("Name")), id),
            short_name=_leaf(parts, "cLDId"),
            period=self.period(parts.get("ValidityPeriod"), id),
            is_public=_value(parts, "isPublicIndicator") not in ("0", "false"),
            is_liaison=_value(parts, "isLiaisonBodyIndicator") in ("1", "true"),
            addresses=_addresses(parts.get("PostalAddresses")),
            contact=_contact(parts.get("ContactInfo")),
            relations=self.relations(parts.get("Relations"), id),
            competences=self.competences(parts.get("Competences"), id),
            ebms_certificates=_thumbprints(parts.get("EbMSSignatureCertificates")),
            business_certificates=_thumbprints(parts.get("BusinessSignatureCertificates")),
            business_endpoint=_endpoint(parts.get("BusinessMessageEndpoint")),
            system_endpoint=_endpoint(parts.get("SystemMessageEndpoint")),
        )

    def access_point(self, element: etree._Element) -> AccessPoint | None:
        parts = _children(element)
        id = self.folding.institution_id(_leaf(parts, "officialID") or "", "AccessPoint")
        if id is None:
            return None
        details = parts.get("ContactDetails")
        return AccessPoint(
            id=id,
            country=self.folding.country(_value(parts, "countryCode"), id),
            names=self.folding.names(_translations(parts.get("Name")), id),
            period=self.period(parts.get("ValidityPeriod"), id),
            addresses=_addresses(parts.get("PostalAddresses")),
            contact=_contact(_children(details).get("ContactInfo") if details is not None else None),
            links=self.links(parts.get("LinkedInstitutions"), id),
            ebms_certificates=_thumbprints(parts.get("EbMSSignatureCertificates")),
            external_tls_certificates=_thumbprints(parts.get("ExternalTLSCertificates")),
            internal_tls_certificates=_thumbprints(parts.get("InternalTLSCertificates")),
            system_endpoint=_endpoint(parts.get("SystemMessageEndpoint")),
            business_endpoint=_endpoint(parts.get("BusinessMessageEndpoint")),
        )

    def central_node(self, element: etree._Element) -> CentralNode | None:
        parts = _children(element)
        id = self.folding.institution_id(_leaf(parts, "officialID") or "", "CentralServicesNode")
        if id is None:
            return None
        return CentralNode(
            id=id,
            ebms_certificates=_thumbprints(parts.get("EbMSSignatureCertificates")),
            tls_certificates=_thumbprints(parts.get("TLSCertificates")),
            system_endpoint=_endpoint(parts.get("SystemMessageEndpoint")),
        )

    def certificate(self, element: etree._Element) -> Certificate | None:
        parts = _children(element)
        thumbprint = (_leaf(parts, "thumbprint") or "").replace(":", "").replace(" ", "").upper()
        if not thumbprint:
            self.folding.defects.refuse("DIR-CERT-NAMELESS", "Certificate")
            return None
        start, end = _leaf(parts, "validFrom"), _leaf(parts, "validTo")
        path = f"Certificate/{thumbprint}"
        return Certificate(
            thumbprint=thumbprint,
            serial_number=_leaf(parts, "serialNumber"),
            subject=_leaf(parts, "subject"),
            issuer=_leaf(parts, "issuer"),
            valid_from=self.instant(start),
            valid_to=self.instant(end),
            public_key=_leaf(parts, "publicKey"),
            period=self.folding.period(start, end, path),
        )

    def instant(self, text: str | None) -> dt.datetime | None:
        try:
            return instant_of(text) if text else None
        except ValueError:
            return None  # the period of the same certificate reports it

    def period(self, element: etree._Element | None, path: str) -> Period:
        if element is None:
            return self.folding.period(None, None, path)
        parts = _children(element)
        return self.folding.period(_leaf(parts, "start"), _leaf(parts, "end"), path)

    def relations(self, element: etree._Element | None, path: str) -> tuple[Relation, ...]:
        found = []
        for relation in element if element is not None else ():
            parts = _children(relation)
            other = parts.get("InstitutionIdentification")
            id = self.other_id(other, f"{path}/Relation") if other is not None else None
            if id is not None:
                found.append(Relation(id, _value(parts, "relation") or ""))
        return tuple(found)

    def links(self, element: etree._Element | None, path: str) -> tuple[Link, ...]:
        found = []
        for link in element if element is not None else ():
            parts = _children(link)
            other = parts.get("Institution")
            id = self.other_id(other, f"{path}/LinkedInstitution") if other is not None else None
            if id is not None:
                found.append(Link(id, self.period(parts.get("ValidityPeriod"), f"{path}/{id}")))
        return tuple(sorted(found, key=link_order))

    def other_id(self, element: etree._Element, path: str) -> InstitutionId | None:
        parts = _children(element)
        text = _leaf(parts, "officialID") or ""
        if text not in self.ids:
            self.ids[text] = self.folding.institution_id(text, path)
        id = self.ids[text]
        country = _value(parts, "countryCode")
        if id is not None and country is not None:
            self.folding.country(country, id)
        return id

    def competences(self, element: etree._Element | None, path: str) -> tuple[Competence, ...]:
        """The hot path of a European copy: what stands in a row besides its name is looked up, not read again.

        Written out by libxml2, equal rows are equal texts whatever the source looked like, so the text is the key.
        """
        if element is None or not len(element):
            return ()
        found = []
        templates = self.templates
        rows: list[etree._Element] | None = None
        texts = etree.tostring(element, encoding="unicode", with_tail=False).split("</Competence>")
        if len(texts) != len(element) + 1:
            texts = [""] * (len(element) + 1)  # empty rows, or something else between them
        for index in range(len(texts) - 1):
            head, _, body = texts[index].partition("</id>")
            before, _, name = head.rpartition("<id>")
            plain = before in self.plain_heads or self.is_plain(before)
            if plain and "&" not in name and "<" not in name:
                template = templates.get(body)
                usual = _USUAL_ROW.fullmatch(body) if template is None else None
                if usual is not None:
                    template = self.template(body, usual, path)
                    if template is None:
                        continue
            else:
                template = None
            if template is None:
                rows = rows if rows is not None else list(element)
                name = _leaf(_children(rows[index]), "id") or ""
                template = self.competence(path, *_words_of(rows[index]))
                if template is None:
                    continue
            buc, role, period, is_ready = template
            found.append(Competence(buc, role, period, is_ready, name.strip() or None))
        return self.folding.competences(found, path)

    def template(self, body: str, usual: re.Match[str], path: str) -> _Template | None:
        """A row read from its text alone: it has the usual parts in the usual order and nothing else."""
        role, start, end, code, ready = usual.groups()
        before = self.folding.defects.total
        found = self.competence(path, role, start, end, code, ready)
        if found is not None and self.folding.defects.total == before and len(self.templates) < _TEMPLATES_KEPT:
            self.templates[body] = found  # only rows without a defect: the others are reported for each institution
        return found

    def is_plain(self, before: str) -> bool:
        """Whether nothing stands before a row's name, so that the text after it says all the rest."""
        if not _PLAIN_HEAD.fullmatch(before):
            return False
        if len(self.plain_heads) < _TEMPLATES_KEPT:
            self.plain_heads.add(before)
        return True

    def competence(
        self, path: str, role_text: str | None, start: str | None, end: str | None, code: str | None, ready: str | None
    ) -> _Template | None:
        """What the words of a row mean; ``None`` when it is refused."""
        defects = self.folding.defects
        buc = self.folding.buc((code or "").strip(), path)
        role = self.folding.role((role_text or "").strip(), path)
        if buc is None or role is None:
            return None
        word = (ready or "").strip().lower()
        if word not in ("true", "false", "1", "0"):
            defects.report("DIR-READY-UNKNOWN", f"{path}/{buc}", "no readiness", expected="true or false")
        return (buc, role, self.folding.period(start, end, f"{path}/{buc}"), word in ("true", "1"))


def _words_of(row: etree._Element) -> tuple[str | None, str | None, str | None, str | None, str | None]:
    """Role, start, end, process and readiness of a row, wherever they stand in it."""
    parts = _children(row)
    period, kind = parts.get("ValidityPeriod"), parts.get("BUCType")
    days = _children(period) if period is not None else {}
    code = _leaf(_children(kind), "name") if kind is not None else None
    return _leaf(parts, "applicationRole"), _leaf(days, "start"), _leaf(days, "end"), code, _leaf(parts, "isEESSIReady")


def _header(element: etree._Element) -> dict[str, object]:
    found: dict[str, object] = {}
    for part in element.iter():
        name, text = local_name(part), _text(part)
        if name == "CreationDateAndTime" and text:
            try:
                found["created"] = instant_of(text)
            except ValueError:
                found["created"] = None
        elif name in ("TypeVersion", "InstanceIdentifier") and local_name(_parent(part)) == "DocumentIdentification":
            found["type_version" if name == "TypeVersion" else "instance"] = text
        elif name == "Identifier" and local_name(_parent(part)) in ("Sender", "Receiver"):
            found[local_name(_parent(part)).lower()] = text
    return found


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    return parent if parent is not None else element


def _text(element: etree._Element | None) -> str | None:
    text = element.text if element is not None else None
    return text.strip() or None if text else None


def _children(element: etree._Element) -> dict[str, etree._Element]:
    return {local_name(child): child for child in element}


def _leaf(parts: dict[str, etree._Element], name: str) -> str | None:
    return _text(parts.get(name))


def _value(parts: dict[str, etree._Element], name: str) -> str | None:
    """Text of ``<name><value>text</value></name>``."""
    element = parts.get(name)
    if element is None:
        return None
    return _text(next(iter(element), None)) if len(element) else _text(element)


def _translations(element: etree._Element | None) -> list[tuple[str | None, str | None]]:
    found = []
    for translation in element if element is not None else ():
        parts = _children(translation)
        text = parts.get("text")
        found.append((_leaf(parts, "languageCode"), text.text if text is not None else None))
    return found


def _addresses(element: etree._Element | None) -> tuple[Address, ...]:
    from eessi.directory.records import Translation

    def texts(part: etree._Element | None) -> tuple[Translation, ...]:
        return tuple(
            Translation((language or "").lower(), text) for language, text in _translations(part) if text is not None
        )

    found = []
    for address in element if element is not None else ():
        parts = _children(address)
        is_visitor = (_leaf(parts, "isVisitorAddress") or "").lower() in ("true", "1")
        found.append(Address(texts(parts.get("Street")), texts(parts.get("Town")), _leaf(parts, "zIPCode"), is_visitor))
    return tuple(found)


def _contact(element: etree._Element | None) -> Contact:
    if element is None:
        return Contact()
    parts = _children(element)

    def leaves(name: str) -> tuple[str, ...]:
        group = parts.get(name)
        texts = [_text(leaf) for entry in group for leaf in entry] if group is not None else []
        return tuple(text for text in texts if text is not None)

    return Contact(leaves("URLs"), leaves("EmailAddresses"), leaves("FaxNumbers"), leaves("PhoneNumbers"))


def _thumbprints(element: etree._Element | None) -> tuple[str, ...]:
    if element is None:
        return ()
    texts = [_text(leaf) for leaf in element.iter() if local_name(leaf) == "thumbprint"]
    return tuple(text.replace(":", "").replace(" ", "").upper() for text in texts if text)


def _endpoint(element: etree._Element | None) -> Endpoint | None:
    if element is None:
        return None
    parts = _children(element)
    channel = _leaf(parts, "channel")
    return Endpoint(channel, (_leaf(parts, "messageExchangePattern") or "").lower()) if channel else None

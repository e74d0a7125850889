"""What the directory knows, as frozen values: institutions, competences, access points, links, certificates.

Fields as synchronised by SYN001 (directory facts, section 4.1), and those of Annex 4 of Regulation 987/2009 that only
national records carry: functions and competence by risk, benefit, scheme and area.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import re

import attrs

from eessi.ids import BucId, InstitutionId, Period, Role

__all__ = [
    "AccessPoint",
    "Address",
    "CentralNode",
    "Certificate",
    "Competence",
    "Contact",
    "Endpoint",
    "Environment",
    "Institution",
    "LegalCompetence",
    "Link",
    "Relation",
    "Translation",
]

ALWAYS = Period(dt.date.min)


class Environment(enum.StrEnum):
    """The world a copy belongs to; copies of different worlds are never mixed."""

    PRODUCTION = "production"
    ACCEPTANCE = "acceptance"
    TEST = "test"
    TRAINING = "training"

    @classmethod
    def of_name(cls, name: str) -> Environment | None:
        """The environment that a name is marked with (``ACC_``, ``TEST_``, ``TRN_``); ``None`` without a mark."""
        mark = re.match(r"\s*(ACC|TEST|TRN)_", name, re.IGNORECASE)
        return _MARKS[mark[1].upper()] if mark else None


_MARKS = {"ACC": Environment.ACCEPTANCE, "TEST": Environment.TEST, "TRN": Environment.TRAINING}


@attrs.frozen(slots=True)
class Translation:
    """A text in one language. ``language`` is ISO 639-1 in small letters; ``text`` stands as it was read."""

    language: str
    text: str

    @property
    def display(self) -> str:
        """The text with line breaks and repeated blanks made one blank."""
        return " ".join(self.text.split())


@attrs.frozen(slots=True)
class Address:
    """A postal or visitor address; street and town per language."""

    street: tuple[Translation, ...] = ()
    town: tuple[Translation, ...] = ()
    postal_code: str | None = None
    is_visitor: bool = False


@attrs.frozen(slots=True)
class Contact:
    """How a body is reached by people: web pages, mail addresses, fax and telephone numbers, in the order given."""

    urls: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    faxes: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()


@attrs.frozen(slots=True)
class Endpoint:
    """Where messages go: a URL that is pushed to, or a named channel that is pulled from.

    ``pattern`` is ``push`` or ``pull``; the letter case of the source is folded.
    """

    channel: str
    pattern: str


@attrs.frozen(slots=True)
class Certificate:
    """A certificate as the directory lists it.

    ``thumbprint`` is SHA-1 there: good for finding, not for trusting. Pin :attr:`pin` instead.
    ``period`` is ``valid_from`` and ``valid_to`` in days; a certificate that runs out during a day does not cover it.
    """

    thumbprint: str
    serial_number: str | None = None
    subject: str | None = None
    issuer: str | None = None
    valid_from: dt.datetime | None = None
    valid_to: dt.datetime | None = None
    public_key: str | None = None
    period: Period = ALWAYS

    @property
    def pin(self) -> str | None:
        """SHA-256 of the public key's bytes, in hexadecimal; ``None`` where the directory gives no key."""
        import base64
        import binascii

        if not self.public_key:
            return None
        try:
            key = base64.b64decode(self.public_key, validate=True)
        except (binascii.Error, ValueError):
            return None
        return hashlib.sha256(key).hexdigest()


@attrs.frozen(slots=True)
class Relation:
    """A relation to another body, in the directory's free words (``successor of``)."""

    other: InstitutionId
    kind: str


@attrs.frozen(slots=True)
class Competence:
    """What a body may do: the role it may take in a process, in a period.

    ``is_ready`` says that it can exchange these messages electronically. ``id`` is the row's name in SYN001.
    """

    buc: BucId
    role: Role
    period: Period
    is_ready: bool = True
    id: str | None = None


@attrs.frozen(slots=True)
class LegalCompetence:
    """Competence in the words of Annex 4: by risk, kind of benefit, scheme and area. SYN001 does not carry it.

    ``risk`` and ``benefit`` are keys of ``data/legal.toml``, scheme and area free texts; ``None`` stands for any.
    """

    risk: str | None = None
    benefit: str | None = None
    scheme: str | None = None
    area: str | None = None


@attrs.frozen(slots=True)
class Institution:
    """A body of social security with its place in the directory.

    ``functions`` are keys of ``data/legal.toml``; certificates are thumbprints into the copy's list.
    ``competences`` are ordered by process, role and start, doubles merged.
    """

    id: InstitutionId
    country: str
    names: tuple[Translation, ...] = ()
    short_name: str | None = None
    period: Period = ALWAYS
    is_public: bool = True
    is_liaison: bool = False
    functions: tuple[str, ...] = ()
    legal_competences: tuple[LegalCompetence, ...] = ()
    addresses: tuple[Address, ...] = ()
    contact: Contact = Contact()
    relations: tuple[Relation, ...] = ()
    competences: tuple[Competence, ...] = ()
    ebms_certificates: tuple[str, ...] = ()
    business_certificates: tuple[str, ...] = ()
    business_endpoint: Endpoint | None = None
    system_endpoint: Endpoint | None = None

    def name(self, language: str = "en") -> str:
        """The name in a language, else in English, else any, else the short name or the id; made fit for display."""
        by_language = {name.language: name for name in reversed(self.names)}
        found = by_language.get(language) or by_language.get("en") or (self.names[0] if self.names else None)
        return found.display if found else self.short_name or self.id

    @property
    def environment(self) -> Environment | None:
        """The environment its names are marked with, ``None`` without a mark."""
        return next((mark for name in self.names if (mark := Environment.of_name(name.text))), None)


@attrs.frozen(slots=True)
class Link:
    """An institution served by an access point, in a period; a move is one link ended and one begun."""

    institution: InstitutionId
    period: Period


def competence_order(row: Competence) -> tuple[str, str, dt.date, str]:
    """Order of competences inside an institution."""
    return (row.buc, row.role, row.period.start, row.id or "")


def link_order(link: Link) -> tuple[str, dt.date, dt.date]:
    """Order of links inside an access point."""
    return (link.institution, link.period.start, link.period.end or dt.date.max)


@attrs.frozen(slots=True)
class AccessPoint:
    """A country's gateway, with the institutions it serves."""

    id: InstitutionId
    country: str
    names: tuple[Translation, ...] = ()
    period: Period = ALWAYS
    addresses: tuple[Address, ...] = ()
    contact: Contact = Contact()
    links: tuple[Link, ...] = ()
    ebms_certificates: tuple[str, ...] = ()
    external_tls_certificates: tuple[str, ...] = ()
    internal_tls_certificates: tuple[str, ...] = ()
    system_endpoint: Endpoint | None = None
    business_endpoint: Endpoint | None = None

    def name(self, language: str = "en") -> str:
        """The name in a language, else in English, else any, else the id."""
        by_language = {name.language: name for name in reversed(self.names)}
        found = by_language.get(language) or by_language.get("en") or (self.names[0] if self.names else None)
        return found.display if found else self.id


@attrs.frozen(slots=True)
class CentralNode:
    """The central service node that distributes the copies."""

    id: InstitutionId
    ebms_certificates: tuple[str, ...] = ()
    tls_certificates: tuple[str, ...] = ()
    system_endpoint: Endpoint | None = None

"""Rules of the wire format that no schema of a single SED states (CDM wire facts, sections 2, 3, 5 and 6)."""

from __future__ import annotations

from collections.abc import Iterator

from eessi import _xml
from eessi.errors import UsageError
from eessi.findings import Fix, Phrase
from eessi.ids import InstitutionId, fold_country
from eessi.schemas.explain_places import Draft, masked, path_of
from eessi.schemas.rules import Subject

__all__ = ["country_spelling", "institution_id", "root_attributes"]


def root_attributes(subject: Subject) -> Iterator[Draft]:
    """``sedGVer`` and ``sedVer`` repeat the version that the namespace states; from CDM 4.0 on."""
    structure, root = subject.structure, subject.root
    if structure is None or structure.version.major < 4:
        return
    first, second = (root.get(name, "").strip() for name in ("sedGVer", "sedVer"))
    major, minor = str(structure.version.major), str(structure.version.minor)
    if first and second and (first, second) != (major, minor):
        got = Phrase("{first} and {second}", first=first[:16], second=second[:16])
        wanted = Phrase("{first} and {second}", first=major, second=minor)
        yield subject.warning("DOC-ATTRIBUTES", root, got=got, expected=(wanted,))


def country_spelling(subject: Subject) -> Iterator[Draft]:
    """EESSI writes Greece EL and the United Kingdom UK, whatever ISO 3166 says."""
    for element in subject.named("country", "nationality", "countryCode", "nationality"):
        for leaf in list(_xml.elements(element)) or [element]:
            text = _xml.text_of(leaf).strip()
            if text in ("GR", "GRC", "GB", "GBR"):
                right = fold_country(text)
                fix = Fix("replace", path_of(leaf, subject.root), right, determined=True)
                yield subject.warning(
                    "RUL-COUNTRY", leaf, got=text, expected=(right,), params={"right": right}, fix=fix
                )


def institution_id(subject: Subject) -> Iterator[Draft]:
    """An institution id is country, colon and 4 to 10 letters or digits."""
    for element in subject.named("institutionID"):
        try:
            fine = InstitutionId(subject.text(element)).is_official_form
        except UsageError:
            fine = False
        if not fine:
            text = subject.text(element)
            wanted = Phrase("country, colon and local part, as in {example}", example="BE:0203980409")
            yield subject.warning("RUL-INSTITUTION", element, got=masked(text), value=text, expected=(wanted,))

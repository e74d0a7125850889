"""Small SYN001 documents for tests: the parts around one institution, filled as a test needs."""

from __future__ import annotations

__all__ = ["competence", "copy", "institution"]


def competence(
    buc: str = "S_BUC_01",
    role: str = "CounterParty",
    start: str | None = "2019-12-31T23:00:00Z",
    end: str | None = None,
    ready: str | None = "true",
    id: str | None = "1",
) -> str:
    """One competence."""
    parts = [f"<id>{id}</id>" if id is not None else "", f"<applicationRole>{role}</applicationRole><ValidityPeriod>"]
    parts += [f"<start>{start}</start>" if start is not None else "", f"<end>{end}</end>" if end is not None else ""]
    parts += [f"</ValidityPeriod><BUCType><name>{buc}</name></BUCType>"]
    parts += [f"<isEESSIReady>{ready}</isEESSIReady>" if ready is not None else ""]
    return f"<Competence>{''.join(parts)}</Competence>"


def institution(
    id: str = "FR:SYNT001",
    *,
    country: str | None = None,
    names: tuple[tuple[str, str], ...] = (("en", "Synthetic Office"),),
    start: str = "<start>2019-12-31T23:00:00Z</start>",
    competences: str = "",
    more: str = "",
) -> str:
    """One institution."""
    texts = "".join(
        f"<Translation><languageCode>{language}</languageCode><text>{text}</text></Translation>"
        for language, text in names
    )
    code = country if country is not None else id[:2]
    return (
        f"<Institution><officialID>{id}</officialID><cLDId>SYN</cLDId><countryCode><value>{code}</value></countryCode>"
        f"<Name>{texts}</Name><ValidityPeriod>{start}</ValidityPeriod><Competences>{competences}</Competences>{more}"
        "</Institution>"
    )


def copy(institutions: str = "", *, version: str = "1.0.0", access_points: str = "", certificates: str = "") -> bytes:
    """A whole copy without envelope."""
    return (
        f"<IRSync><version>{version}</version><InstitutionRepository><Institutions>{institutions}</Institutions>"
        f"<AccessPoints>{access_points}</AccessPoints><Certificates>{certificates}</Certificates>"
        "</InstitutionRepository></IRSync>"
    ).encode()

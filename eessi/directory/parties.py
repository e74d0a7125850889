"""Institutions as other documents name them: identifiers typed by people, party texts in headers, participants of cases.

Source: the quirks missing-prefix, name-as-triple, name-compared-instead-of-id, duplicate-participants, name-length and
payload-code-disagreement of the directory facts.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from importlib.resources import files
from typing import Final

import attrs

from eessi.errors import LimitExceeded, UsageError
from eessi.ids import CdmVersion, InstitutionId, Role, fold_country

__all__ = [
    "NAME_LIMITS",
    "Participant",
    "PartyText",
    "fitting_name",
    "fold_participants",
    "is_own_institution",
    "payload_country",
    "split_party",
    "with_prefix",
]

NAME_LIMITS: Final = {"sed": 155, "national": 100}
"""Longest institution name in characters: in a SED (S071 4.4.0, EESSIInstitutionType), in one national interface."""


def with_prefix(local: str, country: str) -> InstitutionId:
    """An identifier from its local part and a country, for input that is known to lack the country.

    :raises UsageError: when the text has a colon already, or is no local part.
    """
    if ":" in local:
        raise UsageError(f"{local!r} has a country already")
    return InstitutionId(f"{fold_country(country)}:{local.strip()}")


def is_own_institution(id: str, own: Iterable[str]) -> bool:
    """Whether an identifier is one of ours: by the identifier alone, letter by letter, never by a name."""
    return id in {str(each) for each in own}


@attrs.frozen(slots=True)
class PartyText:
    """A party text of a header, taken apart: ``ACRONYM, NAME, CC``."""

    short_name: str | None
    name: str
    country: str | None


def split_party(text: str) -> PartyText:
    """Take ``ACRONYM, NAME, CC`` apart from both ends; commas inside the name stay in it."""
    parts = [part.strip() for part in text.split(",")]
    country = parts.pop() if len(parts) > 1 and len(parts[-1]) in (2, 3) and parts[-1].isupper() else None
    short_name = parts.pop(0) if len(parts) > 1 else None
    return PartyText(short_name, ", ".join(parts), fold_country(country) if country else None)


@attrs.frozen(slots=True)
class Participant:
    """A party of a case."""

    role: Role
    institution: InstitutionId


def fold_participants(participants: Iterable[Participant]) -> tuple[Participant, ...]:
    """Each participant once, in the order first met: after several add and change messages one stands there many times."""
    return tuple(dict.fromkeys(participants))


def fitting_name(name: str, target: str = "sed") -> str:
    """The name, if the target carries it; nothing is cut silently.

    :param target: a key of :data:`NAME_LIMITS`.
    :raises LimitExceeded: when it is longer than the target allows.
    """
    limit = NAME_LIMITS[target]
    if len(name) > limit:
        raise LimitExceeded(f"the name has {len(name)} characters; {target} carries {limit}", limit="name")
    return name


def payload_country(country: str, version: str | CdmVersion) -> str:
    """How the payload of a SED of a version spells a country of the directory: ``EL`` and ``UK`` from 4.4 on.

    :raises UsageError: for a version of which the spelling is not known.
    """
    folded, wanted = fold_country(country), CdmVersion.parse(version).released
    known = _payload_spellings().get(folded)
    if known is None:
        return folded
    fitting = [(since, spelling) for since, spelling in known if since <= wanted]
    if not fitting:
        raise UsageError(f"how CDM {wanted} spells {folded} is not known")
    return max(fitting)[1]


@functools.cache
def _payload_spellings() -> dict[str, list[tuple[CdmVersion, str]]]:
    """From the one table of spellings: country -> first version and spelling of its payload code."""
    import tomllib

    rows = tomllib.loads(files("eessi").joinpath("spellings.toml").read_text(encoding="utf-8"))["country"]
    return {
        row["name"]: [(CdmVersion.parse(version), spelling) for version, spelling in row["payload"].items()]
        for row in rows
        if "payload" in row
    }

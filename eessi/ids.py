"""The small words of the field: codes, versions, roles, identifiers and periods, each with one spelling inside.

Other systems spell the same word differently (``CounterParty``, ``CP``, ``counterparty``); the table
``spellings.toml`` beside this file folds them, and nothing else in the toolkit compares spellings.
"""

from __future__ import annotations

import datetime as dt
import enum
import functools
import re
from collections.abc import Iterable
from typing import Any, Final, Self

import attrs

from eessi.errors import UnknownCode, UsageError

__all__ = [
    "COUNTRIES",
    "Action",
    "BucId",
    "CaseId",
    "CdmVersion",
    "InstitutionId",
    "Period",
    "Role",
    "SedType",
    "fold_country",
    "nearest",
]

COUNTRIES: Final = (
    "AT",
    "BE",
    "BG",
    "CH",
    "CY",
    "CZ",
    "DE",
    "DK",
    "EE",
    "EL",
    "ES",
    "FI",
    "FR",
    "HR",
    "HU",
    "IE",
    "IS",
    "IT",
    "LI",
    "LT",
    "LU",
    "LV",
    "MT",
    "NL",
    "NO",
    "PL",
    "PT",
    "RO",
    "SE",
    "SI",
    "SK",
    "UK",
)
"""The 32 country prefixes of EESSI, in the spelling of the institution directory (S071 4.4.0, EESSIInstitutionIDType)."""

_SED = re.compile(r"(?:SYN|DA|[A-Z])[0-9]{3,5}(?:CB|[A-Z])?")
_BUC = re.compile(
    r"(?:AD|AW|FB|H|LA|M|P|R|S|UB)_BUC_[0-9]{2}[a-z]?|SYNC_SUC_[0-9]{2}|[A-Z]{2,8}(?:_[A-Z]+)*_BUC_\w{1,12}"
)
_INSTITUTION = re.compile(r"(?P<country>[A-Z]{2}):(?P<local>[A-Za-z0-9]{1,50})")
_UUID_HEX = re.compile(r"[0-9a-fA-F]{32}")


def nearest(code: str, known: Iterable[str]) -> str | None:
    """The known code that most resembles ``code``, or ``None`` when nothing is near."""
    import difflib  # only needed once something is wrong

    by_fold = {word.casefold(): word for word in known}
    found = difflib.get_close_matches(code.casefold(), list(by_fold), n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


class SedType(str):
    """Code of a SED: ``S071``, ``P2000``, ``DA012C``, ``X001``. Equal to the plain string.

    :raises UnknownCode: when the text has not the form of a SED code.
    """

    __slots__ = ()

    def __new__(cls, code: str) -> Self:
        if not _SED.fullmatch(code):
            raise UnknownCode("SED code", code)
        return super().__new__(cls, code)

    @property
    def series(self) -> str:
        """The letters in front: ``A`` legislation, ``DA`` accidents at work, ``X`` administrative, ``SYN`` system ..."""
        return re.match(r"[A-Z]+", self)[0]  # type: ignore[index]  # the form was checked when it was made

    @property
    def is_administrative(self) -> bool:
        """Whether this is one of the administrative SEDs X001 to X100."""
        return self.startswith("X")


class BucId(str):
    """Code of a process: ``LA_BUC_01``, ``S_BUC_17a``. Equal to the plain string; letter case as the directory spells it.

    :raises UnknownCode: when the text has not the form of a BUC code.
    """

    __slots__ = ()

    def __new__(cls, code: str) -> Self:
        head, _, tail = code.rpartition("_")
        folded = f"{head.upper()}_{tail.lower()}"
        spelled = folded if re.fullmatch(r"[A-Z]+_BUC_[0-9]{2}[a-z]?|SYNC_SUC_[0-9]{2}", folded) else code
        if not _BUC.fullmatch(spelled):
            raise UnknownCode("BUC code", code)
        return super().__new__(cls, spelled)

    @property
    def sector(self) -> str:
        """The letters in front of ``_BUC_``: ``LA``, ``S``, ``AD`` ..."""
        return self.split("_", 1)[0]


@functools.total_ordering
@attrs.frozen(slots=True, eq=False)
class CdmVersion:
    """Version of the common data model: ``4.4`` or, with a patch level, ``4.4.0``.

    Ordered by number (4.10 after 4.9). The namespace of a SED tells major and minor only, so a version
    without a patch level equals every patch level of it only through :meth:`same_minor`, never by ``==``.
    """

    major: int
    minor: int
    patch: int | None = None

    @classmethod
    def parse(cls, text: str | CdmVersion) -> CdmVersion:
        """Read ``"4.4"``, ``"4.4.0"``, ``"v4.4"`` or ``"4_4"``.

        :raises UsageError: when the text is not a version.
        """
        return text if isinstance(text, CdmVersion) else _version(text)

    @property
    def released(self) -> CdmVersion:
        """The version without its patch level, as namespaces, headers and cases name it."""
        return self if self.patch is None else CdmVersion(self.major, self.minor)

    def same_minor(self, other: CdmVersion) -> bool:
        """Whether both belong to the same released version, whatever their patch levels."""
        return (self.major, self.minor) == (other.major, other.minor)

    def namespace(self, sed: str) -> str:
        """Namespace of the root element of ``sed`` in this version (CDM wire facts, section 2)."""
        if (self.major, self.minor) <= (3, 1):
            return "http://ec.europa.eu/eessi/ns"
        return f"http://ec.europa.eu/eessi/ns/{self.major}_{self.minor}/{sed}"

    def _key(self) -> tuple[int, int, int]:
        return (self.major, self.minor, -1 if self.patch is None else self.patch)

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, CdmVersion) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __lt__(self, other: CdmVersion) -> bool:
        return self._key() < other._key()

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}" + ("" if self.patch is None else f".{self.patch}")


@functools.lru_cache(maxsize=256)
def _version(text: str) -> CdmVersion:
    found = re.fullmatch(r"[vV]?(\d{1,4})[._](\d{1,4})(?:[._](\d{1,4}))?", text.strip())
    if not found:
        raise UsageError(f"{text!r} is not a CDM version; write it like 4.4 or 4.4.0")
    major, minor, patch = found.groups()
    return CdmVersion(int(major), int(minor), None if patch is None else int(patch))


class InstitutionId(str):
    """Identifier of an institution, access point or the central node: ``FR:0100000001``, ``UK:APUK01``, ``EU:CSN01``.

    Letter case and leading zeros matter and are kept. The schema of S071 4.4.0 allows 4 to 10 letters or digits
    after the colon; older and test identifiers differ, so the form accepted here is wider (1 to 50) and
    :attr:`is_official_form` tells.

    :raises UsageError: when the text has not the form ``CC:LOCAL``.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if not _INSTITUTION.fullmatch(text):
            raise UsageError(
                f"{text!r} is not an institution id; write country, colon and local part, like BE:0203980409"
            )
        return super().__new__(cls, text)

    @property
    def country(self) -> str:
        """The two letters in front of the colon."""
        return self[:2]

    @property
    def local(self) -> str:
        """The national part behind the colon."""
        return self[3:]

    @property
    def is_official_form(self) -> bool:
        """Whether the id obeys EESSIInstitutionIDType of CDM 4.4.0."""
        return (self.country in COUNTRIES or self.country == "EU") and 4 <= len(self.local) <= 10


class CaseId(str):
    """International id of a case. XML writes a UUID with hyphens, RINA's JSON 32 hexadecimal digits: both are equal here."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        bare = text.replace("-", "")
        if _UUID_HEX.fullmatch(bare):
            low = bare.lower()
            text = f"{low[:8]}-{low[8:12]}-{low[12:16]}-{low[16:20]}-{low[20:]}"
        return super().__new__(cls, text)

    @property
    def hex(self) -> str:
        """The id without hyphens, as RINA's JSON writes it."""
        return self.replace("-", "")


class _Folded(enum.StrEnum):
    @classmethod
    def parse(cls, text: str) -> Self:
        """Fold any known spelling to the one used inside.

        :raises UnknownCode: for a word that no table row knows.
        """
        found = _spellings(cls.__name__.lower()).get(text.strip().casefold())
        if found is None:
            raise UnknownCode(cls.__name__.lower(), text, nearest(text, [member.value for member in cls]))
        return cls(found)


class Role(_Folded):
    """Part an institution plays in a case or a system exchange."""

    CASE_OWNER = "CaseOwner"
    COUNTERPARTY = "Counterparty"
    INTELLIGENT_RA = "IntelligentRA"
    DATA_SOURCE = "DataSource"
    DATA_DESTINATION = "DataDestination"

    @property
    def in_directory(self) -> str:
        """The spelling of SYN001 and of the directory's own tables: ``CounterParty``."""
        return _directory_spellings().get(self.value, self.value)

    @property
    def opposite(self) -> Role:
        """The other side of a case or system exchange.

        :raises UsageError: for a role that has no opposite.
        """
        pairs = {
            Role.CASE_OWNER: Role.COUNTERPARTY,
            Role.COUNTERPARTY: Role.CASE_OWNER,
            Role.DATA_SOURCE: Role.DATA_DESTINATION,
            Role.DATA_DESTINATION: Role.DATA_SOURCE,
        }
        if self not in pairs:
            raise UsageError(f"the role {self} has no opposite")
        return pairs[self]


class Action(_Folded):
    """What a message does to its case (SBDH CaseAction)."""

    START = "Start"
    NEW = "New"
    UPDATE = "Update"


@functools.cache
def _spelling_rows(kind: str) -> list[dict[str, Any]]:
    import tomllib
    from pkgutil import get_data  # importlib.resources loads tempfile, shutil and bz2 for one small file

    rows: list[dict[str, Any]] = tomllib.loads((get_data("eessi", "spellings.toml") or b"").decode("utf-8"))[kind]
    return rows


@functools.cache
def _spellings(kind: str) -> dict[str, str]:
    return {
        spelling.casefold(): row["name"] for row in _spelling_rows(kind) for spelling in (row["name"], *row["also"])
    }


@functools.cache
def _directory_spellings() -> dict[str, str]:
    return {row["name"]: row["directory"] for row in _spelling_rows("role") if "directory" in row}


def fold_country(code: str) -> str:
    """Fold ISO spellings to those of EESSI: ``GR`` to ``EL``, ``GB`` to ``UK``, ``DEU`` to ``DE``; others come back in capitals."""
    return _spellings("country").get(code.casefold(), code.upper())


@attrs.frozen(slots=True)
class Period:
    """Days from ``start`` to ``end``, the start included, the end not; an absent end stays open.

    The end of a validity in the directory is the first day no longer covered.
    """

    start: dt.date
    end: dt.date | None = None

    def covers(self, day: dt.date) -> bool:
        """Whether ``day`` lies in the period."""
        return self.start <= day and (self.end is None or day < self.end)

    def overlaps(self, other: Period) -> bool:
        """Whether the two periods share at least one day."""
        return (other.end is None or self.start < other.end) and (self.end is None or other.start < self.end)

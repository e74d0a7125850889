"""Social security across borders: documents (SEDs), cases (BUCs), the institution directory and AS4 messages of EESSI.

Everything here is loaded on first use, so that ``import eessi`` stays light::

    sed = eessi.parse(data)                          # bytes, path or file -> Sed, or Message for an SBDH
    verdict = eessi.validate(sed, eessi.Registry.default())
    case = eessi.buc("LA_BUC_01").start(as_="CaseOwner", version="4.3")
    directory = eessi.Directory.load(syn001)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eessi.buc import Buc, Case, Event, Move
    from eessi.buc import buc as buc
    from eessi.directory import Directory, Institution
    from eessi.errors import (
        EessiError,
        InputError,
        NotAllowed,
        PackageError,
        PeerViolation,
        SecurityError,
        TransportError,
    )
    from eessi.findings import Finding, Outcome, Severity, Verdict
    from eessi.ids import Action, BucId, CaseId, CdmVersion, InstitutionId, Period, Role, SedType
    from eessi.schemas import CdmPackage, Registry
    from eessi.sed import Header, Message, Sed, build, parse, serialise, validate

__version__ = "0.1.0"

__all__ = [
    "Action",
    "Buc",
    "BucId",
    "Case",
    "CaseId",
    "CdmPackage",
    "CdmVersion",
    "Directory",
    "EessiError",
    "Event",
    "Finding",
    "Header",
    "InputError",
    "Institution",
    "InstitutionId",
    "Message",
    "Move",
    "NotAllowed",
    "Outcome",
    "PackageError",
    "PeerViolation",
    "Period",
    "Registry",
    "Role",
    "SecurityError",
    "Sed",
    "SedType",
    "Severity",
    "TransportError",
    "Verdict",
    "buc",
    "build",
    "parse",
    "serialise",
    "validate",
]

_HOMES = {
    "eessi.buc": ("Buc", "Case", "Event", "Move"),
    "eessi.directory": ("Directory", "Institution"),
    "eessi.errors": (
        "EessiError",
        "InputError",
        "NotAllowed",
        "PackageError",
        "PeerViolation",
        "SecurityError",
        "TransportError",
    ),
    "eessi.findings": ("Finding", "Outcome", "Severity", "Verdict"),
    "eessi.ids": ("Action", "BucId", "CaseId", "CdmVersion", "InstitutionId", "Period", "Role", "SedType"),
    "eessi.schemas": ("CdmPackage", "Registry"),
    "eessi.sed": ("Header", "Message", "Sed", "build", "parse", "serialise", "validate"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    import importlib

    if name == "buc":  # the room itself can be called: eessi.buc("LA_BUC_01")
        return importlib.import_module("eessi.buc")
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'eessi' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])

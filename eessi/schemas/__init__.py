"""CDM packages, the resolved structure of each SED, its compiled schema, and the verdict on a document.

Start at :class:`Registry`: which schema applies to a SED in a version, on a day. Everything is loaded on first use, so
that looking up a schema does not load what explains a refusal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eessi.schemas.names import SedFileName, TransactionName
    from eessi.schemas.packages import CdmPackage, Origin, PackageEntry, PackageFile, TransactionEntry
    from eessi.schemas.registry import Found, Registry
    from eessi.schemas.structure import (
        Choice,
        Code,
        CodeList,
        Element,
        Facets,
        Fidelity,
        Kind,
        Particle,
        Structure,
        Unique,
    )
    from eessi.schemas.validation import validate_bytes, validate_tree

__all__ = [
    "CdmPackage",
    "Choice",
    "Code",
    "CodeList",
    "Element",
    "Facets",
    "Fidelity",
    "Found",
    "Kind",
    "Origin",
    "PackageEntry",
    "PackageFile",
    "Particle",
    "Registry",
    "SedFileName",
    "Structure",
    "TransactionEntry",
    "TransactionName",
    "Unique",
    "validate_bytes",
    "validate_tree",
]

_HOMES = {
    "names": ("SedFileName", "TransactionName"),
    "packages": ("CdmPackage", "Origin", "PackageEntry", "PackageFile", "TransactionEntry"),
    "registry": ("Found", "Registry"),
    "structure": (
        "Choice",
        "Code",
        "CodeList",
        "Element",
        "Facets",
        "Fidelity",
        "Kind",
        "Particle",
        "Structure",
        "Unique",
    ),
    "validation": ("validate_bytes", "validate_tree"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    import importlib

    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'eessi.schemas' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"eessi.schemas.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""CDM packages, the resolved structure of each SED, and its compiled schema.

Start at :class:`Registry`: which schema applies to a SED in a version, on a day. Everything is read on first use.
"""

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

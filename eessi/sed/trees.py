"""Which tree says where things belong: that of the version, else that of the nearest version, plainly named as a guess."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import attrs

from eessi.ids import CdmVersion, SedType
from eessi.sed.order import Place

if TYPE_CHECKING:
    from eessi.schemas import Registry
    from eessi.schemas.structure import Structure

__all__ = ["Tree", "default_registry", "list_names", "looks_like_list", "namespace_of", "tree_for"]

_PLURAL = re.compile(r"(?:es|s)(?=[A-Z]|$)")


@attrs.frozen(slots=True)
class Tree:
    """A structure and how far it can be trusted for one document.

    :param order_from: why the order is a guess; ``None`` where the package knows it.
    """

    structure: Structure
    order_from: str | None

    @property
    def root(self) -> Place:
        """The place of the document element."""
        return Place(self.structure.root)


def default_registry() -> Registry:
    """The packages that ship."""
    from eessi.schemas import Registry

    return Registry.default()


def namespace_of(code: SedType, version: CdmVersion) -> str:
    """Namespace of a SED: that of the CDM from 3.1 on, below that the sandbox's."""
    if version.major < 3:
        return f"urn:eessi-toolkit:sandbox:{version.major}.{version.minor}:{code}"
    return version.namespace(code)


def tree_for(registry: Registry, code: SedType, version: CdmVersion, package: str | None = None) -> Tree | None:
    """The tree of a SED in a version, or the one of the nearest version of the data model."""
    structure = registry.structure(code, version, package=package)
    if structure is not None:
        known = structure.order_known and _same(structure, version)
        return Tree(structure, None if known else "that of an observed tree")
    near = _nearest_version(registry, code, version) if version.major >= 3 else None
    other = registry.structure(code, near) if near is not None else None
    return Tree(other, f"that of version {near}") if other is not None else None


def _same(structure: Structure, version: CdmVersion) -> bool:
    return structure.version.same_minor(version)


def _nearest_version(registry: Registry, code: SedType, version: CdmVersion) -> CdmVersion | None:
    """The closest version that a package has a tree for, the older one of two equally close."""

    def distance(other: CdmVersion) -> tuple[int, int, bool]:
        return abs(other.major - version.major), abs(other.minor - version.minor), other > version

    return min(_versions(registry).get(code, ()), key=distance, default=None)


@functools.lru_cache(maxsize=8)
def _versions(registry: Registry) -> dict[str, frozenset[CdmVersion]]:
    """SED -> versions of the data model that a package has a tree for."""
    known: dict[str, set[CdmVersion]] = {}
    for package in registry.packages:
        for entry in package.entries():
            if entry.version.major >= 3 and entry.fidelity.value not in ("named", "sandbox"):
                known.setdefault(str(entry.sed), set()).add(entry.version.released)
    return {sed: frozenset(versions) for sed, versions in known.items()}


def looks_like_list(parent: str, name: str) -> bool:
    """Whether ``parent`` is the plural of ``name``: Addresses/Address, WorkingPeriodsConsidered/WorkingPeriodConsidered."""
    if parent.endswith("ies") and parent[:-3] + "y" == name:
        return True
    singular = {
        parent[:start] + parent[found.end() :]
        for found in _PLURAL.finditer(parent)
        for start in (found.start(), found.end() - 1)
    }
    return name in singular


@functools.lru_cache(maxsize=8)
def list_names(registry: Registry) -> frozenset[tuple[str, str]]:
    """Pairs of parent and child of which some shipped tree knows that the child repeats."""
    pairs: set[tuple[str, str]] = set()
    for package in registry.packages:
        if package.name != "open":
            continue
        for entry in package.entries():
            if entry.fidelity.value == "named":
                continue
            structure = registry.structure(entry.sed, entry.version, package=package.coordinates)
            for path, element in structure.walk() if structure else ():
                if element.is_list:
                    pairs.add((path.rpartition("/")[0].rpartition("/")[2], element.name))
    return frozenset(pairs)

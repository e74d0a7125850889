"""The registry: which schema applies to a SED in a version, on a day. Immutable; adding returns a new one."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
from lxml import etree

from eessi.errors import ContentChanged, UnknownCode
from eessi.ids import CdmVersion, SedType, nearest
from eessi.schemas.compiled import Kept, SchemaSources, compile_schema
from eessi.schemas.packages import CdmPackage, Origin, PackageEntry, TransactionEntry, split_coordinates
from eessi.schemas.structure import Fidelity, Structure

if TYPE_CHECKING:
    from pathlib import Path

    from eessi.schemas.names import TransactionName

__all__ = ["Found", "Registry"]

_FIDELITY_RANK = {
    fidelity: rank
    for rank, fidelity in enumerate(
        (Fidelity.EXACT, Fidelity.OBSERVED, Fidelity.MAPPED, Fidelity.NAMED, Fidelity.SANDBOX)
    )
}
_ORIGIN_RANK = {Origin.OFFICIAL: 0, Origin.OPEN: 1, Origin.SANDBOX: 2}


@attrs.frozen(slots=True, eq=False)
class Found:
    """The entry that applies, and the package it stands in. ``version`` is the version asked for."""

    package: CdmPackage
    entry: PackageEntry
    version: CdmVersion
    key: tuple[object, ...] = attrs.field(init=False, repr=False)
    """What the caches know this answer by."""

    @key.default
    def _key(self) -> tuple[object, ...]:
        return (
            self.package.content,
            self.entry.sed,
            self.entry.file,
            str(self.entry.version),
            str(self.version.released),
        )

    @property
    def fidelity(self) -> Fidelity:
        """How well the tree is known."""
        return self.entry.fidelity

    @property
    def coordinates(self) -> str:
        """``name:version`` of the package."""
        return self.package.coordinates

    def sources(self) -> SchemaSources:
        """The schema with everything it includes, for a second validator."""
        return self.package.content.sources(self.entry, self.version)


def _structures() -> Kept[Structure]:
    return Kept(600)


def _schemas() -> Kept[etree.XMLSchema]:
    return Kept(64)


@attrs.frozen(slots=False, eq=False)
class Registry:
    """CDM packages and what they hold. ``Registry.default()`` has what ships; ``add`` returns a new registry.

    Structures and compiled schemas are made on first use and kept, the last 600 and the last 64 of them; registries
    that grew out of one another share them. Safe to use from several threads.
    """

    packages: tuple[CdmPackage, ...] = ()
    _answers: dict[tuple[object, ...], Found | None] = attrs.field(factory=dict, init=False, repr=False)
    _structure_cache: Kept[Structure] = attrs.field(factory=_structures, repr=False)
    _schema_cache: Kept[etree.XMLSchema] = attrs.field(factory=_schemas, repr=False)

    @classmethod
    def default(cls) -> Registry:
        """What ships with the toolkit: ``open:4.4``, ``sandbox:1.0``, ``sandbox:1.1``. Reads nothing of the user's."""
        return _default()

    @classmethod
    def installed(cls, home: Path | None = None) -> Registry:
        """What ships, and what was imported with ``eessi packages import``.

        :param home: the user's folder; ``EESSI_HOME`` or the usual data folder unless told.
        :raises PackageError: when an imported package is damaged.
        """
        from eessi.schemas.saved import installed_packages

        registry = cls.default()
        for package in installed_packages(home):
            registry = registry.add(package)
        return registry

    @classmethod
    def load(cls, path: Path | str, *, name: str | None = None, version: str | None = None) -> Registry:
        """What ships, and the package at ``path``: official files in a folder, zip or tar, or a saved package.

        :raises InputError: when ``path`` cannot be read. :raises PackageError: when it holds no usable package.
        """
        from pathlib import Path

        from eessi.schemas.saved import open_package

        return cls.default().add(open_package(Path(path), name=name, version=version))

    def add(self, package: CdmPackage) -> Registry:
        """A registry with that package too; the same one when it is already there.

        :raises ContentChanged: when another content stands under the same coordinates.
        """
        for known in self.packages:
            if known.coordinates == package.coordinates:
                if known.hash != package.hash:
                    raise ContentChanged(
                        f"{package.coordinates} was released with other content: known hash {known.hash[:12]}, "
                        f"this one {package.hash[:12]}; give the new content a new version"
                    )
                return self
        return attrs.evolve(self, packages=(*self.packages, package))

    def package(self, coordinates: str) -> CdmPackage:
        """The package ``name:version``, or the latest of ``name``.

        :raises UnknownCode: when there is none.
        """
        found = self._named(coordinates)
        return max(found, key=lambda package: _version_key(package.version))

    def _named(self, coordinates: str) -> tuple[CdmPackage, ...]:
        name, version = split_coordinates(coordinates)
        found = tuple(p for p in self.packages if p.name == name and version in (None, p.version))
        if not found:
            known = [package.coordinates for package in self.packages]
            raise UnknownCode("package", coordinates, nearest(coordinates, known))
        return found

    def find(
        self,
        sed: SedType | str,
        version: CdmVersion | str,
        as_of: dt.date | None = None,
        package: str | None = None,
    ) -> Found | None:
        """The entry that applies: official exact before open exact before observed before mapped before sandbox.

        :param version: without patch level, the latest patch level known.
        :param as_of: only packages valid on that day; without a day validity is not looked at.
        :param package: only this package, ``name:version`` or ``name``.
        :raises UnknownCode: when ``package`` is not in the registry.
        """
        question = (sed, version, as_of, package)
        try:
            return self._answers[question]
        except KeyError:
            found = self._find(sed, CdmVersion.parse(version), as_of, package)
        if len(self._answers) > 4096:  # SED codes and versions come from strangers
            self._answers.clear()
        self._answers[question] = found
        return found

    def _find(self, sed: str, wanted: CdmVersion, as_of: dt.date | None, package: str | None) -> Found | None:
        candidates = [
            (self._rank(holder, entry, as_of), Found(holder, entry, wanted))
            for holder in (self._named(package) if package else self.packages)
            if holder.content.covers(wanted) and (as_of is None or holder.valid_on(as_of))
            for entry in _by_sed(holder).get(sed, ())
            if entry.serves(wanted)
        ]
        return max(candidates, key=lambda pair: pair[0])[1] if candidates else None

    def _rank(self, package: CdmPackage, entry: PackageEntry, as_of: dt.date | None) -> tuple[object, ...]:
        """Greatest first: fidelity, origin, not replaced, released by that day, patch level, release, validity."""
        replaced = any(
            other.replaces == package.coordinates and (as_of is None or other.valid_on(as_of))
            for other in self.packages
        )
        out_yet = as_of is None or entry.released is None or entry.released[:8] <= f"{as_of:%Y%m%d}"
        return (
            -_FIDELITY_RANK[entry.fidelity],
            -_ORIGIN_RANK[package.origin],
            not replaced,
            out_yet,
            -1 if entry.version.patch is None else entry.version.patch,
            entry.released or "",
            package.valid_from or dt.date.min,
            _version_key(package.version),
        )

    def structure(
        self,
        sed: SedType | str,
        version: CdmVersion | str,
        as_of: dt.date | None = None,
        package: str | None = None,
    ) -> Structure | None:
        """The resolved tree of a SED, or ``None`` where no package knows one. Arguments as for :meth:`find`.

        :raises PackageError: when the package that should know it is broken.
        """
        found = self.find(sed, version, as_of, package)
        return self.structure_of(found) if found else None

    def structure_of(self, found: Found) -> Structure:
        """The resolved tree of an entry."""
        content = found.package.content
        return self._structure_cache.get(found.key, lambda: content.structure(found.entry, found.version))

    def schema(
        self,
        sed: SedType | str,
        version: CdmVersion | str,
        as_of: dt.date | None = None,
        package: str | None = None,
    ) -> etree.XMLSchema | None:
        """The compiled schema of a SED, or ``None`` where no package has one. Arguments as for :meth:`find`.

        The schema of a tree that is not exact takes anything below the right root. One schema may validate in several
        threads at once, but its ``error_log`` is shared by them.

        :raises PackageError: when the schema is damaged or does not compile.
        """
        found = self.find(sed, version, as_of, package)
        return self.schema_of(found) if found else None

    def schema_of(self, found: Found) -> etree.XMLSchema:
        """The compiled schema of an entry."""
        where = f"{found.coordinates}, {found.entry.sed} {found.entry.version}"
        return self._schema_cache.get(
            found.key,
            lambda: compile_schema(found.sources(), where=where),
        )

    def find_transaction(self, name: TransactionName | str) -> tuple[CdmPackage, TransactionEntry] | None:
        """The transaction schema of that name, from the package added last.

        :raises UsageError: when the name has not the form of one.
        """
        from eessi.schemas.names import TransactionName

        wanted = name if isinstance(name, TransactionName) else TransactionName.parse(name)
        for package in reversed(self.packages):
            for entry in package.transactions():
                if entry.name == wanted:
                    return package, entry
        return None

    def transaction_schema(self, name: TransactionName | str) -> etree.XMLSchema | None:
        """The compiled transaction schema of that name, or ``None`` where no package has one.

        :raises PackageError: when the schema is damaged or does not compile.
        """
        found = self.find_transaction(name)
        if found is None:
            return None
        package, entry = found
        return self._schema_cache.get(
            (package.content, entry),
            lambda: compile_schema(package.content.sources(entry, None), where=f"{package.coordinates}, {entry.file}"),
        )


@functools.cache
def _default() -> Registry:
    from eessi.schemas.shipped import shipped_packages

    return Registry(shipped_packages())


@functools.lru_cache(maxsize=256)
def _by_sed(package: CdmPackage) -> Mapping[str, tuple[PackageEntry, ...]]:
    index: dict[str, list[PackageEntry]] = {}
    for entry in package.entries():
        index.setdefault(entry.sed, []).append(entry)
    return {sed: tuple(entries) for sed, entries in index.items()}


def _version_key(version: str) -> tuple[tuple[int, str], ...]:
    return tuple(
        (int(part), "") if part.isdigit() else (-1, part)
        for part in version.replace("-", ".").replace("_", ".").split(".")
    )

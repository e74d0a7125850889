"""The packages that ship: ``open:4.4`` from openly licensed facts, ``sandbox:1.0`` and ``1.1`` for practice."""

from __future__ import annotations

import functools
import os
from typing import Final

from eessi.errors import PackageError
from eessi.ids import CdmVersion, SedType
from eessi.schemas.compiled import SIGNATURE_SCHEMAS, SchemaSources, signature_schema
from eessi.schemas.packages import CdmPackage, Origin, PackageEntry, PackageFile, TransactionEntry
from eessi.schemas.structure import Element, Fidelity, Kind, Structure
from eessi.schemas.tables import FOLDER, EntryRow, Tables

__all__ = ["SANDBOX_NAMESPACE", "TableContent", "shipped_packages"]

SANDBOX_NAMESPACE: Final = "urn:eessi-toolkit:sandbox"
"""Start of the namespace of every practice document: never to be mistaken for EESSI."""

_SHIPPED: Final = (("open-4.4", Origin.OPEN), ("sandbox-1.0", Origin.SANDBOX), ("sandbox-1.1", Origin.SANDBOX))
_VERSIONS: Final = {
    "open-4.4": ("open", "4.4"),
    "sandbox-1.0": ("sandbox", "1.0"),
    "sandbox-1.1": ("sandbox", "1.1"),
}


@functools.cache
def shipped_packages() -> tuple[CdmPackage, ...]:
    """The three packages; nothing is read before it is asked for."""
    return tuple(
        CdmPackage(
            name=_VERSIONS[folder][0],
            version=_VERSIONS[folder][1],
            content=TableContent(Tables(folder), origin),
            origin=origin,
        )
        for folder, origin in _SHIPPED
    )


class TableContent:
    """Content of a shipped package: tables, from which structures are read and schemas written when asked for."""

    def __init__(self, tables: Tables, origin: Origin) -> None:
        self.tables: Final = tables
        self.origin: Final = origin

    @functools.cached_property
    def _releases(self) -> tuple[CdmVersion, ...]:
        if self.origin is Origin.SANDBOX:
            return (CdmVersion.parse(self.tables.folder.partition("-")[2]),)
        return tuple(CdmVersion.parse(str(row)) for row in _words(self.tables.head["releases"]))

    def covers(self, version: CdmVersion) -> bool:
        """Whether any entry may be about that version."""
        return any(version.same_minor(release) for release in self._releases)

    @functools.cached_property
    def _entries(self) -> tuple[PackageEntry, ...]:
        return tuple(map(self._entry, self.tables.entries))

    def entries(self) -> tuple[PackageEntry, ...]:
        """Every SED and version."""
        return self._entries

    def _entry(self, row: EntryRow) -> PackageEntry:
        versions = tuple(CdmVersion.parse(text) for text in row["versions"])
        sed = SedType(row["sed"])
        return PackageEntry(
            sed=sed,
            version=versions[-1],
            fidelity=Fidelity(row["fidelity"]),
            source=row["source"],
            namespace=self._namespace(sed, versions[-1]),
            versions=versions,
            stated=row["stated"],
            file=row["tree"],
            order_known=row["order_known"],
        )

    def _namespace(self, sed: str, version: CdmVersion) -> str:
        if self.origin is Origin.SANDBOX:
            return f"{SANDBOX_NAMESPACE}:{version.released}:{sed}"
        return version.namespace(sed)

    def transactions(self) -> tuple[TransactionEntry, ...]:
        """None: transaction schemas are official."""
        return ()

    def structure(self, entry: PackageEntry, version: CdmVersion) -> Structure:
        """The tree of an entry, in the namespace of the version asked for."""
        assert entry.file is not None
        exact = entry.fidelity in (Fidelity.EXACT, Fidelity.SANDBOX)
        of = entry.version if version.same_minor(entry.version) else version
        return Structure(
            sed=entry.sed,
            version=of,
            namespace=self._namespace(entry.sed, of),
            root=Element(
                name=entry.sed,
                kind=Kind.GROUP,
                children=self.tables.tree(entry.file, exact=exact),
                type_name=entry.sed,
                known=exact,
            ),
            fidelity=entry.fidelity,
            open=not exact,
            order_known=entry.order_known,
        )

    def sources(self, entry: PackageEntry | TransactionEntry, version: CdmVersion | None) -> SchemaSources:
        """The schema written from the tree, beside the signature schemas."""
        from eessi.schemas.xsdwriter import write

        assert isinstance(entry, PackageEntry)
        structure = self.structure(entry, version or entry.version)
        main = f"{entry.sed}-{structure.version}.xsd"
        beside = dict(signature_schema(namespace) for namespace in SIGNATURE_SCHEMAS)
        return SchemaSources(main, {main: write(structure, annotations=False).encode(), **beside})

    @functools.cached_property
    def _files(self) -> tuple[PackageFile, ...]:
        return tuple(PackageFile.of(path, self.read(path)) for path in self._paths())

    def _paths(self) -> list[str]:
        trees = os.listdir(f"{FOLDER}/{self.tables.folder}/trees")
        return sorted(["codes.jsonl", "entries.jsonl", "types.jsonl", *(f"trees/{name}" for name in trees)])

    def files(self) -> tuple[PackageFile, ...]:
        """The tables with their hashes."""
        return self._files

    def read(self, path: str) -> bytes:
        """A table.

        :raises PackageError: when the installation lacks it.
        """
        try:
            with open(f"{FOLDER}/{self.tables.folder}/{path}", "rb") as file:
                return file.read()
        except OSError as error:
            raise PackageError(f"{self.tables.folder}/{path} cannot be read: {error.strerror}") from None


def _words(value: object) -> list[object]:
    assert isinstance(value, list)
    return value

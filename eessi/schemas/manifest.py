"""The manifest of a saved package, ``manifest.json``: what it is, what it holds, and the hash of every file."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eessi.errors import EessiError, PackageError
from eessi.ids import CdmVersion, SedType
from eessi.schemas.names import TransactionName
from eessi.schemas.packages import CdmPackage, Origin, PackageEntry, PackageFile, TransactionEntry
from eessi.schemas.structure import Fidelity

__all__ = ["Manifest", "manifest_of", "read_manifest"]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileRow(_Row):
    """A file: path below ``files/``, hash and size in bytes."""

    path: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class EntryRow(_Row):
    """One SED in one version."""

    sed: str
    version: str
    fidelity: Fidelity
    file: str
    namespace: str
    source: str
    released: str | None = None
    order_known: bool = True


class TransactionRow(_Row):
    """One transaction schema."""

    name: str
    file: str


class Manifest(_Row):
    """What stands in ``manifest.json``."""

    schema_version: Literal[1] = 1
    name: str
    version: str
    origin: Origin
    hash: str
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    replaces: str | None = None
    notes: tuple[str, ...] = ()
    entries: tuple[EntryRow, ...]
    transactions: tuple[TransactionRow, ...] = ()
    files: tuple[FileRow, ...]

    def package_entries(self) -> tuple[PackageEntry, ...]:
        """The entries as the registry uses them."""
        return tuple(
            PackageEntry(
                sed=SedType(row.sed),
                version=CdmVersion.parse(row.version),
                fidelity=row.fidelity,
                source=row.source,
                namespace=row.namespace,
                released=row.released,
                file=row.file,
                order_known=row.order_known,
            )
            for row in self.entries
        )

    def transaction_entries(self) -> tuple[TransactionEntry, ...]:
        """The transaction schemas."""
        return tuple(TransactionEntry(TransactionName.parse(row.name), row.file) for row in self.transactions)

    def package_files(self) -> tuple[PackageFile, ...]:
        """The files with their hashes."""
        return tuple(PackageFile(row.path, row.sha256, row.size) for row in self.files)


def manifest_of(package: CdmPackage) -> Manifest:
    """The manifest of a package of schema files."""
    return Manifest(
        name=package.name,
        version=package.version,
        origin=package.origin,
        hash=package.hash,
        valid_from=package.valid_from,
        valid_to=package.valid_to,
        replaces=package.replaces,
        notes=package.notes,
        entries=tuple(
            EntryRow(
                sed=entry.sed,
                version=str(entry.version),
                fidelity=entry.fidelity,
                file=entry.file or "",
                namespace=entry.namespace,
                source=entry.source,
                released=entry.released,
                order_known=entry.order_known,
            )
            for entry in package.entries()
        ),
        transactions=tuple(TransactionRow(name=str(row.name), file=row.file) for row in package.transactions()),
        files=tuple(FileRow(path=file.path, sha256=file.sha256, size=file.size) for file in package.files()),
    )


def read_manifest(data: bytes, *, source: str) -> Manifest:
    """Read ``manifest.json``.

    :raises PackageError: when it is not JSON, or not a manifest.
    """
    try:
        manifest = Manifest.model_validate_json(data)
        manifest.package_entries()
        manifest.transaction_entries()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise PackageError(f"{source}: the manifest is broken: {where}: {first['msg']}") from None
    except EessiError as error:
        raise PackageError(f"{source}: the manifest is broken: {error}") from None
    return manifest

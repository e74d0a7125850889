"""JSON that ``eessi packages`` prints: the shapes that scripts rely on, with their JSON Schemas."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from eessi.schemas.packages import CdmPackage, Origin, PackageEntry
from eessi.schemas.structure import Fidelity

__all__ = [
    "PackageImportDocument",
    "PackageListDocument",
    "PackageModel",
    "PackageShowDocument",
    "PackageVerifyDocument",
    "PackageWrittenDocument",
]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PackageModel(_Shape):
    """A package in short."""

    name: str
    version: str
    origin: Origin
    seds: list[str] = Field(description="codes of the SEDs it knows, sorted")
    fidelity: dict[Fidelity, int] = Field(description="number of entries (SED and version) by fidelity")
    transactions: int = Field(description="number of transaction schemas")
    hash: str = Field(description="SHA-256 of its content, however packed")
    valid_from: dt.date | None = Field(description="first day on which it applies")
    valid_to: dt.date | None = Field(description="first day on which it no longer applies")
    replaces: str | None = Field(description="coordinates of the package that it replaces")

    @classmethod
    def of(cls, package: CdmPackage) -> PackageModel:
        """The short form of a package."""
        entries = package.entries()
        return cls(
            name=package.name,
            version=package.version,
            origin=package.origin,
            seds=sorted({str(entry.sed) for entry in entries}),
            fidelity=dict(sorted(Counter(entry.fidelity for entry in entries).items())),
            transactions=len(package.transactions()),
            hash=package.hash,
            valid_from=package.valid_from,
            valid_to=package.valid_to,
            replaces=package.replaces,
        )


class EntryModel(_Shape):
    """One SED in one version."""

    sed: str
    version: str
    versions: list[str] = Field(description="all versions this tree serves")
    stated: str | None = Field(description="the version as the source states it; 4.x where it does not say")
    fidelity: Fidelity
    namespace: str
    file: str | None = Field(description="main schema file in the package, or the table")
    source: str
    released: str | None = Field(description="time stamp in the file's name")

    @classmethod
    def of(cls, entry: PackageEntry) -> EntryModel:
        """The row of an entry."""
        return cls(
            sed=entry.sed,
            version=str(entry.version),
            versions=[str(version) for version in entry.versions or (entry.version,)],
            stated=entry.stated,
            fidelity=entry.fidelity,
            namespace=entry.namespace,
            file=entry.file,
            source=entry.source,
            released=entry.released,
        )


class TransactionModel(_Shape):
    """The schema of one process step."""

    name: str
    file: str


class FileModel(_Shape):
    """A file of the package; ``size`` in bytes."""

    path: str
    sha256: str
    size: int


class PackageListDocument(_Shape):
    """``eessi packages list --format json``."""

    schema_version: Literal[1] = 1
    packages: list[PackageModel]


class PackageShowDocument(_Shape):
    """``eessi packages show --format json``."""

    schema_version: Literal[1] = 1
    package: PackageModel
    entries: list[EntryModel]
    transactions: list[TransactionModel]
    files: list[FileModel]
    notes: list[str]

    @classmethod
    def of(cls, package: CdmPackage, entries: list[PackageEntry]) -> PackageShowDocument:
        """All about a package, or only ``entries`` of it."""
        return cls(
            package=PackageModel.of(package),
            entries=[EntryModel.of(entry) for entry in entries],
            transactions=[TransactionModel(name=str(step.name), file=step.file) for step in package.transactions()],
            files=[FileModel(path=file.path, sha256=file.sha256, size=file.size) for file in package.files()],
            notes=list(package.notes),
        )


class PackageImportDocument(_Shape):
    """``eessi packages import --format json``."""

    schema_version: Literal[1] = 1
    package: PackageModel
    folder: str
    notes: list[str]


class PackageWrittenDocument(_Shape):
    """``eessi packages export --format json``."""

    schema_version: Literal[1] = 1
    package: PackageModel
    written: str


class VerifiedModel(_Shape):
    """What was found about one package; no troubles means that all is well."""

    package: str
    hash: str | None
    troubles: list[str]


class PackageVerifyDocument(_Shape):
    """``eessi packages verify --format json``."""

    schema_version: Literal[1] = 1
    packages: list[VerifiedModel]

"""Content of a package that consists of somebody's schema files."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

import attrs

from eessi.errors import ContentChanged, PackageError
from eessi.ids import CdmVersion
from eessi.schemas.compiled import SchemaSources
from eessi.schemas.documents import DocumentSet
from eessi.schemas.packages import PackageEntry, PackageFile, TransactionEntry
from eessi.schemas.structure import Fidelity, Structure
from eessi.schemas.xsdwriter import FIDELITY_SOURCE, fidelity_mark

__all__ = ["FileContent", "reader_of_folder"]


@attrs.frozen(slots=False, eq=False)
class FileContent:
    """Schema files, read when needed; each must still have the hash under which it was imported."""

    _entries: tuple[PackageEntry, ...]
    _transactions: tuple[TransactionEntry, ...]
    _files: tuple[PackageFile, ...]
    _read: Callable[[str], bytes] = attrs.field(repr=False)
    package: str = "the package"

    def covers(self, version: CdmVersion) -> bool:
        """Whether any entry may be about that version."""
        return version.released in self._releases

    @functools.cached_property
    def _releases(self) -> frozenset[CdmVersion]:
        return frozenset(version.released for entry in self._entries for version in entry.versions or (entry.version,))

    def entries(self) -> tuple[PackageEntry, ...]:
        """Every SED and version."""
        return self._entries

    def transactions(self) -> tuple[TransactionEntry, ...]:
        """The transaction schemas."""
        return self._transactions

    def files(self) -> tuple[PackageFile, ...]:
        """All files with their hashes."""
        return self._files

    @functools.cached_property
    def _hashes(self) -> dict[str, str]:
        return {file.path: file.sha256 for file in self._files}

    def read(self, path: str) -> bytes:
        """A file of the package.

        :raises ContentChanged: when it is not what was imported. :raises PackageError: when it is gone.
        """
        if path not in self._hashes:
            raise PackageError(f"{self.package}: {path} is not in the package")
        data = self._read(path)
        if hashlib.sha256(data).hexdigest() != self._hashes[path]:
            raise ContentChanged(f"{self.package}: {path} is not the file that was imported; import the package anew")
        return data

    @functools.cached_property
    def documents(self) -> DocumentSet:
        """The schema files as documents."""
        paths = tuple(file.path for file in self._files if file.path.lower().endswith(".xsd"))
        return DocumentSet(paths, self.read, self.package)

    def _trusted(self, entry: PackageEntry) -> str:
        """Path of the main schema, once its own mark is seen to agree with what the package says of it.

        A schema written by the toolkit for a tree that is not exact takes anything; nothing may call it exact.
        """
        assert entry.file is not None
        if FIDELITY_SOURCE.encode() in self.read(entry.file):
            mark = fidelity_mark(self.documents.document(entry.file).root)
            if mark and mark[0] != entry.fidelity:
                raise PackageError(
                    f"{self.package}: {entry.file} is marked {mark[0]}, the package says {entry.fidelity}"
                )
        return entry.file

    def structure(self, entry: PackageEntry, version: CdmVersion) -> Structure:
        """The tree, resolved from the files.

        :raises PackageError: when a file is damaged or missing.
        """
        from eessi.schemas.resolve import resolve

        return resolve(
            self.documents,
            self._trusted(entry),
            entry.sed,
            entry.version,
            fidelity=entry.fidelity,
            open=entry.fidelity not in (Fidelity.EXACT, Fidelity.SANDBOX),
            order_known=entry.order_known,
        )

    def sources(self, entry: PackageEntry | TransactionEntry, version: CdmVersion | None) -> SchemaSources:
        """The schema with all it includes, without annotations.

        :raises PackageError: when a file is damaged or missing.
        """
        return self.documents.sources(self._trusted(entry) if isinstance(entry, PackageEntry) else entry.file)


def reader_of_folder(folder: Path, package: str) -> Callable[[str], bytes]:
    """A reader of the files below ``folder``."""

    def read(path: str) -> bytes:
        try:
            return (folder / path).read_bytes()
        except OSError as error:
            raise PackageError(f"{package}: {path} cannot be read: {error.strerror}; import the package anew") from None

    return read

"""CDM packages: sets of schemas with coordinates, content hash, validity and a fidelity per SED and version."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol, Self

import attrs

from eessi.errors import PackageError, UsageError
from eessi.ids import CdmVersion, SedType
from eessi.schemas.compiled import SchemaSources
from eessi.schemas.structure import Fidelity, Structure

if TYPE_CHECKING:
    from pathlib import Path

    from eessi.schemas.names import TransactionName

__all__ = ["CdmPackage", "Content", "Origin", "PackageEntry", "PackageFile", "TransactionEntry", "split_coordinates"]


class Origin(enum.StrEnum):
    """Where a package comes from: ``official`` was imported by the user, ``open`` and ``sandbox`` ship with the toolkit."""

    OFFICIAL = "official"
    OPEN = "open"
    SANDBOX = "sandbox"


@attrs.frozen(slots=True)
class PackageFile:
    """A file of a package: path inside it, SHA-256 as hexadecimal digits, size in bytes."""

    path: str
    sha256: str
    size: int

    @classmethod
    def of(cls, path: str, data: bytes) -> Self:
        """The record of a file with this content."""
        import hashlib

        return cls(path, hashlib.sha256(data).hexdigest(), len(data))


@attrs.frozen(slots=True)
class PackageEntry:
    """One SED in one version, as a package knows it.

    :param version: the version (with patch level where known); the last one where a tree serves several.
    :param fidelity: only ``exact`` can make a document valid or invalid by its tree.
    :param source: where it comes from: a file of the package, or the sources of a table.
    :param namespace: of the document element.
    :param versions: all versions this tree serves; empty means ``version`` alone.
    :param stated: the version as the source states it (``4.x`` where it does not say).
    :param released: time stamp in the file name, ``20241203T114212``.
    :param file: main schema file inside the package, or name of the table.
    """

    sed: SedType
    version: CdmVersion
    fidelity: Fidelity
    source: str
    namespace: str
    versions: tuple[CdmVersion, ...] = ()
    stated: str | None = None
    released: str | None = None
    file: str | None = None
    order_known: bool = True

    def serves(self, version: CdmVersion) -> bool:
        """Whether this entry is about that version; a patch level counts only where both name one."""
        return any(
            own.same_minor(version) and (None in (own.patch, version.patch) or own.patch == version.patch)
            for own in self.versions or (self.version,)
        )


@attrs.frozen(slots=True)
class TransactionEntry:
    """The schema of one step of a process, known by its file name."""

    name: TransactionName
    file: str


class Content(Protocol):
    """What is inside a package: tables of ours, or files of somebody else's."""

    def entries(self) -> tuple[PackageEntry, ...]:
        """Every SED and version."""

    def covers(self, version: CdmVersion) -> bool:
        """Quickly, whether any entry may be about that version."""

    def transactions(self) -> tuple[TransactionEntry, ...]:
        """The transaction schemas."""

    def files(self) -> tuple[PackageFile, ...]:
        """All files with their hashes."""

    def read(self, path: str) -> bytes:
        """A file, its hash checked."""

    def structure(self, entry: PackageEntry, version: CdmVersion) -> Structure:
        """The resolved tree of an entry, in one of the versions it serves."""

    def sources(self, entry: PackageEntry | TransactionEntry, version: CdmVersion | None) -> SchemaSources:
        """The schema of an entry with everything it includes."""


def split_coordinates(text: str) -> tuple[str, str | None]:
    """``name:version`` or ``name`` in its two parts.

    :raises UsageError: for anything else.
    """
    name, colon, version = text.partition(":")
    if not _is_word(name) or (colon and not _is_word(version)):
        raise UsageError(f"{text!r} names no package; write it like open:4.4")
    return name, version or None


def _is_word(text: str) -> bool:
    return bool(text) and all(sign.isascii() and (sign.isalnum() or sign in "._-+") for sign in text) and text[0] != "."


@attrs.frozen(slots=False, eq=False, kw_only=True)
class CdmPackage:
    """A set of schemas under a name and a version. What was once released under these never changes.

    :param valid_from: first day on which it applies; ``None`` without beginning.
    :param valid_to: first day on which it no longer applies; ``None`` without end.
    :param replaces: coordinates of the package that this one replaces.
    :param notes: what was noticed while it was imported.
    """

    name: str
    version: str
    content: Content = attrs.field(repr=False)
    origin: Origin = Origin.OFFICIAL
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    replaces: str | None = None
    notes: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        split_coordinates(self.coordinates)
        if self.replaces is not None:
            split_coordinates(self.replaces)
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise UsageError(f"{self.coordinates}: the validity ends before it begins")

    def with_validity(
        self,
        *,
        valid_from: dt.date | None = None,
        valid_to: dt.date | None = None,
        replaces: str | None = None,
    ) -> CdmPackage:
        """The same package with these dates, and the package that it replaces; what is not given stays.

        :raises UsageError: when the validity would end before it begins.
        """
        return attrs.evolve(
            self,
            valid_from=valid_from or self.valid_from,
            valid_to=valid_to or self.valid_to,
            replaces=replaces or self.replaces,
        )

    @property
    def coordinates(self) -> str:
        """``name:version``, as commands and verdicts name the package."""
        return f"{self.name}:{self.version}"

    @property
    def hash(self) -> str:
        """SHA-256 over the sorted list of its files and their hashes: the same for the same content, however packed."""
        return content_hash(self.content.files())

    def entries(self) -> tuple[PackageEntry, ...]:
        """Every SED and version it knows."""
        return self.content.entries()

    def transactions(self) -> tuple[TransactionEntry, ...]:
        """The schemas of process steps it holds."""
        return self.content.transactions()

    def files(self) -> tuple[PackageFile, ...]:
        """All its files with their hashes."""
        return self.content.files()

    def valid_on(self, day: dt.date) -> bool:
        """Whether it applies on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)

    def verify(self) -> tuple[str, ...]:
        """Read every file and check its hash; the troubles, one line each, none when all is well."""
        return tuple(trouble for trouble in map(self._trouble_with, self.files()) if trouble)

    def _trouble_with(self, file: PackageFile) -> str | None:
        try:
            self.content.read(file.path)
        except PackageError as error:
            return str(error)
        return None

    def check(self) -> Iterator[tuple[PackageEntry | TransactionEntry, str | None]]:
        """Compile every schema, one at a time: the entry, and what is wrong with it or ``None``."""
        from eessi.schemas.compiled import compile_schema

        every: list[PackageEntry | TransactionEntry] = [*self.entries(), *self.transactions()]
        for entry in every:
            where = f"{self.coordinates}, {entry.file}"
            try:
                compile_schema(self.content.sources(entry, None), where=where)
            except PackageError as error:
                yield entry, str(error)
            else:
                yield entry, None

    @classmethod
    def import_from(
        cls,
        path: Path | str,
        *,
        name: str | None = None,
        version: str | None = None,
        valid_from: dt.date | None = None,
        valid_to: dt.date | None = None,
        replaces: str | None = None,
    ) -> CdmPackage:
        """Read official schema files from a folder, a zip or a tar, in whatever layout they come.

        :param name: ``cdm`` unless told. :param version: the highest CDM version among the files unless told.
        :raises InputError: when ``path`` cannot be read, or is over a limit.
        :raises PackageError: when the files make no package: nothing found, a part missing, two files for one version.
        """
        from pathlib import Path

        from eessi.schemas.importer import import_files

        return import_files(
            Path(path), name=name, version=version, valid_from=valid_from, valid_to=valid_to, replaces=replaces
        )

    @classmethod
    def load(cls, path: Path | str) -> CdmPackage:
        """Open a package that :meth:`save` wrote: a folder with ``manifest.json`` and ``files/``.

        :raises PackageError: when it is damaged. The files themselves are checked when they are read.
        """
        from pathlib import Path

        from eessi.schemas.saved import load_package

        return load_package(Path(path))

    def save(self, folder: Path | str) -> Path:
        """Write the package as a folder of this name, whole or not at all; returns its path.

        :raises ContentChanged: when that folder holds another content under the same coordinates.
        """
        from pathlib import Path

        from eessi.schemas.saved import save_package

        return save_package(self, Path(folder))


def content_hash(files: Iterable[PackageFile]) -> str:
    """SHA-256 over ``<sha256>  <path>`` lines, sorted by path."""
    import hashlib

    lines = sorted(f"{file.path}\n{file.sha256}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def in_memory(files: Mapping[str, bytes]) -> tuple[PackageFile, ...]:
    """The records of files held in memory, sorted by path."""
    return tuple(PackageFile.of(path, files[path]) for path in sorted(files))

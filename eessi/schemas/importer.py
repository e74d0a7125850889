"""Official schema files, as they come, become a package.

A file that declares a document element named like a SED is the schema of that SED, whatever it includes and wherever it
lies; a file named like a transaction is the schema of that step. The version is read from the namespace and the
schema's ``version`` attribute; the file's name must not contradict them.
"""

from __future__ import annotations

import datetime as dt
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import attrs
from lxml import etree

from eessi.errors import ContentChanged, EessiError, PackageError
from eessi.ids import CdmVersion, SedType
from eessi.schemas.archive import read_files
from eessi.schemas.documents import XS, DocumentSet
from eessi.schemas.names import SedFileName, TransactionName
from eessi.schemas.official import FileContent
from eessi.schemas.packages import CdmPackage, Origin, PackageEntry, TransactionEntry, in_memory
from eessi.schemas.shipped import SANDBOX_NAMESPACE
from eessi.schemas.structure import Fidelity
from eessi.schemas.xsdwriter import fidelity_mark

__all__ = ["import_files", "package_of"]

_EESSI_NAMESPACE: Final = re.compile(r"http://ec\.europa\.eu/eessi/ns/(\d+)_(\d+)/(\w+)")
_Word = TypeVar("_Word")
_SIGNATURE_FILES: Final = ("xmldsig-core-schema.xsd", "xades.xsd")


def import_files(
    path: Path,
    *,
    name: str | None = None,
    version: str | None = None,
    valid_from: dt.date | None = None,
    valid_to: dt.date | None = None,
    replaces: str | None = None,
) -> CdmPackage:
    """Read a folder, zip or tar of schema files; see :meth:`CdmPackage.import_from`."""
    return package_of(
        read_files(path),
        source=str(path),
        name=name,
        version=version,
        valid_from=valid_from,
        valid_to=valid_to,
        replaces=replaces,
    )


def package_of(
    files: dict[str, bytes],
    *,
    source: str,
    name: str | None = None,
    version: str | None = None,
    valid_from: dt.date | None = None,
    valid_to: dt.date | None = None,
    replaces: str | None = None,
) -> CdmPackage:
    """Make a package of schema files held in memory, by path.

    :param source: where they come from, for messages.
    :raises PackageError: when they make no package.
    """
    notes: list[str] = []
    found = {path: data for path, data in files.items() if path.lower().endswith(".xsd")}
    schemas = _from_the_top(dict(_without_dtd(found, notes)))
    survey = _Survey(DocumentSet(tuple(schemas), schemas.__getitem__, source), version, notes)
    entries, transactions, origin = survey.run()
    if not entries and not transactions:
        raise PackageError(f"{source}: no schema of a SED is among the {len(schemas)} schema files")
    version = version or _version_of(entries)
    coordinates = f"{name or 'cdm'}:{version}"
    return CdmPackage(
        name=name or "cdm",
        version=version,
        content=FileContent(
            entries=entries,
            transactions=transactions,
            files=in_memory(schemas),
            read=schemas.__getitem__,
            package=coordinates,
        ),
        origin=origin,
        valid_from=valid_from,
        valid_to=valid_to,
        replaces=replaces,
        notes=tuple(notes),
    )


def _from_the_top(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files without the folders that hold them all, so that the same content has the same paths however packed."""
    folders = [posixpath.dirname(path).split("/") for path in files]
    shared = posixpath.commonprefix(folders) if folders else []
    depth = sum(len(part) + 1 for part in shared if part)
    return {path[depth:]: data for path, data in files.items()}


def _without_dtd(files: dict[str, bytes], notes: list[str]) -> Iterator[tuple[str, bytes]]:
    """All but schemas with a DTD that are not named like a SED, such as W3C's own of XML Signature: ours is used instead."""
    for path, data in files.items():
        if b"<!DOCTYPE" in data and _parsed(SedFileName.parse, path) is None:
            instead = "; the toolkit's own is used" if posixpath.basename(path).lower() in _SIGNATURE_FILES else ""
            notes.append(f"{path}: has a DTD and is not read{instead}")
        else:
            yield path, data


def _version_of(entries: Iterable[PackageEntry]) -> str:
    versions = [entry.version for entry in entries]
    if not versions:
        raise PackageError("only transaction schemas are there, which tell no CDM version; give one (--version)")
    return str(max(versions))


@attrs.define(slots=True, eq=False)
class _Survey:
    """Looks at every file once and tells what it is."""

    documents: DocumentSet
    version: str | None
    notes: list[str]
    found: dict[tuple[str, CdmVersion, str | None], PackageEntry] = attrs.field(factory=dict)
    used: set[str] = attrs.field(factory=set)
    marked: set[str] = attrs.field(factory=set)

    def run(self) -> tuple[tuple[PackageEntry, ...], tuple[TransactionEntry, ...], Origin]:
        transactions = []
        for path in self.documents.paths:
            step = _parsed(TransactionName.parse, path)
            if step is not None:
                transactions.append(TransactionEntry(step, path))
                self._use(path)
                continue
            for code in self._document_elements(path):
                self._add(self._entry(code, path))
                self._use(path)
        unused = len(self.documents.paths) - len(self.used & set(self.documents.paths))
        if unused and self.found:
            self.notes.append(f"{unused} schema files belong to no SED and no transaction")
        entries = tuple(sorted(self.found.values(), key=lambda entry: (entry.sed, entry.version, entry.released or "")))
        return entries, tuple(transactions), self._origin(entries)

    def _origin(self, entries: tuple[PackageEntry, ...]) -> Origin:
        if any(entry.fidelity is Fidelity.SANDBOX for entry in entries):
            return Origin.SANDBOX
        return Origin.OPEN if self.marked else Origin.OFFICIAL

    def _use(self, path: str) -> None:
        self.used |= {item.path for item in self.documents.closure(path)}

    def _document_elements(self, path: str) -> list[SedType]:
        root = self.documents.document(path).root
        names = [str(node.get("name")) for node in root if node.tag == f"{XS}element"]
        return [code for name in names if (code := _parsed(SedType, name)) is not None]

    def _add(self, entry: PackageEntry) -> None:
        key = (entry.sed, entry.version, entry.released)
        other = self.found.get(key)
        if other is not None and other.file and entry.file:
            if self._content(other.file) != self._content(entry.file):
                raise ContentChanged(
                    f"{self.documents.package}: {other.file} and {entry.file} are both {entry.sed} {entry.version} and differ"
                )
            self.notes.append(f"{entry.file}: the same as {other.file}")
            return
        self.found[key] = entry

    def _content(self, path: str) -> list[bytes]:
        own = [item.path for item in self.documents.closure(path) if item.path in self.documents.paths]
        return [self.documents.read(part) for part in own]

    def _entry(self, sed: SedType, path: str) -> PackageEntry:
        root = self.documents.document(path).root
        namespace = root.get("targetNamespace") or ""
        named = _parsed(SedFileName.parse, path)
        mark = fidelity_mark(root)
        if mark:
            self.marked.add(path)
        if named and named.sed != sed:
            self.notes.append(f"{path}: the file's name says {named.sed}, its document element is {sed}")
        fidelity = Fidelity(mark[0]) if mark else Fidelity.EXACT
        if namespace.startswith(SANDBOX_NAMESPACE):
            fidelity = Fidelity.SANDBOX
        return PackageEntry(
            sed=sed,
            version=self._version(sed, path, root, named),
            fidelity=fidelity,
            source=path,
            namespace=namespace,
            released=named.released if named else None,
            file=path,
            order_known="unordered" not in mark,
        )

    def _version(self, sed: str, path: str, root: etree._Element, named: SedFileName | None) -> CdmVersion:
        """Namespace first, then the version attribute, then the file's name; patch level from where it stands."""
        found = _EESSI_NAMESPACE.fullmatch(root.get("targetNamespace") or "")
        stated = _parsed(CdmVersion.parse, root.get("version", ""))
        in_name = named.version if named and named.sed == sed else None
        told = _parsed(CdmVersion.parse, self.version or "")
        known = [version for version in (stated, in_name, told) if version is not None]
        if found:
            if found[3] != sed:
                self.notes.append(f"{path}: the namespace is that of {found[3]}")
            release = CdmVersion(int(found[1]), int(found[2]))
        elif known:
            release = known[0].released
        else:
            raise PackageError(f"{self.documents.package}: {path} tells no version; give one (--version)")
        for version, where in ((stated, "version attribute"), (in_name, "file name")):
            if version is not None and not version.same_minor(release):
                raise PackageError(
                    f"{self.documents.package}: {path} is {release} by its namespace but {version} by its {where}"
                )
        patched = [version for version in known[:2] if version.patch is not None and version.same_minor(release)]
        if len({version.patch for version in patched}) > 1:
            raise PackageError(
                f"{self.documents.package}: {path} is {stated} by its version attribute but {in_name} by its file name"
            )
        return patched[0] if patched else release


def _parsed(parse: Callable[[str], _Word], text: str) -> _Word | None:
    try:
        return parse(text)
    except EessiError:
        return None

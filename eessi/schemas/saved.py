"""Packages on disk: saved whole or not at all, opened lazily, exported, and kept in the user's folder."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from eessi.errors import ContentChanged, PackageError, UsageError
from eessi.schemas.official import FileContent, reader_of_folder
from eessi.schemas.packages import CdmPackage, content_hash, in_memory
from eessi.schemas.shipped import SANDBOX_NAMESPACE
from eessi.schemas.structure import Fidelity

if TYPE_CHECKING:
    from eessi.schemas.manifest import Manifest

__all__ = [
    "MANIFEST",
    "export_package",
    "folder_name",
    "installed_packages",
    "load_package",
    "open_package",
    "packages_folder",
    "save_package",
]

MANIFEST: Final = "manifest.json"
_FILES: Final = "files"
_PARTIAL: Final = ".partial"
_DATE: Final = (1980, 1, 1, 0, 0, 0)


def packages_folder(home: Path | None = None) -> Path:
    """Where imported packages are kept: ``packages/`` below ``home``, ``EESSI_HOME`` or the user's data folder."""
    if home is None:
        told = os.environ.get("EESSI_HOME")
        home = Path(told) if told else _data_folder() / "eessi"
    return home / "packages"


def _data_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def installed_packages(home: Path | None = None) -> tuple[CdmPackage, ...]:
    """The packages that were imported, by name and version.

    :raises PackageError: when one of them is damaged.
    """
    folder = packages_folder(home)
    if not folder.is_dir():
        return ()
    kept = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    return tuple(load_package(entry) for entry in kept)


def load_package(folder: Path) -> CdmPackage:
    """Open a saved package; see :meth:`CdmPackage.load`."""
    from eessi.schemas.manifest import read_manifest

    try:
        data = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise PackageError(f"{folder}: no package: {MANIFEST} cannot be read: {error.strerror}") from None
    manifest = read_manifest(data, source=str(folder))
    return _package(manifest, reader_of_folder(folder / _FILES, f"{manifest.name}:{manifest.version}"), str(folder))


def _package(manifest: Manifest, read: Callable[[str], bytes], source: str) -> CdmPackage:
    files = manifest.package_files()
    known = {file.path for file in files}
    lost = ({row.file for row in manifest.entries} | {row.file for row in manifest.transactions}) - known
    unsafe = [path for path in known if path.startswith("/") or ".." in path.split("/") or "\\" in path]
    if lost or unsafe:
        raise PackageError(f"{source}: the manifest names files that cannot be there: {sorted(lost or unsafe)[0]}")
    for row in manifest.entries:
        if row.namespace.startswith(SANDBOX_NAMESPACE) != (row.fidelity is Fidelity.SANDBOX):
            raise PackageError(
                f"{source}: {row.sed} {row.version} is a sandbox document by its namespace or fidelity only"
            )
    if content_hash(files) != manifest.hash:
        raise ContentChanged(f"{source}: the manifest was changed: its hash is not that of its files")
    return CdmPackage(
        name=manifest.name,
        version=manifest.version,
        origin=manifest.origin,
        content=FileContent(
            entries=manifest.package_entries(),
            transactions=manifest.transaction_entries(),
            files=files,
            read=read,
            package=f"{manifest.name}:{manifest.version}",
        ),
        valid_from=manifest.valid_from,
        valid_to=manifest.valid_to,
        replaces=manifest.replaces,
        notes=manifest.notes,
    )


def open_package(path: Path, *, name: str | None = None, version: str | None = None) -> CdmPackage:
    """A saved or exported package, or official files in a folder, zip or tar.

    :raises UsageError: when a name or version is given for a package that has them. :raises InputError: when ``path`` cannot be read. :raises PackageError: when it holds no usable package.
    """
    if path.is_dir() and (path / MANIFEST).is_file():
        _keeps_its_name(path, name, version)
        return load_package(path)
    from eessi.schemas.archive import read_files
    from eessi.schemas.importer import package_of

    files = read_files(path)
    if MANIFEST in files:
        _keeps_its_name(path, name, version)
        return _exported(files, str(path))
    return package_of(files, source=str(path), name=name, version=version)


def _keeps_its_name(path: Path, name: str | None, version: str | None) -> None:
    if name or version:
        raise UsageError(f"{path} is a package that has a name and a version already; leave out --name and --version")


def _exported(files: Mapping[str, bytes], source: str) -> CdmPackage:
    from eessi.schemas.manifest import read_manifest

    manifest = read_manifest(files[MANIFEST], source=source)

    def read(path: str) -> bytes:
        try:
            return files[f"{_FILES}/{path}"]
        except KeyError:
            raise PackageError(f"{source}: {path} is in the manifest and not in the archive") from None

    package = _package(manifest, read, source)
    troubles = package.verify()
    if troubles:
        raise ContentChanged(troubles[0])
    return package


def save_package(package: CdmPackage, folder: Path) -> Path:
    """Write a package to ``folder``; see :meth:`CdmPackage.save`."""
    target = folder
    if target.exists():
        return _same(package, target)
    partial = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}{_PARTIAL}")
    try:
        _write_all(_members(package), partial)
        try:
            partial.rename(target)
        except OSError:
            if not target.exists():
                raise
            return _same(package, target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def folder_name(package: CdmPackage) -> str:
    """Name of the folder that a package is kept in: no two coordinates share one."""
    return f"{package.name}@{package.version}"


def _same(package: CdmPackage, target: Path) -> Path:
    """Where the package is there already. Its content may not differ; the days on which it applies may."""
    from eessi.schemas.manifest import manifest_of

    known = load_package(target)
    if known.hash != package.hash or known.coordinates != package.coordinates:
        raise ContentChanged(
            f"{target} holds {known.coordinates} with other content (hash {known.hash[:12]}, this one "
            f"{package.hash[:12]}); released content never changes, give it a new version"
        )
    dated = known.with_validity(valid_from=package.valid_from, valid_to=package.valid_to, replaces=package.replaces)
    if manifest_of(dated) != manifest_of(known):
        partial = target / f"{MANIFEST}{_PARTIAL}"
        _write_all(iter([(partial.name, _manifest_text(dated))]), target)
        partial.replace(target / MANIFEST)
    return target


def _write_all(members: Iterator[tuple[str, bytes]], folder: Path) -> None:
    """Write the files, the manifest last; only that is forced to the disk, since it holds the hashes of the others."""
    for path, data in members:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as stream:
            stream.write(data)
            if path.startswith(MANIFEST):
                stream.flush()
                os.fsync(stream.fileno())


def _members(package: CdmPackage) -> Iterator[tuple[str, bytes]]:
    """Files of a saved package, the manifest last."""
    if not isinstance(package.content, FileContent):
        package = _as_schemas(package)
    for file in package.files():
        yield f"{_FILES}/{file.path}", package.content.read(file.path)
    yield MANIFEST, _manifest_text(package)


def _manifest_text(package: CdmPackage) -> bytes:
    from eessi.schemas.manifest import manifest_of

    return (manifest_of(package).model_dump_json(indent=2) + "\n").encode()


def _as_schemas(package: CdmPackage) -> CdmPackage:
    """A shipped package as schema files, under a version of its own: its content is other files now."""
    from eessi.schemas.compiled import SIGNATURE_SCHEMAS, signature_schema
    from eessi.schemas.xsdwriter import write

    files = dict(signature_schema(namespace) for namespace in SIGNATURE_SCHEMAS)
    entries = []
    for entry in package.entries():
        for version in entry.versions:
            structure = package.content.structure(entry, version)
            path = f"{entry.sed}-{structure.version}.xsd"
            files[path] = write(structure).encode()
            entries.append(
                attrs.evolve(entry, version=structure.version, namespace=structure.namespace, versions=(), file=path)
            )
    return CdmPackage(
        name=package.name,
        version=f"{package.version}+xsd",
        origin=package.origin,
        content=FileContent(tuple(entries), (), in_memory(files), files.__getitem__, package.coordinates),
        valid_from=package.valid_from,
        valid_to=package.valid_to,
    )


def export_package(package: CdmPackage, target: Path) -> Path:
    """Write a package as a folder, or as a zip where ``target`` ends so. Shipped packages come out as schema files.

    :raises UsageError: when ``target`` is there already or cannot be written.
    """
    if target.exists():
        raise UsageError(f"{target} is there already; nothing was written")
    if target.suffix.lower() != ".zip":
        _export_folder(package, target)
        return target
    partial = target.with_name(f".{target.name}.{os.getpid()}{_PARTIAL}")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, data in _members(package):
                archive.writestr(zipfile.ZipInfo(path, _DATE), data, zipfile.ZIP_DEFLATED)
        partial.rename(target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    return target


def _export_folder(package: CdmPackage, target: Path) -> None:
    partial = target.with_name(f".{target.name}.{os.getpid()}{_PARTIAL}")
    try:
        _write_all(_members(package), partial)
        partial.rename(target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)

"""Files out of a folder, a zip or a tar from somebody else: only plain files, only below the top, only so many.

Names and sizes are judged before anything is unpacked, and nothing is ever written while reading.
"""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Final

import attrs

from eessi.errors import InputError, LimitExceeded, PackageError

__all__ = ["DEFAULT_LIMITS", "ArchiveLimits", "read_files"]


@attrs.frozen(slots=True)
class ArchiveLimits:
    """How much is read of a package before it is refused.

    A release has some 280 SED schemas and a few thousand transaction schemas of up to 200 KB; a schema file packs to
    about a twentieth. ``entries`` is a count, ``file``, ``total`` and ``packed`` are bytes, ``ratio`` is unpacked to packed.
    """

    entries: int = 10_000
    file: int = 16 * 1024 * 1024
    total: int = 512 * 1024 * 1024
    packed: int = 256 * 1024 * 1024
    ratio: int = 200


DEFAULT_LIMITS: Final = ArchiveLimits()

_SCHEMA: Final = ".xsd"
_MANIFEST: Final = "manifest.json"
_RATIO_FROM: Final = 1024 * 1024
"""Unpacked bytes below which the ratio says nothing: a small file of blanks packs well too."""


def read_files(path: Path, limits: ArchiveLimits = DEFAULT_LIMITS) -> dict[str, bytes]:
    """The schema files (and a manifest, if any) in a folder, zip or tar, or one schema file, by path below the top.

    Other files are passed over, but counted.

    :raises InputError: no such file, not an archive, damaged.
    :raises LimitExceeded: more or larger than ``limits``.
    :raises PackageError: an entry that leaves the folder, a link, a device, two entries of one name.
    """
    source = str(path)
    try:
        if path.is_dir():
            return _Reader(source, limits).folder(path)
        size = path.stat().st_size
        if path.suffix.lower() == ".xsd":
            return _Reader(source, limits).single(path, size)
        if size > limits.packed:
            raise _over(source, "packed", f"the archive has {size:,} bytes; the limit is {limits.packed:,}")
        if zipfile.is_zipfile(path):
            return _Reader(source, limits, packed=size).zip(path)
        if tarfile.is_tarfile(path):
            return _Reader(source, limits, packed=size).tar(path)
    except FileNotFoundError:
        raise InputError("no such file or folder", source=source) from None
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise InputError(f"the archive is damaged or of an unknown kind: {error}", source=source) from None
    except RuntimeError as error:  # zipfile's word for a password
        raise InputError(f"the archive cannot be opened: {error}", source=source) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", source=source) from None
    raise InputError("neither a folder of schemas nor a zip or tar archive", source=source)


def _is_kept(name: str) -> bool:
    return name.lower().endswith(_SCHEMA) or name.rpartition("/")[2] == _MANIFEST


def _over(source: str, limit: str, message: str) -> LimitExceeded:
    return LimitExceeded(message, limit=limit, source=source)


@attrs.define(slots=True)
class _Reader:
    source: str
    limits: ArchiveLimits
    packed: int | None = None
    files: dict[str, bytes] = attrs.field(factory=dict)
    seen: set[str] = attrs.field(factory=set)
    total: int = 0

    def folder(self, top: Path) -> dict[str, bytes]:
        real_top = top.resolve()
        for path, size in self._walk(top):
            name = path.relative_to(top).as_posix()
            if not path.resolve().is_relative_to(real_top):
                raise self._broken(name, "is a link that leaves the folder")
            self._take(name, size, lambda path=path: path.open("rb"))  # type: ignore[misc]  # bound now, not later
        return self.files

    def _walk(self, top: Path) -> Iterator[tuple[Path, int]]:
        for folder, _, names in os.walk(top):  # does not follow links to folders
            for name in sorted(names):
                if not _is_kept(name):
                    continue  # nothing is unpacked here, so other files cost nothing and do not count
                path = Path(folder, name)
                about = path.stat()
                if stat.S_ISREG(about.st_mode):
                    yield path, about.st_size

    def single(self, path: Path, size: int) -> dict[str, bytes]:
        """One schema file, with the schema files that lie beside it: it may include them."""
        for beside in sorted(path.parent.iterdir()):
            if beside.suffix.lower() == ".xsd" and beside.is_file() and (beside == path or not _sed_like(beside.name)):
                self._take(beside.name, beside.stat().st_size, lambda beside=beside: beside.open("rb"))  # type: ignore[misc]  # bound now
        return self.files

    def zip(self, path: Path) -> dict[str, bytes]:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.is_dir():
                    continue
                kind = stat.S_IFMT(entry.external_attr >> 16)
                if kind not in (0, stat.S_IFREG):
                    raise self._broken(entry.filename, "is a link or a device")
                self._take(entry.filename, entry.file_size, lambda entry=entry: archive.open(entry))  # type: ignore[misc]  # bound now
        return self.files

    def tar(self, path: Path) -> dict[str, bytes]:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                if member.isdir():
                    continue
                if not member.isreg():
                    raise self._broken(member.name, "is a link or a device")
                self._take(member.name, member.size, lambda member=member: archive.extractfile(member))  # type: ignore[misc]  # bound now
        return self.files

    def _take(self, raw_name: str, size: int, open_: Callable[[], IO[bytes] | None]) -> None:
        name = self._safe_name(raw_name)
        if len(self.seen) >= self.limits.entries:
            raise _over(self.source, "entries", f"more than {self.limits.entries:,} files; that is no schema package")
        if name.casefold() in self.seen:
            raise self._broken(raw_name, "stands there twice")
        self.seen.add(name.casefold())
        self.total += size
        self._check_total()
        if not _is_kept(name):
            return
        if size > self.limits.file:
            raise _over(self.source, "file", f"{name} has {size:,} bytes; the limit is {self.limits.file:,}")
        stream = open_()
        if stream is None:
            raise self._broken(raw_name, "has no content")
        with stream:
            data = stream.read(self.limits.file + 1)
        if len(data) != size:
            raise self._broken(raw_name, "is not as long as the archive says")
        self.files[name] = data

    def _check_total(self) -> None:
        if self.total > self.limits.total:
            raise _over(self.source, "total", f"holds more than {self.limits.total:,} bytes")
        if self.packed and self.total > _RATIO_FROM and self.total > self.packed * self.limits.ratio:
            raise _over(self.source, "ratio", f"unpacks to more than {self.limits.ratio} times its size")

    def _safe_name(self, raw: str) -> str:
        name = raw.replace("\\", "/")
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or ":" in parts[0] or any(ord(c) < 32 for c in name):
            raise self._broken(raw, "leaves the folder")
        return "/".join(part for part in parts if part != ".")

    def _broken(self, name: str, what: str) -> PackageError:
        shown = "".join(sign if sign.isprintable() else "?" for sign in name)[:120]
        return PackageError(f"{self.source}: the entry {shown!r} {what}; nothing was imported")


def _sed_like(name: str) -> bool:
    from eessi.errors import EessiError
    from eessi.schemas.names import SedFileName, TransactionName

    for form in (SedFileName, TransactionName):
        try:
            form.parse(name)
        except EessiError:
            continue
        return True
    return False

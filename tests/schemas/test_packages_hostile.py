"""Archives made to hurt: each refused with one clear line, with the right exit code, and nothing written."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from eessi.errors import EessiError, InputError, LimitExceeded, PackageError
from eessi.schemas import CdmPackage
from eessi.schemas.archive import ArchiveLimits, read_files
from tests.schemas.test_registry import schema_text

GOOD = schema_text()


def zip_of(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    target = path / "hostile.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("S071-4.4.xsd", GOOD)
        for name, data in entries:
            archive.writestr(name, data)
    return target


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes | None]) -> Path:
    target = path / "hostile.tar"
    with tarfile.open(target, "w") as archive:
        good = tarfile.TarInfo("S071-4.4.xsd")
        good.size = len(GOOD)
        archive.addfile(good, io.BytesIO(GOOD))
        for member, data in members:
            archive.addfile(member, None if data is None else io.BytesIO(data))
    return target


def tar_link(kind: bytes, name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = target
    return member


def tar_file(name: str, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    return member, data


def zip_link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("core.xsd")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def truncated(path: Path) -> Path:
    whole = zip_of(path).read_bytes()
    target = path / "cut.zip"
    target.write_bytes(whole[: len(whole) // 2])
    return target


def wrong_checksum(path: Path) -> Path:
    target = zip_of(path)
    data = bytearray(target.read_bytes())
    at = data.index(b"S071-4.4.xsd") + len("S071-4.4.xsd") + 20
    data[at] ^= 0xFF
    target.write_bytes(bytes(data))
    return target


def lying_size(path: Path) -> Path:
    """The directory of the zip says that an entry has 100 bytes; it unpacks to millions."""
    target = path / "lying.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("S071-4.4.xsd", b" " * 5_000_000)
    data = bytearray(target.read_bytes())
    real = (5_000_000).to_bytes(4, "little")
    at = 0
    while (at := data.find(real, at)) >= 0:
        data[at : at + 4] = (100).to_bytes(4, "little")
    target.write_bytes(bytes(data))
    return target


def cut_gzip(path: Path) -> Path:
    import gzip

    target = path / "cut.tar.gz"
    target.write_bytes(gzip.compress(tar_of(path).read_bytes())[:-40])
    return target


Case = tuple[Callable[[Path], Path], type[EessiError], str]

CASES: dict[str, Case] = {
    "zip: path up": (lambda p: zip_of(p, ("../../evil.xsd", GOOD)), PackageError, "leaves the folder"),
    "zip: path up inside": (lambda p: zip_of(p, ("a/../../evil.xsd", GOOD)), PackageError, "leaves the folder"),
    "zip: absolute path": (lambda p: zip_of(p, ("/etc/evil.xsd", GOOD)), PackageError, "leaves the folder"),
    "zip: drive letter": (lambda p: zip_of(p, ("C:/evil.xsd", GOOD)), PackageError, "leaves the folder"),
    "zip: backslashes": (lambda p: zip_of(p, ("..\\..\\evil.xsd", GOOD)), PackageError, "leaves the folder"),
    "zip: path up, other file": (lambda p: zip_of(p, ("../evil.txt", b"x")), PackageError, "leaves the folder"),
    "zip: line break in name": (lambda p: zip_of(p, ("a\nb.xsd", GOOD)), PackageError, "leaves the folder"),
    "zip: link": (lambda p: zip_of(p, (zip_link(), b"/etc/passwd")), PackageError, "link"),
    "zip: same name in other letters": (lambda p: zip_of(p, ("s071-4.4.XSD", GOOD)), PackageError, "twice"),
    "zip: thousands of entries": (
        lambda p: zip_of(p, *((f"{number}.txt", b"") for number in range(10_001))), LimitExceeded, "10,000 files"),
    "zip: bomb": (lambda p: zip_of(p, ("a.bin", b"\0" * 50_000_000)), LimitExceeded, "times its size"),
    "zip: large file": (lambda p: zip_of(p, ("a.xsd", os.urandom(9_000_000) * 2)), LimitExceeded, "limit is 16,777,216"),
    "zip: lying size": (lying_size, EessiError, ""),
    "zip: truncated": (truncated, InputError, ""),
    "zip: wrong checksum": (wrong_checksum, InputError, "damaged"),
    "tar: path up": (lambda p: tar_of(p, tar_file("../evil.xsd", GOOD)), PackageError, "leaves the folder"),
    "tar: absolute": (lambda p: tar_of(p, tar_file("/tmp/evil.xsd", GOOD)), PackageError, "leaves the folder"),
    "tar: symbolic link": (lambda p: tar_of(p, (tar_link(tarfile.SYMTYPE, "core.xsd", "/etc/passwd"), None)), PackageError, "link"),
    "tar: hard link": (lambda p: tar_of(p, (tar_link(tarfile.LNKTYPE, "core.xsd", "S071-4.4.xsd"), None)), PackageError, "link"),
    "tar: device": (lambda p: tar_of(p, (tar_link(tarfile.CHRTYPE, "core.xsd", ""), None)), PackageError, "device"),
    "tar: pipe": (lambda p: tar_of(p, (tar_link(tarfile.FIFOTYPE, "core.xsd", ""), None)), PackageError, "device"),
    "tar: twice": (lambda p: tar_of(p, tar_file("S071-4.4.xsd", GOOD)), PackageError, "twice"),
    "tar.gz: truncated": (cut_gzip, InputError, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_hostile_archives(case: str, tmp_path: Path) -> None:
    make, kind, message = CASES[case]
    archive = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(kind) as caught:
        CdmPackage.import_from(archive)
    text = str(caught.value)
    assert message in text
    assert "\n" not in text
    assert str(archive) in text
    assert caught.value.exit_code == (5 if isinstance(caught.value, PackageError) else 4)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_gzip_bomb_is_stopped_early(tmp_path: Path) -> None:
    """A gigabyte of blanks in a megabyte: refused by its head, before it is unpacked."""
    target = tmp_path / "bomb.tar.gz"
    member = tarfile.TarInfo("a.bin")
    member.size = 1_000_000_000
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        archive.addfile(member, _Blanks(member.size))  # type: ignore[arg-type]  # read() is all it needs
    with pytest.raises(LimitExceeded) as caught:
        CdmPackage.import_from(target)
    assert caught.value.limit == "total"


class _Blanks:
    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int) -> bytes:
        size = min(size, self.left)
        self.left -= size
        return b"\0" * size


def test_a_password_is_one_clear_line(tmp_path: Path) -> None:
    target = zip_of(tmp_path)
    data = bytearray(target.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    target.write_bytes(bytes(data))
    with pytest.raises(InputError, match="password"):
        CdmPackage.import_from(target)


def test_a_link_that_leaves_the_folder(tmp_path: Path) -> None:
    outside = tmp_path / "secret.xsd"
    outside.write_bytes(GOOD)
    inside = tmp_path / "package"
    inside.mkdir()
    (inside / "S071-4.4.xsd").symlink_to(outside)
    with pytest.raises(PackageError, match="link that leaves the folder"):
        CdmPackage.import_from(inside)


def test_a_link_inside_the_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "real.bin").write_bytes(GOOD)
    (tmp_path / "S071-4.4.xsd").symlink_to(tmp_path / "real.bin")
    assert len(CdmPackage.import_from(tmp_path).entries()) == 1


def test_a_folder_in_a_circle_ends(tmp_path: Path) -> None:
    (tmp_path / "S071-4.4.xsd").write_bytes(GOOD)
    (tmp_path / "again").symlink_to(tmp_path)
    assert len(CdmPackage.import_from(tmp_path).entries()) == 1


def test_a_dangling_link_and_a_pipe_do_not_hang(tmp_path: Path) -> None:
    (tmp_path / "S071-4.4.xsd").write_bytes(GOOD)
    os.mkfifo(tmp_path / "pipe.xsd")
    assert len(CdmPackage.import_from(tmp_path).entries()) == 1
    (tmp_path / "gone.xsd").symlink_to(tmp_path / "nowhere")
    with pytest.raises(EessiError):
        CdmPackage.import_from(tmp_path)


def test_limits_are_arguments(tmp_path: Path) -> None:
    archive = zip_of(tmp_path)
    assert len(read_files(archive)) == 1
    with pytest.raises(LimitExceeded) as caught:
        read_files(archive, ArchiveLimits(file=100))
    assert caught.value.limit == "file"

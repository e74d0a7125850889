"""Packages on disk: whole or not at all, checked when read, exported and opened again."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eessi.errors import ContentChanged, EessiError, PackageError, UsageError
from eessi.schemas import CdmPackage, Fidelity, Registry, saved
from eessi.schemas.lock import differences, lock_text
from eessi.schemas.saved import export_package, installed_packages, open_package, packages_folder
from tests.schemas.test_registry import package, schema_text


def full() -> CdmPackage:
    files = {
        "core/core.xsd": b'<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema"/>',
        "seds/S071-4.4.0-20241203T114212.xsd": schema_text(),
        "P_BUC_05-1.0-CaseOwner-Counterparty-New-P4000-1.0.xsd": b'<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema"/>',
    }
    return package(files=files, valid_from=dt.date(2025, 1, 1), valid_to=dt.date(2026, 7, 1), replaces="cdm:4.3.0")


def test_saved_and_loaded_is_the_same(tmp_path: Path) -> None:
    one = full()
    two = CdmPackage.load(one.save(tmp_path / "cdm"))
    for what in ("coordinates", "origin", "hash", "valid_from", "valid_to", "replaces", "notes"):
        assert getattr(two, what) == getattr(one, what), what
    assert two.entries() == one.entries()
    assert two.transactions() == one.transactions()
    assert two.files() == one.files()
    assert two.verify() == ()


def test_saving_the_same_again_changes_nothing(tmp_path: Path) -> None:
    target = full().save(tmp_path / "cdm")
    times = {file: file.stat().st_mtime_ns for file in target.rglob("*")}
    full().save(tmp_path / "cdm")
    assert {file: file.stat().st_mtime_ns for file in target.rglob("*")} == times


def test_saving_other_content_under_known_coordinates_is_refused(tmp_path: Path) -> None:
    full().save(tmp_path / "cdm")
    with pytest.raises(ContentChanged, match="give it a new version"):
        package().save(tmp_path / "cdm")
    assert CdmPackage.load(tmp_path / "cdm").hash == full().hash


def test_the_days_on_which_a_package_applies_may_change(tmp_path: Path) -> None:
    """When its successor comes, a package gets an end; its content stays what it was."""
    target = package().save(tmp_path / "cdm")
    package(valid_to=dt.date(2027, 1, 1)).save(target)
    assert CdmPackage.load(target).valid_to == dt.date(2027, 1, 1)
    package(valid_from=dt.date(2026, 1, 1)).save(target)
    found = CdmPackage.load(target)
    assert (found.valid_from, found.valid_to) == (dt.date(2026, 1, 1), dt.date(2027, 1, 1))
    assert found.hash == package().hash
    assert sorted(entry.name for entry in target.iterdir()) == ["files", "manifest.json"]


def test_no_two_packages_share_a_folder() -> None:
    from eessi.schemas.saved import folder_name

    files = {"S071-4.4.xsd": schema_text()}
    one, two = package(name="a-b", version="1", files=files), package(name="a", version="b-1", files=files)
    assert folder_name(one) != folder_name(two)


def test_a_crash_while_saving_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever moment the disk fails at, there is no package and no rubbish."""
    members = list(saved._members(full()))
    for stop in range(len(members)):

        def failing(_: CdmPackage, stop: int = stop) -> Iterator[tuple[str, bytes]]:
            yield from members[:stop]
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(saved, "_members", failing)
        with pytest.raises(UsageError, match="No space left"):
            full().save(tmp_path / "cdm")
        assert list(tmp_path.iterdir()) == []


def test_a_killed_save_is_not_seen(tmp_path: Path) -> None:
    """The process dies in the middle: the half-written folder is no package to anybody."""
    code = (
        "import os, sys; from pathlib import Path; from tests.schemas.test_packages_saved import full;"
        "os.fsync = lambda number: os._exit(9);"
        "full().save(Path(sys.argv[1]) / 'packages' / 'cdm@4.4.0')"
    )
    (tmp_path / "packages").mkdir()
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 9
    left = [entry.name for entry in (tmp_path / "packages").iterdir()]
    assert len(left) == 1
    assert left[0].endswith(".partial")
    assert installed_packages(tmp_path) == ()
    full().save(tmp_path / "packages" / "cdm@4.4.0")
    assert [found.coordinates for found in installed_packages(tmp_path)] == ["cdm:4.4.0"]


def test_a_changed_byte_on_disk_is_found_when_read(tmp_path: Path) -> None:
    target = full().save(tmp_path / "cdm")
    file = target / "files" / "seds" / "S071-4.4.0-20241203T114212.xsd"
    file.write_bytes(file.read_bytes().replace(b'"65"', b'"66"'))
    registry = Registry.default().add(CdmPackage.load(target))
    for ask in (registry.schema, registry.structure):
        with pytest.raises(ContentChanged, match="not the file that was imported") as caught:
            ask("S071", "4.4")
        assert caught.value.exit_code == 5
    assert len(CdmPackage.load(target).verify()) == 1


def test_a_lost_file_is_found_when_read(tmp_path: Path) -> None:
    target = full().save(tmp_path / "cdm")
    (target / "files" / "seds" / "S071-4.4.0-20241203T114212.xsd").unlink()
    with pytest.raises(PackageError, match="cannot be read"):
        Registry.default().add(CdmPackage.load(target)).schema("S071", "4.4")


def edit(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def apply(manifest: Path) -> None:
        document = json.loads(manifest.read_text())
        change(document)
        manifest.write_text(json.dumps(document))

    return apply


def row(document: dict[str, object], name: str, number: int = 0) -> dict[str, object]:
    rows = document[name]
    assert isinstance(rows, list)
    found: dict[str, object] = rows[number]
    return found


DAMAGE: dict[str, Callable[[Path], object]] = {
    "gone": Path.unlink,
    "empty": lambda manifest: manifest.write_text(""),
    "not JSON": lambda manifest: manifest.write_text("{"),
    "another document": lambda manifest: manifest.write_text("[]"),
    "not text": lambda manifest: manifest.write_bytes(b"\xff\xfe\x00"),
    "another schema version": edit(lambda d: d.update(schema_version=2)),
    "unknown key": edit(lambda d: d.update(more=1)),
    "no files": edit(lambda d: d.pop("files")),
    "hash of a file": edit(lambda d: row(d, "files").update(sha256="0" * 64)),
    "no hash": edit(lambda d: row(d, "files").update(sha256="short")),
    "fidelity unknown": edit(lambda d: row(d, "entries").update(fidelity="certain")),
    "SED unknown": edit(lambda d: row(d, "entries").update(sed="nothing")),
    "version unknown": edit(lambda d: row(d, "entries").update(version="four")),
    "file not listed": edit(lambda d: row(d, "entries").update(file="other.xsd")),
    "transaction unknown": edit(lambda d: row(d, "transactions").update(name="other")),
    "path leaves": edit(lambda d: row(d, "files").update(path="../../../etc/passwd")),
    "absolute path": edit(lambda d: row(d, "files").update(path="/etc/passwd")),
    "coordinates": edit(lambda d: d.update(name="a b")),
    "dates": edit(lambda d: d.update(valid_to="2020-01-01")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_manifest_is_one_clear_error(damage: str, tmp_path: Path) -> None:
    target = full().save(tmp_path / "cdm")
    DAMAGE[damage](target / "manifest.json")
    with pytest.raises(EessiError) as caught:
        CdmPackage.load(target)
    assert "\n" not in str(caught.value)


def test_a_manifest_cannot_promote_a_practice_package(tmp_path: Path) -> None:
    """Fidelity stands in the manifest, and the sandbox's namespace speaks against it."""
    target = export_package(Registry.default().package("sandbox:1.0"), tmp_path / "out")
    edit(lambda d: [row(d, "entries", n).update(fidelity="exact") for n in range(280)])(target / "manifest.json")
    with pytest.raises(PackageError, match="sandbox"):
        CdmPackage.load(target)


def test_a_manifest_cannot_promote_a_tree_that_takes_anything(tmp_path: Path) -> None:
    target = export_package(Registry.default().package("open:4.4"), tmp_path / "out")

    def promote(document: dict[str, object]) -> None:
        rows = document["entries"]
        assert isinstance(rows, list)
        for entry in rows:
            entry["fidelity"] = "exact"

    edit(promote)(target / "manifest.json")
    registry = Registry().add(CdmPackage.load(target))
    for ask in (registry.schema, registry.structure):
        with pytest.raises(PackageError, match="is marked observed, the package says exact"):
            ask("A001", "4.4")
    assert registry.schema("S071", "4.4") is not None


@pytest.mark.parametrize("name", ["open:4.4", "sandbox:1.1"])
@pytest.mark.parametrize("form", ["folder", "out.zip"])
def test_shipped_packages_come_out_as_schemas(name: str, form: str, tmp_path: Path) -> None:
    original = Registry.default().package(name)
    again = open_package(export_package(original, tmp_path / form))
    assert again.coordinates == f"{name}+xsd"
    assert again.origin == original.origin
    wanted = {(e.sed, v.released, e.fidelity) for e in original.entries() for v in e.versions}
    assert {(e.sed, e.version.released, e.fidelity) for e in again.entries()} == wanted
    exact = [entry for entry in again.entries() if entry.fidelity in (Fidelity.EXACT, Fidelity.SANDBOX)][:3]
    for entry in exact:
        structure = again.content.structure(entry, entry.version)
        assert structure == Registry.default().structure(entry.sed, entry.version, package=name)


@pytest.mark.parametrize("form", ["folder", "out.zip"])
def test_imported_packages_come_out_as_they_came(form: str, tmp_path: Path) -> None:
    again = open_package(export_package(full(), tmp_path / form))
    assert (again.coordinates, again.hash) == (full().coordinates, full().hash)


def test_an_exported_zip_is_the_same_each_time(tmp_path: Path) -> None:
    one, two = (export_package(full(), tmp_path / name).read_bytes() for name in ("a.zip", "b.zip"))
    assert one == two


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "there.zip").write_text("mine")
    with pytest.raises(UsageError, match="there already"):
        export_package(full(), tmp_path / "there.zip")
    assert (tmp_path / "there.zip").read_text() == "mine"


def test_a_changed_file_in_an_exported_zip_is_refused(tmp_path: Path) -> None:
    import zipfile

    whole = export_package(full(), tmp_path / "whole.zip")
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(tmp_path / "changed.zip", "w") as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry).replace(b'"65"', b'"66"'))
    with pytest.raises(ContentChanged):
        open_package(tmp_path / "changed.zip")


def test_where_imported_packages_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EESSI_HOME", str(tmp_path))
    assert packages_folder() == tmp_path / "packages"
    assert packages_folder(tmp_path / "other") == tmp_path / "other" / "packages"
    monkeypatch.delenv("EESSI_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert packages_folder() == tmp_path / "data" / "eessi" / "packages"


def test_the_default_registry_does_not_look_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EESSI_HOME", str(tmp_path))
    (tmp_path / "packages").mkdir()
    full().save(tmp_path / "packages" / "cdm@4.4.0")
    assert len(Registry.default().packages) == 3
    assert [found.coordinates for found in Registry.installed().packages][3:] == ["cdm:4.4.0"]


def test_the_lock_file_sees_every_change() -> None:
    registry = Registry.default().add(package())
    text = lock_text(registry.packages)
    assert differences(text, registry.packages, source="lock") == ()
    changed = Registry.default().add(package(files={"S071-4.4.xsd": schema_text(longest=66)}))
    (line,) = differences(text, changed.packages, source="lock")
    assert line.startswith("cdm:4.4.0: locked as")
    (line,) = differences(text, Registry.default().packages, source="lock")
    assert line.endswith("not here")
    for nonsense in ("", "{}", "[]", '{"packages": [1]}'):
        with pytest.raises(PackageError, match="no lock file"):
            differences(nonsense, registry.packages, source="lock")

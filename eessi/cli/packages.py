"""``eessi packages``: CDM packages and what they hold."""

from __future__ import annotations

import datetime as dt
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import click

from eessi.cli.day import Day
from eessi.cli.output import common_options, print_json, print_table, write
from eessi.errors import EessiError, InputError, PackageError, UsageError
from eessi.schemas import CdmPackage, PackageEntry, Registry, TransactionEntry

__all__ = ["packages"]

_Item = TypeVar("_Item")


@click.group(help="CDM packages: coordinates, hashes, fidelity per SED.")
def packages() -> None:
    """Hold the subcommands."""


@packages.command("import", help="Import official schemas from a folder, a zip or a tar (or an exported package).")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the package.  [default: cdm]")
@click.option("--version", help="Version of the package.  [default: the highest CDM version in it]")
@click.option("--valid-from", type=Day(), help="First day on which it applies.")
@click.option("--valid-to", type=Day(), help="First day on which it no longer applies.")
@click.option("--replaces", metavar="NAME:VERSION", help="The package that this one replaces.")
@common_options()
def import_(
    path: Path,
    name: str | None,
    version: str | None,
    valid_from: dt.date | None,
    valid_to: dt.date | None,
    replaces: str | None,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Read, check and keep a package; whole or not at all."""
    from eessi.schemas.saved import folder_name, open_package, packages_folder

    opened = open_package(path, name=name, version=version)
    known = (
        Registry.installed().add(opened).package(opened.coordinates)
    )  # refuses other content under these coordinates
    package = known.with_validity(valid_from=valid_from, valid_to=valid_to, replaces=replaces)
    if known is opened:
        _compile_all(package)
    folder = packages_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}; EESSI_HOME moves it") from None
    kept = package.save(folder / folder_name(package))
    if format == "json":
        from eessi.schemas.report_json import PackageImportDocument, PackageModel

        document = PackageImportDocument(package=PackageModel.of(package), folder=str(kept), notes=list(package.notes))
        print_json(document.model_dump(mode="json"), output, quiet=quiet)
    else:
        write("\n".join(_imported(package)), output, quiet=quiet)
    return 0


def _imported(package: CdmPackage) -> Iterator[str]:
    entries, steps = package.entries(), package.transactions()
    yield f"imported {package.coordinates}: {_counted(entries)}" + (f", {len(steps)} transactions" if steps else "")
    yield f"hash {package.hash}"
    yield from (f"note: {note}" for note in package.notes)


def _compile_all(package: CdmPackage) -> None:
    total = len(package.entries()) + len(package.transactions())
    troubles = [trouble for _, trouble in _with_progress(package.check(), total, "compiling") if trouble]
    if troubles:
        more = f" (and {len(troubles) - 1} more)" if len(troubles) > 1 else ""
        raise PackageError(f"{troubles[0]}{more}; nothing was imported")


def _with_progress(items: Iterable[_Item], total: int, what: str) -> Iterator[_Item]:
    """Pass the items through; with a bar on standard error where a terminal shows it and the work is long."""
    if total < 200 or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, total=total, description=what, console=Console(stderr=True), transient=True)


@packages.command("list", help="The packages that ship and those imported.")
@common_options()
def list_(format: str, output: Path | None, quiet: bool, lang: str) -> int:
    """Print one row per package."""
    known = Registry.installed().packages
    if format == "json":
        from eessi.schemas.report_json import PackageListDocument, PackageModel

        document = PackageListDocument(packages=[PackageModel.of(package) for package in known])
        print_json(document.model_dump(mode="json"), output, quiet=quiet)
        return 0
    rows = [
        [package.coordinates, package.origin.value, _counted(package.entries()), _validity(package), package.hash[:12]]
        for package in known
    ]
    print_table(["package", "origin", "SEDs", "valid", "hash"], rows, output, quiet=quiet)
    return 0


@packages.command("show", help="What a package holds: fidelity per SED and version, files with hashes.")
@click.argument("package", metavar="NAME:VERSION")
@click.option("--sed", "seds", multiple=True, metavar="CODE", help="Only these SEDs.")
@common_options()
def show(package: str, seds: tuple[str, ...], format: str, output: Path | None, quiet: bool, lang: str) -> int:
    """Print the entries of a package."""
    found = Registry.installed().package(package)
    wanted = {code.upper() for code in seds}
    entries = [entry for entry in found.entries() if not wanted or entry.sed in wanted]
    if wanted and not entries:
        raise UsageError(f"{found.coordinates} has none of these SEDs: {', '.join(sorted(wanted))}")
    if format == "json":
        from eessi.schemas.report_json import PackageShowDocument

        print_json(PackageShowDocument.of(found, entries).model_dump(mode="json"), output, quiet=quiet)
        return 0
    head = [f"{found.coordinates} ({found.origin.value}), {_validity(found)}", f"hash {found.hash}", *found.notes]
    if output is None:
        write("\n".join(head), None, quiet=quiet)
    rows = [[e.sed, e.stated or str(e.version), e.fidelity.value, e.source] for e in entries]
    print_table(["SED", "version", "fidelity", "source"], rows, output, quiet=quiet)
    return 0


@packages.command("export", help="Write a package as a folder or, where --to ends in .zip, as a zip.")
@click.argument("package", metavar="NAME:VERSION")
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), help="Folder or zip to write.")
@common_options()
def export(package: str, target: Path, format: str, output: Path | None, quiet: bool, lang: str) -> int:
    """Write a package; those that ship come out as schema files."""
    from eessi.schemas.saved import export_package

    found = Registry.installed().package(package)
    written = export_package(found, target)
    if format == "json":
        from eessi.schemas.report_json import PackageModel, PackageWrittenDocument

        document = PackageWrittenDocument(package=PackageModel.of(found), written=str(written))
        print_json(document.model_dump(mode="json"), output, quiet=quiet)
    else:
        write(f"{found.coordinates} written to {written}", output, quiet=quiet)
    return 0


@packages.command("verify", help="Check the hash of every file and that every schema compiles (exit code 5 if not).")
@click.argument("names", nargs=-1, metavar="[NAME:VERSION]...")
@click.option("--lock", "lock_file", type=click.Path(path_type=Path), help="Compare with this lock file.")
@click.option("--write-lock", type=click.Path(path_type=Path), help="Write a lock file of all packages.")
@common_options()
def verify(
    names: tuple[str, ...],
    lock_file: Path | None,
    write_lock: Path | None,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Print the troubles of each package."""
    from eessi.schemas.lock import differences, lock_text

    chosen, broken = _opened(names)
    results: list[tuple[str, str | None, list[str]]] = [(name, None, [trouble]) for name, trouble in broken]
    results += [(package.coordinates, package.hash, _troubles(package)) for package in chosen]
    if lock_file is not None:
        changed = differences(_text_of(lock_file), chosen, source=str(lock_file))
        results += [(line.partition(": ")[0], None, [line]) for line in changed]
    troubles = [trouble for _, _, found in results for trouble in found]
    if write_lock is not None and not troubles:
        write(lock_text(chosen), write_lock)
    if format == "json":
        from eessi.schemas.report_json import PackageVerifyDocument, VerifiedModel

        rows = [VerifiedModel(package=name, hash=digest, troubles=found) for name, digest, found in results]
        print_json(PackageVerifyDocument(packages=rows).model_dump(mode="json"), output, quiet=quiet)
    else:
        write("\n".join(troubles or [f"{len(results)} packages verified, no trouble"]), output, quiet=quiet)
    return 5 if troubles else 0


def _opened(names: tuple[str, ...]) -> tuple[list[CdmPackage], list[tuple[str, str]]]:
    """The packages asked for (all, without names) and those that cannot even be opened."""
    from eessi.schemas.saved import packages_folder

    if names:
        registry = Registry.installed()
        return [registry.package(name) for name in names], []
    chosen, broken = list(Registry.default().packages), []
    folder = packages_folder()
    kept = sorted(folder.iterdir()) if folder.is_dir() else []
    for entry in kept:
        if not entry.is_dir() or entry.name.startswith("."):
            continue
        try:
            chosen.append(CdmPackage.load(entry))
        except EessiError as error:
            broken.append((entry.name, str(error)))
    return chosen, broken


def _troubles(package: CdmPackage) -> list[str]:
    damaged = list(package.verify())
    if damaged:
        return damaged
    checks: Iterator[tuple[PackageEntry | TransactionEntry, str | None]] = package.check()
    total = len(package.entries()) + len(package.transactions())
    return [trouble for _, trouble in _with_progress(checks, total, package.coordinates) if trouble]


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("no such file", source=str(file)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", source=str(file)) from None


def _counted(entries: tuple[PackageEntry, ...]) -> str:
    counts = Counter(entry.fidelity.value for entry in entries)
    seds = len({entry.sed for entry in entries})
    return f"{seds} ({', '.join(f'{number} {fidelity}' for fidelity, number in counts.most_common())})" if seds else "0"


def _validity(package: CdmPackage) -> str:
    if not package.valid_from and not package.valid_to:
        return "always"
    start = f"from {package.valid_from}" if package.valid_from else ""
    end = f"until {package.valid_to}" if package.valid_to else ""
    return " ".join(filter(None, (start, end)))

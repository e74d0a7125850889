"""Which of my documents a change hits: an archive streamed through both versions, grouped by cause.

Documents are read one at a time, in one process or with any ``concurrent.futures`` executor; a journal makes a stopped run go on
where it stopped. Reports carry file names and paths inside documents, never values.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import TypedDict, cast

import attrs
from lxml import etree

from eessi import bulk
from eessi.errors import EessiError, InputError
from eessi.ids import CdmVersion, SedType
from eessi.release.change import Change, ChangeClass, Direction, kind_of
from eessi.release.compare import compare_structures
from eessi.release.sources import open_packages
from eessi.release.witness import error_places, rerooted
from eessi.schemas import CdmPackage, Fidelity, Found, Registry

__all__ = ["Cause", "DocumentImpact", "Impact", "assess", "documents_below"]


@attrs.frozen(slots=True)
class DocumentImpact:
    """What happens to one document.

    :param outcome: ``accepted``, ``refused``, ``refused before`` (the old version refuses it already) or ``undetermined``.
    :param causes: ``SED id path`` of each change that refuses it; ``unexplained`` where no change does.
    :param why: reason of an undetermined outcome.
    """

    file: str
    outcome: str
    sed: str | None = None
    causes: tuple[str, ...] = ()
    why: str | None = None


@attrs.frozen(slots=True)
class Cause:
    """One change and how many documents it refuses."""

    sed: str
    change: str
    path: str
    count: int
    fix: str


@attrs.frozen(slots=True)
class Impact:
    """The result for an archive."""

    checked: int
    accepted: int
    refused: int
    refused_before: int
    undetermined: int
    causes: tuple[Cause, ...]
    reasons: dict[str, int]
    refused_files: tuple[str, ...]


class _Row(TypedDict):
    file: str
    outcome: str
    sed: str | None
    causes: list[str]
    why: str | None


def documents_below(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named, and all ``.xml`` and ``.json`` files below the folders named, in a fixed order.

    :raises InputError: for a path that does not exist.
    """
    for path in paths:
        if path.is_dir():
            yield from sorted(
                file for file in path.rglob("*") if file.suffix.lower() in {".xml", ".json"} and file.is_file()
            )
        elif path.exists():
            yield path
        else:
            raise InputError("no such file or folder", source=str(path))


def assess(
    old: str,
    new: str,
    files: Iterable[Path],
    *,
    executor: Executor | None = None,
    journal: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Impact:
    """Stream documents through both versions.

    :param old: :param new: ``NAME:VERSION`` or a path, as for ``eessi diff``.
    :param executor: any executor; results are the same as without. Work is sent as file names, never as objects.
    :param journal: see :class:`eessi.bulk.Journal`; what stands there is not done again.
    :param progress: called with the number of documents finished.
    :raises UnknownCode: for a package that is not installed. :raises PackageError: for a broken one.
    """
    open_packages(old, new)  # a wrong name is told before any work is done
    log = journal_of(journal, old, new) if journal else None
    work = functools.partial(examine, old, new)
    return impact_of(bulk.run(work, map(str, files), str, executor=executor, journal=log, progress=progress))


def impact_of(results: Iterable[tuple[str, DocumentImpact]]) -> Impact:
    """The results of single documents, counted and grouped by cause."""
    tally = _Tally()
    for key, one in results:
        tally.add(attrs.evolve(one, file=key))
    return tally.impact()


def journal_of(file: Path, old: str, new: str) -> bulk.Journal[DocumentImpact]:
    """The journal of an impact run."""
    return bulk.Journal(file, f"impact {old} {new}", attrs.asdict, _result)


def _result(row: object) -> DocumentImpact:
    table = cast(_Row, row)
    return DocumentImpact(table["file"], table["outcome"], table["sed"], tuple(table["causes"]), table["why"])


@attrs.define(slots=True)
class _Tally:
    outcomes: Counter[str] = attrs.field(factory=Counter)
    causes: Counter[str] = attrs.field(factory=Counter)
    reasons: Counter[str] = attrs.field(factory=Counter)
    refused: list[str] = attrs.field(factory=list)

    @property
    def checked(self) -> int:
        return sum(self.outcomes.values())

    def add(self, one: DocumentImpact) -> None:
        self.outcomes[one.outcome] += 1
        self.causes.update(one.causes)
        if one.why:
            self.reasons[one.why] += 1
        if one.outcome == "refused":
            self.refused.append(one.file)

    def impact(self) -> Impact:
        return Impact(
            self.checked,
            self.outcomes["accepted"],
            self.outcomes["refused"],
            self.outcomes["refused before"],
            self.outcomes["undetermined"],
            tuple(_cause(key, count) for key, count in sorted(self.causes.items(), key=lambda row: (-row[1], row[0]))),
            dict(sorted(self.reasons.items())),
            tuple(sorted(self.refused)),
        )


def _cause(key: str, count: int) -> Cause:
    sed, id, path = key.split(" ", 2)
    fix = (
        kind_of(id).mend
        if id != "unexplained"
        else "look at the document with `eessi validate`; no known change explains it"
    )
    return Cause(sed, id, path, count, fix)


# one document, in whichever process ------------------------------------------------------------------------------------


@attrs.frozen(slots=True, eq=False)
class _Sides:
    old: CdmPackage
    new: CdmPackage
    old_registry: Registry
    new_registry: Registry


@functools.lru_cache(maxsize=4)
def _sides(old: str, new: str) -> _Sides:
    before, after = open_packages(old, new)
    return _Sides(before, after, Registry((before,)), Registry((after,)))


@functools.lru_cache(maxsize=600)
def _changes(old: str, new: str, sed: str, old_version: str, new_version: str) -> tuple[Change, ...]:
    sides = _sides(old, new)
    before = sides.old_registry.structure(sed, old_version)
    after = sides.new_registry.structure(sed, new_version)
    if before is None or after is None:
        return ()
    return compare_structures(before, after)


@attrs.frozen(slots=True, eq=False)
class _Way:
    """How documents of one SED and version are judged; ``stop`` is the outcome where they cannot be."""

    stop: tuple[str, tuple[str, ...], str | None] | None = None
    before: etree.XMLSchema | None = None
    after: etree.XMLSchema | None = None
    namespace: str = ""
    versions: tuple[str, str] = ("", "")


@functools.lru_cache(maxsize=600)
def _way(old: str, new: str, sed: SedType, version: CdmVersion) -> _Way:
    sides = _sides(old, new)
    first = sides.old_registry.find(sed, version)
    if first is None:
        return _Way(("undetermined", (), f"{old} does not know {sed} {version}"))
    second = _target(sides.new, sed)
    if second is None:
        return _Way(("refused", (f"{sed} CHG-SED-GONE ",), None))
    for found in (first, second):
        if found.fidelity not in (Fidelity.EXACT, Fidelity.SANDBOX):
            return _Way(("undetermined", (), f"{found.coordinates} knows {sed} only as {found.fidelity}"))
    return _Way(
        None,
        sides.old_registry.schema_of(first),
        sides.new_registry.schema_of(second),
        second.entry.namespace,
        (str(first.version), str(second.version)),
    )


def examine(old: str, new: str, file: str) -> DocumentImpact:
    """What happens to the document in a file; never raises for what is wrong with it."""
    return _examine(old, new, file, file)


def examine_data(old: str, new: str, data: bytes) -> DocumentImpact:
    """What happens to a document whose bytes are given; the result names no file."""
    return _examine(old, new, "", data)


def _examine(old: str, new: str, file: str, source: str | bytes) -> DocumentImpact:
    from eessi.sed import Message, parse

    try:
        parsed = parse(source)
        sed = parsed.sed if isinstance(parsed, Message) else parsed
        way = _way(old, new, sed.type, sed.version)
    except EessiError as error:
        return DocumentImpact(file, "undetermined", why=f"unreadable: {type(error).__name__}")
    if way.stop is not None:
        outcome, causes, why = way.stop
        return DocumentImpact(file, outcome, sed.type, causes, why)
    assert way.before is not None
    assert way.after is not None
    root = sed.root
    if not way.before.validate(root):
        return DocumentImpact(file, "refused before", sed.type)
    if way.after.validate(rerooted(root, way.namespace, keep=False)):
        return DocumentImpact(file, "accepted", sed.type)
    changes = _changes(old, new, str(sed.type), *way.versions)
    return DocumentImpact(file, "refused", sed.type, _causes(str(sed.type), changes, error_places(way.after.error_log)))


def _target(package: CdmPackage, sed: str) -> Found | None:
    entries = [entry for entry in package.entries() if entry.sed == sed]
    newest = max(entries, key=lambda entry: entry.version, default=None)
    return Found(package, newest, newest.version) if newest is not None else None


def _causes(sed: str, changes: Iterable[Change], places: set[str]) -> tuple[str, ...]:
    causes = set()
    explained = set()
    for change in changes:
        if change.cls is not ChangeClass.REFUSED or change.direction is Direction.OLD:
            continue
        scope = {change.path, change.old_path or change.path}
        hit = {place for place in places if place in scope or place in {path.rpartition("/")[0] for path in scope}}
        if hit:
            causes.add(f"{sed} {change.id} {change.path}")
            explained |= hit
    if not explained:
        causes.add(f"{sed} unexplained {min(places, default='')}")
    return tuple(sorted(causes))

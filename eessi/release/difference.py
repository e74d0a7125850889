"""The difference of two packages: every SED of one against the same SED of the other, with proof where somebody breaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import attrs
from lxml import etree

from eessi import _xml
from eessi.errors import PackageError, UnknownCode
from eessi.ids import SedType, nearest
from eessi.release.change import Change, ChangeClass, Direction
from eessi.release.compare import Renames, compare_structures
from eessi.release.witness import Side, build, find_witness
from eessi.schemas import CdmPackage, PackageEntry, Registry
from eessi.schemas.structure import Fidelity, Structure

__all__ = ["Difference", "compare_packages"]

_JUDGED = (Fidelity.EXACT, Fidelity.SANDBOX)
"""Fidelities whose trees are whole; a difference between other trees proves nothing."""


@attrs.frozen(slots=True)
class Difference:
    """Everything that changed from ``old`` to ``new`` (coordinates ``name:version``).

    :param compared: the SEDs that both packages know exactly.
    :param not_compared: SED -> reason, for those that could not be compared; the result is undetermined for them.
    """

    old: str
    new: str
    changes: tuple[Change, ...]
    compared: tuple[str, ...]
    not_compared: dict[str, str]

    @property
    def is_determined(self) -> bool:
        """Whether every SED was compared and every refusal proved by a witness."""
        return not self.not_compared and not self.unproved

    @property
    def unproved(self) -> tuple[Change, ...]:
        """Changes of class ``refused`` for which no witness was found."""
        return tuple(c for c in self.changes if c.cls is ChangeClass.REFUSED and not c.proved)

    def count(self) -> dict[str, int]:
        """Number of changes by class."""
        counted = Counter(str(change.cls) for change in self.changes)
        return {str(cls): counted.get(str(cls), 0) for cls in ChangeClass}

    def of_class(self, cls: ChangeClass) -> tuple[Change, ...]:
        """The changes of one class."""
        return tuple(change for change in self.changes if change.cls is cls)


def compare_packages(
    old: CdmPackage,
    new: CdmPackage,
    *,
    seds: Iterable[str] | None = None,
    renames: Renames | None = None,
    witnesses: bool = True,
) -> Difference:
    """Compare two packages SED by SED.

    :param seds: codes to compare; all by default.
    :param renames: names known to have changed, old to new.
    :param witnesses: whether to look for a document that proves each refusal; without, refusals count as unproved.
    :raises UnknownCode: for a SED that neither package knows.
    """
    before, after = _newest(old), _newest(new)
    wanted = _wanted(seds, before, after)
    pair = _Pair(old, new, Registry((old,)), Registry((new,)), renames or {}, witnesses)
    changes: list[Change] = []
    compared: list[str] = []
    skipped: dict[str, str] = {}
    for sed in wanted:
        why = _reason(before.get(sed), after.get(sed))
        if why:
            skipped[sed] = why
            changes.append(Change.of("CHG-NOT-COMPARED", sed, "", why=why))
            continue
        if sed in before and sed in after:
            compared.append(sed)
        changes += pair.compare(sed, before.get(sed), after.get(sed))
    if seds is None:
        changes += _transactions(old, new)
    namespace = pair.rerooting(compared, before, after)
    return Difference(old.coordinates, new.coordinates, (*namespace, *changes), tuple(compared), skipped)


def _transactions(old: CdmPackage, new: CdmPackage) -> Iterator[Change]:
    """Transaction schemas that came, went or hold other bytes; a step that came or went needs no document to prove it."""
    before = {str(entry.name): entry for entry in old.transactions()}
    after = {str(entry.name): entry for entry in new.transactions()}
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield attrs.evolve(Change.of("CHG-TRANSACTION-NEW", "*", name, new=name), proved=True)
        elif name not in after:
            yield attrs.evolve(Change.of("CHG-TRANSACTION-GONE", "*", name, old=name), proved=True)
        elif _content(old.content.read(before[name].file)) != _content(new.content.read(after[name].file)):
            yield Change.of("CHG-TRANSACTION-CHANGED", "*", name)


def _content(data: bytes) -> bytes:
    """A schema file without white space and comments, in canonical form."""
    root = _xml.parse(data)
    for node in root.iter(etree.Element):
        node.text = (node.text or "").strip() or None
        node.tail = None
    return _xml.canonical(root)


def _newest(package: CdmPackage) -> dict[str, PackageEntry]:
    newest: dict[str, PackageEntry] = {}
    for entry in package.entries():
        held = newest.get(entry.sed)
        if held is None or held.version < entry.version:
            newest[str(entry.sed)] = entry
    return newest


def _wanted(seds: Iterable[str] | None, before: dict[str, PackageEntry], after: dict[str, PackageEntry]) -> list[str]:
    known = sorted(before.keys() | after.keys())
    if seds is None:
        return known
    chosen = [str(SedType(sed.upper())) for sed in seds]
    for sed in chosen:
        if sed not in known:
            raise UnknownCode("SED code in these packages", sed, nearest(sed, known))
    return chosen


def _reason(old: PackageEntry | None, new: PackageEntry | None) -> str | None:
    for side, entry in (("old", old), ("new", new)):
        if entry is not None and entry.fidelity not in _JUDGED:
            return f"the {side} package knows its tree only as {entry.fidelity}"
    return None


@attrs.frozen(slots=True)
class _Pair:
    old: CdmPackage
    new: CdmPackage
    old_registry: Registry
    new_registry: Registry
    renames: Renames
    witnesses: bool

    def compare(self, sed: str, old: PackageEntry | None, new: PackageEntry | None) -> Iterator[Change]:
        if old is None or new is None:
            yield self._whole(sed, old, new)
            return
        before, after = _structure(self.old_registry, old), _structure(self.new_registry, new)
        found = compare_structures(before, after, self.renames)
        breaking = [change for change in found if change.cls is ChangeClass.REFUSED]
        if not (breaking and self.witnesses):
            yield from found
            return
        first, second = Side(before, _schema(self.old_registry, old)), Side(after, _schema(self.new_registry, new))
        for change in found:
            yield self._proved(change, first, second) if change in breaking else change

    def _proved(self, change: Change, old: Side, new: Side) -> Change:
        witness = find_witness(change, old, new)
        if witness is None:
            return change
        return attrs.evolve(change, witness=witness.document, witness_for=witness.refused_by, proved=True)

    def _whole(self, sed: str, old: PackageEntry | None, new: PackageEntry | None) -> Change:
        """A SED that came or went: any valid document of it is a witness, since the other side has no schema for it."""
        registry, entry = (self.new_registry, new) if new is not None else (self.old_registry, old)
        assert entry is not None
        change = Change.of("CHG-SED-NEW" if new is not None else "CHG-SED-GONE", sed, "")
        if not self.witnesses:
            return change
        document = build(_structure(registry, entry))
        accepted = _schema(registry, entry).validate(document)
        side = Direction.OLD if new is not None else Direction.NEW
        return attrs.evolve(change, witness=_xml.serialise(document), witness_for=side, proved=accepted)

    def rerooting(
        self, seds: Sequence[str], before: dict[str, PackageEntry], after: dict[str, PackageEntry]
    ) -> Iterator[Change]:
        """The change of namespaces, once for all documents."""
        moved = [sed for sed in seds if before[sed].namespace != after[sed].namespace]
        if not moved:
            return
        old, new = before[moved[0]], after[moved[0]]
        change = Change.of("CHG-NAMESPACE", "*", "", old=old.namespace, new=new.namespace)
        if self.witnesses:
            document = build(_structure(self.old_registry, old))
            proved = _schema(self.old_registry, old).validate(document)
            proved = proved and not _schema(self.new_registry, new).validate(document)
            change = attrs.evolve(change, witness=_xml.serialise(document), witness_for=Direction.NEW, proved=proved)
        yield change


def _structure(registry: Registry, entry: PackageEntry) -> Structure:
    found = registry.structure(entry.sed, entry.version)
    if found is None:
        raise PackageError(
            f"{registry.packages[0].coordinates} lists {entry.sed} {entry.version} and has no tree for it"
        )
    return found


def _schema(registry: Registry, entry: PackageEntry) -> etree.XMLSchema:
    found = registry.schema(entry.sed, entry.version)
    if found is None:
        raise PackageError(
            f"{registry.packages[0].coordinates} lists {entry.sed} {entry.version} and has no schema for it"
        )
    return found

"""One state of the directory, held in memory and asked: who may do it, how are they reached, what changed."""

from __future__ import annotations

import datetime as dt
import gc
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import attrs

from eessi.directory.days import DEFAULT_ZONE, CopyVersion
from eessi.directory.defects import Defects
from eessi.directory.difference import Content, Difference, apply_changes, compare
from eessi.directory.folding import Folding
from eessi.directory.look_up import Found, Ground, Match, Route, Timeline, days_of, judge, route_of
from eessi.directory.reasons import LeftOut
from eessi.directory.records import (
    AccessPoint,
    CentralNode,
    Certificate,
    Environment,
    Institution,
)
from eessi.directory.syn001 import CopyHead, Record
from eessi.errors import NotAllowed, UnknownCode
from eessi.findings import Finding
from eessi.ids import COUNTRIES, BucId, InstitutionId, Period, Role, fold_country, nearest

if TYPE_CHECKING:
    from eessi.directory.change import Change
    from eessi.directory.search import Hit

__all__ = ["Directory"]

_QUESTIONS_KEPT: Final = 65_536
_NO_ROUTE_FOR: Final = BucId("M_BUC_01")


class Directory:
    """An immutable copy of the institution directory.

    Made by :meth:`load`, :meth:`of` or :meth:`synthetic`; asked by :meth:`find`, :meth:`route`, :meth:`get`,
    :meth:`search` and :meth:`diff`. Institutions that vanished from later copies stay in :attr:`kept`, closed, so that old
    cases still resolve.
    """

    def __init__(
        self,
        content: Content,
        *,
        head: CopyHead | None = None,
        kept: Mapping[InstitutionId, Institution] | None = None,
        findings: Iterable[Finding] = (),
        has_endpoints: bool = True,
        environment: Environment | None = None,
    ) -> None:
        self._content = content
        self.head = head or CopyHead()
        self.kept: Mapping[InstitutionId, Institution] = dict(kept or {})
        self.findings = tuple(findings)
        self.has_endpoints = has_endpoints
        self.environment = environment or _environment_of(content.institutions.values())
        self._by_country: dict[str, list[Institution]] | None = None
        self._questions: dict[tuple[str, str, str | None], Timeline] = {}
        self._ground_made: Ground | None = None

    # --- making ------------------------------------------------------------------------------------------------------

    @classmethod
    def load(
        cls,
        source: bytes | str | Path | BinaryIO,
        *,
        zone: str = DEFAULT_ZONE,
        strict: bool = False,
        environment: Environment | None = None,
    ) -> Directory:
        """Read a full copy: SYN001, the JSON of client applications, CSV or Excel; recognised by content.

        :param source: bytes, path or binary file.
        :param zone: IANA name of the zone in which instants are read as days.
        :param strict: refuse identifiers outside the official form instead of reporting them.
        :param environment: the world the copy belongs to, where its names do not say.
        :raises InputError: when it cannot be read to its end; nothing is returned then.
        """
        from eessi.directory.sources import read

        folding = Folding(zone=zone, strict=strict, known_bucs=known_bucs())
        with _collector_at_rest():
            return cls.of(read(source, folding), defects=folding.defects, environment=environment)

    @classmethod
    def of(
        cls, records: Iterable[Record], *, defects: Defects | None = None, environment: Environment | None = None
    ) -> Directory:
        """Build a directory from records in any order; of two with one id the first stands, and that is reported."""
        defects = defects or Defects()
        institutions: dict[InstitutionId, Institution] = {}
        points: dict[InstitutionId, AccessPoint] = {}
        certificates: dict[str, Certificate] = {}
        node: CentralNode | None = None
        head = CopyHead()
        for record in records:
            if isinstance(record, Institution):
                if institutions.setdefault(record.id, record) is not record:
                    defects.report("DIR-DOUBLE-RECORD", record.id)
            elif isinstance(record, AccessPoint):
                if points.setdefault(record.id, record) is not record:
                    defects.report("DIR-DOUBLE-RECORD", record.id)
            elif isinstance(record, Certificate):
                if certificates.setdefault(record.thumbprint, record) is not record:
                    defects.report("DIR-DOUBLE-RECORD", f"Certificate/{record.thumbprint}")
            elif isinstance(record, CentralNode):
                node = record
            else:
                head = record
        content = Content(
            {id: institutions[id] for id in sorted(institutions)},
            {id: points[id] for id in sorted(points)},
            {id: certificates[id] for id in sorted(certificates)},
            node,
        )
        return cls(
            content,
            head=head,
            findings=defects.findings,
            has_endpoints=head.has_endpoints,
            environment=environment or head.environment,
        )

    @classmethod
    def synthetic(cls) -> Directory:
        """The invented directory that ships with the toolkit: French, Belgian and a few other bodies that do not exist.

        On every day from 2020 to 2098 a look-up in S_BUC_01, LA_BUC_01 or H_BUC_01 has a French and a Belgian match for
        both roles, and each reason for being left out has at least one body.
        """
        from eessi.directory.synthetic import synthetic_records

        return cls.of(synthetic_records())

    # --- reading -----------------------------------------------------------------------------------------------------

    @property
    def content(self) -> Content:
        """The records of the copy, by id."""
        return self._content

    @property
    def institutions(self) -> Mapping[InstitutionId, Institution]:
        """The institutions of the copy, by id."""
        return self._content.institutions

    @property
    def access_points(self) -> Mapping[InstitutionId, AccessPoint]:
        """The access points of the copy, by id."""
        return self._content.access_points

    @property
    def certificates(self) -> Mapping[str, Certificate]:
        """The certificates of the copy, by thumbprint."""
        return self._content.certificates

    @property
    def central_node(self) -> CentralNode | None:
        """The central service node, where the copy names it."""
        return self._content.central_node

    @property
    def version(self) -> CopyVersion | None:
        """The version of the copy; ordered by number."""
        return CopyVersion(self.head.version) if self.head.version else None

    def __iter__(self) -> Iterator[Institution]:
        return iter(self._content.institutions.values())

    def __len__(self) -> int:
        return len(self._content.institutions)

    def __contains__(self, id: object) -> bool:
        return id in self._content.institutions

    def __eq__(self, other: object) -> bool:
        return self._content == other._content if isinstance(other, Directory) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal by content, which is too large to hash

    def __repr__(self) -> str:
        return f"<Directory {self.head.version or 'without version'}: {len(self)} institutions>"

    def get(self, id: str) -> Institution:
        """The institution of an id, closed ones included.

        :raises UnknownCode: with the likely id: lost leading zeros, other letter case.
        """
        found = self.institutions.get(InstitutionId(id)) or self.kept.get(InstitutionId(id))
        if found is None:
            raise UnknownCode("institution", id, self.suggest(id))
        return found

    def suggest(self, id: str) -> str | None:
        """A known id that was probably meant: zeros in front lost, letter case, another spelling of the country."""
        country, _, local = id.partition(":")
        known = {other.casefold(): other for other in (*self.institutions, *self.kept)}
        country = fold_country(country)
        for width in range(len(local), 11):
            found = known.get(f"{country}:{local.zfill(width)}".casefold())
            if found and found != id:
                return found
        return nearest(id, known.values()) if len(known) <= 10_000 else None

    def by_short_name(self, short_name: str) -> tuple[Institution, ...]:
        """All institutions of a short name. Many share one, so it is never a key."""
        return tuple(each for each in self if each.short_name == short_name)

    # --- asking ------------------------------------------------------------------------------------------------------

    def find(
        self,
        buc: str,
        role: str = Role.COUNTERPARTY,
        country: str | None = None,
        on: dt.date | None = None,
        *,
        name: str | None = None,
    ) -> Found:
        """The institutions that may take a role in a process on a day, ranked, and why the others may not.

        :param buc: process code, letter case does not matter.
        :param role: any known spelling; a body that only routes (IntelligentRA) is never returned for another role.
        :param country: EESSI or ISO spelling; ``None`` for all countries.
        :param on: the day, today when absent.
        :param name: a text to rank by, in any language, with tolerance for typing errors; needs the extra ``directory``.
        :raises UnknownCode: for a role or process code of no known form.
        """
        timeline = self._questions.get((buc, role, country)) or self._ask(buc, role, country)
        found = timeline.at(on or dt.date.today())
        return found if name is None else self._by_name(found, name)

    def route(self, institution: str | Institution, on: dt.date | None = None) -> Route:
        """How an institution is reached on a day: its access point, endpoints and valid certificates.

        :raises UnknownCode: for an id the directory does not know.
        :raises NotAllowed: when it cannot be reached that day; ``rule`` is the reason's id.
        """
        record = institution if isinstance(institution, Institution) else self.get(institution)
        on = on or dt.date.today()
        if not record.period.covers(on):
            raise NotAllowed(
                f"{record.id} is not in force on {on}", rule="not-yet" if on < record.period.start else "no-longer"
            )
        found = route_of(record, _NO_ROUTE_FOR, on, self._ground)
        if isinstance(found, LeftOut):
            raise NotAllowed(f"{record.id} {found.text}", rule=found.reason.value)
        return found

    def search(self, text: str, *, country: str | None = None, limit: int = 10) -> tuple[Hit, ...]:
        """Institutions whose names in any language, short name or id resemble a text, best first.

        :raises MissingExtra: without the extra ``directory``.
        """
        from eessi.directory.search import search

        wanted = fold_country(country) if country else None
        bodies = (*self, *self.kept.values())
        return search(text, [each for each in bodies if wanted in (None, each.country)], limit=limit)

    def successors(self, id: str) -> tuple[InstitutionId, ...]:
        """The bodies that the directory names as successors of an institution, in the order they follow."""
        from eessi.directory.succession import successors

        return successors(id, (*self, *self.kept.values()))

    def predecessors(self, id: str) -> tuple[InstitutionId, ...]:
        """The bodies whose successor an institution is, nearest first."""
        from eessi.directory.succession import predecessors

        return predecessors(id, (*self, *self.kept.values()))

    def answering(self, id: str, on: dt.date | None = None) -> tuple[Institution, ...]:
        """Who answers for an institution on a day: itself while in force, else its nearest successors in force."""
        from eessi.directory.succession import answering

        return answering(id, (*self, *self.kept.values()), on or dt.date.today())

    def diff(self, other: Directory) -> Difference:
        """Every change from this copy to another."""
        return Difference(self.head, other.head, compare(self._content, other._content))

    def apply(self, difference: Difference | Iterable[Change]) -> Directory:
        """This directory after the changes; institutions that vanish are kept as closed.

        The closing day is the day of the new copy, as no end is ever sent for them.
        """
        changes = difference.changes if isinstance(difference, Difference) else tuple(difference)
        head = difference.new if isinstance(difference, Difference) else self.head
        content = apply_changes(self._content, changes)
        return Directory(
            content,
            head=head,
            kept=closed(self, content, head),
            has_endpoints=self.has_endpoints,
            environment=self.environment,
        )

    def after(self, older: Directory) -> Directory:
        """This copy, with the institutions that an older one knew and this one does not kept as closed."""
        return Directory(
            self._content,
            head=self.head,
            kept=closed(older, self._content, self.head),
            findings=self.findings,
            has_endpoints=self.has_endpoints,
            environment=self.environment,
        )

    # --- inside ------------------------------------------------------------------------------------------------------

    @property
    def _ground(self) -> Ground:
        if self._ground_made is None:
            links: dict[InstitutionId, list[tuple[Period, AccessPoint]]] = defaultdict(list)
            for point in self.access_points.values():
                for link in point.links:
                    links[link.institution].append((link.period, point))
            self._ground_made = Ground(dict(links), self.certificates, self.environment, self.has_endpoints)
        return self._ground_made

    def _bodies(self, country: str | None) -> list[Institution]:
        if self._by_country is None:
            found: dict[str, list[Institution]] = defaultdict(list)
            for each in self:
                found[each.country].append(each)
            self._by_country = dict(found)
        if country is not None:
            return self._by_country.get(country, [])
        return [each for _, bodies in sorted(self._by_country.items()) for each in bodies]

    def _closed(self, buc: BucId, country: str | None) -> list[Institution]:
        """The kept bodies that once were competent; the others would only fill the answer."""
        return [
            each
            for each in self.kept.values()
            if country in (None, each.country) and any(row.buc == buc for row in each.competences)
        ]

    def _ask(self, buc: str, role: str, country: str | None) -> Timeline:
        process, part = BucId(buc), Role.parse(role)
        folded = fold_country(country) if country else None
        bodies, ground = [*self._bodies(folded), *self._closed(process, folded)], self._ground
        hints = self._hints(process, country, folded, bodies)

        def answer(since: dt.date, until: dt.date | None) -> Found:
            judged = [judge(each, process, part, since, ground) for each in bodies]
            matches = sorted((each for each in judged if isinstance(each, Match)), key=_rank)
            out = tuple(each for each in judged if isinstance(each, LeftOut))
            more = (*hints, *_empty(process, out)) if not matches else hints
            return Found(tuple(matches), more, since, until, lambda: out)

        days = {day for each in bodies for day in days_of(each, process, ground)}
        if len(self._questions) >= _QUESTIONS_KEPT:
            self._questions.clear()
        timeline = self._questions[buc, role, country] = Timeline(days, answer)
        return timeline

    def _hints(self, buc: BucId, country: str | None, folded: str | None, bodies: list[Institution]) -> tuple[str, ...]:
        hints = []
        if country and folded and country != folded:
            hints.append(f"country code {country!r}: did you mean {folded!r}? looked up {folded}")
        if folded and folded not in COUNTRIES:
            near = nearest(folded, COUNTRIES)
            hints.append(f"{folded!r} is no country of the directory" + (f"; did you mean {near!r}?" if near else ""))
        elif folded and not bodies:
            hints.append(f"this copy holds no institution of {folded}")
        if buc not in known_bucs():
            near = nearest(buc, known_bucs())
            hints.append(f"{buc} is not in the list of known processes" + (f"; did you mean {near}?" if near else ""))
        if not self.has_endpoints:
            hints.append("this source carries no access points: whether a body can be reached was not checked")
        return tuple(hints)

    def _by_name(self, found: Found, name: str) -> Found:
        from eessi.directory.search import by_name

        return by_name(found, name)


def closed(older: Directory, content: Content, head: CopyHead) -> dict[InstitutionId, Institution]:
    """What an older copy knew and ``content`` does not, each with its end set to the day of the newer copy at the latest."""
    day = head.created.date() if head.created else dt.date.today()
    kept = {id: each for id, each in older.kept.items() if id not in content.institutions}
    for id, each in older.institutions.items():
        if id not in content.institutions:
            end = min(day, each.period.end) if each.period.end is not None else max(day, each.period.start)
            kept[id] = attrs.evolve(each, period=Period(each.period.start, end))
    return kept


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Spare the cyclic collector a million values that hold no cycle: walking them again and again costs half a load."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def known_bucs() -> frozenset[str]:
    """The process codes of the directory (``data/bucs.txt``)."""
    from eessi.directory.sources import known_bucs as rows

    return rows()


def _rank(match: Match) -> tuple[bool, str, InstitutionId]:
    """Bodies with a warning last, then by country and id."""
    each = match.institution
    return (bool(match.warnings), each.country, each.id)


def _empty(buc: BucId, out: tuple[LeftOut, ...]) -> tuple[str, ...]:
    if not out:
        return ()
    counts = Counter(each.reason.value for each in out)
    said = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
    hints = [f"no match in {buc}: {said}"]
    coming = [each for each in out if each.reason.value == "not-yet" and each.day is not None]
    if coming:
        first = min(coming, key=lambda each: each.day or dt.date.max)
        hints.append(f"the first to come is {first.institution.id} on {first.day}")
    return tuple(hints)


def _environment_of(institutions: Iterable[Institution]) -> Environment:
    """The environment that most names are marked with; production where at most half are marked."""
    marks: Counter[Environment] = Counter()
    total = 0
    for each in institutions:
        total += 1
        mark = each.environment
        if mark is not None:
            marks[mark] += 1
    if not marks or marks.total() * 2 <= total:
        return Environment.PRODUCTION
    return marks.most_common(1)[0][0]

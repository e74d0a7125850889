"""Raw words of any source folded into directory values, with every repair reported.

Source: the quirks of the directory facts; one function per kind of word, shared by all readers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

import attrs

from eessi.directory.days import DEFAULT_ZONE, OPEN_FROM_YEAR, day_of, period_of
from eessi.directory.defects import Defects
from eessi.directory.records import ALWAYS, Competence, Environment, Translation, competence_order
from eessi.errors import UnknownCode, UsageError
from eessi.ids import BucId, InstitutionId, Period, Role, fold_country

__all__ = ["STATUS_IN_NAME", "Folding", "merge_competences"]

STATUS_IN_NAME = re.compile(
    r"(?<![^\W_])(?:DO[_ ]NOT[_ ]USE|CLOSED|ONLY[_ ]FOR[_ ](?:IT|TEST)|national[_ ]use[_ ]only)(?![^\W_])",
    re.IGNORECASE,
)
"""Words by which a name says that nobody should write to this body."""

_LOST_LETTER = re.compile(r"\w\?\w|(?<!\S)\?\w")


@attrs.define(slots=True)
class Folding:
    """How one source is read: zone of its instants, strictness about identifiers, the processes known here.

    ``strict`` refuses identifiers outside the official form (CDM 4.4: four to ten letters or digits after the colon);
    otherwise they are kept with a warning. ``known_bucs`` of ``None`` checks the form of a code only.
    """

    defects: Defects = attrs.field(factory=Defects)
    zone: str = DEFAULT_ZONE
    strict: bool = False
    known_bucs: frozenset[str] | None = None
    _bucs: dict[str, tuple[BucId | None, str]] = attrs.field(factory=dict)
    _roles: dict[str, Role | None] = attrs.field(factory=dict)

    def institution_id(self, text: str, path: str = "") -> InstitutionId | None:
        """The identifier, or ``None`` when it is refused (no country in front, foreign characters)."""
        try:
            found = InstitutionId(text.strip())
        except UsageError:
            self.defects.refuse("DIR-ID-FORM", path or text.strip(), text.strip(), expected="CC:LOCAL")
            return None
        if not found.is_official_form:
            if self.strict:
                self.defects.refuse("DIR-ID-SHORT", str(found), str(found))
                return None
            self.defects.report("DIR-ID-SHORT", str(found), str(found))
        return found

    def country(self, text: str | None, id: InstitutionId) -> str:
        """The country of a record, folded; its absence and a disagreement with the identifier are reported."""
        if not text or not text.strip():
            self.defects.report("DIR-COUNTRY-MISSING", id, expected=id.country)
            return id.country
        folded = fold_country(text.strip())
        if folded != text.strip():
            self.defects.note("DIR-COUNTRY-ALIAS", id, text.strip(), expected=folded)
        if folded != fold_country(id.country):
            self.defects.report("DIR-COUNTRY-PREFIX", id, folded, expected=id.country)
        return folded

    def period(self, start: str | None, end: str | None, path: str) -> Period:
        """A period; what cannot be read is reported and covers nothing or everything, whichever addresses fewer bodies."""
        try:
            period = period_of(start, end, self.zone)
        except ValueError:
            self.defects.report("DIR-DATE-UNREADABLE", path, "a text that is no day", expected="2026-01-31T23:00:00Z")
            return _NEVER
        if start is None or period.start == ALWAYS.start:
            self.defects.note("DIR-DATE-UNKNOWN", path, "no start")
        if end is not None and period.end is None:
            open_end = day_of(end, self.zone)
            if open_end is not None and open_end.year >= OPEN_FROM_YEAR:
                self.defects.note("DIR-DATE-OPEN", path, open_end.isoformat(), expected="no end")
        if period.end is not None and period.end <= period.start:
            self.defects.report("DIR-PERIOD-EMPTY", path, f"{period.start} to {period.end}")
        return period

    def role(self, text: str, path: str) -> Role | None:
        """The role, or ``None`` when no table row knows the word."""
        if text not in self._roles:
            try:
                self._roles[text] = Role.parse(text)
            except UnknownCode:
                self._roles[text] = None
        found = self._roles[text]
        if found is None:
            self.defects.refuse("DIR-ROLE-UNKNOWN", path, text[:40], expected="CaseOwner, CounterParty, IntelligentRA")
        elif text != found.in_directory:
            self.defects.note("DIR-ROLE-SPELLING", path, text, expected=found.in_directory)
        return found

    def buc(self, text: str, path: str) -> BucId | None:
        """The process code in its official letter case; an unknown one is kept and reported, a formless one refused."""
        if text not in self._bucs:
            try:
                self._bucs[text] = (BucId(text.strip()), text.strip())
            except UnknownCode:
                self._bucs[text] = (None, text)
        found, raw = self._bucs[text]
        if found is None:
            self.defects.refuse("DIR-BUC-FORM", path, text[:40])
            return None
        if found != raw:
            self.defects.note("DIR-BUC-CASE", path, raw, expected=found)
        if self.known_bucs is not None and found not in self.known_bucs:
            self.defects.report("DIR-BUC-UNKNOWN", path, found)
        return found

    def names(self, names: Iterable[tuple[str | None, str | None]], path: str) -> tuple[Translation, ...]:
        """Names by language; empty ones are dropped, odd ones kept and reported."""
        found = []
        for language, text in names:
            if not text or not text.strip():
                self.defects.report("DIR-NAME-EMPTY", path, language or "")
                continue
            found.append(Translation((language or "").strip().lower(), text))
            self._look_at_name(text, path)
        return tuple(found)

    def _look_at_name(self, text: str, path: str) -> None:
        if text != " ".join(text.split()):
            self.defects.note("DIR-NAME-SPACE", path)
        if _LOST_LETTER.search(text):
            self.defects.report("DIR-NAME-ENCODING", path, "a question mark inside a word")
        status = STATUS_IN_NAME.search(text)
        if status:
            self.defects.report("DIR-NAME-STATUS", path, status[0])
        mark = Environment.of_name(text)
        if mark:
            self.defects.note("DIR-NAME-ENVIRONMENT", path, mark)

    def competences(self, rows: Sequence[Competence], path: str) -> tuple[Competence, ...]:
        """The rows in order, doubles merged by :func:`merge_competences` and reported."""
        if _in_order_and_apart(rows):
            return tuple(rows)
        merged = merge_competences(rows)
        if len(merged) < len(rows):
            for (buc, role), double in groupby(sorted(rows, key=competence_order), key=_process):
                if len(list(double)) > 1:
                    self.defects.report("DIR-DOUBLE-MERGED", path, f"{buc} {role.in_directory}")
        return merged


_NEVER = Period(Period(ALWAYS.start).start.max, None)


def _in_order_and_apart(rows: Sequence[Competence]) -> bool:
    """Whether rows are ordered and none of them could be merged: the usual case, told in one pass."""
    buc, role, end = "", "", ALWAYS.start
    for row in rows:
        if row.buc == buc and row.role == role:
            if end is None or row.period.start <= end:
                return False
        elif (row.buc, row.role) < (buc, role):
            return False
        buc, role, end = row.buc, row.role, row.period.end  # type: ignore[assignment]  # an absent end is told above
    return True


def _process(row: Competence) -> tuple[BucId, Role]:
    return (row.buc, row.role)


def merge_competences(rows: Iterable[Competence]) -> tuple[Competence, ...]:
    """Merge rows of one process and role: earliest start, latest end, an absent end wins.

    Rows whose periods overlap or touch become one. Rows with days between them that neither covers stay apart: merged,
    they would make a body competent on days that every row excludes. Where the rows disagree about readiness the
    merged row is not ready. The first row's name is kept. Source: the rule of the public migration tool
    (directory facts, section 5).
    """
    merged: list[Competence] = []
    for row in sorted(rows, key=competence_order):
        last = merged[-1] if merged and _process(merged[-1]) == _process(row) else None
        if last is None or (last.period.end is not None and row.period.start > last.period.end):
            merged.append(row)
            continue
        ends = (last.period.end, row.period.end)
        end = None if None in ends else max(end for end in ends if end is not None)
        merged[-1] = attrs.evolve(last, period=Period(last.period.start, end), is_ready=last.is_ready and row.is_ready)
    return tuple(merged)

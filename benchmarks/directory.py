"""The directory: a look-up against a dict with a date check, a load against lxml's iterparse of the same file.

The file is an invented Europe: 3,200 institutions in 32 countries, 99 processes, a million competences, some 250 MB
(``--quick``: a sixteenth of it). Run: ``python -m benchmarks.directory [--quick]``.
"""

from __future__ import annotations

import datetime as dt
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from lxml import etree

from benchmarks.harness import Case, Goal, Outcome, arguments, measure, report, write_results
from eessi.directory import Directory, Institution, read_syn001
from eessi.directory.europe import Europe, plan

WHOLE, SMALL = 3200, 200
QUESTIONS = 2000
TAGS = ("Institution", "AccessPoint", "Certificate")


def iterparse(file: Path, tags: tuple[str, ...] | None) -> int:
    """lxml alone: every element built and forgotten; the number of institutions."""
    seen = 0
    for _, element in etree.iterparse(str(file), tag=tags):
        seen += element.tag == "Institution" and element.getparent().tag == "Institutions"
        element.clear()
        while tags and element.getprevious() is not None:
            del element.getparent()[0]
    return seen


def load(file: Path, institutions: int, competences: int, rounds: int) -> list[Outcome]:
    """Loading against two ways of only parsing."""

    def parsed(_: int, found: Any) -> None:
        assert found == institutions

    def loaded(_: int, found: Directory) -> None:
        assert len(found) == institutions
        assert sum(len(each.competences) for each in found) == competences

    cases = [
        Case("lxml iterparse, records only", lambda _: iterparse(file, TAGS), parsed),
        Case("lxml iterparse, every element", lambda _: iterparse(file, None), parsed),
        Case("Directory.load", lambda _: Directory.load(file), loaded),
        Case(
            "read_syn001, nothing kept",
            lambda _: sum(isinstance(record, Institution) for record in read_syn001(file)),
            parsed,
        ),
    ]
    return measure(cases, 1, baseline="lxml iterparse, records only", rounds=rounds)


def look_up(directory: Directory, rounds: int) -> list[Outcome]:
    """Exact look-ups by process, role, country and day, all different."""
    chance = random.Random(1)
    bucs = sorted({row.buc for each in list(directory)[:3] for row in each.competences})
    countries = sorted({each.country for each in directory})
    first = dt.date(2020, 1, 1)
    asked = [
        (
            str(chance.choice(bucs)),
            chance.choice(["CaseOwner", "Counterparty"]),
            chance.choice(countries),
            first + dt.timedelta(days=chance.randrange(2000)),
        )
        for _ in range(QUESTIONS)
    ]
    table: dict[tuple[str, str, str], tuple[dt.date, dt.date, tuple[str, ...]]] = {}
    for buc, role, country, day in asked:
        found = directory.find(buc, role, country, day)
        table[buc, role, country] = (found.since, found.until or dt.date.max, found.institutions)

    def by_hand(number: int) -> tuple[str, ...] | None:
        buc, role, country, day = asked[number]
        since, until, ids = table[buc, role, country]
        return ids if since <= day < until else None

    def find(number: int) -> Any:
        buc, role, country, day = asked[number]
        return directory.find(buc, role, country, day)

    def check_find(number: int, found: Any) -> None:
        buc, role, country, day = asked[number]
        wanted = {
            each.id
            for each in directory
            if each.country == country and each.period.covers(day)
            for row in each.competences
            if (row.buc, row.role) == (buc, role) and row.is_ready and row.period.covers(day)
        }
        assert set(found.institutions) == wanted

    def check_hand(number: int, found: Any) -> None:
        assert found is None or found == directory.find(*asked[number][:3], asked[number][3]).institutions

    cases = [Case("one dict look-up with date check", by_hand, check_hand), Case("directory.find", find, check_find)]
    return measure(cases, QUESTIONS, baseline="one dict look-up with date check", rounds=rounds)


def main() -> int:
    """Make the file, measure, print."""
    chosen = arguments(__doc__ or "")
    count = SMALL if chosen.quick else WHOLE
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "europe.xml"
        europe = Europe(plan(count))
        with file.open("wb") as out:
            europe.write(out)
        size = file.stat().st_size / 1e6
        outcomes = load(file, count, europe.competences, 5 if not chosen.quick else 7)
        goals = [Goal("Directory.load", must=4.0, aim=2.0), Goal("read_syn001, nothing kept", must=4.0, aim=2.0)]
        tables.append(
            report(f"Load: {count:,} institutions, {europe.competences:,} competences, {size:,.0f} MB", outcomes, goals)
        )
        directory = Directory.load(file)
        outcomes = look_up(directory, chosen.rounds)
        tables.append(
            report(f"Look-up in {count:,} institutions", outcomes, [Goal("directory.find", must=5.0, aim=2.0)])
        )
    write_results("directory", tables, chosen.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

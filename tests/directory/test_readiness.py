"""Who exchanges what, how and since when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from eessi.directory import Directory
from eessi.directory.readiness import Declared, Mode, ReadinessBook, readiness_of
from eessi.directory.store import DirectoryStore
from eessi.ids import CdmVersion
from tests.directory.documents import competence, copy, institution

ON = dt.date(2026, 6, 1)


def directory(*competences: str) -> Directory:
    bodies = [institution(f"FR:SYNT00{number}", competences=rows) for number, rows in enumerate(competences, start=1)]
    return Directory.load(copy("".join(bodies)))


BOTH = competence(role="CaseOwner", id="1") + competence(role="CounterParty", id="2")


@pytest.mark.parametrize(
    ("rows", "mode", "blockers"),
    [
        ((BOTH,), Mode.ELECTRONIC, ()),
        ((competence(role="CaseOwner"),), Mode.PARTLY, ()),
        ((BOTH, competence(ready="false")), Mode.PARTLY, ("FR:SYNT002",)),
        ((competence(ready="false"),), Mode.PAPER, ("FR:SYNT001",)),
        ((competence(role="IntelligentRA"),), Mode.UNKNOWN, ()),
        ((competence("H_BUC_01"),), Mode.UNKNOWN, ()),
        ((competence(end="2020-12-31T23:00:00Z"),), Mode.UNKNOWN, ()),
    ],
)
def test_what_the_copy_itself_says(rows: tuple[str, ...], mode: Mode, blockers: tuple[str, ...]) -> None:
    found = readiness_of(directory(*rows), "S_BUC_01", "FR", ON)
    assert (found.mode, found.blockers) == (mode, blockers)
    assert (found.since == dt.date(2020, 1, 1)) == (mode in (Mode.ELECTRONIC, Mode.PARTLY))


def row(mode: str, since: str, **more: str) -> Declared:
    return Declared.model_validate(
        {"country": "FR", "buc": "S_BUC_01", "mode": mode, "since": since, "source": "notice", **more}
    )


def test_a_declared_row_stands_before_the_copy_from_its_day_on() -> None:
    rows = [row("paper", "2026-01-01"), row("electronic", "2026-07-01", cdm="4.4")]
    asked = directory(BOTH)
    days = [dt.date(2025, 12, 31), ON, dt.date(2026, 7, 1)]
    modes = [readiness_of(asked, "S_BUC_01", "FR", day, declared=rows).mode for day in days]
    assert modes == [Mode.ELECTRONIC, Mode.PAPER, Mode.ELECTRONIC]
    later = readiness_of(asked, "S_BUC_01", "FR", days[2], declared=rows)
    assert (later.version, later.since, later.source) == (CdmVersion(4, 4), dt.date(2026, 7, 1), "notice")


def test_a_row_of_a_body_stands_before_one_of_its_country() -> None:
    rows = [row("electronic", "2026-01-01"), row("paper", "2025-01-01", institution="FR:SYNT001")]
    asked = directory(BOTH, BOTH)
    assert readiness_of(asked, "S_BUC_01", "FR", ON, declared=rows, institution="FR:SYNT001").mode is Mode.PAPER
    assert readiness_of(asked, "S_BUC_01", "FR", ON, declared=rows, institution="FR:SYNT002").mode is Mode.ELECTRONIC


@pytest.mark.parametrize(
    ("cdm", "asked", "mode"),
    [
        ("4.4", "4.4", Mode.ELECTRONIC),
        ("4.4.1", "4.4", Mode.ELECTRONIC),
        ("4.3", "4.4", Mode.PAPER),
        (None, "4.4", Mode.UNKNOWN),
    ],
)
def test_a_version_is_never_guessed(cdm: str | None, asked: str, mode: Mode) -> None:
    more = {"cdm": cdm} if cdm else {}
    found = readiness_of(
        directory(BOTH), "S_BUC_01", "FR", ON, version=asked, declared=[row("electronic", "2026-01-01", **more)]
    )
    assert found.mode is mode


@pytest.fixture(params=["memory:", "sqlite"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReadinessBook]:
    with DirectoryStore.open(request.param if request.param == "memory:" else tmp_path / "r.db") as store:
        yield ReadinessBook(store)


def test_declared_rows_are_kept_and_replaced(book: ReadinessBook) -> None:
    one, two = row("paper", "2026-01-01"), row("electronic", "2026-07-01", cdm="v4.4", country="GR")
    assert book.declare([one, two], by="test") == 2
    assert two.country == "EL"
    assert set(book.rows()) == {one, two}
    again = row("electronic", "2026-01-01")
    book.declare([again], by="test")
    assert set(book.rows()) == {again, two}

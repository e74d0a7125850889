"""Scale: an invented Europe, small here, whole in the long run."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import attrs
import pytest

from eessi.directory import Directory
from eessi.directory.europe import Europe, EuropePlan, plan
from eessi.directory.store import DirectoryStore
from eessi.ids import COUNTRIES, Period

ROOT = Path(__file__).parents[2]


def data_of(plan: EuropePlan) -> bytes:
    file = BytesIO()
    Europe(plan).write(file)
    return file.getvalue()


def test_everything_follows_from_the_seed() -> None:
    few = plan(12, countries=("FR", "BE"))
    assert data_of(few) == data_of(few)
    assert data_of(few) != data_of(attrs.evolve(few, seed=2))


def test_what_is_written_is_what_was_invented() -> None:
    few = plan(12, countries=("FR", "BE", "EL"))
    assert Directory.load(data_of(few)) == Directory.of(Europe(few).records())


def test_there_is_a_gap_between_two_periods_and_nobody_is_found_in_it() -> None:
    directory = Directory.of(Europe(plan(9, countries=("FR",), earlier=1.0)).records())
    gaps = 0
    for each in directory:
        for first, second in zip(each.competences, each.competences[1:], strict=False):
            if (first.buc, first.role) == (second.buc, second.role) and gaps < 40:
                assert first.period.end is not None
                assert first.period.end < second.period.start
                found = directory.find(first.buc, first.role, "FR", first.period.end)
                assert each.id not in found.institutions
                gaps += 1
    assert gaps == 40


def test_the_tool_writes_the_same(tmp_path: Path) -> None:
    file = tmp_path / "europe.xml"
    words = [sys.executable, "tools/synthetic_directory.py", str(file), "--institutions", "32"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "32 institutions" in done.stdout
    assert file.read_bytes() == data_of(plan(32))


def load_within(file: Path, store: Path, most: int, *kept: int) -> subprocess.CompletedProcess[str]:
    """Load in a process that may take so many MiB more than it has before the load."""
    words = [sys.executable, "-m", "tests.directory.loaded_within", str(store), str(file), str(most), *map(str, kept)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory of a process is limited as Linux does it")
def test_a_copy_larger_than_memory_is_loaded(tmp_path: Path) -> None:
    """The process may take less than the document has bytes; that the limit bites is shown by keeping a document whole."""
    file, small = tmp_path / "europe.xml", tmp_path / "small.xml"
    file.write_bytes(data_of(plan(300)))
    small.write_bytes(data_of(plan(60)))
    most = 20
    assert file.stat().st_size > most * 1024 * 1024
    done = load_within(file, tmp_path / "europe.db", most, 1000)
    assert done.returncode == 0, done.stderr
    with DirectoryStore.open(tmp_path / "europe.db") as store:
        assert store.copies()[0].institutions == 300
    assert "MemoryError" in load_within(small, tmp_path / "small.db", 3).stderr


@pytest.mark.long
def test_the_whole_of_europe(tmp_path: Path) -> None:
    """32 countries, 3,200 institutions, 99 processes, a million competences: read in bounded memory, kept, and asked."""
    whole = plan(3200)
    file = tmp_path / "europe.xml"
    europe = Europe(whole)
    with file.open("wb") as out:
        europe.write(out)
    assert 980_000 < europe.competences < 1_020_000
    assert file.stat().st_size > 200_000_000
    done = load_within(file, tmp_path / "europe.db", 64)
    assert done.returncode == 0, done.stderr
    with DirectoryStore.open(tmp_path / "europe.db") as store:
        assert store.copies()[0].institutions == 3200
        directory = store.directory("FR")
        assert {each.country for each in directory} == {"FR"}
        assert {each.country for each in store.directory()} == set(COUNTRIES)
        assert store.find("S_BUC_01", "CP", "FR", dt.date(2026, 6, 1))
        again = store.load(file)
        assert not again.changed


@pytest.mark.long
def test_five_years_of_copies(tmp_path: Path) -> None:
    """A copy each month for five years: only what changed is stored, and every day of them can be asked."""
    base = plan(320, bucs=("S_BUC_01", "LA_BUC_01", "H_BUC_01"), earlier=0.0)
    directory = Directory.of(Europe(base).records())
    institutions = list(directory)
    with DirectoryStore.open(tmp_path / "years.db") as store:
        from eessi.directory.syn001_writer import syn001_bytes

        for month in range(60):
            created = dt.datetime(2021 + month // 12, 1 + month % 12, 1, 3, tzinfo=dt.UTC)
            each = institutions[month]
            closed = attrs.evolve(each, period=Period(each.period.start, created.date()))
            content = {**directory.institutions, each.id: closed}
            head = attrs.evolve(directory.head, version=f"1.{month}.0", created=created)
            directory = Directory(attrs.evolve(directory.content, institutions=content), head=head)
            loaded = store.load(syn001_bytes(directory))
            assert loaded.written == (1 if month else len(store_rows(directory)))
        assert len(store.copies()) == 60
        for month in (5, 30, 59):
            each = institutions[month]
            turn = dt.date(2021 + month // 12, 1 + month % 12, 1)
            day_before = turn - dt.timedelta(days=1)
            if each.period.covers(day_before):
                assert (
                    each.id in store.find("S_BUC_01", "CP", each.country, day_before, known_on=day_before).institutions
                )
            assert each.id not in store.find("S_BUC_01", "CP", each.country, turn, known_on=turn).institutions
            assert len(store.history(each.id)) == 2


def store_rows(directory: Directory) -> list[str]:
    content = directory.content
    return [*content.institutions, *content.access_points, *content.certificates, "EU:CSN01"]

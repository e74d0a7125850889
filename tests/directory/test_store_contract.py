"""One contract for every place where the directory is kept: memory, SQLite, PostgreSQL."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from eessi.directory import Competence, Directory, Institution, Translation
from eessi.directory.difference import Content
from eessi.directory.store import DirectoryStore, NoCopy
from eessi.directory.syn001_writer import syn001_bytes
from eessi.errors import InputError, NotAllowed, StoreError, UnknownCode
from eessi.ids import BucId, InstitutionId, Period, Role
from tests.directory.documents import copy, institution
from tests.directory.test_syn001 import DAMAGED

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.peers)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql"))
    return "memory:" if request.param == "memory" else str(tmp_path / "directory.db")


@pytest.fixture
def store(place: str) -> Iterator[DirectoryStore]:
    with DirectoryStore.open(place, now=lambda: NOW) as store:
        yield store


def a_copy(version: str, day: dt.date, *changes: Institution, without: str = "") -> bytes:
    """The invented directory in some version, with some institutions changed and one gone."""
    base = Directory.synthetic()
    institutions = {**base.institutions, **{each.id: each for each in changes}}
    institutions.pop(InstitutionId(without), None) if without else None
    created = dt.datetime.combine(day, dt.time(3), dt.UTC)
    head = attrs.evolve(base.head, version=version, created=created)
    content = Content(
        {id: institutions[id] for id in sorted(institutions)}, base.access_points, base.certificates, base.central_node
    )
    return syn001_bytes(Directory(content, head=head))


def renamed(id: str, name: str) -> Institution:
    return attrs.evolve(Directory.synthetic().get(id), names=(Translation("en", name),))


FIRST = a_copy("1.9.0", dt.date(2026, 1, 10))
SECOND = a_copy("1.10.0", dt.date(2026, 2, 10), renamed("FR:SYNTH002", "Renamed Fund"), without="BE:SYNTH010")


def actions(store: DirectoryStore) -> list[str]:
    return [event.action for event in store.events()]


def test_what_was_loaded_is_what_is_asked(store: DirectoryStore) -> None:
    loaded = store.load(FIRST, by="ann")
    assert loaded.changed
    assert (loaded.copy.seq, loaded.copy.version, loaded.copy.loaded_by) == (1, "1.9.0", "ann")
    wanted = Directory.load(FIRST)
    assert store.directory() == wanted
    assert store.directory().head == wanted.head
    assert store.directory().environment is wanted.environment
    assert {finding.id for finding in store.directory().findings} == {finding.id for finding in wanted.findings}


def test_one_country_answers_as_the_whole_copy_does(store: DirectoryStore) -> None:
    store.load(FIRST)
    for country in ("FR", "BE", "GR", "XX"):
        whole = store.directory().find("LA_BUC_01", "CP", country, NOW.date())
        part = store.find("LA_BUC_01", "CP", country, NOW.date())
        assert part.matches == whole.matches
        assert part.left_out == whole.left_out
        assert part.hints == whole.hints


def test_the_same_copy_again_changes_nothing(store: DirectoryStore) -> None:
    store.load(FIRST)
    again = store.load(FIRST)
    assert not again.changed
    assert len(store.copies()) == 1
    assert actions(store) == ["copy-loaded", "copy-unchanged"]


def test_a_newer_copy_takes_over_and_writes_only_what_changed(store: DirectoryStore) -> None:
    store.load(FIRST)
    loaded = store.load(SECOND)
    assert loaded.written == 1
    assert store.directory() == Directory.load(SECOND)
    assert store.directory(seq=1) == Directory.load(FIRST)
    kinds = [change.kind for change in store.diff(1).changes]
    assert kinds == ["institution_missing", "name_removed", "name_changed"]


def test_a_body_that_vanished_is_kept_closed_and_found_again_when_it_returns(store: DirectoryStore) -> None:
    store.load(FIRST)
    store.load(SECOND)
    gone = store.directory().get("BE:SYNTH010")
    assert gone.period.end == dt.date(2026, 2, 10)
    assert list(store.directory().kept) == ["BE:SYNTH010"]
    store.load(a_copy("1.11.0", dt.date(2026, 2, 20)))
    assert not store.directory().kept
    assert store.directory().get("BE:SYNTH010").period.end is None
    states = [(version.first.seq, version.last.seq, version.is_kept) for version in store.history("BE:SYNTH010")]
    assert states == [(1, 1, False), (2, 2, True), (3, 3, False)]


def test_history_tells_who_was_competent_as_it_was_known(store: DirectoryStore) -> None:
    """A competence that later copies do not hold any more is still answered for the day on which it was known."""
    base = Directory.synthetic().get("FR:SYNTH010")
    row = Competence(BucId("R_BUC_01"), Role.COUNTERPARTY, Period(dt.date(2020, 1, 1)), True, "x")
    store.load(a_copy("1.0.0", dt.date(2026, 1, 1), attrs.evolve(base, competences=(*base.competences, row))))
    store.load(a_copy("1.1.0", dt.date(2026, 2, 1)))
    on = dt.date(2026, 1, 15)
    assert store.find("R_BUC_01", "CP", "FR", on, known_on=on).institutions == ("FR:SYNTH010",)
    assert store.find("R_BUC_01", "CP", "FR", on).institutions == ()
    with pytest.raises(UnknownCode):
        store.find("R_BUC_01", "CP", "FR", on, known_on=dt.date(2025, 12, 31))


def test_a_rollback_puts_the_earlier_copy_in_force_and_deletes_nothing(store: DirectoryStore) -> None:
    store.load(FIRST)
    store.load(SECOND)
    copy = store.rollback(by="bob")
    assert (copy.seq, copy.version, copy.origin) == (3, "1.9.0", "rollback to 1")
    assert store.directory() == Directory.load(FIRST)
    assert not store.directory().kept
    assert store.directory(seq=2) == Directory.load(SECOND)
    assert store.copy_of(dt.date(2026, 2, 15)).seq == 3
    store.load(SECOND)
    assert store.directory() == Directory.load(SECOND)
    assert actions(store) == ["copy-loaded", "copy-loaded", "copy-rolled-back", "copy-loaded"]


def test_there_is_nothing_to_go_back_to(store: DirectoryStore) -> None:
    with pytest.raises(NotAllowed):
        store.rollback()
    store.load(FIRST)
    for to in (None, 0, 1, 7):
        with pytest.raises(NotAllowed):
            store.rollback(to)
    assert len(store.copies()) == 1


@pytest.mark.parametrize("what", sorted(DAMAGED))
def test_a_damaged_copy_never_replaces_a_good_one(store: DirectoryStore, what: str) -> None:
    store.load(FIRST)
    with pytest.raises(InputError):
        store.load(DAMAGED[what])
    assert store.directory() == Directory.load(FIRST)
    assert actions(store) == ["copy-loaded", "copy-refused"]


@pytest.mark.parametrize("cut", [0.3, 0.9, 0.999])
def test_a_copy_cut_short_never_replaces_a_good_one(store: DirectoryStore, cut: float) -> None:
    store.load(FIRST)
    with pytest.raises(InputError):
        store.load(SECOND[: int(len(SECOND) * cut)])
    assert store.directory() == Directory.load(FIRST)


def emptied() -> bytes:
    return copy(institution("FR:SYNT001"), version="2.0.0")


HOSTILE = {
    "older": a_copy("1.8.0", dt.date(2026, 2, 1)),
    "same-version": a_copy("1.9.0", dt.date(2026, 2, 1), renamed("FR:SYNTH002", "Other")),
    "environment": json.dumps({"environment": "test", "institutions": [{"id": "FR:SYNTH001", "names": []}]}).encode(),
    "endpoints": json.dumps([{"id": id, "landkode": id[:2]} for id in Directory.synthetic().institutions]).encode(),
    "loss": emptied(),
    "sender": FIRST.replace(b"EU:CSN01", b"FR:SYNTH001").replace(b">1.9.0<", b">2.0.0<"),
}


@pytest.mark.parametrize("rule", sorted(HOSTILE))
def test_a_suspicious_copy_is_refused_until_a_person_accepts_it(store: DirectoryStore, rule: str) -> None:
    store.load(FIRST)
    with pytest.raises(NotAllowed, match=f"accept '{rule}'") as caught:
        store.load(HOSTILE[rule])
    assert caught.value.rule == rule
    assert store.directory() == Directory.load(FIRST)
    refused = store.events()[-1]
    assert refused.action == "copy-refused"
    assert json.loads(refused.body)["rule"] == rule
    loaded = store.load(HOSTILE[rule], accept=[rule, "environment", "endpoints", "loss"])  # type: ignore[list-item]  # by name
    assert loaded.copy.seq == 2


def test_a_copy_without_institutions_is_never_accepted(store: DirectoryStore) -> None:
    with pytest.raises(InputError, match="holds no institution"):
        store.load(copy(), accept=["loss"])


def test_a_country_that_loses_many_bodies_is_noticed(store: DirectoryStore) -> None:
    base = Directory.synthetic()
    few = {id: each for id, each in base.institutions.items() if id not in ("FR:SYNTH010", "FR:SYNTH011")}
    store.load(FIRST)
    head = attrs.evolve(base.head, version="2.0.0")
    data = syn001_bytes(Directory(attrs.evolve(base.content, institutions=few), head=head))
    with pytest.raises(NotAllowed, match="2 of 13 institutions of FR"):
        store.load(data)


def test_readers_keep_their_copy_while_another_is_loaded(store: DirectoryStore) -> None:
    store.load(FIRST)
    with store.read() as rows:
        before = [row.version for row in rows.copies()]
        writer = threading.Thread(target=store.load, args=(SECOND,))
        writer.start()
        writer.join(timeout=30)
        assert not writer.is_alive(), "the reader made the writer wait"
        assert [row.version for row in rows.copies()] == before == ["1.9.0"]
        seq = rows.copies()[-1].seq
        kept = {id for kind, id, _ in rows.bodies(seq) if kind == "institution"}
    assert "BE:SYNTH010" in kept
    assert store.copies()[-1].version == "1.10.0"


def test_two_loads_at_once_do_not_mix(place: str) -> None:
    """One of them may have to be repeated; the result is a whole copy either way."""
    with DirectoryStore.open(place) as store:
        store.load(FIRST)
        third = a_copy("1.10.1", dt.date(2026, 2, 11), renamed("BE:SYNTH002", "Other Fund"))
        errors: list[Exception] = []

        def load(data: bytes) -> None:
            try:
                store.load(data)
            except (StoreError, NotAllowed) as error:
                errors.append(error)

        threads = [threading.Thread(target=load, args=(data,)) for data in (SECOND, third)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert store.directory() in (Directory.load(SECOND), Directory.load(third))
        assert len(store.copies()) + len(errors) == 3


def test_no_copy_yet(store: DirectoryStore) -> None:
    assert store.copies() == ()
    with pytest.raises(NoCopy, match="no copy was loaded yet"):
        store.directory()
    assert store.history("FR:SYNTH001") == ()


def test_tenants_have_copies_of_their_own(tmp_path: Path) -> None:
    from eessi.stores import Store

    file = tmp_path / "tenants.db"
    with Store.open(file) as plain:
        plain.create_tenant("two")
    with DirectoryStore.open(file) as one, DirectoryStore.open(file, tenant="two") as two:
        one.load(FIRST)
        assert two.copies() == ()
        two.load(SECOND)
        assert one.directory() == Directory.load(FIRST)


def test_a_stored_record_that_is_damaged_is_an_error_of_the_store(tmp_path: Path) -> None:
    import sqlite3

    file = tmp_path / "damaged.db"
    with DirectoryStore.open(file) as store:
        store.load(FIRST)
    connection = sqlite3.connect(file)
    connection.execute("UPDATE directory_body SET body = x'00'")
    connection.commit()
    connection.close()
    with DirectoryStore.open(file) as store, pytest.raises(StoreError, match="cannot be read"):
        store.directory()

"""Jobs over the documents of a store: the numbers are right, every executor gives the same, nothing is changed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import attrs
import pytest
import sqlalchemy as sa

from eessi.cli.program import run
from eessi.errors import UnknownCode, UsageError
from eessi.node import Vault
from eessi.release.stored import Archive
from eessi.schemas import Registry
from eessi.sed import Sed, parse
from eessi.stores import Store
from eessi.stores.cases import CaseRows
from eessi.transport.corners import FourCorners
from tests.node.conftest import BE, FR, pair_of, sandbox


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """Eleven synthetic documents in six cases: ten of the sandbox and one S071."""
    file = tmp_path_factory.mktemp("archive") / "node.db"
    with Store.open(file) as store, Store.open("sqlite://") as other:
        pair = pair_of(FourCorners(FR, BE, stores=(store, other)))
        for _ in range(5):
            case_id = str(pair.fr.start("LA_BUC_01", [BE], version="4.4"))
            pair.fr.send(case_id, sandbox("A001"))
            pair.fr.send(case_id, sandbox("H001"))
        case_id = str(pair.fr.start("S_BUC_01", [BE], version="4.4"))
        s071 = parse("examples/documents/s071.xml")
        assert isinstance(s071, Sed)
        pair.fr.send(case_id, s071)
        yield Archive(store, Vault(bytes(32)), "tester")


def test_revalidation_tells_what_changed_since(archive: Archive) -> None:
    found = archive.revalidate()
    assert (found.checked, found.outcomes, found.changed) == (11, {"undetermined": 10, "valid": 1}, ())
    with archive.store.begin() as unit:
        unit.execute(sa.text("UPDATE case_document SET verdict = 'undetermined' WHERE sed = 'S071'"))
    [changed] = archive.revalidate().changed
    assert (changed.before, changed.now) == ("undetermined", "valid")
    with archive.store.begin() as unit:
        unit.execute(sa.text("UPDATE case_document SET verdict = 'valid' WHERE sed = 'S071'"))
    with pytest.raises(UnknownCode):
        archive.revalidate(package="nothing:1.0")


def test_a_rehearsal_counts_losses_and_what_a_person_must_do(archive: Archive) -> None:
    found, alone = archive.rehearse("sandbox:1.1"), _alone(archive)
    assert (found.checked, found.outcomes, found.reasons) == (11, dict(sorted(Counter(alone.values()).items())), {})
    assert found.documents == tuple(sorted(key for key, outcome in alone.items() if outcome != "clean"))
    assert found.causes
    closed = archive.rehearse("open:4.4")
    assert closed.outcomes["undetermined"] == 10
    assert closed.reasons == {"UnknownCode": 5, "UsageError": 5}, "a tree only observed is not guessed at"


def _alone(archive: Archive) -> dict[str, str]:
    """The same by the plain function, one document after the other."""
    from eessi.release.migration import migrate_document

    outcomes = {}
    for key in archive._verdicts():
        document = parse(archive._load(key))
        moved = migrate_document(document, Registry.installed(), target="sandbox:1.1")
        outcomes[key] = "lossy" if moved.losses else "todo" if moved.todo else "clean"
    return outcomes


def test_impact_on_stored_documents_is_that_on_the_same_files(archive: Archive, tmp_path: Path) -> None:
    from eessi.release.impact import assess

    files = []
    for number, key in enumerate(archive._verdicts()):
        file = tmp_path / f"{number:03}.xml"
        file.write_bytes(archive._load(key))
        files.append(file)
    stored, filed = archive.impact("sandbox:1.0", "sandbox:1.1"), assess("sandbox:1.0", "sandbox:1.1", files)
    assert attrs.evolve(stored, refused_files=()) == attrs.evolve(filed, refused_files=())
    assert len(stored.refused_files) == len(filed.refused_files)


@pytest.mark.parametrize("pool", [lambda: ThreadPoolExecutor(2), lambda: ProcessPoolExecutor(2)])
def test_every_executor_gives_the_same(archive: Archive, pool: type[AbstractContextManager[Executor]]) -> None:
    with pool() as executor:
        there = attrs.evolve(archive, executor=executor)
        assert there.revalidate() == archive.revalidate()
        assert there.rehearse("sandbox:1.1") == archive.rehearse("sandbox:1.1")
        assert there.impact("sandbox:1.0", "sandbox:1.1") == archive.impact("sandbox:1.0", "sandbox:1.1")


def test_a_stopped_job_goes_on_and_another_does_not_take_its_journal(archive: Archive, tmp_path: Path) -> None:
    file = tmp_path / "j"
    kept = attrs.evolve(archive, journal=file)
    whole = kept.revalidate()
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:4]) + lines[4][:9])
    seen: list[int] = []
    assert attrs.evolve(kept, progress=seen.append).revalidate() == whole
    assert seen == list(range(4, 12))
    with pytest.raises(UsageError, match="another job"):
        kept.rehearse("sandbox:1.1")
    assert "Testperson" not in file.read_text()


def test_a_job_is_one_line_in_the_log_of_reads_and_changes_nothing_else(archive: Archive) -> None:
    with archive.store.read() as unit:
        before = len(list(CaseRows(unit).accesses()))
        documents = list(CaseRows(unit).all_documents())
    archive.revalidate()
    with archive.store.read() as unit:
        accesses = list(CaseRows(unit).accesses())
        assert list(CaseRows(unit).all_documents()) == documents
    assert len(accesses) == before + 1
    assert (accesses[-1].who, accesses[-1].what) == ("tester", "all documents, by a job")


def test_the_commands(archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with archive.store.read() as unit:
        place = str(unit.connection.engine.url.database)
    key = tmp_path / "key"
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    words = ["--store", place, "--key-file", str(key), "--format", "json"]
    assert run(["case", "revalidate", *words]) == 3
    assert json.loads(capsys.readouterr().out)["outcomes"] == {"undetermined": 10, "valid": 1}
    assert run(["case", "revalidate", *words, "--package", "no:1"]) == 2
    capsys.readouterr()
    code = run(["case", "rehearse", "--to", "sandbox:1.1", *words, "--journal", str(tmp_path / "j")])
    found = json.loads(capsys.readouterr().out)
    assert (code, found["checked"]) == (1 if found["documents"] else 3, 11)
    code = run(["impact", "sandbox:1.0", "sandbox:1.1", "--cases", place, "--key-file", str(key), "--format", "json"])
    assert json.loads(capsys.readouterr().out)["documents"]["checked"] == 11
    assert code in (1, 3)
    assert run(["impact", "sandbox:1.0", "sandbox:1.1", "--key-file", str(key), "examples"]) == 2

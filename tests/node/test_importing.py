"""RINA exports into the store: whole or not at all, once, with a report; hostile ones are refused."""

from __future__ import annotations

import copy
import datetime as dt
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eessi.buc import CaseState
from eessi.cli.program import run
from eessi.errors import BrokenData, StoreError
from eessi.node import Vault
from eessi.node.evidence import check_store, timeline
from eessi.node.files import open_attachments
from eessi.node.importing import ImportReport, import_cases
from eessi.node.keys import pin_digest
from eessi.node.stored import load
from eessi.node.vault import about_document
from eessi.sed import Message, parse
from eessi.stores import Store
from eessi.stores.cases import CaseRows
from tests.buc.test_rina import OTHER, OWNER, document, rina
from tests.node.conftest import sandbox

NOW = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
VAULT = Vault(bytes(32))
A001 = json.loads(Path("examples/documents/a001-rina.json").read_text(encoding="utf-8"))
LISTED = {"identifier": "f1", "fileName": "scan.pdf", "isMedical": False, "sectionReference": None, "internetMediaTypeCode": "application/pdf"}  # fmt: skip


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open("sqlite://") as store:
        yield store


def case(number: str = "1234") -> dict[str, Any]:
    """Synthetic: a request for an exception, its answer, and a draft."""
    return rina(
        document("a", "A001", "sent", 1, attachments=[LISTED, {**LISTED, "identifier": "f2"}]),
        document("b", "A011", "received", 4, out=False, parentDocumentId="a"),
        document("c", "H001", "new", 5),
        processDefinitionName="LA_BUC_01",
        id=number,
    )


def lay(folder: Path, table: dict[str, Any]) -> Path:
    """An export as files."""
    (folder / "documents").mkdir(parents=True)
    (folder / "attachments").mkdir()
    (folder / "case.json").write_text(json.dumps(table))
    (folder / "documents" / "a.json").write_text(json.dumps(A001))
    (folder / "documents" / "b.xml").write_bytes(sandbox("A011").data)
    (folder / "attachments" / "f1").write_bytes(b"%PDF-1.7 synthetic")
    return folder


def imported(store: Store, *paths: Path, **more: Any) -> list[ImportReport]:
    return list(import_cases(store, VAULT, paths, NOW, **more))


def test_a_case_comes_with_events_documents_attachments_and_keys(store: Store, tmp_path: Path) -> None:
    [report] = imported(store, lay(tmp_path / "x", case()))
    assert (report.outcome, report.case_id, report.documents, report.attachments) == ("imported", "1234", 2, 1), report
    with store.read() as unit:
        rows = CaseRows(unit)
        found = load(rows, "1234")
        assert [(e.kind, str(e.sed)) for e in found.case.history] == [
            ("sent", "A001"),
            ("received", "A011"),
            ("drafted", "H001"),
        ]
        assert (found.case.state, found.row.partners, found.row.opened_at[:10], found.row.changed_at[:10]) == (
            CaseState.OPEN, OTHER, "2026-01-01", "2026-01-05",
        )  # fmt: skip
        first, second = rows.documents("1234")
        assert [(d.sed, d.direction, d.verdict) for d in (first, second)] == [
            ("A001", "OUT", "undetermined"),
            ("A011", "IN", "undetermined"),
        ]
        about = about_document("default", "1234", "a", 1)
        message = parse(VAULT.open(first.body, about))
        assert isinstance(message, Message)
        assert (message.header.sender.id, message.header.set_id, str(message.sed.type)) == (OWNER, "a", "A001")
        files = open_attachments(VAULT, lambda no: rows.attachment("1234", "a", 1, no), about)
        assert [(f.identifier, f.file_name, f.content) for f in files] == [
            ("f1", "scan.pdf", b"%PDF-1.7 synthetic"), ("f2", "scan.pdf", b""),
        ]  # fmt: skip
        pin = A001["A001"]["Person"]["PersonIdentification"]["PINPersonInEachInstitution"][
            "PersonalIdentificationNumber"
        ][0]
        digest = pin_digest(VAULT, pin["personalIdentificationNumber"])
        assert [head.case_id for head in rows.find(digest=digest)] == ["1234"]
        assert list(rows.signals()) == [], "what happened elsewhere is no news"
    assert check_store(store) == ()
    steps = [step.detail.split()[0] for step in timeline(store, "1234") if step.step == "case"]
    assert steps == ["opened", "sent", "received", "drafted"]
    listed = {(note.where, note.what) for note in report.not_understood}
    assert ("document a, attachment f2", "content") in listed
    assert not any("Testperson" in repr(note) for note in report.not_understood)


def test_the_same_export_again_changes_nothing_and_another_is_left_alone(store: Store, tmp_path: Path) -> None:
    folder = lay(tmp_path / "x", case())
    imported(store, folder)
    before = dump(store)
    assert [r.outcome for r in imported(store, folder)] == ["unchanged"]
    (folder / "attachments" / "f1").write_bytes(b"%PDF-1.7 another")
    assert [r.outcome for r in imported(store, folder)] == ["different"]
    assert dump(store) == before


def dump(store: Store) -> list[object]:
    import sqlalchemy as sa

    tables = ("case_head", "case_event", "case_document", "case_attachment", "case_key", "case_import", "case_partner")
    with store.read() as unit:
        return [tuple(row) for table in tables for row in unit.execute(sa.text(f"SELECT * FROM {table}"))]


def test_a_condensed_history_comes_in_too(store: Store, tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text(json.dumps(CONDENSED))
    [report] = imported(store, tmp_path)
    assert (report.outcome, report.case_id) == ("imported", "77"), report
    with store.read() as unit:
        assert [str(event.sed) for event in load(CaseRows(unit), "77").case.history] == ["A001"]


def test_a_broken_off_import_goes_on_and_each_case_is_whole(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops in the middle of the second of three cases: one is there, of the others nothing, and then all."""
    for number in ("1", "2", "3"):
        lay(tmp_path / number, case(number))
    real, calls = CaseRows.add_document, []

    def fails(self: CaseRows, row: Any) -> None:
        calls.append(row)
        if len(calls) == 4:
            raise StoreError("the disk is full")
        real(self, row)

    with monkeypatch.context() as patched:
        patched.setattr(CaseRows, "add_document", fails)
        with pytest.raises(StoreError):
            imported(store, tmp_path)
    with store.read() as unit:
        assert [head.case_id for head in CaseRows(unit).find()] == ["1"]
        assert list(CaseRows(unit).documents("2")) == []
    assert [r.outcome for r in imported(store, tmp_path)] == ["unchanged", "imported", "imported"]
    assert check_store(store) == ()


def test_what_does_not_read_back_is_not_kept(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from eessi.node import importing

    monkeypatch.setattr(importing, "load", lambda rows, id, **_: load(rows, id).__class__(None, 0, None, ""))
    with pytest.raises(BrokenData, match="does not read back"):
        imported(store, lay(tmp_path / "x", case()))
    assert dump(store) == []


def test_protected_and_medical_are_kept_so(store: Store, tmp_path: Path) -> None:
    table = case()
    table["documents"][0]["attachments"] = [{**LISTED, "isMedical": True}]
    table["isProtectedPerson"] = True
    imported(store, lay(tmp_path / "x", table))
    with store.read() as unit:
        first, second = CaseRows(unit).documents("1234")
    assert (first.protected, first.medical, second.protected, second.medical) == (True, True, True, False)


def test_content_that_does_not_fit_is_told(store: Store, tmp_path: Path) -> None:
    folder = lay(tmp_path / "x", case())
    (folder / "documents" / "b.xml").write_bytes(sandbox("A002").data)
    (folder / "documents" / "a.json").write_text('{"A001": 3}')
    [report] = imported(store, folder)
    assert (report.outcome, report.documents) == ("imported", 0)
    whys = {note.where: note.why for note in report.not_understood if note.what == "content"}
    assert whys["document b"] == "a A002, where the history says A011"
    assert "document a" in whys


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.update(processDefinitionName="NO_BUC_99"), "NO_BUC_99"),
        (lambda t: t.update(applicationRoleId="King"), "King"),
        (lambda t: t.update(id="x" * 65), "longer than 64"),
        (lambda t: t.update(id="a\x00b"), "signs that no id has"),
        (lambda t: t["documents"][0].update(id="y" * 81), "longer than 80"),
        (lambda t: t.update(participants=[]), "which institution is ours"),
        (lambda t: t.pop("id"), "no id"),
        (lambda t: t.update(documents=[{}] * 20_001), "20,001 documents"),
    ],
)  # fmt: skip
def test_a_case_that_cannot_be_is_refused_with_one_line(store: Store, tmp_path: Path, change: Any, says: str) -> None:
    table = case()
    change(table)
    [report] = imported(store, lay(tmp_path / "x", table))
    assert report.outcome == "refused"
    assert says in str(report.why)
    assert "\n" not in str(report.why)
    assert dump(store) == []


def test_a_name_that_leads_out_of_the_folder_is_refused(store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps(A001))
    folder = lay(tmp_path / "x", case())
    (folder / "documents" / "a.json").unlink()
    (folder / "documents" / "a.json").symlink_to(secret)
    [report] = imported(store, folder)
    assert (report.outcome, "leads out" in str(report.why)) == ("refused", True)
    table = case()
    table["documents"][0]["id"] = "../../secret"
    [report] = imported(store, lay(tmp_path / "y", table))
    assert (report.outcome, report.documents) == ("imported", 1), "only b has content; a name with .. is no file name"


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths_in(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from paths_in(inner, (*path, number))


NUMBERS = itertools.count()
PLACES = [path for path in paths_in(case()) if path]
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just([]), st.just({}), st.just([None]), st.just([[]]),
    st.just([{"participants": 3}]), st.just({"id": []}), st.just("2026-01-01"), st.just("-1"), st.just("9" * 400),
)  # fmt: skip


CONDENSED = {
    "case": {"buc": "LA_BUC_01", "version": "v4.3", "owner": OWNER, "id": "77"},
    "events": [
        {"at": "2026-01-01", "type": "A001", "direction": "OUT", "from": OWNER, "to": [OTHER], "participant": OTHER}
    ],
}
BOTH = [*((False, place) for place in PLACES), *((True, path) for path in paths_in(CONDENSED) if path)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(BOTH), ODD), min_size=1, max_size=3))
def test_whatever_stands_in_an_export_it_is_imported_or_refused(
    store: Store, tmp_path: Path, changes: list[tuple[tuple[bool, tuple[Any, ...]], Any]]
) -> None:
    """Values of any type at any place: one report, never another error, and the chains of the store stay whole."""
    condensed = changes[0][0][0]
    table = copy.deepcopy(CONDENSED if condensed else case())
    for (_, path), value in changes:
        inner: Any = table
        try:
            for step in path[:-1]:
                inner = inner[step]
            inner[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    file = tmp_path / "case.json"
    file.write_text(json.dumps(table))
    fresh = f"t{next(NUMBERS)}"
    store.create_tenant(fresh)
    assert len(imported(store, file, me=OWNER, tenant=fresh)) <= 1
    assert check_store(store, tenant=fresh) == ()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lay(tmp_path / "x" / "1", case("1"))
    broken = case("2")
    broken["processDefinitionName"] = "NO_BUC_99"
    lay(tmp_path / "x" / "2", broken)
    key = tmp_path / "key"
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    words = ["case", "import", str(tmp_path / "x"), "--store", str(tmp_path / "s.db"), "--key-file", str(key)]
    assert run([*words, "--format", "json"]) == 1
    out = json.loads(capsys.readouterr().out)
    assert [(row["outcome"], row["case_id"]) for row in out["cases"]] == [("imported", "1"), ("refused", None)]
    assert out["summary"] == {"imported": 1, "unchanged": 0, "different": 0, "refused": 1}
    assert run(words) == 1
    assert "unchanged" in capsys.readouterr().out
    assert run(words[:-2]) == 2
    assert run(["case", "import", str(tmp_path / "no"), *words[3:]]) == 4

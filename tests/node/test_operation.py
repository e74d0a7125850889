"""Where every message is, and the proof of it; counts that come out the same again."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from eessi.cli.program import run
from eessi.directory import Directory
from eessi.directory.syn001_writer import syn001_bytes
from eessi.errors import UnknownCode
from eessi.node.evidence import check_store, export, timeline, verify_file
from eessi.node.operation import status_of
from eessi.node.statistics import statistics_of
from eessi.stores import Store
from eessi.transport.corners import FourCorners
from tests.node.conftest import BE, FR, Pair, pair_of, sandbox


@pytest.fixture
def finished(tmp_path: Path) -> Iterator[Pair]:
    """A case that went through, in two files."""
    with Store.open(tmp_path / "fr.db") as fr, Store.open(tmp_path / "be.db") as be:
        pair = pair_of(FourCorners(FR, BE, stores=(fr, be)))
        play_through(pair)
        yield pair


def play_through(pair: Pair) -> None:
    case_id = pair.fr.start("LA_BUC_01", [BE], version="4.4")
    sent = pair.fr.send(case_id, sandbox("A001"))
    pair.run()
    pair.corners.advance(dt.timedelta(days=3))
    pair.be.send(case_id, sandbox("A011"), parent_id=sent.document_id)
    pair.run()


def case_of(pair: Pair) -> str:
    return pair.fr.find()[0].case_id


def test_a_healthy_node_says_so(finished: Pair) -> None:
    status = status_of(finished.fr.store, finished.corners.now)
    assert status.is_healthy
    assert status.backlog == ()
    assert status.cases == {"open": 1}


def test_what_hangs_is_named(pair: Pair) -> None:
    case_id = pair.fr.start("LA_BUC_01", [BE], version="4.4")
    sent = pair.fr.send(case_id, sandbox("A001"))
    later = pair.corners.now + dt.timedelta(hours=25)
    status = status_of(pair.fr.store, later)
    assert status.stuck == sent.message_ids
    [backlog] = status.backlog
    assert (backlog.partner, backlog.queued, backlog.oldest, backlog.seds) == (BE, 1, 25 * 3600, {"A001": 1})
    assert (status.unreceipted, status.is_healthy) == ((), False), "it never left, so nobody owes a receipt"


def test_a_partner_that_sends_no_receipt_is_named(pair: Pair) -> None:
    case_id = pair.fr.start("LA_BUC_01", [BE], version="4.4")
    pair.fr.send(case_id, sandbox("A001"))
    assert pair.fr.engine.send_one(pair.corners.now)
    status = status_of(pair.fr.store, pair.corners.now + dt.timedelta(hours=25))
    assert (status.unreceipted, [one.taken for one in status.backlog]) == ((BE,), [1])


def test_untaken_documents_are_counted(finished: Pair) -> None:
    assert status_of(finished.be.store, finished.corners.now).untaken == 1
    list(finished.be.receive())
    assert status_of(finished.be.store, finished.corners.now).untaken == 0


def test_certificates_that_run_out_are_named(finished: Pair) -> None:
    directory = Directory.synthetic()
    ends = min(one.valid_to for one in directory.certificates.values() if one.valid_to)
    before = ends - dt.timedelta(days=10)
    status = status_of(finished.fr.store, before, directory=directory)
    assert status.expiring
    assert all(before <= one.valid_to <= before + dt.timedelta(days=30) for one in status.expiring)


def test_the_timeline_of_a_message_ends_with_its_receipt(finished: Pair) -> None:
    with finished.fr.store.read() as unit:
        from eessi.stores.cases import CaseRows

        [first, _] = CaseRows(unit).documents(case_of(finished))
    steps = [step.step for step in timeline(finished.fr.store, first.message_ids)]
    assert steps == ["checked", "queued", "sent", "taken", "receipted"]
    assert timeline(finished.fr.store, first.message_ids)[-1].proof


def test_a_timeline_tells_when_a_document_was_judged_and_read(finished: Pair) -> None:
    case_id = case_of(finished)
    [document, _] = finished.be.case(case_id).documents
    finished.be.document(case_id, document, who="caseworker 7")
    found = timeline(finished.be.store, case_id)
    ids = {step.message_id for step in found if step.step == "checked" and document in step.detail}
    [message_id] = ids
    steps = timeline(finished.be.store, str(message_id))
    assert [step.step for step in steps][:1] == ["received"]
    assert [step.step for step in steps][-1:] == ["read"]
    assert "checked" in [step.step for step in steps]
    assert [step.step for step in found].count("read") == 1
    assert not any("caseworker" in step.detail for step in (*found, *steps)), "who read stands in the log of reads"


def test_the_timeline_of_a_case_holds_all_its_messages(finished: Pair) -> None:
    details = [step.detail for step in timeline(finished.fr.store, case_of(finished)) if step.step == "case"]
    assert [detail.split()[:2] for detail in details] == [["opened"], ["sent", "A001"], ["received", "A011"]]
    with pytest.raises(UnknownCode):
        timeline(finished.fr.store, "nothing")


def test_evidence_verifies_offline_until_it_is_touched(finished: Pair, tmp_path: Path) -> None:
    found = export(finished.fr.store, cases=[case_of(finished)])
    file = tmp_path / "evidence.json"
    text = json.dumps(found.model_dump(mode="json"))
    file.write_text(text)
    assert verify_file(file) == ()
    assert "Testperson" not in text
    changed = json.loads(text)
    changed["journal"][1]["detail"] = "attempt 2"
    file.write_text(json.dumps(changed))
    assert verify_file(file) == ("journal: row 2 was changed after it was written",)
    gone = json.loads(text)
    del gone["events"][1]
    file.write_text(json.dumps(gone))
    assert verify_file(file) == (f"case {case_of(finished)}: event 1 is missing",)


def test_a_store_is_checked_as_a_whole(finished: Pair) -> None:
    assert check_store(finished.fr.store) == ()
    with finished.fr.store.begin() as unit:
        unit.execute(sa.text("DELETE FROM case_event WHERE no = 2"))
    assert any("its history ends at another event" in trouble for trouble in check_store(finished.fr.store))


def test_statistics_count_what_the_histories_say(finished: Pair) -> None:
    found = statistics_of(finished.fr.store)
    assert [(one.buc, one.role, one.state, one.cases) for one in found.cases] == [("LA_BUC_01", "CaseOwner", "open", 1)]
    assert [(one.sed, one.direction, one.country) for one in found.documents] == [
        ("A001", "OUT", "BE"),
        ("A011", "IN", "BE"),
    ]
    other = statistics_of(finished.be.store)
    [delay] = other.delays
    assert (delay.sed, delay.answer, delay.pairs) == ("A001", "A011", 1)
    assert 3 <= delay.median < 3.1
    assert found == statistics_of(finished.fr.store)
    nothing = statistics_of(finished.fr.store, until=dt.date(2020, 1, 1))
    assert (nothing.cases, nothing.documents, nothing.delays) == ((), (), ())


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(words)
    out, err = capsys.readouterr()
    return code, out, err


def test_the_commands(finished: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--store", str(tmp_path / "fr.db")]
    code, out, _ = call(capsys, "message", "list", *store, "--format", "json")
    messages = json.loads(out)["messages"]
    assert code == 0
    assert {(row["direction"], row["state"]) for row in messages} == {("out", "receipted"), ("in", "delivered")}
    code, out, _ = call(capsys, "message", "show", messages[0]["message"], *store, "--format", "json")
    assert json.loads(out)["receipt_sha256"]
    code, out, _ = call(capsys, "message", "timeline", case_of(finished), *store)
    assert "receipted" in out
    evidence = str(tmp_path / "e.json")
    assert call(capsys, "message", "export", "--case", case_of(finished), "-o", evidence, *store)[0] == 0
    assert call(capsys, "message", "verify", evidence)[0] == 0
    assert call(capsys, "message", "verify", *store)[0] == 0
    assert call(capsys, "message", "timeline", "nothing", *store)[0] == 2
    told = json.loads(call(capsys, "node", "status", *store, "--format", "json")[1])
    assert (told["backlog"], told["unreceipted"], told["expiring"]) == ([], [], [])
    assert call(capsys, "node", "status", "--certificates", *store)[0] == 2, "there is no copy to ask"
    copy = tmp_path / "syn001.xml"
    copy.write_bytes(syn001_bytes(Directory.synthetic()))
    assert call(capsys, "directory", "import", str(copy), "--quiet", *store)[0] == 0
    code, out, _ = call(capsys, "node", "status", "--certificates", *store, "--format", "json")
    expected = status_of(finished.fr.store, dt.datetime.now(dt.UTC), directory=Directory.synthetic()).expiring
    assert [one["thumbprint"] for one in json.loads(out)["expiring"]] == [one.thumbprint for one in expected]
    code, out, _ = call(capsys, "stats", *store, "--format", "csv")
    assert "LA_BUC_01" in out
    key = tmp_path / "key"
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    code, out, _ = call(capsys, "decisions", "--key-file", str(key), *store, "--format", "json")
    assert len(json.loads(out)["decisions"]) == 1
    key.chmod(0o644)
    code, _, err = call(capsys, "decisions", "--key-file", str(key), *store)
    assert (code, "others may read" in err) == (1, True)


def test_one_read_of_a_document_with_two_versions_is_told_once(pair: Pair) -> None:
    case_id = str(pair.fr.start("LA_BUC_01", [BE], version="4.4"))
    document = pair.fr.send(case_id, sandbox("A001")).document_id
    pair.run()
    pair.fr.send(case_id, sandbox("A001"), document_id=document)
    pair.fr.document(case_id, document, who="caseworker 7")
    steps = [step.step for step in timeline(pair.fr.store, case_id)]
    assert (steps.count("checked"), steps.count("read")) == (2, 1)

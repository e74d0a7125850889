"""A whole case over two access points: both sides agree, nothing is lost, everything has a reason."""

from __future__ import annotations

import datetime as dt
import json

import attrs
import pytest

from eessi.buc import CaseState
from eessi.errors import NotAllowed, UnknownCode, UsageError
from eessi.ids import InstitutionId
from eessi.node import CaseMoved, Content, DocumentRefused, Received, as_cloud_event
from eessi.sed import Sed, parse
from eessi.sed.header_xml import HeaderForm, form_for
from eessi.stores import Unit
from eessi.stores.cases import CaseRows
from eessi.transport import Parcel
from tests.node.conftest import BE, FR, Pair, sandbox


def started(pair: Pair) -> str:
    case_id = pair.fr.start("LA_BUC_01", [BE], version="4.4", national_number="FR-2026-17")
    pair.fr.send(case_id, sandbox("A001"))
    pair.run()
    return str(case_id)


def test_a_case_goes_through_and_both_sides_agree(pair: Pair) -> None:
    case_id = started(pair)
    [came] = pair.be.receive()
    assert (came.sed, came.opened, came.sender) == ("A001", True, FR)
    assert "A011" in pair.be.allowed(case_id).seds
    pair.be.send(case_id, sandbox("A011"), parent_id=came.document_id)
    pair.run()
    assert [one.sed for one in pair.fr.receive()] == ["A011"]
    pair.corners.advance(dt.timedelta(days=60))
    pair.fr.send(case_id, sandbox("X001"))
    pair.run()
    for node in (pair.fr, pair.be):
        assert node.case(case_id).state is CaseState.CLOSED
        assert [str(d.sed) for d in node.case(case_id).documents.values()] == ["A001", "A011", "X001"]
        assert node.held() == ()


def test_a_received_document_is_taken_once(pair: Pair) -> None:
    started(pair)
    assert [one.sed for one in pair.be.receive()] == ["A001"]
    assert list(pair.be.receive()) == []


def test_a_handler_and_the_taking_are_one_transaction(pair: Pair) -> None:
    started(pair)

    def fails(unit: Unit, received: Received) -> None:
        CaseRows(unit).note_access("now", "handler", received.sed, received.case_id)
        raise RuntimeError("the workflow system is down")

    with pytest.raises(RuntimeError):
        list(pair.be.receive(fails))
    with pair.be.store.read() as unit:
        assert list(CaseRows(unit).accesses()) == []

    def works(unit: Unit, received: Received) -> None:
        CaseRows(unit).note_access("now", "handler", received.sed, received.case_id)

    assert [one.sed for one in pair.be.receive(works)] == ["A001"]
    with pair.be.store.read() as unit:
        assert len(list(CaseRows(unit).accesses())) == 1


def test_what_the_process_forbids_changes_nothing(pair: Pair) -> None:
    case_id = pair.fr.start("LA_BUC_01", [BE], version="4.4")
    with pytest.raises(NotAllowed):
        pair.fr.send(case_id, sandbox("A011"))
    assert pair.fr.revision(case_id) == 0
    assert not pair.corners.engines[0].send_one(pair.corners.now)
    assert pair.fr.why_not(case_id, "A011") is not None


def test_an_invalid_document_never_leaves(pair: Pair) -> None:
    case_id = pair.fr.start("S_BUC_01", [BE], version="4.4")
    damaged = parse("examples/documents/s071-damaged.xml")
    with pytest.raises(DocumentRefused) as caught:
        pair.fr.send(case_id, damaged)  # type: ignore[arg-type]  # a bare SED, not a message
    assert not caught.value.verdict.is_valid
    for value in ("Testperson", "1980-01-15"):
        assert value not in str(caught.value)


def test_a_sed_uses_the_version_of_its_case(pair: Pair) -> None:
    case_id = pair.fr.start("S_BUC_01", [BE], version="4.3")
    with pytest.raises(NotAllowed, match=r"case runs under CDM 4.3 and this S071 is of CDM 4.4"):
        pair.fr.send(case_id, parse("examples/documents/s071.xml"))  # type: ignore[arg-type]


def test_a_case_that_moved_says_so_and_offers_itself(pair: Pair) -> None:
    case_id = started(pair)
    seen = pair.fr.revision(case_id)
    pair.fr.send(case_id, sandbox("H001"))
    with pytest.raises(CaseMoved) as caught:
        pair.fr.send(case_id, sandbox("H001"), seen=seen)
    assert caught.value.revision == seen + 1
    assert "H001" in caught.value.case.allowed(pair.corners.now.date(), {}).seds


def test_cases_are_found_by_number_partner_process_and_pin(pair: Pair) -> None:
    case_id = started(pair)
    for node in (pair.fr, pair.be):
        for question in (
            {"pin": "test 0001", "country": "FR"},
            {"pin": "TEST-0001"},
            {"process": "la_buc_01"},
            {"partner": BE if node is pair.fr else FR},
        ):
            assert [row.case_id for row in node.find(**question)] == [case_id], question  # type: ignore[arg-type]
        assert node.find(pin="TEST-0002") == ()
    assert [row.case_id for row in pair.fr.find(national_number="FR-2026-17")] == [case_id]


def test_nothing_personal_lies_open_in_the_store(pair: Pair) -> None:
    started(pair)
    pair.corners.engines[0].step(pair.corners.now)
    with pair.be.store.read() as unit:
        rows = CaseRows(unit)
        for table in ("case_head", "case_event", "case_document", "case_key", "case_signal", "case_held"):
            import sqlalchemy as sa

            for row in unit.execute(sa.text(f"SELECT * FROM {table}")):
                assert "Testperson" not in repr(row)
                assert "TEST-0001" not in repr(row)
        assert list(rows.signals())


def test_a_document_is_read_back_and_the_reading_is_written_down(pair: Pair) -> None:
    case_id = started(pair)
    [came] = pair.be.receive()
    message = pair.be.document(case_id, came.document_id, who="caseworker 7")
    assert message.sed["Person/PersonIdentification/familyName"] == "Testperson"
    with pair.be.store.read() as unit:
        [access] = CaseRows(unit).accesses(case_id)
    assert (access.who, access.what, access.document_id) == ("caseworker 7", "document", came.document_id)


def test_a_protected_document_needs_a_right(pair: Pair) -> None:
    case_id = pair.fr.start("LA_BUC_01", [BE], version="4.4")
    with pytest.raises(UsageError, match="has no known place to say so"):
        pair.fr.send(case_id, sandbox("A001"), protected=True)
    known = form_for("1.1")
    pair.fr.forms = (HeaderForm("1.9", (*known.rows, ("BusinessScope/IsProtectedPerson", "protected"))),)
    sent = pair.fr.send(case_id, sandbox("A001"), protected=True)
    with pytest.raises(UsageError, match="a right is needed"):
        pair.fr.document(str(case_id), sent.document_id, who="caseworker 7")
    assert pair.fr.document(str(case_id), sent.document_id, who="supervisor", right=True)


def test_signals_are_cloud_events_with_ids_only(pair: Pair) -> None:
    case_id = started(pair)
    events = [as_cloud_event(row, pair.be.me, "default") for row in pair.be.signals()]
    assert [event["type"] for event in events] == ["eessi.case.opened", "eessi.sed.received", "eessi.move.allowed"]
    assert all(event["specversion"] == "1.0" and event["subject"] == case_id for event in events)
    assert len({event["id"] for event in events}) == len(events)
    assert "Testperson" not in json.dumps(events)


def parcel_of(pair: Pair, case_id: str, number: int = 0) -> Parcel:
    """A message of the French node as it would arrive in Belgium."""
    with pair.fr.store.read() as unit:
        row = list(CaseRows(unit).documents(case_id))[number]
    payload = pair.fr.vault.open(row.body, f"default\x00{row.case_id}\x00{row.document_id}\x00{row.version}")
    return Parcel(InstitutionId(FR), InstitutionId(BE), payload, message_id=f"m{number}@test", conversation_id=case_id)


def take(pair: Pair, parcel: Parcel) -> str | None:
    with pair.be.store.begin() as unit:
        return pair.be._take(unit, parcel, pair.be._read(parcel), pair.corners.now)


def test_an_overtaken_message_waits_and_is_applied_when_its_time_comes(pair: Pair) -> None:
    case_id = str(pair.fr.start("LA_BUC_01", [BE], version="4.4"))
    pair.fr.send(case_id, sandbox("A001"))
    pair.fr.send(case_id, sandbox("H001"))
    assert "NODE-NO-CASE" in str(take(pair, parcel_of(pair, case_id, 1)))
    assert [row.rule for row in pair.be.held()] == ["NODE-NO-CASE"]
    assert take(pair, parcel_of(pair, case_id, 0)) is None
    assert pair.be.held() == ()
    with pair.be.store.read() as unit:
        assert [row.body for row in CaseRows(unit).held(state="applied")] == [b""], "what the case has is kept once"
    assert [str(d.sed) for d in pair.be.case(case_id).documents.values()] == ["A001", "H001"]


def test_the_same_document_twice_is_one_document(pair: Pair) -> None:
    case_id = str(pair.fr.start("LA_BUC_01", [BE], version="4.4"))
    pair.fr.send(case_id, sandbox("A001"))
    parcel = parcel_of(pair, case_id)
    assert take(pair, parcel) is None
    assert take(pair, attrs.evolve(parcel, message_id="again@test")) is None
    assert len(list(pair.be.receive())) == 1


def replaced(parcel: Parcel, old: str, new: str) -> Parcel:
    assert old.encode() in parcel.payload
    return attrs.evolve(parcel, payload=parcel.payload.replace(old.encode(), new.encode()))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda p: attrs.evolve(p, payload=b"\x89PNG"), "NODE-UNREADABLE"),
        (lambda p: attrs.evolve(p, payload=p.payload[:-30]), "NODE-UNREADABLE"),
        (lambda p: attrs.evolve(p, payload=sandbox("A001").data), "NODE-NO-HEADER"),
        (lambda p: attrs.evolve(p, sender=InstitutionId("DE:SYNTH001")), "NODE-SENDER"),
        (lambda p: replaced(p, ">BE:SYNTH001<", ">DE:SYNTH001<"), "NODE-RECEIVER"),
    ],
)
def test_what_cannot_be_applied_is_held_with_its_reason(pair: Pair, change: object, rule: str) -> None:
    case_id = str(pair.fr.start("LA_BUC_01", [BE], version="4.4"))
    pair.fr.send(case_id, sandbox("A001"))
    parcel = change(parcel_of(pair, case_id))  # type: ignore[operator]
    assert rule in str(take(pair, parcel))
    [held] = pair.be.held()
    assert (held.rule, held.state) == (rule, "held")
    assert "Testperson" not in held.reason
    with pytest.raises(UnknownCode):
        pair.be.case(case_id)


def test_an_invalid_document_is_held(pair: Pair) -> None:
    case_id = str(pair.fr.start("S_BUC_01", [BE], version="4.4"))
    sed = parse("examples/documents/s071.xml")
    pair.fr.send(case_id, sed)  # type: ignore[arg-type]  # a bare SED, not a message
    parcel = replaced(parcel_of(pair, case_id), "<sex><value>02</value></sex>", "")
    assert "NODE-INVALID: S071 is invalid: SCH-MISSING at S071/Person" in str(take(pair, parcel))


def test_a_defect_of_our_own_reader_holds_the_message_until_it_is_mended(pair: Pair) -> None:
    case_id = str(pair.fr.start("LA_BUC_01", [BE], version="4.4"))
    pair.fr.send(case_id, sandbox("A001"))

    def broken(sed: Sed) -> Content:
        raise KeyError("a secret value")

    reader, pair.be.reader = pair.be.reader, broken
    assert "NODE-READER" in str(take(pair, parcel_of(pair, case_id)))
    [held] = pair.be.held()
    assert "secret" not in held.reason
    assert not pair.be.retry(held.message_id)
    pair.be.reader = reader
    assert pair.be.retry(held.message_id)
    assert pair.be.case(case_id).state is CaseState.OPEN
    assert pair.be.held() == ()


def test_one_tenant_never_sees_another(pair: Pair) -> None:
    case_id = started(pair)
    pair.be.store.create_tenant("other")
    with pair.be.store.read("other") as unit:
        rows = CaseRows(unit)
        assert rows.case(case_id) is None
        assert list(rows.find(buc="LA_BUC_01")) == []
        assert list(rows.events(case_id)) == []
        assert list(rows.documents(case_id)) == []
        assert list(rows.signals()) == []


def test_a_history_that_was_touched_is_not_believed(pair: Pair) -> None:
    import sqlalchemy as sa

    from eessi.errors import BrokenData

    case_id = started(pair)
    with pair.be.store.begin() as unit:
        unit.execute(sa.text("UPDATE case_event SET body = replace(body, 'A001', 'A005') WHERE no = 1"))
    with pytest.raises(BrokenData, match="changed after it was written, at event 1"):
        pair.be.case(case_id)

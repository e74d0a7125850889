"""RINA histories: what is understood, what is folded, and what is listed as not understood."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eessi.buc import CaseState
from eessi.buc.rina import read_rina_case
from eessi.errors import InputError, UnknownCode
from eessi.ids import Role

OWNER, OTHER = "NO:OWNER01", "DE:OTHER01"


def document(number: str, sed: str, status: str, day: int, **more: Any) -> dict[str, Any]:
    """A document in RINA's shape, synthetic."""
    sender, receiver = (OWNER, OTHER) if more.pop("out", True) else (OTHER, OWNER)
    return {
        "id": number,
        "type": sed,
        "status": status,
        "direction": "OUT" if sender == OWNER else "IN",
        "parentDocumentId": "",
        "versions": [{"id": "1", "date": f"2026-01-{day:02}T10:00:00.000Z"}],
        "conversations": [
            {
                "participants": [
                    {"role": "Sender", "organisation": {"id": sender}},
                    {"role": "Receiver", "organisation": {"id": receiver}},
                ]
            }
        ],
        **more,
    }


def rina(*documents: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "1234",
        "processDefinitionName": "P_BUC_01",
        "processDefinitionVersion": "v4.2",
        "applicationRoleId": "PO",
        "status": "open",
        "participants": [
            {"role": "CaseOwner", "organisation": {"id": OWNER}},
            {"role": "CounterParty", "organisation": {"id": OTHER}},
            {"role": "CounterParty", "organisation": {"id": OTHER}},
        ],
        "documents": list(documents),
        **more,
    }


def test_a_case_with_documents() -> None:
    found = read_rina_case(
        json.dumps(
            rina(
                document("c", "P9000", "received", 3, out=False, parentDocumentId="b"),
                document("a", "P2000", "sent", 1),
                document("b", "P8000", "active", 2, versions=[{"date": "2026-01-02"}, {"date": "2026-01-04"}]),
                document("d", "P4000", "new", 5),
                document("e", "P5000", "empty", 5),
            )
        )
    )
    case = found.case
    assert found.misfits == ()
    assert found.not_understood == ()
    assert (case.buc.code, str(case.version), case.role, case.me) == ("P_BUC_01", "4.2", "CaseOwner", OWNER)
    assert {item.id: (item.status, item.version) for item in case.documents.values()} == {
        "a": ("sent", 1), "b": ("sent", 2), "c": ("received", 1), "d": ("new", 1),
    }  # fmt: skip
    assert len(case.participants) == 2, "repeated participants are folded"


def test_what_is_not_understood_is_listed() -> None:
    found = read_rina_case(
        rina(
            document("a", "P2000", "sent", 1),
            document("b", "P3000_DE", "sent", 2),
            document("c", "P4000", "lost", 3),
            document("d", "hello", "sent", 4),
            document("e", "P5000", "cancelled", 5),
            document("f", "P6000", "sent", 6, versions=[{"date": "soon"}]),
            status="asleep",
        )
    )
    listed = {item.what: item.why for item in found.not_understood}
    assert "read as P3000" in listed["P3000_DE"]
    assert "not a known status" in listed["status 'lost'"]
    assert "not the code" in listed["type 'hello'"]
    assert "no X008" in listed["cancelled"]
    assert "not a date" in listed["date"]
    assert "not a known status of a case" in listed["asleep"]


@pytest.mark.parametrize(
    ("status", "state"),
    [("open", CaseState.OPEN), ("closed", CaseState.CLOSED_LOCALLY), ("archived", CaseState.ARCHIVED)],
)
def test_status_of_the_case(status: str, state: CaseState) -> None:
    found = read_rina_case(rina(document("a", "P2000", "sent", 1), status=status))
    assert found.case.state is state
    assert found.not_understood == ()


def test_a_status_that_the_documents_do_not_explain() -> None:
    table = rina(document("a", "A001", "sent", 1), processDefinitionName="LA_BUC_01", status="closed")
    found = read_rina_case(table)
    assert [item.where for item in found.not_understood] == ["status"]


def test_what_the_process_forbids_is_kept_and_named() -> None:
    found = read_rina_case(rina(document("a", "P2000", "sent", 1), document("b", "P2000", "sent", 2)))
    assert [(item.number, item.rule) for item in found.misfits] == [(2, "BUC-USED")]
    assert len(found.case.documents) == 2


def test_a_change_of_participant(shared: Path) -> None:
    found = read_rina_case((shared / "directory" / "case_change_of_participant.json").read_text(encoding="utf-8"))
    assert found.case.buc.code == "P_BUC_03"
    assert found.case.role is Role.CASE_OWNER
    people = [item.institution for item in found.case.participants if item.active]
    assert people == ["NO:889640782", "DE:DRV70001"], "the named body takes part, the routing body does not"
    assert [item.event.sed for item in found.misfits] == ["X005"], "an X005 for a body that takes part already"
    folded = [item.what for item in found.not_understood]
    assert folded == ["P3000_DE", "5 times X100", "7 times X100"]


def test_a_document_as_rina_exports_it(shared: Path) -> None:
    item = json.loads((shared / "as4" / "sbdh" / "document_with_user_message.json").read_text(encoding="utf-8"))
    found = read_rina_case({"processDefinitionName": "P_BUC_01", "processDefinitionVersion": "v4.2",
                            "applicationRoleId": "PO", "documents": [item]})  # fmt: skip
    assert found.misfits == ()
    assert [(doc.sed, doc.status) for doc in found.case.documents.values()] == [("P2000", "sent")]
    assert [str(who.institution) for who in found.case.participants if who.role is Role.COUNTERPARTY] == ["FR:FRNA11"]


@pytest.mark.parametrize("data", ["", "[]", "{}", b'{"a": "\xff"}', '{"documents": []}', '{"case": 1, "events": []}'])
def test_what_is_not_a_history(data: str | bytes) -> None:
    with pytest.raises(InputError):
        read_rina_case(data)


def test_an_unknown_process() -> None:
    with pytest.raises(UnknownCode):
        read_rina_case(rina(processDefinitionName="P_BUC_99"))


def test_every_known_status_is_handled(shared: Path) -> None:
    facts = json.loads((shared / "catalogue" / "actions.json").read_text(encoding="utf-8"))
    for row in facts["document"]["statuses"]:
        found = read_rina_case(rina(document("a", "P2000", row["code"], 1)))
        assert not [item for item in found.not_understood if "not a known status" in item.why], row["code"]
    for row in facts["case"]["statuses"]:
        found = read_rina_case(rina(document("a", "P2000", "sent", 1), status=row["code"]))
        assert not [item for item in found.not_understood if "not a known status" in item.why], row["code"]

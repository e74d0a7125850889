"""SYN002 as it is known, and open slots for what is not public."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eessi.directory import Directory
from eessi.directory.parties import Participant, fold_participants
from eessi.directory.syn001_writer import syn001_bytes
from eessi.directory.system_messages import Action, SystemMessages, action_for, read_request, request, system_messages
from eessi.errors import InputError, UnknownCode, UsageError
from eessi.ids import InstitutionId, Role


def test_the_request_has_the_shape_of_the_sample(shared: Path) -> None:
    sample = json.loads((shared / "directory" / "sample_syn002.json").read_text(encoding="utf-8"))
    assert request("0.0.1") == sample["example"]
    assert read_request(json.dumps(sample["example"])) == "0.0.1"
    for row in sample["status_example"].values():
        assert action_for(row["INSTALLED"], row["AVAILABLE"]) is Action(row["ACTION"])


@pytest.mark.parametrize(
    ("installed", "available", "action"),
    [
        ("4.9.0", "4.9.0", Action.NONE),
        (None, "4.9.0", Action.UPDATE),
        ("4.9.0", None, Action.RETRY),
        ("4.9", "4.9.0", Action.NONE),
    ],
)
def test_what_to_do_after_asking(installed: str | None, available: str | None, action: Action) -> None:
    assert action_for(installed, available) is action


@pytest.mark.parametrize(
    "data", ["", "{}", "[]", '{"initialDocument": {"SYN002": {"RequestForIRSync": {"currentVersion": 1}}}}']
)
def test_what_is_no_request_is_an_error(data: str) -> None:
    with pytest.raises(InputError):
        read_request(data)


def test_the_table_names_the_messages_of_the_facts(shared: Path) -> None:
    facts = json.loads((shared / "directory" / "system_messages.json").read_text(encoding="utf-8"))["messages"]
    assert set(system_messages()) == {row["type"] for row in facts if row["type"].startswith("SYN")}


def test_an_open_slot_is_an_error_until_a_reader_is_plugged_in() -> None:
    messages = SystemMessages()
    for code in ("SYN003", "SYN004", "SYN005"):
        with pytest.raises(UsageError, match="not public"):
            messages.read(code, b"x")
    more = messages.with_reader("SYN003", len)
    assert more.read("SYN003", b"four") == 4
    assert messages.readers == {}
    with pytest.raises(UsageError, match="read by the toolkit"):
        messages.with_reader("SYN001", len)
    with pytest.raises(UnknownCode, match="SYN003"):
        messages.read("SYN03", b"")


def test_what_the_toolkit_reads_itself() -> None:
    read = SystemMessages().read("SYN001", syn001_bytes(Directory.synthetic()))
    assert read == Directory.synthetic()
    assert SystemMessages().read("SYN002", json.dumps(request("4.9.0")).encode()) == "4.9.0"


def test_participants_of_a_long_case_are_folded(shared: Path) -> None:
    """Twelve times the same counterparty is one counterparty."""
    facts = json.loads((shared / "directory" / "case_change_of_participant.json").read_text(encoding="utf-8"))
    listed = []
    for party, count in facts["participants_after"].items():
        role, id = party.split()
        listed += [Participant(Role.parse(role), InstitutionId(id))] * count
    assert len(listed) == 13
    assert [(each.role, each.institution) for each in fold_participants(listed)] == [
        (Role.CASE_OWNER, "NO:889640782"),
        (Role.COUNTERPARTY, "DE:DRV70001"),
    ]

"""Contacts: kept beside the European data, never sent with it, never in the log."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from eessi.directory import Directory
from eessi.directory.client_json import write_export
from eessi.directory.contacts import ContactBook, Referent, referents_from_csv, referents_to_csv
from eessi.directory.csv_table import write_csv
from eessi.directory.store import DirectoryStore
from eessi.directory.syn001_writer import syn001_bytes
from eessi.errors import InputError, UnknownCode, UsageError

ANN = Referent(institution="FR:SYNTH001", kind="business", name="Invented Ann", email="ann@fr.example", buc="s_buc_01")
DESK = Referent(institution="FR:SYNTH001", kind="technical", name="Invented Desk", phone="+33 1 00 00 00 00")
BOB = Referent(institution="BE:SYNTH001", kind="business", name="Invented Bob")


@pytest.fixture
def book() -> ContactBook:
    store = DirectoryStore.open("memory:")
    store.load(syn001_bytes(Directory.synthetic()))
    book = ContactBook(store)
    book.add_all([ANN, DESK, BOB], by="test")
    return book


def test_found_by_organisation_process_and_kind(book: ContactBook) -> None:
    assert book.find("FR:SYNTH001", "S_BUC_01") == (ANN, DESK)
    assert book.find("FR:SYNTH001", "LA_BUC_01") == (DESK,)
    assert book.find("FR:SYNTH001", kind="business") == (ANN,)
    assert set(book.find()) == {ANN, DESK, BOB}
    assert book.find("EL:SYNTH001") == ()


def test_the_same_contact_again_replaces_the_first(book: ContactBook) -> None:
    changed = ANN.model_copy(update={"email": "new@fr.example"})
    assert changed.key == ANN.key
    book.add(changed, by="test")
    assert book.find("FR:SYNTH001", "S_BUC_01", "business") == (changed,)


def test_removed_by_key(book: ContactBook) -> None:
    book.remove(BOB.key, by="test")
    assert book.find("BE:SYNTH001") == ()
    with pytest.raises(UnknownCode):
        book.remove(BOB.key, by="test")


def test_no_personal_value_in_any_export_or_in_the_log(book: ContactBook) -> None:
    store = book._store
    directory = store.directory()
    sent = syn001_bytes(directory).decode() + json.dumps(write_export(directory)) + write_csv(directory)
    logged = "".join(event.body for event in store.events())
    for value in ("Invented", "ann@fr.example", "+33 1 00 00 00 00"):
        assert value not in sent
        assert value not in logged
    assert ANN.key in logged


def test_a_table_gives_back_what_it_took(book: ContactBook) -> None:
    assert set(referents_from_csv(referents_to_csv(book.find()))) == {ANN, DESK, BOB}


def test_a_row_that_does_not_fit_is_named_by_its_line_and_not_repeated() -> None:
    head = "institution;kind;name;email\n"
    with pytest.raises(InputError, match="line 3") as caught:
        referents_from_csv(head + "FR:SYNTH001;business;Invented Ann;\nFR:SYNTH001;boss;Invented Bob;\n", name="t.csv")
    assert "Invented" not in str(caught.value)
    with pytest.raises(InputError, match="line 2"):
        referents_from_csv(head + "SYNTH001;business;Invented Ann;\n")
    with pytest.raises(InputError, match="no column kind"):
        referents_from_csv("institution,name\n")


def test_a_contact_needs_an_organisation_and_a_known_kind() -> None:
    with pytest.raises(UsageError):
        Referent(institution="nobody", kind="business", name="x")
    with pytest.raises(ValidationError):
        Referent(institution="FR:SYNTH001", kind="boss", name="x")  # type: ignore[arg-type]  # that is the point

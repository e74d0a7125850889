"""Reading SYN001: the same records whatever the document looks like, and one clear error for what is none."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import tracemalloc
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eessi.directory import Directory, Folding, Institution, read_syn001
from eessi.directory.europe import Europe, plan
from eessi.directory.syn001_writer import syn001_bytes
from eessi.errors import EessiError, InputError, LimitExceeded, UsageError
from tests.directory.documents import competence, copy, institution
from tests.directory.strategies import LAW, directories


def test_envelope_bare_message_and_repository_alone_give_the_same() -> None:
    whole = syn001_bytes(Directory.synthetic()).decode()
    bare = re.search(r"<sed:SYN001.*</sed:SYN001>", whole, re.DOTALL)
    sync = re.search(r"<IRSync.*</IRSync>", whole, re.DOTALL)
    inner = re.search(r"<InstitutionRepository>.*</InstitutionRepository>", whole, re.DOTALL)
    assert bare
    assert sync
    assert inner
    wanted = Directory.load(whole.encode())
    assert wanted.head.sender == "EU:CSN01"
    for part in (bare[0], sync[0], inner[0]):
        assert Directory.load(part.encode()) == wanted


def disturbed(data: bytes, how: str) -> bytes:
    """The same document, written another way."""
    text = data.decode()
    if how == "indented":
        return (
            re.sub(r"(</?[A-Za-z])", r"\n  \1", text)
            .replace("\n  <sbdh:StandardBusinessDocument ", "<sbdh:StandardBusinessDocument ", 1)
            .encode()
        )
    if how == "comments":
        return text.replace("<Competence>", "<!-- <id>x</id> --><Competence><!-- y -->").encode()
    if how == "id last":
        return re.sub(
            r"<Competence>(<id>[^<]*</id>)(.*?)</Competence>", r"<Competence>\2\1</Competence>", text
        ).encode()
    if how == "attributes":
        return text.replace("<Competence>", '<Competence kind="x">').encode()
    if how == "references":
        return re.sub(r"<id>([^<])", lambda found: f"<id>&#{ord(found[1])};", text).encode()
    assert how == "namespace"
    return text.replace('<IRSync xmlns="">', '<IRSync xmlns="urn:x">').encode()


@pytest.mark.parametrize("how", ["indented", "comments", "id last", "attributes", "references", "namespace"])
@given(directory=directories)
@settings(LAW, max_examples=12)
def test_how_a_document_is_written_does_not_change_what_it_says(how: str, directory: Directory) -> None:
    """The short way through the rows and the long one read the same."""
    data = syn001_bytes(directory)
    read, other = Directory.load(data), Directory.load(disturbed(data, how))
    names = how == "indented"  # white space inside texts is theirs, so names are compared without
    for id, each in read.institutions.items():
        assert other.institutions[id].competences == each.competences
        assert other.institutions[id].period == each.period
        assert names or other.institutions[id] == each


def test_a_row_that_only_looks_like_another_is_read_by_itself() -> None:
    """The parts of a row in another order, with the same tail: nothing of the first row leaks into the second."""
    first = "<Competence><id>1</id><applicationRole>CaseOwner</applicationRole><BUCType><name>S_BUC_01</name></BUCType><isEESSIReady>true</isEESSIReady></Competence>"
    second = "<Competence><BUCType><name>LA_BUC_01</name></BUCType><id>2</id><applicationRole>CaseOwner</applicationRole><isEESSIReady>true</isEESSIReady></Competence>"
    third = "<Competence><BUCType><name>H_BUC_01</name></BUCType><applicationRole>CaseOwner</applicationRole><id>3</id><isEESSIReady>true</isEESSIReady></Competence>"
    each = Directory.load(copy(institution(competences=first + second + third + third.replace("H_B", "P_B")))).get(
        "FR:SYNT001"
    )
    assert {(row.buc, row.id) for row in each.competences} == {
        ("S_BUC_01", "1"),
        ("LA_BUC_01", "2"),
        ("H_BUC_01", "3"),
        ("P_BUC_01", "3"),
    }


def test_a_defect_is_reported_for_every_body_that_has_it() -> None:
    given_ = competence(role="Receiver")
    directory = Directory.load(
        copy(institution("FR:SYNT001", competences=given_ * 2) + institution("FR:SYNT002", competences=given_))
    )
    spelling = [finding.path for finding in directory.findings if finding.id == "DIR-ROLE-SPELLING"]
    assert spelling == ["FR:SYNT001", "FR:SYNT002"]


def test_readiness_that_is_not_given_is_no_readiness() -> None:
    directory = Directory.load(copy(institution(competences=competence(ready=None))))
    assert not directory.get("FR:SYNT001").competences[0].is_ready
    assert [finding.id for finding in directory.findings] == ["DIR-READY-UNKNOWN"]


def test_a_gap_between_two_rows_stays_a_gap() -> None:
    rows = competence(end="2020-01-31T23:00:00Z", id="1") + competence(start="2020-05-31T22:00:00Z", id="2")
    directory = Directory(Directory.load(copy(institution(competences=rows))).content, has_endpoints=False)
    assert [bool(directory.find("S_BUC_01", "CP", "FR", dt.date(2020, month, 15))) for month in (1, 3, 7)] == [
        True,
        False,
        True,
    ]


def test_of_two_records_with_one_id_the_first_stands() -> None:
    directory = Directory.load(copy(institution(names=(("en", "A"),)) + institution(names=(("en", "B"),))))
    assert directory.get("FR:SYNT001").name() == "A"
    assert [finding.id for finding in directory.findings] == ["DIR-DOUBLE-RECORD"]


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><IRSync><version>&b;</version></IRSync>'
DAMAGED = {
    "empty": b"",
    "blank": b"  \n",
    "png": b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
    "truncated": copy(institution())[:-30],
    "cut in a tag": copy(institution())[:200],
    "entities": BOMB,
    "other xml": b"<html><body>Institution</body></html>",
    "other sed": b'<x:P4000 xmlns:x="http://ec.europa.eu/eessi/ns/4_2/P4000"><Institution/></x:P4000>',
    "two roots": copy() + copy(),
    "wrong encoding": b'<?xml version="1.0" encoding="UTF-8"?><IRSync><version>\xff\xfe</version></IRSync>',
    "no json": b'{"institutions": [',
    "json list": b"[1, 2]",
    "deep json": b"[" * 100_000,
    "text": b"hello",
    "half a workbook": b"PK\x03\x04" + b"\0" * 100,
}


@pytest.mark.parametrize("what", sorted(DAMAGED))
def test_what_is_no_copy_is_one_clear_error(what: str) -> None:
    with pytest.raises(InputError) as caught:
        Directory.load(DAMAGED[what])
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 40))
@settings(LAW, max_examples=150)
def test_random_damage_is_an_error_of_ours_or_a_directory(noise: bytes, at: int, length: int) -> None:
    data = copy(institution(competences=competence()))
    broken = data[:at] + noise + data[at + length :]
    with contextlib.suppress(EessiError):  # anything else fails the test
        Directory.load(broken)


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        Directory.load(tmp_path / "nowhere.xml")


def test_nested_too_deeply_is_a_limit() -> None:
    deep = b"<IRSync>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</IRSync>"
    with pytest.raises(LimitExceeded):
        Directory.load(deep)


def test_a_character_that_xml_cannot_carry_is_refused_by_the_writer() -> None:
    import attrs

    from eessi.directory import Translation

    directory = Directory.synthetic()
    each = attrs.evolve(directory.get("FR:SYNTH001"), names=(Translation("en", "a\x00b"),))
    with pytest.raises(UsageError, match="cannot carry"):
        syn001_bytes(Directory.of([each]))


def test_a_long_copy_is_read_in_the_memory_of_one_institution() -> None:
    """Three times the institutions do not need more memory, and both need far less than their bytes."""
    peaks = []
    for count in (75, 225):
        file = BytesIO()
        Europe(plan(count, countries=("FR",), earlier=0.0)).write(file)
        file.seek(0)
        tracemalloc.start()
        number = sum(isinstance(record, Institution) for record in read_syn001(file, Folding()))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert number == count
    assert peaks[1] < peaks[0] * 1.1

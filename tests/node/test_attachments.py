"""What lies beside a document is stored with it, comes back with it, waits with it, and is as well guarded."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from eessi.errors import SecurityError, StoreError, UsageError
from eessi.node import Held, Node, Vault
from eessi.node.files import Row, open_attachments, open_parts, seal_attachments, seal_parts
from eessi.node.intake import attachments_of
from eessi.node.outgoing import part_of
from eessi.octets import Bulk
from eessi.sed import Attachment, Header, Party
from eessi.sed.header import AttachmentEntry
from eessi.stores.cases import CaseRows
from eessi.stores.keeping import KeepingRows
from eessi.transport import Part
from tests.node.conftest import BE, FR, Pair, sandbox
from tests.node.test_node import parcel_of, take

LETTER = Attachment.of(b"%PDF-1.7 synthetic letter \x00\xff\n second line", "letter of Testperson.pdf", section="4.1")
PICTURE = Attachment.of(b"\x89PNG\r\n\x1a\n synthetic", "scan.png")
FINDINGS = Attachment.of(b"%PDF-1.7 synthetic findings", "findings.pdf", medical=True)


def sent(pair: Pair, *attachments: Attachment) -> tuple[str, str]:
    case_id = str(pair.fr.start("LA_BUC_01", [BE], version="4.4"))
    return case_id, pair.fr.send(case_id, sandbox("A001"), attachments=attachments).document_id


def test_they_are_the_same_at_both_ends(pair: Pair) -> None:
    case_id, document_id = sent(pair, LETTER, PICTURE)
    pair.run()
    for node in (pair.fr, pair.be):
        message = node.document(case_id, document_id, who="caseworker 7")
        assert message.attachments == (LETTER, PICTURE)
        assert node.case(case_id).history[-1].attachments == 2
    assert [one.sed for one in pair.be.receive()] == ["A001"]


def test_each_version_has_its_own(pair: Pair) -> None:
    case_id, document_id = sent(pair, LETTER)
    pair.run()
    pair.fr.send(case_id, sandbox("A001"), document_id=document_id, attachments=[PICTURE])
    pair.run()
    for node in (pair.fr, pair.be):
        assert node.document(case_id, document_id, who="x", version=1).attachments == (LETTER,)
        assert node.document(case_id, document_id, who="x").attachments == (PICTURE,)


def test_a_medical_one_hides_its_document_at_both_ends(pair: Pair) -> None:
    case_id, document_id = sent(pair, LETTER, FINDINGS)
    pair.run()
    for node in (pair.fr, pair.be):
        with pytest.raises(UsageError, match="a right is needed"):
            node.document(case_id, document_id, who="caseworker 7")
        assert node.document(case_id, document_id, who="doctor", right=True).attachments == (LETTER, FINDINGS)
        with node.store.read() as unit:
            assert [one.what for one in CaseRows(unit).accesses(case_id)] == ["document refused", "document"]


def test_they_wait_with_a_message_that_overtook_another(pair: Pair) -> None:
    case_id, _ = sent(pair)
    later = pair.fr.send(case_id, sandbox("H001"), attachments=[LETTER, FINDINGS])
    parts = tuple(map(part_of, (LETTER, FINDINGS)))
    assert "NODE-NO-CASE" in str(take(pair, attrs.evolve(parcel_of(pair, case_id, 1), attachments=parts)))
    assert take(pair, parcel_of(pair, case_id, 0)) is None
    assert pair.be.held() == ()
    message = pair.be.document(case_id, later.document_id, who="doctor", right=True)
    assert message.attachments == (LETTER, FINDINGS)


def test_they_are_kept_while_a_message_is_tried_again(pair: Pair) -> None:
    """A message that is held twice keeps its parts once."""
    case_id, document_id = sent(pair)
    parcel = attrs.evolve(parcel_of(pair, case_id), attachments=(part_of(PICTURE),))
    reader, pair.be.reader = pair.be.reader, None  # type: ignore[assignment]  # a defect of our own
    assert "NODE-READER" in str(take(pair, parcel))
    assert not pair.be.retry(parcel.message_id)
    assert "NODE-READER" in str(take(pair, parcel))
    pair.be.reader = reader
    assert pair.be.retry(parcel.message_id)
    assert pair.be.document(case_id, document_id, who="x").attachments == (PICTURE,)


def test_nothing_of_them_lies_open_in_the_store(pair: Pair) -> None:
    case_id, _ = sent(pair, LETTER)
    pair.fr.send(case_id, sandbox("H001"), attachments=[LETTER])
    take(pair, attrs.evolve(parcel_of(pair, case_id, 1), attachments=(part_of(LETTER),)))
    assert_sealed(pair.be, "case_held_part")
    take(pair, attrs.evolve(parcel_of(pair, case_id, 0), attachments=(part_of(LETTER),)))
    for node in (pair.fr, pair.be):
        assert_sealed(node, "case_attachment")


def assert_sealed(node: Node, table: str) -> None:
    with node.store.read() as unit:
        rows = unit.execute(sa.text(f"SELECT body FROM {table}")).scalars().all()
    assert rows, table
    for body in rows:
        assert b"synthetic" not in bytes(body)  # type: ignore[arg-type]  # a blob
        assert b"Testperson" not in bytes(body)  # type: ignore[arg-type]


HEADER = Header(
    sender=Party(FR),
    receivers=(Party(BE),),
    attachments=(AttachmentEntry("1", "../a?.pdf", "text/plain", True, "4"), AttachmentEntry("2", "b.pdf")),
)


def test_the_header_names_them_and_the_content_says_what_they_are() -> None:
    parts = [Part("2", b"%PDF-1.7"), Part("1", b"\x89PNG\r\n\x1a\n", "image/gif"), Part("3", b"%PDF-", "x/y")]
    assert attachments_of(HEADER, parts) == (
        Attachment("2", "b.pdf", "application/pdf", b"%PDF-1.7", medical=True),  # nobody said that it is not
        Attachment("1", "a_.pdf", "image/png", b"\x89PNG\r\n\x1a\n", medical=True, section="4"),
        Attachment("3", "3", "application/pdf", b"%PDF-", medical=True),
    )
    plain = attachments_of(attrs.evolve(HEADER, attachments=()), [Part("3", b"x", properties={"isMedical": "false"})])
    assert [one.medical for one in plain] == [False]


def test_one_that_is_listed_and_did_not_come_holds_the_message() -> None:
    with pytest.raises(Held, match="lists 2 attachments and 1 of them did not come") as caught:
        attachments_of(HEADER, [Part("2", b"x")])
    assert caught.value.rule == "NODE-ATTACHMENT"


def row_of(sealed: Iterable[bytes]) -> Row:
    """Rows as the store gives them, by number."""
    rows = list(sealed)
    return lambda no: rows[no - 1] if no <= len(rows) else None


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
attachments = st.builds(Attachment, names, names, names, st.binary(max_size=50), st.booleans(), st.none() | names)
parts = st.builds(Part, names, st.binary(max_size=50), names, st.dictionaries(names, names, max_size=3))


@settings(deadline=None, database=None)
@given(st.lists(attachments, max_size=3), st.lists(parts, max_size=3))
def test_what_is_sealed_comes_back(some: list[Attachment], beside: list[Part]) -> None:
    vault = Vault(bytes(32))
    assert open_attachments(vault, row_of(seal_attachments(vault, some, "case")), "case") == tuple(some)
    assert open_parts(vault, row_of(seal_parts(vault, beside, "message")), "message") == tuple(beside)


def test_one_opens_only_at_its_place_in_its_document() -> None:
    vault = Vault(bytes(32))
    one, two = seal_attachments(vault, [LETTER, PICTURE], "case 1")
    for moved, about in (([two, one], "case 1"), ([one, two], "case 2")):
        with pytest.raises(SecurityError):
            open_attachments(vault, row_of(moved), about)
    with pytest.raises(SecurityError):
        open_parts(vault, row_of([one]), "case 1")


# --- large ones ---


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is large and what is a piece are made small, so that every seam between pieces is met."""
    for module in ("octets", "node.files", "transport.bulk_rows", "sed.attachments"):
        monkeypatch.setattr(f"eessi.{module}.LARGE", 64)
    for module in ("octets", "node.files"):
        monkeypatch.setattr(f"eessi.{module}.PIECE", 7)


def laid(folder: Path, size: int, name: str = "scan.bin", **more: bool) -> Attachment:
    """A synthetic file of that size, left where it lies."""
    (folder / name).write_bytes(random.Random(name).randbytes(size))
    return Attachment.read(folder / name, limit=size or 1, **more)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("size", [64, 69, 70, 71, 200])
def test_a_large_one_is_sealed_and_opened_in_pieces(tmp_path: Path, size: int) -> None:
    vault, some = Vault(bytes(32)), [LETTER, laid(tmp_path, size), PICTURE]
    rows = list(seal_attachments(vault, some, "case"))
    assert len(rows) == 3 + -(-size // 7)
    found = open_attachments(vault, row_of(rows), "case")
    assert isinstance(found[1].content, Bulk)
    assert [one.data for one in found] == [one.data for one in some]
    assert attrs.evolve(found[1], content=b"") == attrs.evolve(some[1], content=b"")
    with found[1].open() as stream:
        stream.seek(40)
        assert stream.read(20) == some[1].data[40:60]


@pytest.mark.usefixtures("small")
def test_pieces_open_at_their_place_only_and_none_may_be_missing(tmp_path: Path) -> None:
    vault, one = Vault(bytes(32)), laid(tmp_path, 70)
    rows = list(seal_attachments(vault, [one], "case"))
    with pytest.raises(SecurityError):
        open_attachments(vault, row_of([rows[0], rows[2], rows[1], *rows[3:]]), "case")[0].data  # noqa: B018
    with pytest.raises(SecurityError):
        open_attachments(vault, row_of([rows[0], *list(seal_attachments(vault, [one], "other"))[1:]]), "case")[0].data  # noqa: B018
    with pytest.raises(StoreError, match="not complete"):
        open_attachments(vault, row_of(rows[:-1]), "case")[0].data  # noqa: B018


@pytest.mark.usefixtures("small")
def test_large_ones_at_both_ends_and_with_a_message_that_waits(pair: Pair, tmp_path: Path) -> None:
    scan, pages = laid(tmp_path, 500), laid(tmp_path, 300, "pages.bin", medical=True)
    case_id, document_id = sent(pair, LETTER, scan)
    later = pair.fr.send(case_id, sandbox("H001"), attachments=[pages, LETTER])
    parts = tuple(map(part_of, (pages, LETTER)))
    assert "NODE-NO-CASE" in str(take(pair, attrs.evolve(parcel_of(pair, case_id, 1), attachments=parts)))
    pair.run()
    for node in (pair.fr, pair.be):
        first = node.document(case_id, document_id, who="x").attachments
        second = node.document(case_id, later.document_id, who="doctor", right=True).attachments
        assert [one.data for one in (*first, *second)] == [LETTER.data, scan.data, pages.data, LETTER.data]
        assert isinstance(first[1].content, Bulk)
    with pair.be.store.read() as unit:
        held = [one.message_id for one in CaseRows(unit).held(state="applied")]
        assert held
        assert CaseRows(unit).held_part(held[0], 1) is None, "they lie with their document now"


@pytest.mark.usefixtures("small")
def test_one_that_goes_uncompressed_and_one_whose_case_is_erased_while_it_is_read(pair: Pair, tmp_path: Path) -> None:
    for end in (pair.fr, pair.be):
        packaging = end.engine.outbox.pmode.packaging.model_copy(update={"compress": False})
        end.engine.outbox.pmode = end.engine.outbox.pmode.model_copy(update={"packaging": packaging})
    scan = laid(tmp_path, 500)
    case_id, document_id = sent(pair, scan)
    pair.run()
    [got] = pair.be.document(case_id, document_id, who="x").attachments
    assert got.data == scan.data
    with pair.be.store.begin() as unit:
        KeepingRows(unit).erase_contents(case_id)
    with pytest.raises(StoreError, match="erased while it was read"):
        got.data  # noqa: B018

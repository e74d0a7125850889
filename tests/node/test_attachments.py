"""What lies beside a document is stored with it, comes back with it, waits with it, and is as well guarded."""

from __future__ import annotations

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from eessi.errors import SecurityError, UsageError
from eessi.node import Held, Vault
from eessi.node.files import open_attachments, open_parts, seal_attachments, seal_parts
from eessi.node.intake import attachments_of
from eessi.node.outgoing import part_of
from eessi.sed import Attachment, Header, Party
from eessi.sed.header import AttachmentEntry
from eessi.stores.cases import CaseRows
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
    take(pair, attrs.evolve(parcel_of(pair, case_id, 0), attachments=(part_of(LETTER),)))
    for node, tables in ((pair.fr, ["case_attachment"]), (pair.be, ["case_attachment", "case_held_part"])):
        with node.store.read() as unit:
            for table in tables:
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


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
attachments = st.builds(Attachment, names, names, names, st.binary(max_size=50), st.booleans(), st.none() | names)
parts = st.builds(Part, names, st.binary(max_size=50), names, st.dictionaries(names, names, max_size=3))


@settings(deadline=None, database=None)
@given(st.lists(attachments, max_size=3), st.lists(parts, max_size=3))
def test_what_is_sealed_comes_back(some: list[Attachment], beside: list[Part]) -> None:
    vault = Vault(bytes(32))
    assert open_attachments(vault, seal_attachments(vault, some, "case"), "case") == tuple(some)
    assert open_parts(vault, seal_parts(vault, beside, "message"), "message") == tuple(beside)


def test_one_opens_only_at_its_place_in_its_document() -> None:
    vault = Vault(bytes(32))
    one, two = seal_attachments(vault, [LETTER, PICTURE], "case 1")
    for moved, about in (([two, one], "case 1"), ([one, two], "case 2")):
        with pytest.raises(SecurityError):
            open_attachments(vault, moved, about)
    with pytest.raises(SecurityError):
        open_parts(vault, [one], "case 1")

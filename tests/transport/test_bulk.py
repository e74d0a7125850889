"""Content read in pieces is the same content: searched, cut, compressed, digested, encrypted, packed and taken apart."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from eessi import octets
from eessi.errors import InputError, UsageError
from eessi.octets import Bulk, Spool, spooled
from eessi.stores import Store
from eessi.stores.mail import MailRows
from eessi.transport import Parcel, Part, State
from eessi.transport.corners import FourCorners
from eessi.transport.judge import Result
from eessi.transport.limits import Limits
from eessi.transport.mime import MimePart, pack, unpack
from eessi.transport.payload import compress, decompressed
from eessi.transport.pmode import load_pmode
from eessi.transport.policy import EnvelopePolicy
from eessi.transport.wss import encryption
from tests.peers.postgresql import database, postgresql_server  # noqa: F401  # fixtures
from tests.transport.messages import BE, FR, PAYLOAD, code_of, fresh_store, judged, packet


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """What is large and what is a piece are made small, so that every seam between pieces is met."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("octets", "transport.bulk_rows"):
            patch.setattr(f"eessi.{module}.LARGE", 64)
        patch.setattr(octets, "PIECE", 7)
        yield


def laid(data: bytes) -> Bulk:
    """The content in a file, however small."""
    spool = Spool()
    spool.write(data + b"\0" * 64)
    found = spool.done()
    assert isinstance(found, Bulk)
    return found.cut(0, len(data))


@given(st.binary(max_size=60), st.integers(0, 60), st.integers(0, 60), st.binary(min_size=1, max_size=9))
def test_a_stretch_is_cut_and_searched_as_bytes_are(data: bytes, start: int, end: int, wanted: bytes) -> None:
    lying = laid(data)
    assert bytes(lying) == data
    assert lying[start:end] == data[start:end]
    for one in (wanted, data[start:end][:9]):
        assert lying.find(one or b"x", start) == data.find(one or b"x", start)


def test_it_is_read_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "scan"
    file.write_bytes(bytes(range(200)))
    part = Part("a", Bulk.of(file))
    with part.open() as stream:
        assert stream.read(3) == b"\0\1\2"
        stream.seek(-2, 2)
        assert stream.read() == bytes([198, 199])
        assert part.data == file.read_bytes()
    file.write_bytes(b"short")
    with pytest.raises(InputError, match="became shorter"):
        bytes(part.content)
    with pytest.raises(InputError, match="none: cannot be read"):
        Bulk.of(tmp_path / "none")


@given(st.binary(max_size=400))
def test_it_is_compressed_and_opened(data: bytes) -> None:
    packed = compress(laid(data))
    assert gzip.decompress(bytes(packed)) == data
    assert b"".join(decompressed(laid(bytes(packed)))) == data
    two = laid(gzip.compress(data) + gzip.compress(b"more"))
    assert b"".join(decompressed(two)) == data + b"more"


def test_a_bomb_in_pieces_is_stopped_and_a_torn_one_refused() -> None:
    limits = Limits(ratio=20, ratio_floor=1000)
    bomb = gzip.compress(bytes(1_000_000))
    opened = 0

    def open_it() -> None:
        nonlocal opened
        for piece in decompressed(laid(bomb), limits=limits):
            opened += len(piece)

    assert code_of(open_it) == "EBMS:0004"
    assert opened < 200_000
    assert code_of(lambda: b"".join(decompressed(laid(gzip.compress(b"abc" * 99)[:-3])))) == "EBMS:0303"


@given(st.lists(st.binary(max_size=150), min_size=1, max_size=3))
def test_it_is_packed_and_taken_apart(contents: list[bytes]) -> None:
    parts = [MimePart.of(laid(one), "application/octet-stream", f"p{number}") for number, one in enumerate(contents)]
    content_type, data = pack(b"<Envelope/>", parts, boundary="b-0123456789abcdef")
    assert isinstance(data, Bulk)
    found = unpack(data, content_type)
    assert [bytes(one.body) for one in found.parts] == contents
    assert [bytes(one.body) for one in unpack(bytes(data), content_type).parts] == contents


@given(st.binary(max_size=300))
def test_base64_in_pieces(data: bytes) -> None:
    text = base64.encodebytes(data)
    frame = b"--b\r\n\r\n<e/>\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + text + b"\r\n--b--"
    [part] = unpack(laid(frame), 'multipart/related; boundary="b"').parts
    assert bytes(part.body) == data


@pytest.mark.parametrize("text", [b"AAAA" * 30 + b"A", b"AA==" + b"AAAA" * 30, b"A*AA" * 30])
def test_broken_base64_in_pieces(text: bytes) -> None:
    frame = b"--b\r\n\r\n<e/>\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + text + b"\r\n--b--"
    assert code_of(lambda: unpack(laid(frame), 'multipart/related; boundary="b"')) == "EBMS:0007"
    assert code_of(lambda: unpack(frame, 'multipart/related; boundary="b"')) == "EBMS:0007"


@given(st.lists(st.sampled_from([b"\r", b"\n", b"a"]), max_size=40).map(b"".join))
def test_the_digest_of_text_in_pieces(text: bytes) -> None:
    kept, other = (MimePart.of(one, "text/plain", "t") for one in (text, laid(text)))
    assert digest(kept) == digest(other)


def digest(part: MimePart) -> bytes:
    from eessi.transport.limits import DEFAULT_LIMITS
    from eessi.transport.names import SHA256
    from eessi.transport.wss.signature import _part_digest

    return _part_digest(part, SHA256, limits=DEFAULT_LIMITS)


@pytest.mark.parametrize("profile", ["eessi", "edelivery"])
def test_whole_messages(profile: str) -> None:
    content = bytes(range(256)) * 3
    sent = packet(pmode=load_pmode(profile), attachments=(Part("scan", laid(content)),))
    assert isinstance(sent.body, Bulk)
    for data in (sent.body, bytes(sent.body)):
        found = judged(data, sent.content_type)
        assert found.result is Result.ACCEPT, found.detail
        assert [one.content() for one in found.payloads] == [PAYLOAD, content]


@pytest.mark.parametrize("profile", ["eessi", "edelivery"])
@pytest.mark.parametrize("back", [40, 300, 600])
def test_one_changed_byte_in_a_large_part(profile: str, back: int) -> None:
    content = bytes(range(256)) * 3
    sent = packet(
        pmode=load_pmode(profile, {"packaging": {"compress": False}}), attachments=(Part("scan", laid(content)),)
    )
    data = bytearray(bytes(sent.body))
    data[len(data) - 40 - back] ^= 1
    found = judged(laid(bytes(data)), sent.content_type)
    assert found.code == ("EBMS:0101" if profile == "eessi" else "EBMS:0102")
    assert found.payloads == ()


@pytest.mark.parametrize("at", [0, 5, 12, 200, -1])
def test_nothing_in_clear_is_given_out_before_its_tag_was_right(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Spool] = []

    class Watched(Spool):
        def done(self) -> bytes | Bulk:
            given.append(self)
            return super().done()

    sealed = bytearray(bytes(encryption._closed(laid(bytes(300)), b"k" * 16, b"v" * 12)))
    monkeypatch.setattr(encryption, "Spool", Watched)
    assert bytes(encryption._opened(laid(bytes(sealed)), b"k" * 16)) == bytes(300)
    assert len(given) == 1
    sealed[at] ^= 1
    with pytest.raises(InvalidTag):
        encryption._opened(laid(bytes(sealed)), b"k" * 16)
    assert len(given) == 1


def test_an_xml_part_that_has_to_be_in_memory_has_a_cap_of_its_own() -> None:
    pmode = load_pmode("eessi", {"packaging": {"compress": False}})
    sent = packet(pmode=pmode, attachments=(Part("x", b"<x>" + b"y" * 500 + b"</x>", "application/xml"),))
    policy = EnvelopePolicy(limits=Limits(document=400))
    assert judged(sent.body, sent.content_type).result is Result.ACCEPT
    assert judged(sent.body, sent.content_type, policy=policy).code == "EBMS:0004"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peers)])
def stores(request: pytest.FixtureRequest) -> Iterator[tuple[Store, Store]]:
    """A store at each end: what is large lies in rows in both databases."""
    if request.param == "sqlite":
        yield fresh_store(), fresh_store()
        return
    server = request.getfixturevalue("postgresql_server")
    with database(server) as one, database(server) as two, Store.open(one) as first, Store.open(two) as second:
        yield first, second


def test_through_four_corners_and_again_with_the_same_receipt(stores: tuple[Store, Store]) -> None:
    corners, content = FourCorners(FR, BE, stores=stores), bytes(range(256)) * 40
    sent = corners.first.send(Parcel(FR, BE, PAYLOAD, (Part("scan", laid(content)),), "m-1", "case"))
    assert corners.first.send(Parcel(FR, BE, PAYLOAD, (Part("scan", content),), "m-1", "case")) == sent
    with pytest.raises(UsageError, match="other content"):
        corners.first.send(Parcel(FR, BE, PAYLOAD, (Part("scan", laid(content[:-1])),), "m-1", "case"))
    corners.run()
    assert corners.first.status(sent).state is State.RECEIPTED
    [got] = corners.second.receive()
    [part] = got.attachments
    assert isinstance(part.content, Bulk)
    assert part.data == content
    [engine] = [one for one in corners.engines if one.identity.institution == BE]
    with engine.inbox.store.read(engine.inbox.tenant) as unit:
        row = MailRows(unit).received("m-1")
        assert row is not None
        assert row.body == b""
        assert MailRows(unit).bulk_length("in", "m-1") > len(PAYLOAD)


def test_a_body_in_rows_is_read_back_piece_by_piece(stores: tuple[Store, Store]) -> None:
    from eessi.transport.bulk_rows import body_of, keep

    store, data = stores[0], bytes(range(200))
    with store.begin() as unit:
        keep(MailRows(unit), "out", "m-1", laid(data))
        keep(MailRows(unit), "out", "m-2", laid(data[:100]))
    with store.read() as unit:
        found = body_of(MailRows(unit), store, "default", "out", "m-1", b"")
    assert isinstance(found, Bulk)
    assert bytes(found) == data
    assert found.find(bytes([150, 151])) == 150
    with store.begin() as unit:
        MailRows(unit).drop_bulk("out", "m-1")
        assert MailRows(unit).bulk_length("out", "m-1") == 0
        assert MailRows(unit).bulk_length("out", "m-2") == 100


def test_a_large_part_in_quoted_printable_is_not_decoded() -> None:
    frame = b"--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=41" * 40 + b"\r\n--b--"
    assert code_of(lambda: unpack(laid(frame), 'multipart/related; boundary="b"')) == "EBMS:0004"


def test_small_content_stays_in_memory() -> None:
    assert spooled([b"a", b"b"]) == b"ab"
    assert isinstance(spooled([b"a" * 40, b"b" * 40]), Bulk)

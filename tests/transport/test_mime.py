"""Multipart/related byte for byte, and the liberties that real products take."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi.transport.limits import Limits
from eessi.transport.mime import MimePart, media_type, pack, parameters, unpack
from eessi.transport.refusal import Refused
from tests.transport.messages import code_of

TYPE = 'multipart/related; type="application/soap+xml"; boundary="b"'


def frame(*parts: bytes, end: bytes = b"\r\n", before: bytes = b"") -> bytes:
    lines = b"".join(b"--b" + end + part + end for part in parts)
    return before + lines + b"--b--" + end


def part(body: bytes, *headers: bytes, end: bytes = b"\r\n") -> bytes:
    return end.join([*headers, b"", body])


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.binary(max_size=100))
def test_what_is_packed_is_unpacked_byte_for_byte(bodies: list[bytes], envelope: bytes) -> None:
    parts = [MimePart.of(body, "application/octet-stream", f"p{number}") for number, body in enumerate(bodies)]
    content_type, data = pack(envelope, parts)
    found = unpack(data, content_type)
    assert found.root.body == envelope.removeprefix(b"\xef\xbb\xbf")
    assert [one.body for one in found.parts] == bodies
    assert [one.content_id for one in found.parts] == [one.content_id for one in parts]
    stored = unpack(data)
    assert (stored.root.body, [one.body for one in stored.parts]) == (found.root.body, bodies)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_and_nothing_else(data: bytes) -> None:
    for content_type in (None, TYPE, "application/soap+xml"):
        assert code_of(lambda kind=content_type: unpack(data, kind)) in {None, "EBMS:0007", "EBMS:0004"}


@given(
    st.lists(st.sampled_from([b"--b", b"--b--", b"\r\n", b"\n", b"\r", b" ", b"a: b", b"\x00", b"--bb"]), max_size=30)
)
def test_any_arrangement_of_boundaries_is_read_or_refused(pieces: list[bytes]) -> None:
    assert code_of(lambda: unpack(b"".join(pieces), TYPE)) in {None, "EBMS:0007", "EBMS:0004"}


def test_the_root_is_the_part_that_start_names_else_the_first() -> None:
    data = frame(part(b"1", b"Content-ID: <one>"), part(b"2", b"Content-ID: <two>"))
    assert unpack(data, TYPE).root.body == b"1"
    assert unpack(data, TYPE + '; start="<two>"').root.body == b"2"
    assert unpack(data, TYPE + "; start=two").root.body == b"2"
    assert unpack(data, TYPE + '; start="<three>"').root.body == b"1"
    assert [one.body for one in unpack(data, TYPE + '; start="<two>"').parts] == [b"1"]


def test_bare_line_feeds_are_read_and_told() -> None:
    found = unpack(frame(part(b"1\r", b"Content-Id: x", end=b"\n"), end=b"\n"), TYPE)
    assert (found.root.body, found.line_end, found.root.content_id) == (b"1\r", "\n", "x")


def test_in_a_message_with_crlf_a_bare_line_feed_before_a_boundary_belongs_to_the_content() -> None:
    found = unpack(frame(part(b"1\n--b\nx")), TYPE)
    assert found.root.body == b"1\n--b\nx"


def test_a_byte_order_mark_or_a_preamble_before_the_first_boundary() -> None:
    for before in (b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n", b"this is MIME\r\n", b"\r\n"):
        assert unpack(frame(part(b"1"), before=before), TYPE).root.body == b"1"


def test_transfer_encodings() -> None:
    encoded = base64.encodebytes(b"\x00\xff" * 60)
    data = frame(
        part(b"<e/>"),
        part(encoded, b"Content-Transfer-Encoding: BASE64"),
        part(b"=C3=B8", b"Content-Transfer-Encoding: quoted-printable"),
    )
    assert [one.body for one in unpack(data, TYPE).parts] == [b"\x00\xff" * 60, "ø".encode()]
    with pytest.raises(Refused, match="base64"):
        unpack(frame(part(b"!", b"Content-Transfer-Encoding: base64")), TYPE)
    with pytest.raises(Refused, match="transfer encoding"):
        unpack(frame(part(b"!", b"Content-Transfer-Encoding: gzip")), TYPE)


def test_an_empty_part_whose_blank_line_ends_at_the_boundary() -> None:
    found = unpack(b"--b\r\nA: 1\r\n\r\n--b\r\n\r\n\r\n--b--", TYPE)
    assert (found.root.body, found.parts[0].body) == (b"", b"")


def test_folded_headers_are_joined() -> None:
    found = unpack(frame(part(b"1", b'Content-Type: text/xml;\r\n charset="utf-8"')), TYPE)
    assert found.root.content_type == 'text/xml; charset="utf-8"'


def test_a_stored_response_with_its_head() -> None:
    found = unpack(b"HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n\r\n<e/>")
    assert (found.root.body, found.http_status, found.multipart) == (b"<e/>", 200, False)
    head = b'Content-Type: multipart/related; boundary="b"\r\nMIME-Version: 1.0\r\n\r\n'
    assert unpack(head + frame(part(b"1"))).root.body == b"1"


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (b"--b\r\n\r\n1", TYPE),
        (b"no boundary", TYPE),
        (b"--b\r\nheader without end", TYPE),
        (b"--b\r\nno header\r\n\r\n1\r\n--b--", TYPE),
        (b"", "multipart/related"),
        (b"", 'multipart/related; boundary=""'),
        (b"", 'multipart/related; boundary="' + "x" * 71 + '"'),
        (b"x\x00y--b\r\n\r\n\r\n--b--", TYPE),
    ],
)
def test_broken_frames_are_refused(data: bytes, content_type: str) -> None:
    with pytest.raises(Refused) as caught:
        unpack(data, content_type)
    assert caught.value.code == "EBMS:0007"


def test_a_boundary_that_the_rules_do_not_allow() -> None:
    for boundary in ("b*", "b ", "x" * 71):
        with pytest.raises(Refused, match="names no boundary"):
            unpack(f"--{boundary}\r\n\r\n1\r\n--{boundary}--".encode(), f'multipart/related; boundary="{boundary}"')


def test_what_only_begins_like_a_boundary_is_none() -> None:
    def body(data: bytes) -> object:
        return unpack(data, TYPE).root.body

    assert body(b"--b is not yet the first\r\n--b\r\n\r\n1\r\n--b--") == b"1"
    assert body(b"--b\r\n\r\n1\r\n--bis\r\n2\r\n--b--") == b"1\r\n--bis\r\n2"
    assert body(b"--b\r\n\r\n1\r\n--b\n2\r\n--b--") == b"1\r\n--b\n2"


def test_base64_with_other_signs_or_padding_in_its_middle() -> None:
    for text in (b"YWJj****YWJjYWJj", b"YQ==YWJjYWJj"):
        with pytest.raises(Refused, match="said to be base64"):
            unpack(frame(b"Content-Transfer-Encoding: base64\r\n\r\n" + text), TYPE)


def test_a_boundary_that_occurs_by_chance_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["0" * 32, "1" * 32])
    monkeypatch.setattr("secrets.token_hex", lambda _size: next(drawn))
    kind, _ = pack(b"<e/>", [MimePart.of(b"..eessi-" + b"0" * 32, "text/plain", "p")])
    assert parameters(kind)["boundary"] == "eessi-" + "1" * 32


def test_limits() -> None:
    many = frame(*[part(b"x") for _ in range(11)])
    with pytest.raises(Refused, match="more than 10 parts"):
        unpack(many, TYPE, limits=Limits(parts=10))
    with pytest.raises(Refused, match="limit is 5"):
        unpack(b"123456", TYPE, limits=Limits(message=5))
    with pytest.raises(Refused, match="headers"):
        unpack(b"--b\r\nA: " + b"x" * 20_000 + b"\r\n\r\n1\r\n--b--", TYPE)
    with pytest.raises(Refused, match="envelope"):
        unpack(frame(part(b"x" * 20)), TYPE, limits=Limits(envelope=10))
    with pytest.raises(Refused, match="envelope"):
        unpack(b"x" * 20, "application/soap+xml", limits=Limits(envelope=10))


def test_a_boundary_never_occurs_in_the_content() -> None:
    with pytest.raises(Refused, match="boundary"):
        pack(b"<e/>", [MimePart.of(b"..--mine..", "text/plain", "p")], boundary="mine")
    with pytest.raises(Refused, match="line end"):
        pack(b"<e/>", [MimePart.of(b"", "text/plain\r\nX: y", "p")])


def test_parameters_and_media_types() -> None:
    assert media_type("Multipart/Related; x=1") == "multipart/related"
    found = parameters(r'a/b; Boundary="a\"b"; start=<x@y>; boundary=second')
    assert found == {"boundary": 'a"b', "start": "<x@y>"}

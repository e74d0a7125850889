"""The XML door: what it lets in, what it refuses, and where it says the trouble is."""

from __future__ import annotations

import io
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from xml.parsers import expat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from eessi import _xml
from eessi.errors import InputError, LimitExceeded
from tests.hostile import CORPUS


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **more: object) -> None:
        raise AssertionError("a document made the parser look at the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_corpus_is_large() -> None:
    assert len(CORPUS) >= 40


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", CORPUS)
def test_hostile_document_is_refused_with_one_clear_line(name: str) -> None:
    hostile = CORPUS[name]
    with pytest.raises(InputError) as caught:
        _xml.parse(hostile.make(), source="x.xml")
    line = str(caught.value)
    assert re.search(hostile.says, line), line
    assert "\n" not in line
    assert len(line) < 300
    assert line.startswith("x.xml: ")
    assert "passwd" not in line
    if hostile.offset:
        assert caught.value.offset is not None


@pytest.mark.parametrize("name", CORPUS)
def test_streaming_refuses_it_too(name: str) -> None:
    limits = _xml.STREAM_LIMITS._replace(bytes=64 * 1024 * 1024, markup=4_000_000)
    with pytest.raises(InputError):
        list(_xml.stream(CORPUS[name].make(), "nothing", limits=limits))


def test_corpus_takes_bounded_memory() -> None:
    """All in one process that may not take more than 1.5 GiB of address space."""
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))\n"
        "from eessi import _xml\nfrom eessi.errors import InputError\nfrom tests.hostile import CORPUS\n"
        "for name, hostile in CORPUS.items():\n"
        "    try: _xml.parse(hostile.make())\n"
        "    except InputError: continue\n"
        "    raise SystemExit(name)\n"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "encoding",
    ["UTF-8", "utf-8", "UTF-16", "ISO-8859-1", "ISO-8859-2", "ISO-8859-7", "ISO-8859-15", "windows-1250", "windows-1252",
     "windows-1257", "US-ASCII"],
)  # fmt: skip
def test_encodings_of_the_field_are_read(encoding: str) -> None:
    text = {
        "US-ASCII": "x",
        "ISO-8859-7": "Αθήνα",
        "ISO-8859-2": "Łódź",
        "windows-1250": "Łódź",
        "windows-1257": "Šiauliai",
    }
    word = text.get(encoding, "é")
    data = f'<?xml version="1.0" encoding="{encoding}"?><a>{word}</a>'.encode(encoding)
    assert _xml.parse(data).text == word


@pytest.mark.parametrize(
    "data", [b"\xef\xbb\xbf<a/>", "\ufeff<a/>".encode("utf-16-le"), b"  \n<a/>", b"<!-- <!DOCTYPE --><a/>"]
)
def test_marks_blanks_and_comments_before_the_root_are_fine(data: bytes) -> None:
    assert _xml.parse(data).tag == "a"


def test_doctype_as_text_is_no_doctype() -> None:
    assert _xml.parse(b"<a><![CDATA[<!DOCTYPE x>]]></a>").text == "<!DOCTYPE x>"


def test_depth_may_be_limited_further() -> None:
    with pytest.raises(LimitExceeded) as caught:
        _xml.parse(b"<a><b><c/></b></a>", limits=_xml.Limits(depth=2))
    assert caught.value.limit == "depth"
    assert _xml.parse(b"<a><b/></a>", limits=_xml.Limits(depth=2)).tag == "a"


def test_comment_in_a_leaf_does_not_cut_its_text() -> None:
    data = b"<a>van-<!-- c -->den-Berg<?p?>h</a>"
    assert _xml.parse(data).text == "van-den-Bergh"
    assert _xml.text_of(_xml.parse(data, comments=True)) == "van-den-Bergh"


def test_threads_have_parsers_of_their_own() -> None:
    data = b"<a>" + b"<b>x</b>" * 2000 + b"</a>"
    counts: list[int] = []

    def work() -> None:
        counts.extend(len(_xml.parse(data)) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [2000] * 80


def _by_expat(data: bytes) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    reader = expat.ParserCreate()
    reader.StartElementHandler = lambda name, attributes: found.append(
        (reader.CurrentLineNumber, reader.CurrentColumnNumber + 1)
    )
    reader.Parse(data, True)
    return found


_TEXT = st.text(st.sampled_from("ab é😀Ω\n\t>"), max_size=8)
_PIECE = st.recursive(
    _TEXT, lambda inner: st.lists(inner, max_size=4).map(lambda parts: "<e x='é\u00a0'>" + "".join(parts) + "</e>")
)


@given(_PIECE, st.sampled_from(["utf-8", "utf-16", "iso-8859-1"]), st.sampled_from(["", "<!-- <x> -->", "<?p <y?>"]))
def test_positions_are_those_of_expat(piece: str, encoding: str, prolog: str) -> None:
    document = f'<?xml version="1.0" encoding="{encoding}"?>\n{prolog}<r>{piece}</r>'
    data = document.encode(encoding, "xmlcharrefreplace")
    expected = _by_expat(data)
    assert _xml.positions(data, set(range(len(expected)))) == dict(enumerate(expected))


def test_positions_count_characters_and_lines() -> None:
    data = "<a>\n <b/>😀é<c/></a>".encode()
    assert _xml.positions(data, {0, 1, 2}) == {0: (1, 1), 1: (2, 2), 2: (2, 8)}
    assert _xml.positions(data, {9}) == {}


def test_positions_survive_carriage_returns() -> None:
    assert _xml.positions(b"<a>\r\n<b/>\r\n<c/></a>", {2}) == {2: (3, 1)}


class TestStream:
    def test_yields_each_element_once_in_order(self) -> None:
        data = b"<r>" + b"".join(b"<x><i>%d</i><x/></x><y/>" % n for n in range(5)) + b"</r>"
        assert [element[0].text for element in _xml.stream(data, "x")] == ["0", "1", "2", "3", "4"]

    def test_any_namespace_and_several_tags(self) -> None:
        data = b"<r xmlns:p='urn:p'><p:x/><z/><y/></r>"
        assert [_xml.local_name(element) for element in _xml.stream(data, "x", "y")] == ["x", "y"]

    def test_reads_paths_and_files(self, tmp_path: Path) -> None:
        file = tmp_path / "a.xml"
        file.write_bytes(b"<r><x/></r>")
        assert len(list(_xml.stream(file, "x"))) == 1
        assert len(list(_xml.stream(str(file), "x"))) == 1
        assert len(list(_xml.stream(io.BytesIO(b"<r><x/></r>"), "x"))) == 1

    def test_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"nothing\.xml"):
            list(_xml.stream(tmp_path / "nothing.xml", "x"))

    def test_what_came_before_a_fault_is_yielded(self) -> None:
        walk = _xml.stream(b"<r><x/><x/></y>", "x")
        assert _xml.local_name(next(walk)) == "x"
        with pytest.raises(InputError):
            list(walk)

    def test_tree_does_not_grow(self) -> None:
        data = b"<r>" + b"<x><i>1</i></x>" * 50_000 + b"</r>"
        beside = [len(element.getparent()) for element in _xml.stream(data, "x") if element.getparent() is not None]
        assert len(beside) == 50_000
        assert max(beside[10_000:]) <= max(beside[:10_000]) + 1

    def test_byte_limit(self) -> None:
        with pytest.raises(LimitExceeded):
            list(_xml.stream(b"<r>" + b"<x/>" * 1000 + b"</r>", "x", limits=_xml.Limits(bytes=500)))


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=40))
def test_serialise_gives_back_what_was_parsed(text: str) -> None:
    root = etree.Element("a")
    root.text = text
    assert _xml.parse(_xml.serialise(root)).text == (text or None)


@pytest.mark.parametrize(
    ("data", "what", "offset"),
    [
        (b"<a>Smith & Son</a>", "a bare & stands in a text; write it as &amp;", 10),
        (b"<a>Smith &Son</a>", "a bare & stands in a text; write it as &amp;", 13),
        (b"<a>1 < 2</a>", "a < stands where no tag begins; in a text write it as &lt;", 6),
        (b"<a b='<'/>", "a < stands in the value of an attribute; write it as &lt;", 6),
        (b"<a>&nbsp;</a>", "XML has no entity of that name; write the character itself", 3),
        (b"<a b=1/>", "the value of an attribute stands without quotation marks", 5),
    ],
)
def test_slips_of_writing_xml_as_text_are_told_in_plain_words(data: bytes, what: str, offset: int) -> None:
    with pytest.raises(InputError) as caught:
        _xml.parse(data)
    assert what in str(caught.value)
    assert "Son" not in str(caught.value)
    assert caught.value.offset == offset

"""Whatever comes in: a document, or one clear error of the toolkit; never another exception."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from eessi.errors import EessiError
from eessi.findings import Verdict
from eessi.schemas import Registry
from eessi.sed import Message, Sed, build, parse, read_rina_json, recognise, serialise, validate, write_rina_json
from eessi.sed.bulk import read_subdocuments
from eessi.sed.conversion import convert
from eessi.sed.header_json import read_header_json, write_header_json
from eessi.sed.json_text import load_json
from eessi.sed.nav_json import read_nav_json
from tests.sed.test_builder import FULL

REGISTRY = Registry.default()
VALID = serialise(build("S071", FULL, version="4.4", registry=REGISTRY))
ENVELOPE = (
    b'<x:StandardBusinessDocument xmlns:x="http://eessi.dgempl.ec.europa.eu/namespaces/sbdh">'
    b"<x:StandardBusinessDocumentHeader><x:HeaderVersion>1.1</x:HeaderVersion></x:StandardBusinessDocumentHeader>"
    + VALID.partition(b"?>")[2]
    + b"</x:StandardBusinessDocument>"
)
names = st.sampled_from(
    ["A001", "S071", "U020_Child", "sedGVer", "sedVer", "value", "Person", "sed", "nav", "sender", "receivers",
     "documentIdentification", "caseIdentification", "attachments", "items", "subdocuments", "sedType", "", "a b", "1x"]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12)
    | st.sampled_from(["4", "2", "4.4", "A001", "A008", "FR:0100000001", "\x00", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.text(max_size=5), inner, max_size=4),
    max_leaves=25,
)  # fmt: skip
readers = (
    lambda data: read_rina_json(data, registry=REGISTRY),
    lambda data: read_rina_json(data, version="4.4", registry=REGISTRY, wrap_codes=True),
    lambda data: read_nav_json(data, version="4.4", registry=REGISTRY),
    lambda data: load_json(write_header_json(read_header_json(data))),
    read_subdocuments,
    lambda data: convert(data, "xml", version="4.4", registry=REGISTRY),
)


def damaged(data: bytes, cuts: list[tuple[int, bytes]]) -> bytes:
    for place, piece in cuts:
        at = place % (len(data) + 1)
        data = data[:at] + piece + data[at + len(piece) // 2 :]
    return data


pieces = st.lists(
    st.tuples(
        st.integers(0, 10_000),
        st.sampled_from([b"<", b">", b"&", b"</a>", b"<a>", b'"', b"\x00", b"\xff", b"<!--", b"-->", b"]]>", b"&#0;", b"xmlns:"])
        | st.binary(max_size=4),
    ),
    max_size=4,
)  # fmt: skip


def outcome(read: Callable[[Any], object], data: object) -> object:
    """What a reader gives, or the text of its error; any other exception goes through."""
    try:
        return read(data)
    except EessiError as error:
        return str(error)


def one_line(result: object) -> bool:
    return not isinstance(result, str) or "\n" not in result


@settings(max_examples=150, deadline=None, database=None)
@given(st.sampled_from([VALID, ENVELOPE]), pieces, st.integers(0, 10_000))
def test_damaged_documents(data: bytes, cuts: list[tuple[int, bytes]], end: int) -> None:
    broken = damaged(data, cuts)[: max(1, len(data) - end % 200)]
    document = outcome(parse, broken)
    assert one_line(document)
    if not isinstance(document, Message | Sed):
        return
    assert serialise(document) == broken
    sed = document.sed if isinstance(document, Message) else document
    list(sed.items())
    write_rina_json(sed, REGISTRY)
    assert isinstance(validate(broken, REGISTRY), Verdict)
    if isinstance(document, Message):
        assert isinstance(parse(sed.data), Sed)


@settings(max_examples=150, deadline=None, database=None)
@given(values)
@example({"A001": {"sedGVer": "4", "sedVer": "4", "a": {"value": [{"value": ["1"]}]}}})
@example({"A001": {"sedGVer": 4, "sedVer": 4, "sedPackage": {"a": "1"}}})
@example({"\n": {"A001": {}}, "b": {"A001": {}}})
@example({"documentIdentification": {}, "sender": [], "receivers": [{}], "attachments": ["x", {}]})
def test_any_json_at_every_reader(value: object) -> None:
    data = json.dumps(value).encode()
    assert all(one_line(outcome(read, data)) for read in (recognise, *readers))


def test_documents_nested_to_the_limit() -> None:
    """As deep as the parser allows, everything still works; deeper is refused by name."""
    for depth, fits in ((250, True), (300, False)):
        xml = b'<s:A001 xmlns:s="http://ec.europa.eu/eessi/ns/4_9/A001">%s</s:A001>' % (
            b"<a>" * depth + b"</a>" * depth
        )
        text = '{"A001": ' + '{"a": ' * depth + '"x"' + "}" * depth + "}"
        sed = outcome(parse, xml)
        assert isinstance(sed, Sed) is fits, sed
        read = outcome(lambda text: read_rina_json(text, version="4.9", registry=REGISTRY), text)
        assert isinstance(read, Sed) is fits, read
        if isinstance(sed, Sed) and isinstance(read, Sed):
            again = build("A001", read.part_at(), version="4.9", registry=REGISTRY, as_given=True)  # type: ignore[arg-type]  # a mapping
            assert dict(again.items()) == dict(read.items())
            assert len(write_rina_json(sed, REGISTRY)) > depth
            assert validate(sed, REGISTRY).outcome == "undetermined"


def test_many_threads_share_one_document() -> None:
    sed = parse(VALID)
    assert isinstance(sed, Sed)
    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(lambda _: write_rina_json(sed, REGISTRY), range(40)))
        items = set(pool.map(lambda _: tuple(sed.items()), range(40)))
    assert len(texts) == len(items) == 1


@settings(max_examples=100, deadline=None, database=None)
@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    for read in (parse, recognise, lambda data: validate(data, REGISTRY), *readers):
        assert one_line(outcome(read, data))
    assert isinstance(outcome(parse, data), str)


@settings(max_examples=100, deadline=None, database=None)
@given(st.dictionaries(names | st.text(max_size=5), values, max_size=4))
@example({"\n": None})
def test_any_data_at_the_builder(data: dict[str, object]) -> None:
    for version, as_given in (("4.4", False), ("4.9", True)):
        made = outcome(
            lambda data, v=version, g=as_given: build("S071", data, version=v, registry=REGISTRY, as_given=g), data
        )
        assert one_line(made)
        assert isinstance(made, str) or not validate(made, REGISTRY).is_valid  # type: ignore[arg-type]  # a Sed then

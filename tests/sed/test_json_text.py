"""JSON from strangers: limits, clear errors, numbers as written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eessi._xml import Limits
from eessi.errors import InputError, LimitExceeded
from eessi.sed.json_text import JsonNumber, dump_json, load_json

values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=20) | st.integers().map(str).map(JsonNumber),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b'{"a": 1', "not well-formed"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": {"b": 1, "b": 2}}', "'b' stands twice"),
        (b'\xff\xfe{"a"', "not"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"nonsense", "not well-formed"),
    ],
)
def test_unreadable_json_is_one_clear_line(data: bytes, why: str) -> None:
    with pytest.raises(InputError, match=why) as caught:
        load_json(data, source="x.json")
    assert str(caught.value).startswith("x.json: ")
    assert "\n" not in str(caught.value)


def test_the_offset_is_that_of_the_bytes() -> None:
    with pytest.raises(InputError) as caught:
        load_json('{"å": x}'.encode())
    assert caught.value.offset == len('{"å": '.encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings(encoding: str) -> None:
    assert load_json('{"a": "å"}'.encode(encoding)) == {"a": "å"}


def test_limits() -> None:
    with pytest.raises(LimitExceeded, match="bytes"):
        load_json(b"[1, 2]", limits=Limits(bytes=5))
    with pytest.raises(LimitExceeded, match="deep"):
        load_json(b"[" * 300 + b"]" * 300)
    with pytest.raises(LimitExceeded, match="deep"):
        load_json(b"[" * 100_000)
    deep = b"[" * 5 + b"]" * 5
    assert load_json(deep, limits=Limits(depth=5))
    with pytest.raises(LimitExceeded):
        load_json(deep, limits=Limits(depth=3))


def test_numbers_keep_their_spelling() -> None:
    text = '{"a": 1500.00, "b": [1e3, -0, 12345678901234567890.10]}'
    assert load_json(text) == {"a": "1500.00", "b": ["1e3", "-0", "12345678901234567890.10"]}
    assert dump_json(load_json(text), indent=None) == text


@settings(deadline=None, database=None)
@given(values)
def test_written_and_read_again_it_is_the_same(value: object) -> None:
    text = dump_json(value)  # type: ignore[arg-type]  # the strategy makes JSON values only
    assert load_json(text) == value
    assert load_json(dump_json(value, indent=None)) == value  # type: ignore[arg-type]  # as above
    json.loads(text)

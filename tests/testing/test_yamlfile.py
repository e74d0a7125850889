"""Scenario files are plain data from a small, safe part of YAML."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi.errors import DefinitionError
from eessi.testing.yamlfile import MAX_BYTES, MAX_DEPTH, Plain, read_yaml


def data(text: str) -> Plain:
    return read_yaml("case.buc.yaml", text).data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("country: NO", "NO"),  # other readers of YAML make this a false
        ("version: 4.10", "4.10"),
        ("pin: 0123", "0123"),
        ("day: 2026-01-01", "2026-01-01"),
        ("number: 1e5", "1e5"),
        ("yes: on", "on"),
        ("generate: true", True),
        ("generate: 'true'", "true"),
        ("sex:", None),
        ("sex: ''", ""),
    ],
)
def test_every_value_is_text_but_true_false_and_empty(text: str, value: Plain) -> None:
    read = data(text)
    assert isinstance(read, dict)
    assert list(read.values()) == [value]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &x 1\nb: *x", "file:1: anchors and aliases are not allowed"),
        ("a: !!python/object/apply:os.system [ls]", "file:1: tags are not allowed"),
        ("a: 1\n\na: 2", "file:3: a: this key stands twice"),
        ("? [a, b]\n: c", "file:1: a key must be a single word or sentence"),
        ("a: [1, 2", "file:1: not readable as YAML"),
        ("a: 1\n b: 2", "file:2: not readable as YAML"),
        ("a: \x07", "not readable as YAML"),
        ("a: 1\n---\nb: 2", "not readable as YAML"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), f"file:1: nested deeper than {MAX_DEPTH} levels"),
        ("a" * (MAX_BYTES + 1), "larger than"),
    ],
)
def test_what_is_refused_names_the_line(text: str, says: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        read_yaml("file", text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_growing_alias_is_refused_before_it_grows() -> None:
    bomb = "a: &a [x, x]\n" + "\n".join(f"b{n}: &b{n} [*a, *a]" for n in range(50))
    with pytest.raises(DefinitionError, match="anchors and aliases"):
        read_yaml("bomb", bomb)


def test_the_line_of_every_part_is_known() -> None:
    plan = read_yaml("file", "a: 1\nb:\n  c: 2\n  d:\n    - x\n    - y\n")
    assert [plan.line(place) for place in [("a",), ("b", "c"), ("b", "d", 1), ("b", "d", 7), ()]] == [1, 3, 6, 4, 1]


def test_missing_unreadable_and_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="no such file"):
        read_yaml(tmp_path / "absent.yaml")
    with pytest.raises(DefinitionError, match="cannot be read"):
        read_yaml(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("a: é".encode("latin-1"))
    with pytest.raises(DefinitionError, match=r"not UTF-8 \(byte 3\)"):
        read_yaml(tmp_path / "latin.yaml")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_one_line(text: str) -> None:
    try:
        read_yaml("file", text)
    except DefinitionError as error:
        refusal = str(error)
    else:
        refusal = ""
    assert "\n" not in refusal

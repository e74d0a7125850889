"""Fixes change what they name and nothing else."""

from __future__ import annotations

import pytest

from eessi import _xml
from eessi.errors import UsageError
from eessi.findings import Finding, Fix
from eessi.findings.mending import apply_fix

HEAD = '<?xml version="1.0"?>\n<!-- kept --><s:R xmlns:s="urn:r" a="1">'


def mend(content: str, action: str, path: str, value: str | None = None) -> str:
    data = f"{HEAD}{content}</s:R>".encode()
    mended = apply_fix(data, Finding("SCH-NAME", fix=Fix(action, path, value))).decode()
    start, end = mended.index(">", mended.index("<s:R")) + 1, mended.rindex("</s:R>")
    return mended[start:end]


@pytest.mark.parametrize(
    ("before", "action", "path", "value", "after"),
    [
        ("<b>x</b>", "rename", "R/b", "c", "<c>x</c>"),
        ("<b>x</b><b>y</b>", "replace", "R/b[2]", "z", "<b>x</b><b>z</b>"),
        ("<b>x</b>", "wrap", "R/b", "01", "<b><value>01</value></b>"),
        ("<b/><b/><c/>", "wrap", "R/b", "<Bs>", "<Bs><b/><b/></Bs><c/>"),
        ("<b value='01'/>", "wrap", "R/b", "01", "<b><value>01</value></b>"),
        ("<b value='01'>02</b>", "wrap", "R/b", "02", '<b value="01"><value>02</value></b>'),
        ("<b><value>x</value></b>", "unwrap", "R/b", None, "<b>x</b>"),
        ("<bs><b>x</b><b/></bs><c/>", "unwrap", "R/bs", "b", "<b>x</b><b/><c/>"),
        ("<bs>\n <b/>\n</bs>\n<c/>", "unwrap", "R/bs", "b", "<b/>\n<c/>"),
        ("<b/><c/>", "move", "R/c", "b", "<c/><b/>"),
        ("<b/><c/>", "move", "R/b", "", "<c/><b/>"),
        ("<b/>text<c/>", "remove", "R/b", None, "text<c/>"),
        ("<b/><c/>text", "remove", "R/c", None, "<b/>text"),
        ('<b id="1"/>', "remove", "R/b/@id", None, "<b/>"),
        ("<s:b/>", "rename", "R/b", "b", "<b/>"),
        ('<b xmlns="urn:x"><c/></b>', "rename", "R//{urn:x}*", "*", "<b><c/></b>"),
        ("<b><!-- c -->x<?p?></b><c/>", "rename", "R/c", "d", "<b><!-- c -->x<?p?></b><d/>"),
    ],
)
def test_actions(before: str, action: str, path: str, value: str | None, after: str) -> None:
    assert mend(before, action, path, value) == after


def test_a_wrapper_around_several() -> None:
    data = f"{HEAD}<a/><b/><!-- kept --><c/><d/></s:R>".encode()
    mended = apply_fix(data, Finding("SCH-LEVEL", fix=Fix("wrap", "R/b", "<B>", count=2)))
    assert b"<a/><B><b/><!-- kept --><c/></B><d/>" in mended


def test_root_gets_its_namespace_and_a_prefix() -> None:
    data = b'<R xmlns="urn:wrong" a="1"><b xmlns="">x</b></R>'
    mended = _xml.parse(apply_fix(data, Finding("DOC-NAMESPACE", fix=Fix("rename", "R", "{urn:right}R"))))
    assert mended.tag == "{urn:right}R"
    assert mended.get("a") == "1"
    assert [child.tag for child in mended] == ["b"]


def test_default_namespace_is_taken_off_for_good() -> None:
    data = b'<R xmlns="urn:r"><b><c/></b></R>'
    mended = apply_fix(data, Finding("SCH-NAMESPACE", fix=Fix("rename", "R//{urn:r}*", "*")))
    assert [element.tag for element in _xml.parse(mended).iter()] == ["{urn:r}R", "b", "c"]


def test_root_attribute() -> None:
    assert b'a="4"' in apply_fix(f"{HEAD}</s:R>".encode(), Finding("X", fix=Fix("replace", "R/@a", "4")))


def test_a_tree_is_left_as_it_is() -> None:
    root = _xml.parse(b"<R><b/></R>")
    mended = apply_fix(root, Finding("X", fix=Fix("remove", "R/b")))
    assert len(mended) == 0
    assert len(root) == 1


@pytest.mark.parametrize(
    "fix",
    [
        None,
        Fix("remove", "Q/b"),
        Fix("remove", "R/b[3]"),
        Fix("explode", "R/b"),
        Fix("remove", "R"),
        Fix("remove", "R/b/@x"),
    ],
)
def test_what_cannot_be_applied_is_said(fix: Fix | None) -> None:
    with pytest.raises(UsageError):
        apply_fix(b"<R><b/></R>", Finding("X", fix=fix))

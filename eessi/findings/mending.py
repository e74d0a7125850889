"""Applying the fix of a finding to the document it was found in.

Never done unasked: a fix changes what a person wrote. Each returns a new document; the given one stays as it is.
"""

from __future__ import annotations

import copy
from typing import overload

from lxml import etree

from eessi import _xml
from eessi.errors import UsageError
from eessi.findings.finding import Finding, Fix

__all__ = ["apply_fix"]


@overload
def apply_fix(document: bytes, finding: Finding) -> bytes: ...
@overload
def apply_fix(document: etree._Element, finding: Finding) -> etree._Element: ...


def apply_fix(document: bytes | etree._Element, finding: Finding) -> bytes | etree._Element:
    """The document with the fix of ``finding`` applied.

    :param document: bytes of a bare SED, or its root element, as they were when the finding was made: paths name what
        stood there then, so apply one fix, judge again, apply the next.
    :returns: new bytes, or a new root element; text, comments and white space elsewhere are kept.
    :raises UsageError: when the finding has no fix, or its place is not in the document.
    """
    if finding.fix is None:
        raise UsageError(f"{finding.id} has no fix that a machine may apply")
    if isinstance(document, bytes):
        root = _xml.parse(document, comments=True)
        return _xml.serialise(_apply(root, finding.fix), declaration=document.lstrip().startswith(b"<?xml"))
    return _apply(copy.deepcopy(document), finding.fix)


def _apply(root: etree._Element, fix: Fix) -> etree._Element:
    head, _, attribute = fix.path.partition("/@")
    if "//" in head:
        return _unqualify(root, head.partition("//")[2])
    element = _at(root, head)
    if attribute:
        _attribute(element, attribute, fix)
        return root
    if element is root:
        if fix.action != "rename" or fix.value is None:
            raise UsageError(f"a fix at the root cannot {fix.action}")
        return _with_prefix(root, fix.value)
    match fix.action:
        case "rename":
            return _rename(root, element, fix.value or "")
        case "remove":
            _remove(element)
        case "replace":
            _set_text(element, fix.value or "")
        case "wrap":
            _wrap(element, fix)
        case "unwrap":
            _unwrap(element, fix.value)
        case "move":
            _move(element, fix.value or "")
        case _:
            raise UsageError(f"no machine knows how to {fix.action} at {fix.path}")
    return root


def _at(root: etree._Element, path: str) -> etree._Element:
    """The element at a readable path that begins with the root's name."""
    first, *steps = path.split("/")
    if first != _xml.local_name(root):
        raise UsageError(f"the fix is for another document: {first} is not its root")
    here = root
    for step in steps:
        here = _child(here, step)
    return here


def _child(parent: etree._Element, step: str) -> etree._Element:
    name, _, index = step.rstrip("]").partition("[")
    same = [child for child in _xml.elements(parent) if _xml.local_name(child) == name]
    number = int(index) - 1 if index else 0
    if number >= len(same):
        raise UsageError(f"{step} is not in {_xml.local_name(parent)} any more; judge the document again")
    return same[number]


def _attribute(element: etree._Element, name: str, fix: Fix) -> None:
    full = next((key for key in element.attrib if str(key).rpartition("}")[2] == name), None)
    if full is None:
        raise UsageError(f"the attribute {name} is not there any more; judge the document again")
    if fix.action == "remove":
        del element.attrib[full]
    else:
        element.set(full, fix.value or "")


def _remove(element: etree._Element) -> None:
    """Take an element out; the text behind it is kept, except white space that would double."""
    parent = element.getparent()
    assert parent is not None
    before, tail = element.getprevious(), element.tail
    if tail and tail.strip():
        if before is not None:
            before.tail = (before.tail or "") + tail
        else:
            parent.text = (parent.text or "") + tail
    elif element.getnext() is None and before is not None:
        before.tail = tail
    elif element.getnext() is None:
        parent.text = tail
    parent.remove(element)


def _set_text(element: etree._Element, text: str) -> None:
    for child in list(element):
        element.remove(child)
    element.text = text


def _wrap(element: etree._Element, fix: Fix) -> None:
    """A code gets its ``value``; with a value like ``<Addresses>`` the element and those behind it get a wrapper."""
    value = fix.value
    if value is None or not value.startswith("<"):
        if not (element.text or "").strip():
            element.attrib.pop("value", None)  # the code stood there
        _set_text(element, "")
        element.text = None
        etree.SubElement(element, "value").text = value
        return
    parent = element.getparent()
    assert parent is not None
    wrapper = etree.Element(value.strip("<>"))
    element.addprevious(wrapper)
    here: etree._Element | None = element
    inside = 0
    while here is not None and (here.tag == element.tag if fix.count is None else inside < fix.count):
        following = here.getnext()
        inside += isinstance(here.tag, str)
        wrapper.append(here)
        here = following


def _unwrap(element: etree._Element, name: str | None) -> None:
    if name is None:
        inner = next(iter(_xml.elements(element)))
        _set_text(element, _xml.text_of(inner))
        return
    children = [child for child in _xml.elements(element) if _xml.local_name(child) == name]
    for child in children:
        element.addprevious(child)
    if children:
        children[-1].tail = element.tail
    element.tail = None
    _parent(element).remove(element)


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    assert parent is not None
    return parent


def _move(element: etree._Element, before: str) -> None:
    parent = element.getparent()
    assert parent is not None
    target = _child(parent, before) if before else None
    if target is not None:
        target.addprevious(element)
    else:
        parent.append(element)


def _rename(root: etree._Element, element: etree._Element, name: str) -> etree._Element:
    if _xml.namespace_of(element) and "}" not in name:
        return _unqualify(root, f"{{{_xml.namespace_of(element)}}}*", only=element)
    element.tag = name
    return root


def _unqualify(root: etree._Element, pattern: str, *, only: etree._Element | None = None) -> etree._Element:
    """Take a namespace off the elements below the root, and give the root a prefix so that it stays off."""
    namespace = pattern[1:].partition("}")[0]
    for element in root.iter(etree.Element):
        if element is not root and (only is None or element is only) and _xml.namespace_of(element) == namespace:
            element.tag = _xml.local_name(element)
    return _with_prefix(root, str(root.tag))


def _with_prefix(root: etree._Element, tag: str) -> etree._Element:
    """The root under that name, its namespace bound to a prefix, with everything it holds."""
    namespace, _, name = tag[1:].partition("}") if tag.startswith("{") else ("", "", tag)
    kept = {prefix: uri for prefix, uri in root.nsmap.items() if prefix not in (None, "s") and uri != namespace}
    prefix = next((own for own, uri in root.nsmap.items() if uri == namespace and own), "s")
    fresh = etree.Element(f"{{{namespace}}}{name}" if namespace else name, nsmap={prefix: namespace, **kept})
    for key, value in root.attrib.items():
        fresh.set(key, value)
    fresh.text = root.text
    for child in list(root):
        fresh.append(_free(child))
    etree.cleanup_namespaces(fresh, keep_ns_prefixes=[prefix])
    return fresh


def _free(element: etree._Element) -> etree._Element:
    """A copy that has lost the default namespace of its ancestors; its own and qualified names stay."""
    if not isinstance(element.tag, str):
        return element
    own = {prefix: uri for prefix, uri in element.nsmap.items() if prefix is not None}
    if _xml.namespace_of(element):
        return element
    fresh = etree.Element(element.tag, nsmap=own)
    for key, value in element.attrib.items():
        fresh.set(key, value)
    fresh.text, fresh.tail = element.text, element.tail
    for child in list(element):
        fresh.append(_free(child))
    return fresh

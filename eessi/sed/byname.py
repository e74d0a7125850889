"""Reading and writing records by name: slower than the generated code, and right for every document.

Used where a document is not a plain row of known tags: comments, CDATA, empty tags, another encoding, content that the
package does not know or orders differently. What has no field is kept as XML text in ``extra``, with its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lxml import etree

from eessi.schemas.structure import Kind
from eessi.sed.paths import SIGNATURE, text_of
from eessi.sed.plan import FieldPlan

if TYPE_CHECKING:
    from eessi.sed.records import Block, BlockClass

__all__ = ["escape", "read_root", "write_content"]

_Value = object
"""What a field holds: a text, a tuple of texts, a block, or a tuple of those."""


def escape(text: str) -> str:
    """Text as it stands in XML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("]]>", "]]&gt;").replace("\r", "&#13;")


def raw(element: etree._Element) -> str:
    """An element as XML text of its own, without what follows it."""
    return etree.tostring(element, encoding="unicode", with_tail=False)


def read_root(compiled: BlockClass, root: etree._Element) -> tuple[Block, str | None]:
    """The record of a document and the text of its signature, which must be the last child."""
    signature = raw(root[-1]) if len(root) and root[-1].tag == SIGNATURE else None
    return _read(compiled, root, len(root) - 1 if signature else len(root)), signature


def _read(compiled: BlockClass, parent: etree._Element, count: int) -> Block:
    values: dict[str, list[_Value]] = {}
    order: list[str] = []
    extra: list[str] = []
    known = True

    def keep(text: str) -> None:
        nonlocal known
        extra.append(text)
        order.append("")
        known = False

    if parent.text and parent.text.strip():
        keep(escape(parent.text))
    for child in parent[:count]:
        if isinstance(child.tag, str):
            field = compiled.by_tag.get(child.tag)
            value = None if field is None or child.attrib else _value(compiled, field, child)
            if field is None or value is None or (not field.many and field.tag in values):
                keep(raw(child))
            else:
                values.setdefault(field.tag, []).append(value)
                order.append(field.tag)
        if child.tail and child.tail.strip():
            keep(escape(child.tail))
    fields = {
        field.name: tuple(found) if field.many else found[0]
        for field in compiled.plan.fields
        if (found := values.get(field.tag))
    }
    if known and order == sorted(order, key=compiled.position.__getitem__):
        return compiled.cls(**fields)
    return compiled.extended(**fields, extra=tuple(extra), sequence=tuple(order))


def _value(compiled: BlockClass, field: FieldPlan, element: etree._Element) -> _Value | None:
    """What a field holds for an element; ``None`` when the element has not the shape of the field."""
    below = [child for child in element if isinstance(child.tag, str)]
    if field.kind is Kind.LEAF:
        return None if below else text_of(element)
    if field.kind is Kind.GROUP:
        return _read(compiled.inner(field), element, len(element))
    stray = "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
    plain = all(value.tag == "value" and not value.attrib and not _has_elements(value) for value in below)
    if not below or stray or not plain or (len(below) > 1 and not field.values):
        return None
    codes = tuple(text_of(value) for value in below)
    return codes if field.values else codes[0]


def _has_elements(element: etree._Element) -> bool:
    return any(isinstance(child.tag, str) for child in element)


def write_content(compiled: BlockClass, block: Block) -> str:
    """Everything inside the tags of a block, the kept extra pieces at their places."""
    waiting = {field.tag: _occurrences(compiled, field, block) for field in compiled.plan.fields}
    kept = iter(block.extra)
    pieces: list[str] = []
    for tag in block.sequence:
        piece = next(kept if tag == "" else waiting[tag], None)
        if piece is not None:
            pieces.append(piece)
    for rest in waiting.values():
        pieces.extend(rest)
    pieces.extend(kept)
    return "".join(pieces)


def _occurrences(compiled: BlockClass, field: FieldPlan, block: Block) -> Iterator[str]:
    value = getattr(block, field.name)
    if value is None or (value == () and (field.many or field.values)):
        return
    for one in value if field.many else (value,):
        yield f"<{field.tag}>{_inside(compiled, field, one)}</{field.tag}>"


def _inside(compiled: BlockClass, field: FieldPlan, value: _Value) -> str:
    from eessi.sed.records import Block

    if field.kind is Kind.GROUP:
        assert isinstance(value, Block)
        return write_content(compiled.inner(field), value)
    if field.kind is Kind.LEAF:
        assert isinstance(value, str)
        return escape(value)
    codes = value if field.values else (value,)
    assert isinstance(codes, tuple | list)
    return "".join(f"<value>{escape(str(code))}</value>" for code in codes)

"""Python source for readers and writers of records, one function per block, made from a plan and compiled in memory.

**How a reader works.** A document that libxml2 has parsed and that holds no comment, CDATA section, processing
instruction, DTD or stray ``>`` is a plain row of tags and texts in turn: cut at every ``<`` and ``>``, every odd part is
the inside of a tag (``familyName``, ``/familyName``), every even one the text behind it. A reader walks the parts by
position. It looks at the name of every opening tag and skips four parts per element, so every part it consumes is
accounted to an element it has recognised. When it ends exactly at the last part, all elements were recognised, each in
its place; in every other case (unknown or repeated element, attribute, empty tag, other order) the document is read
again by name from the tree, see :mod:`eessi.sed.byname`. The proof is the count, not trust in the schema. Only text
between tags, which no valid document has, would slip through, so it is looked for unless the schema has been asked.

**How a writer works.** It makes one token per tag, the text behind it included, and joins them with ``<``. As many
``<`` as tokens proves that no text holds one; otherwise, or with an ``&`` anywhere, the tokens are escaped, which is
right for all of them because the tags among them hold neither.

Names are :func:`repr` texts of checked tags and identifiers; nothing else of a schema enters the source.
"""

from __future__ import annotations

import enum
import re
import sys
from typing import Final

from lxml import etree

from eessi.schemas.structure import Kind
from eessi.sed.paths import SIGNATURE
from eessi.sed.plan import BlockPlan, FieldPlan

__all__ = ["ROOT_FIELDS", "NotPlain", "Reading", "compiled", "join", "parts_of", "reader_source", "writer_source"]

ROOT_FIELDS: Final = ("sedPackage", "sedGVer", "sedVer", "attributes", "signature", "prefix")
"""Fields of the root beside its content, in the order of ``head``."""

_INLINED: Final = 12
"""A block with no more fields than this, inner ones counted, is read in place and not by a call."""

_HEAD: Final = re.compile(
    rb"""(?:\xef\xbb\xbf)?
    (?:<\?xml\s+version\s*=\s*["']1\.0["'](?:\s+encoding\s*=\s*["'][uU][tT][fF]-8["'])?
       (?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>)?
    \s*<[^?!]""",
    re.X,
)
_REFERENCE: Final = re.compile(rb"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|(amp|lt|gt|quot|apos));")
_NAMED: Final = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}
_KNOWN: Final[dict[bytes, str]] = {}
"""Codes of all code lists in use, so that each is one object however many documents are kept."""


class NotPlain(Exception):
    """The document or record is not a plain row of known tags; it takes the way by name."""


def _resolve(found: re.Match[bytes]) -> bytes:
    if found[3]:
        return _NAMED[found[3]]
    return chr(int(found[1], 16) if found[1] else int(found[2])).encode()


def parts_of(data: bytes, root: etree._Element) -> tuple[list[bytes], int, str | None]:
    """Tags and texts of a parsed document in turn, the position behind the root's opening tag, the signature's text.

    The signature itself is left out; the last tag is always the closing one of the root. Parts stay bytes, which are
    cut twice as fast as text with letters beyond Latin-1; only values are decoded.

    :param data: bytes that :func:`eessi._xml.parse` has accepted; ``root`` is what it gave.
    :raises NotPlain: when the document is not a plain row of tags and texts in UTF-8.
    """
    head = _HEAD.match(data)
    if not head or (b"!" in data and b"<!" in data) or (data.rfind(b"?") > head.end() and data.rfind(b"<?") > 3):
        raise NotPlain
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    signature = None
    if b"xmldsig#" in data and len(root) and root[-1].tag == SIGNATURE:
        data, signature = _cut(data, root)
    parts = data.replace(b"<", b">").split(b">")
    if len(parts) != 2 * data.count(b"<") + 1:
        raise NotPlain
    if b"&" in data:
        parts = [_REFERENCE.sub(_resolve, part) if b"&" in part else part for part in parts]
    return parts, 5 if parts[1].startswith(b"?") else 3, signature


def _cut(data: bytes, root: etree._Element) -> tuple[bytes, str]:
    """The document without its signature, and the signature, which is the last child and holds no other one."""
    prefix = root[-1].prefix
    name = (f"{prefix}:Signature" if prefix else "Signature").encode()
    closing = b"</" + name + b">"
    opening = re.search(rb"<" + re.escape(name) + rb"[\s>]", data)
    if root.nsmap.keys() - {root.prefix, "xsi"} or not opening or data.count(closing) != 1:
        raise NotPlain  # it may lean on a prefix declared at the root, or hold another signature
    end = data.index(closing) + len(closing)
    rest = data[end:].strip()
    if end < opening.start() or not rest.startswith(b"</") or rest.count(b"<") != 1:
        raise NotPlain
    return data[: opening.start()] + rest, data[opening.start() : end].decode()


def _learn(block: BlockPlan) -> None:
    for field in block.fields:
        for code in (*field.facets.enumeration, *(field.codes.values if field.codes else ())):
            _KNOWN.setdefault(code.encode(), sys.intern(code))


def _stray(text: bytes) -> None:
    if not text.isspace():
        raise NotPlain


def compiled(source: str, space: dict[str, object]) -> None:
    """Run generated source in its own name space, which holds the classes and functions it names."""
    space |= {"NotPlain": NotPlain, "known": _KNOWN.get, "stray": _stray}
    exec(compile(source, "<record>", "exec", dont_inherit=True), space)  # noqa: S102 - names are checked, everything else is quoted


class Reading(enum.Enum):
    """What a generated reader makes, and whether it looks for text between tags."""

    RECORD = "record"
    PROVED_RECORD = "proved record"
    DICT = "dict"
    PROVED_DICT = "proved dict"


def reader_source(block: BlockPlan, reading: Reading, classes: dict[str, BlockPlan], root: bool = False) -> str:
    """``read(k, i)`` for a block: parts and position in, content and position behind its closing tag out.

    A record is filled as an instance of a class without guards and then turned into the frozen one. The root's function
    takes ``head``, the values of :data:`ROOT_FIELDS`, as well. ``classes`` is filled with the blocks that are read in
    place, by the number that the source names their classes with.
    """
    _learn(block)
    source = _Source(reading, classes)
    with_head = root and source.record
    lines = [f"def read(k, i{', head' if with_head else ''}):", *source.content(block, "", "o", "")]
    if with_head:
        lines.insert(-1, f"    {', '.join(f'o.{name}' for name in ROOT_FIELDS)} = head")
    return "\n".join([*lines, "    return o, i"])


class _Source:
    """Writes the body of a reader."""

    def __init__(self, reading: Reading, classes: dict[str, BlockPlan]) -> None:
        self.record = reading in (Reading.RECORD, Reading.PROVED_RECORD)
        self.guarded = reading in (Reading.RECORD, Reading.DICT)
        self.classes = classes
        self.pad = 1

    def line(self, text: str) -> str:
        return "    " * self.pad + text

    def guard(self, *positions: int) -> list[str]:
        """Lines that refuse text at positions where only white space may stand."""
        if not self.guarded:
            return []
        texts = [f"k[i + {position}]" for position in positions]
        return [self.line(f"if {' or '.join(texts)}: stray({' + '.join(texts)})")]

    def content(self, block: BlockPlan, suffix: str, name: str, path: str) -> list[str]:
        """Everything between the tags of a block, and its closing tag."""
        lines = [self.line(f"{name} = New{suffix}()" if self.record else f"{name} = {{}}")]
        for number, field in enumerate(block.fields):
            lines += self.field(
                field, f"{path}_{number}", f"{name}.{field.name}" if self.record else f"{name}[{field.tag!r}]"
            )
        lines += [*self.guard(1), self.line("i += 2")]
        return [*lines, self.line(f"{name}.__class__ = Class{suffix}")] if self.record else lines

    def field(self, field: FieldPlan, path: str, target: str) -> list[str]:
        found = f"k[i] == {field.tag.encode()!r}"
        lines = [self.line(f"if {found}:")]
        self.pad += 1
        if field.many:
            row = f"m{path}"
            lines += [self.line(f"{row} = []"), self.line(f"while {found}:")]
            self.pad += 1
            lines += self.one(field, path, f"{row}.append(", ")")
            self.pad -= 1
            lines.append(self.line(f"{target} = tuple({row})"))
        else:
            lines += self.one(field, path, f"{target} = ", "")
        self.pad -= 1
        if self.record:
            lines.append(self.line(f"else: {target} = {'()' if field.many or field.values else 'None'}"))
        return lines

    def one(self, field: FieldPlan, path: str, put: str, end: str) -> list[str]:
        if field.kind is Kind.GROUP:
            return self.group(field, path, put, end)
        if field.kind is Kind.LEAF:
            return [*self.guard(3), self.line(f"{put}k[i + 1].decode(){end}"), self.line("i += 4")]
        if not field.values:
            return [*self.guard(1, 5, 7), self.line("if k[i + 2] != b'value': raise NotPlain"),
                    self.line(f"{put}known(k[i + 3]) or k[i + 3].decode(){end}"), self.line("i += 8")]  # fmt: skip
        row = f"c{path}"
        lines = [*self.guard(1), self.line("i += 2"), self.line(f"{row} = []"), self.line("while k[i] == b'value':")]
        self.pad += 1
        lines += [*self.guard(3), self.line(f"{row}.append(known(k[i + 1]) or k[i + 1].decode())"), self.line("i += 4")]
        self.pad -= 1
        return [*lines, self.line(f"if not {row}: raise NotPlain"), *self.guard(1),
                self.line(f"{put}tuple({row}){end}"), self.line("i += 2")]  # fmt: skip

    def group(self, field: FieldPlan, path: str, put: str, end: str) -> list[str]:
        assert field.block is not None
        lines = self.guard(1)
        if _size(field.block) > _INLINED:
            self.classes[path] = field.block
            return [*lines, self.line(f"g, i = read{path}(k, i + 2)"), self.line(f"{put}g{end}")]
        name = f"o{path}"
        self.classes[path] = field.block
        return [
            *lines,
            self.line("i += 2"),
            *self.content(field.block, path, name, path),
            self.line(f"{put}{name}{end}"),
        ]


def _size(block: BlockPlan) -> int:
    """Number of fields of a block, inner ones counted; beyond every limit where it contains itself."""
    if block.recursive:
        return _INLINED + 1
    return sum(1 if field.block is None else _size(field.block) for field in block.fields)


def writer_source(block: BlockPlan) -> str:
    """``write(x, o)`` for a block: append the tokens of record ``x`` to the list ``o``, without the block's own tags."""
    lines = ["def write(x, o):", "    if x.__class__ is not Class: raise NotPlain"]
    for number, field in enumerate(block.fields):
        if field.many:
            lines += [f"    for v in x.{field.name}:", *_put(field, number, "        ")]
        elif field.values:
            lines += [f"    v = x.{field.name}", "    if v:", *_put(field, number, "        ")]
        else:
            lines += [f"    v = x.{field.name}", "    if v is not None:", *_put(field, number, "        ")]
    return "\n".join([*lines, "    return"])


def _put(field: FieldPlan, number: int, pad: str) -> list[str]:
    opening, closing = f"{field.tag}>".encode(), f"/{field.tag}>".encode()
    if field.kind is Kind.LEAF:
        return [f"{pad}o += ({opening!r} + v.encode(), {closing!r})"]
    if field.kind is Kind.GROUP:
        return [f"{pad}o.append({opening!r})", f"{pad}write_{number}(v, o)", f"{pad}o.append({closing!r})"]
    if not field.values:
        return [f"{pad}o += ({opening!r}, b'value>' + v.encode(), b'/value>', {closing!r})"]
    each = f"{pad}for c in v: o += (b'value>' + c.encode(), b'/value>')"
    return [f"{pad}o.append({opening!r})", each, f"{pad}o.append({closing!r})"]


def join(tokens: list[bytes]) -> bytes:
    """The content that a writer's tokens make, escaped where needed; the first token is empty."""
    data = b"<".join(tokens)
    if b"&" in data or data.count(b"<") != len(tokens) - 1:
        data = b"<".join([token.replace(b"&", b"&amp;").replace(b"<", b"&lt;") for token in tokens])
    if b"]" in data and b"]]>" in data:
        data = data.replace(b"]]>", b"]]&gt;")
    return data.replace(b"\r", b"&#13;") if b"\r" in data else data

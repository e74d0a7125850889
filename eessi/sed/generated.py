"""Python source for readers and writers of records, one function per block, made from a plan and compiled in memory.

**How a reader works.** A document that libxml2 has parsed is well-formed, so its own text can be read from left to right
against what the block expects: fields that stand together, small inner blocks among them, are one regular expression, a
larger or repeated inner block is a call. Every character between the root's tags must be matched; the only thing taken
on trust is that a closing tag closes what is open, and that is what well-formed means. Whatever else is there (a
comment, CDATA, an empty tag, an attribute, stray text, an unknown or repeated element, another order) does not match,
and the document is read again by name from the tree, see :mod:`eessi.sed.byname`. No element costs a Python object but
its value.

**How a writer works.** It makes one token per tag, the text behind it included, and joins them with ``<``. As many
``<`` as tokens proves that no text holds one; otherwise, or with an ``&`` anywhere, the tokens are escaped, which is
right for all of them because the tags among them hold neither.

Names are :func:`repr` texts of checked tags and identifiers; nothing else of a schema enters the source.
"""

from __future__ import annotations

import enum
import re
import sys
from collections.abc import Callable, Sequence
from typing import Final

from lxml import etree

from eessi.schemas.structure import Kind
from eessi.sed.paths import SIGNATURE
from eessi.sed.plan import BlockPlan, FieldPlan

__all__ = [
    "ROOT_FIELDS",
    "NotPlain",
    "Reading",
    "compiled",
    "join",
    "reader_source",
    "text_of_document",
    "writer_source",
]

ROOT_FIELDS: Final = ("sedPackage", "sedGVer", "sedVer", "attributes", "signature", "prefix")
"""Fields of the root beside its content, in the order of ``head``."""

_INLINED: Final = 30
"""A block with no more fields than this, inner ones counted, is read in place and not by a call."""

_HEAD: Final = re.compile(
    rb"""(?:\xef\xbb\xbf)?
    (?:<\?xml\s+version\s*=\s*["']1\.0["'](?:\s+encoding\s*=\s*["'][uU][tT][fF]-8["'])?
       (?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>)?
    \s*<[^?!]""",
    re.X,
)
_BEFORE_OPENING: Final = re.compile(r">[ \t\n]+(?=<[^/])")
_BETWEEN_CLOSINGS: Final = re.compile(r"(</[^<>]*>)[ \t\n]+(?=</)")
_REFERENCE: Final = re.compile(r"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|(amp|lt|gt|quot|apos));")
_NAMED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_CLOSING: Final = "</[^>]*+>"
_VALUE: Final = "<value>[^<]*+</value>"
_KNOWN: Final[dict[str, str]] = {}
"""Codes of all code lists in use, so that each is one object however many documents are kept."""

Fix = Callable[[Sequence[str | None]], Sequence[str | None]]
"""Resolves the references in matched texts."""


class NotPlain(Exception):
    """The document or record is not a plain row of known tags; it takes the way by name."""


def _resolve(found: re.Match[str]) -> str:
    if found[3]:
        return _NAMED[found[3]]
    return chr(int(found[1], 16) if found[1] else int(found[2]))


def _resolved(texts: Sequence[str | None]) -> Sequence[str | None]:
    """Texts with their references resolved; one that begins with a tag is a row, to be taken apart first."""
    return [_REFERENCE.sub(_resolve, text) if text and "&" in text and text[0] != "<" else text for text in texts]


def text_of_document(data: bytes, root: etree._Element) -> tuple[str, int, Fix | None, str | None]:
    """Text, position behind the root's opening tag, resolver of references where there are any, and the signature.

    The signature is cut out of the text, white space that only indents is gone.

    :param data: bytes that :func:`eessi._xml.parse` has accepted; ``root`` is what it gave.
    :raises NotPlain: when the document is not UTF-8 or does not come to its root at once.
    """
    head = _HEAD.match(data)
    if not head:
        raise NotPlain
    text, signature = data.decode(), None
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    start = text.index(">", text.index("?>") + 2 if b"?" in head[0] else 0) + 1
    if len(root) and root[-1].tag == SIGNATURE:
        text, signature = _cut(text, root)
    if text.find("\n", start) >= 0:
        body = _BEFORE_OPENING.sub(">", text[start - 1 :])
        text, start = _BETWEEN_CLOSINGS.sub(r"\1", body), 1
    return text, start, _resolved if "&" in text else None, signature


def _cut(text: str, root: etree._Element) -> tuple[str, str]:
    """The document up to its signature, closed, and the signature, which is the last child and holds no other one."""
    prefix = root[-1].prefix
    name = f"{prefix}:Signature" if prefix else "Signature"
    closing = f"</{name}>"
    opening = re.search(rf"<{re.escape(name)}[\s>]", text)
    if root.nsmap.keys() - {root.prefix, "xsi"} or not opening or text.count(closing) != 1:
        raise NotPlain  # it may lean on a prefix declared at the root, or hold another signature
    end = text.index(closing) + len(closing)
    rest = text[end:].strip()
    if end < opening.start() or not rest.startswith("</") or rest.count("<") != 1:
        raise NotPlain
    return text[: opening.start()].rstrip() + rest, text[opening.start() : end]


def _texts(text: str, tag: str, fix: Fix | None) -> tuple[str, ...]:
    """The texts of a row of leaves, as it was matched."""
    found: Sequence[str | None] = text[len(tag) + 2 : -len(tag) - 3].split(f"</{tag}><{tag}>")
    return tuple(fix(found) if fix else found)  # type: ignore[arg-type]  # no None among them


def _codes(text: str, tag: str, fix: Fix | None) -> tuple[str, ...]:
    """The codes of a row of wrappers with one value each."""
    return _values(text.replace(f"<{tag}><value>", "<value>").replace(f"</value></{tag}>", "</value>"), "value", fix)


def _values(text: str, tag: str, fix: Fix | None) -> tuple[str, ...]:
    """The codes of one wrapper with several values."""
    return tuple([_KNOWN.get(code, code) for code in _texts(text, "value", fix)])


def _code_lists(text: str, tag: str, fix: Fix | None) -> tuple[tuple[str, ...], ...]:
    """The codes of a row of wrappers with several values each."""
    return tuple(_values(row, tag, fix) for row in _texts(text, tag, None))


def _pattern(text: str) -> Callable[[str, int], re.Match[str] | None]:
    return re.compile(text).match


def compiled(source: str, space: dict[str, object]) -> None:
    """Run generated source in its own name space, which holds the classes and functions it names."""
    space |= {"NotPlain": NotPlain, "known": _KNOWN.get, "_texts": _texts, "_codes": _codes, "_values": _values,
              "_code_lists": _code_lists, "_pattern": _pattern}  # fmt: skip
    exec(compile(source, "<record>", "exec", dont_inherit=True), space)  # noqa: S102 - names are checked, everything else is quoted


def _learn(block: BlockPlan) -> None:
    for field in block.fields:
        for code in (*field.facets.enumeration, *(field.codes.values if field.codes else ())):
            _KNOWN.setdefault(code, sys.intern(code))


class Reading(enum.Enum):
    """What a generated reader makes."""

    RECORD = "record"
    DICT = "dict"


def reader_source(block: BlockPlan, reading: Reading, classes: dict[str, BlockPlan], root: bool = False) -> str:
    """``read(t, i, fix)`` for a block: text, position and resolver in, content and position behind its closing tag out.

    A record is filled as an instance of a class without guards and then turned into the frozen one. The root's function
    takes ``head``, the values of :data:`ROOT_FIELDS`, as well. ``classes`` is filled with the inner blocks, by the path of
    field numbers that the source names their classes with.
    """
    source = _Source(reading is Reading.RECORD, classes)
    with_head = root and source.record
    lines = [f"def read(t, i, fix{', head' if with_head else ''}):", *source.block(block)]
    if with_head:
        lines.insert(2, f"    {', '.join(f'o.{name}' for name in ROOT_FIELDS)} = head")
    return "\n".join([*source.patterns, *lines, "    return o, i"])


class _Source:
    """Writes the body of a reader: runs of fields as patterns, what they found put in its place behind them."""

    def __init__(self, record: bool, classes: dict[str, BlockPlan]) -> None:
        self.record = record
        self.classes = classes
        self.patterns: list[str] = []
        self.expected: list[str] = []
        self.names: list[str] = []
        self.waiting: list[str] = []

    def block(self, block: BlockPlan) -> list[str]:
        """The whole body: everything between the tags of a block, and its closing tag."""
        _learn(block)
        lines = ["    o = New()" if self.record else "    o = {}"]
        for number, field in enumerate(block.fields):
            path, target = f"_{number}", self.target("o", field)
            if field.block is None or (not field.many and _size(field.block) <= _INLINED):
                self.field(field, path, target, "    ")
                continue
            self.classes[path] = field.block
            lines += self.groups(field, path, target) if field.many else self.group(field, path, target)
        self.expected.append(_CLOSING)
        return [*lines, *self.run(), *(["    o.__class__ = Class"] if self.record else [])]

    def target(self, owner: str, field: FieldPlan) -> str:
        return f"{owner}.{field.name}" if self.record else f"{owner}[{field.tag!r}]"

    def run(self) -> list[str]:
        """Match what was expected so far, name what it found, and do what waited for it."""
        match = f"_match_{len(self.patterns)}"
        self.patterns.append(f"{match} = _pattern({''.join(self.expected)!r})")
        lines = [f"    m = {match}(t, i)", "    if m is None: raise NotPlain", "    i = m.end()"]
        if self.names:
            lines.append(f"    {', '.join(self.names)}, = m.groups() if fix is None else fix(m.groups())")
        lines += self.waiting
        self.expected, self.names, self.waiting = [], [], []
        return lines

    def field(self, field: FieldPlan, path: str, target: str, pad: str) -> None:
        """Expect a leaf, a code, a row of them, or a small inner block."""
        found = f"a{path}"
        self.names.append(found)
        if field.block is None:
            self.expected.append(_expected(field))
            self.waiting += self.put(field, found, target, pad)
            return
        _learn(field.block)
        self.classes[path] = field.block
        name = f"o{path}"
        self.expected.append(f"(?:<{re.escape(field.tag)}>()")  # the empty group says that it is there
        self.waiting.append(f"{pad}if {found} is not None:")
        self.waiting.append(f"{pad}    {name} = {f'New{path}()' if self.record else '{}'}")
        for number, inner in enumerate(field.block.fields):
            self.field(inner, f"{path}_{number}", self.target(name, inner), f"{pad}    ")
        self.expected.append(f"{_CLOSING}|)")
        if self.record:
            self.waiting.append(f"{pad}    {name}.__class__ = Class{path}")
        self.waiting.append(f"{pad}    {target} = {name}")
        if self.record:
            self.waiting.append(f"{pad}else: {target} = None")

    def put(self, field: FieldPlan, found: str, target: str, pad: str) -> list[str]:
        """Lines that keep what a pattern has found for a leaf or code."""
        if field.many or field.values:
            codes = "_codes" if not field.values else "_code_lists" if field.many else "_values"
            function = "_texts" if field.kind is Kind.LEAF else codes
            taken = f"{function}({found}, {field.tag!r}, fix)"
            return (
                [f"{pad}{target} = {taken} if {found} else ()"]
                if self.record
                else [f"{pad}if {found}: {target} = {taken}"]
            )
        if not self.record:  # a model makes members of its codes
            return [f"{pad}if {found} is not None: {target} = {found}"]
        taken = f"{found} and known({found}, {found})" if field.kind is Kind.CODE else found
        return [f"{pad}{target} = {taken}"]

    def group(self, field: FieldPlan, path: str, target: str) -> list[str]:
        self.expected.append(f"(?:(<{re.escape(field.tag)}>)|)")
        self.names.append("g")
        lines = [*self.run(), f"    if g: {target}, i = read{path}(t, i, fix)"]
        return [*lines, f"    else: {target} = None"] if self.record else lines

    def groups(self, field: FieldPlan, path: str, target: str) -> list[str]:
        tag = f"<{field.tag}>"
        lines = [*(self.run() if self.expected else []), "    r = []", f"    while t.startswith({tag!r}, i):",
                 f"        g, i = read{path}(t, i + {len(tag)}, fix)", "        r.append(g)"]  # fmt: skip
        return [*lines, f"    {target} = tuple(r)" if self.record else f"    if r: {target} = tuple(r)"]


def _expected(field: FieldPlan) -> str:
    """The pattern of a single field, or of a row of them; always one group. A branch with nothing is faster than ``?``."""
    tag = re.escape(field.tag)
    if field.many:
        inside = "[^<]*+" if field.kind is Kind.LEAF else f"(?:{_VALUE})+" if field.values else _VALUE
        return f"((?:<{tag}>{inside}</{tag}>)*)"
    if field.values:
        return f"(?:<{tag}>((?:{_VALUE})+){_CLOSING}|)"
    if field.kind is Kind.CODE:
        return f"(?:<{tag}><value>([^<]*+)</value>{_CLOSING}|)"
    return f"(?:<{tag}>([^<]*+){_CLOSING}|)"


def _size(block: BlockPlan) -> int:
    """Number of fields of a block that can be read in place, inner ones counted; else more than the limit."""
    if block.recursive or any(field.block is not None and field.many for field in block.fields):
        return _INLINED + 1
    return sum(1 if field.block is None else 1 + _size(field.block) for field in block.fields)


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

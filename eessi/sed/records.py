"""Records: the typed, frozen, small form of a SED, for documents that the schema has already proved.

One class per block, made when a document first needs it from the plan of its structure, and the same class wherever
the block means the same: the person of S071 4.4 is the person of every other SED that has it. Codes are plain texts
(``record.Person.PersonIdentification.sex == "02"``), lists are tuples, names are those of the schema.

What the package does not know is kept in ``extra`` with its place; a record and its SED turn into each other without
loss. Classes with type hints for editors are written by ``eessi models generate``.
"""

from __future__ import annotations

import functools
import re
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Final, cast

import attrs
from lxml import etree

from eessi import _xml
from eessi.errors import UsageError
from eessi.schemas.structure import Kind, Structure
from eessi.sed import byname, generated
from eessi.sed.generated import ROOT_FIELDS, NotPlain, Reading
from eessi.sed.plan import BlockPlan, FieldPlan, SedPlan, plan_of

if TYPE_CHECKING:
    from eessi.schemas import Registry
    from eessi.sed.document import Sed

__all__ = [
    "Block",
    "BlockClass",
    "Reader",
    "Records",
    "RootBlock",
    "as_record",
    "filling",
    "head_of",
    "opening",
    "records_of",
]

_ROOT_DEFAULTS: Final = {"attributes": (), "signature": None, "prefix": "s"}
_LOCK: Final = threading.RLock()
_STANDARD: Final = ("sedPackage", "sedGVer", "sedVer")
_PREFIX: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_HELD: Final = 1024
"""Greatest number of SED structures whose classes are kept ready; the least recently used one is dropped."""


class Block:
    """A group of a SED. Fields are named as in the schema; absent ones are ``None``, absent lists ``()``.

    :ivar extra: XML text of what has no field: unknown elements, a second occurrence of a single one, stray text.
    :ivar sequence: names of the children in the order they were met, ``""`` for an entry of ``extra``; empty when the
        order is that of the schema.
    """

    __slots__ = ()
    extra: tuple[str, ...] = ()
    sequence: tuple[str, ...] = ()

    def _content(self) -> tuple[object, ...]:
        names = [field.name for field in attrs.fields(cast("type[attrs.AttrsInstance]", type(self)))]
        return tuple(getattr(self, name) for name in names)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._content() == other._content()

    def __hash__(self) -> int:
        return hash((type(self), self._content()))

    def __repr__(self) -> str:
        """Names and counts only: a record holds a person's data."""
        filled = sum(1 for value in self._content() if value not in (None, ()))
        return f"<{type(self).__name__}: {filled} fields filled>"


class RootBlock(Block):
    """The record of a whole SED.

    :ivar sedPackage: with ``sedGVer`` and ``sedVer`` the attributes of the root, as texts; ``None`` where absent.
    :ivar attributes: other attributes of the root, as pairs of name (with namespace in braces) and value.
    :ivar signature: XML text of the signature, kept but not proved; it holds only for the bytes it was made over.
    :ivar prefix: prefix of the root's namespace.
    """

    __slots__ = ()
    plan: ClassVar[SedPlan]
    records: ClassVar[Records]
    sedPackage: str | None
    sedGVer: str | None
    sedVer: str | None
    attributes: tuple[tuple[str, str], ...]
    signature: str | None
    prefix: str

    def to_bytes(self) -> bytes:
        """The document in UTF-8: the root prefixed, its children without a namespace, in the order of the schema.

        :raises UsageError: when a field holds something else than texts, tuples and blocks of its kind.
        """
        return self.records.write(self)

    def to_sed(self) -> Sed:
        """The document as a :class:`~eessi.sed.document.Sed`, read back from the bytes it becomes.

        :raises InputError: when a text holds characters that XML forbids.
        """
        from eessi.sed.document import Sed

        data = self.to_bytes()
        return Sed(_xml.parse(data), data)


Head = tuple[str | None, str | None, str | None, tuple[tuple[str, str], ...], str | None, str]
Reader = Callable[..., tuple[Block, int]]
_Writer = Callable[[object, list[bytes]], None]


class BlockClass:
    """What is made from one block of a plan: class, reader, writer. Each is made on first use and shared between SEDs.

    Most documents meet a small part of their schema, and making a class costs as much as reading a document ten times.
    """

    def __init__(self, plan: BlockPlan, inner: Mapping[str, BlockClass], root: bool) -> None:
        self.plan = plan
        self.by_tag = {field.tag: field for field in plan.fields}
        self.position = {field.tag: number for number, field in enumerate(plan.fields)}
        self._root = root
        self._inner = dict(inner)
        self._classes: tuple[type[Block], type[Block]] | None = None
        self._extended: type[Block] | None = None
        self._readers: dict[Reading, Reader] = {}

    @property
    def cls(self) -> type[Block]:
        """The frozen attrs class."""
        return self._both()[0]

    @property
    def twin(self) -> type[Block]:
        """The class that a reader fills, see :func:`filling`."""
        return self._both()[1]

    def _both(self) -> tuple[type[Block], type[Block]]:
        if self._classes is None:
            with _LOCK:
                self._classes = self._classes or self._made()
        return self._classes

    def _made(self) -> tuple[type[Block], type[Block]]:
        defaults: dict[str, str | tuple[()] | None] = {
            field.name: () if field.many or field.values else None for field in self.plan.fields
        }
        if self._root:
            defaults |= {name: _ROOT_DEFAULTS.get(name) for name in ROOT_FIELDS}
        base = RootBlock if self._root else Block
        fields = {name: attrs.field(default=default) for name, default in defaults.items()}
        return _frozen(self.plan.name, fields, base), filling(base, tuple(defaults))

    def inner(self, field: FieldPlan) -> BlockClass:
        """The block of a group field."""
        return self._inner[field.tag]

    @property
    def extended(self) -> Callable[..., Block]:
        """The class with room for ``extra`` and ``sequence``."""
        if self._extended is None:
            more = {"extra": attrs.field(default=()), "sequence": attrs.field(default=())}
            self._extended = _frozen(self.cls.__name__, more, self.cls)
        return self._extended

    def at(self, path: str) -> BlockClass:
        """The block at a path of field numbers such as ``_3_1``."""
        here = self
        for number in path.split("_")[1:]:
            here = here.inner(here.plan.fields[int(number)])
        return here

    def reader(self, reading: Reading, root: bool = False) -> Reader:
        """The generated reader of this block, compiled when it is first asked for."""
        if reading not in self._readers:
            met: dict[str, BlockPlan] = {}
            source = generated.reader_source(self.plan, reading, met, root)
            space: dict[str, object] = {"New": self.twin, "Class": self.cls}
            for path in met:
                space[f"New{path}"] = _first_of(space, path, self.at(path))
                space[f"read{path}"] = _later(space, f"read{path}", self.at(path), reading)
            generated.compiled(source, space)
            self._readers[reading] = cast(Reader, space["read"])
        return self._readers[reading]

    @functools.cached_property
    def writer(self) -> _Writer:
        """The generated writer of this block."""
        space: dict[str, object] = {"Class": self.cls}
        for number, field in enumerate(self.plan.fields):
            if field.kind is Kind.GROUP:
                space[f"write_{number}"] = _later(space, f"write_{number}", self.inner(field), None)
        generated.compiled(generated.writer_source(self.plan), space)
        return cast(_Writer, space["write"])


def _later(space: dict[str, object], name: str, block: BlockClass, reading: Reading | None) -> Callable[..., object]:
    """Stands for an inner function until it is first called; most documents never meet half of their blocks."""

    def first(*arguments: object) -> object:
        made: Callable[..., object] = block.writer if reading is None else block.reader(reading)
        space[name] = made
        return made(*arguments)

    return first


def _first_of(space: dict[str, object], path: str, block: BlockClass) -> Callable[[], Block]:
    """Stands for the class of a block that is read in place, until a document has one."""

    def first() -> Block:
        space[f"Class{path}"] = block.cls
        space[f"New{path}"] = block.twin
        return block.twin()

    return first


def _frozen(name: str, fields: Mapping[str, object], *bases: type) -> type[Block]:
    make: Callable[..., type[Block]] = attrs.make_class
    return make(
        name, dict(fields), bases=bases, frozen=True, slots=True, weakref_slot=False,
        eq=False, order=False, repr=False, match_args=False,
    )  # fmt: skip


def filling(base: type, names: tuple[str, ...]) -> type:
    """A class of the same layout whose instances can be filled at full speed; each is turned into the frozen class.

    Filling a frozen attrs class through its own constructor costs four times as much, a third of the whole reader.
    """
    return type("New", (base,), {"__slots__": names, "__eq__": object.__eq__, "__hash__": object.__hash__})


_CLASSES: weakref.WeakValueDictionary[object, BlockClass] = weakref.WeakValueDictionary()


class _Builder:
    """Makes the classes of one SED, taking those that another SED has already made."""

    def __init__(self, plan: SedPlan) -> None:
        self.plan = plan
        self.made: dict[BlockPlan, BlockClass] = {}
        self.open: dict[BlockPlan, list[tuple[BlockClass, str]]] = {}

    def build(self) -> dict[BlockPlan, BlockClass]:
        for block in self.plan.blocks:
            self.block(block)
        return self.made

    def block(self, block: BlockPlan) -> BlockClass:
        inner = {field.tag: self.made[field.block] for field in block.fields if field.block in self.made}
        missing = [field for field in block.fields if field.block is not None and field.block not in self.made]
        root = block is self.plan.root
        key = (
            None
            if root or missing or block.recursive
            else (block.name, tuple(_field_key(field, inner) for field in block.fields))
        )
        compiled = _CLASSES.get(key) if key is not None else None
        if compiled is None:
            compiled = BlockClass(block, inner, root)
            if key is not None:
                _CLASSES[key] = compiled
        self.made[block] = compiled
        for field in missing:  # a recursive group: its block is complete only later
            assert field.block is not None
            self.open.setdefault(field.block, []).append((compiled, field.tag))
        for waiting, tag in self.open.pop(block, ()):
            waiting._inner[tag] = compiled
        return compiled


def _field_key(field: FieldPlan, inner: Mapping[str, BlockClass]) -> tuple[object, ...]:
    return (field.tag, field.name, field.kind, field.many, field.values, inner.get(field.tag))


def _plain(compiled: BlockClass, block: Block) -> dict[str, object]:
    content: dict[str, object] = {}
    for field in compiled.plan.fields:
        value = getattr(block, field.name)
        if value is None or value == ():
            continue
        if field.kind is Kind.GROUP:
            inner = compiled.inner(field)
            content[field.tag] = tuple(_plain(inner, one) for one in value) if field.many else _plain(inner, value)
        else:
            content[field.tag] = value
    return content


def _extended(
    compiled: BlockClass, block: Block, place: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Block]]:
    if block.extra or block.sequence:
        yield place, block
    for field in compiled.plan.fields:
        value = getattr(block, field.name)
        if field.kind is Kind.GROUP and value:
            for number, one in enumerate(value if field.many else (value,)):
                below = (*place, field.name, number) if field.many else (*place, field.name)
                yield from _extended(compiled.inner(field), one, below)


def head_of(root: etree._Element, signature: str | None = None) -> Head:
    """What the root says beside its content: the values of :data:`generated.ROOT_FIELDS`."""
    items = root.items()
    prefix = root.prefix or "s"
    if len(items) == 3 and items[0][0] == "sedPackage" and items[1][0] == "sedGVer" and items[2][0] == "sedVer":
        return items[0][1], items[1][1], items[2][1], (), signature, prefix
    rest = tuple((key, value) for key, value in items if key not in _STANDARD)
    package, major, minor = (root.get(name) for name in _STANDARD)
    return package, major, minor, rest, signature, prefix


class Records:
    """Classes, reader and writer of one SED in one version; see :func:`records_of`.

    :ivar plan: what they were made from.
    :ivar cls: class of the whole document.
    """

    def __init__(self, plan: SedPlan) -> None:
        self.plan = plan
        with _LOCK:
            self._blocks = _Builder(plan).build()
        self._root = self._blocks[plan.root]
        self.cls = cast("type[RootBlock]", self._root.cls)
        self.cls.plan = plan
        self.cls.records = self
        structure = plan.structure
        self._tag = f"{{{structure.namespace}}}{structure.root.name}"

    @property
    def classes(self) -> dict[str, type[Block]]:
        """The classes by name, the root's among them."""
        return {compiled.plan.name: compiled.cls for compiled in self._blocks.values()}

    def of(self, name: str) -> type[Block]:
        """The class of that name.

        :raises UsageError: when the SED has no such block.
        """
        if name not in self.classes:
            raise UsageError(
                f"{self.plan.structure.sed} has no block {name!r}; it has {', '.join(sorted(self.classes))}"
            )
        return self.classes[name]

    def read(self, data: bytes, root: etree._Element) -> RootBlock:
        """The record of a document.

        :param data: the bytes that ``root`` was parsed from, with :func:`eessi._xml.parse`.
        :raises UsageError: when the document is not this SED in this version.
        """
        if root.tag != self._tag:
            raise UsageError(
                f"this is not {self.plan.structure.sed} {self.plan.structure.version}: {_xml.local_name(root)}"
            )
        return self.read_by(self.reader, data, root, head_of(root))

    def read_by(self, read: Reader, data: bytes, root: etree._Element, head: Head) -> RootBlock:
        """:meth:`read` for one who has looked at the root already: its reader and :func:`head_of` it."""
        try:
            text, start, fix, signature = generated.text_of_document(data, root)
            if signature is not None:
                head = (*head[:4], signature, head[5])
            record, end = read(text, start, fix, head)
            if end == len(text) or text[end:].isspace():
                return cast(RootBlock, record)
        except (NotPlain, UnicodeDecodeError):
            pass
        return self.read_tree(root)

    def read_plain(self, data: bytes, root: etree._Element) -> tuple[dict[str, object], tuple[object, ...]] | None:
        """The same content as nested dicts by element name, and the values of :data:`generated.ROOT_FIELDS`.

        Only what is there has a key. ``None`` when the document has to be read by name.
        """
        if root.tag != self._tag:
            raise UsageError(
                f"this is not {self.plan.structure.sed} {self.plan.structure.version}: {_xml.local_name(root)}"
            )
        try:
            text, start, fix, signature = generated.text_of_document(data, root)
            content, end = self._root.reader(Reading.DICT, root=True)(text, start, fix)
            if end == len(text) or text[end:].isspace():
                return cast("dict[str, object]", content), head_of(root, signature)
        except (NotPlain, UnicodeDecodeError):
            pass
        return None

    def plain(self, record: RootBlock) -> dict[str, object]:
        """A record as nested dicts by element name, with what is there; unknown content is left out."""
        return _plain(self._root, record)

    def read_extra(self, record: RootBlock) -> Iterator[tuple[tuple[str | int, ...], Block]]:
        """Every block that keeps unknown content or another order, with its place in the nested dicts."""
        return _extended(self._root, record, ())

    def read_tree(self, root: etree._Element) -> RootBlock:
        """The record of a document, by name from its tree alone; right for every document, and slower."""
        record, signature = byname.read_root(self._root, root)
        return _evolved(cast(RootBlock, record), dict(zip(ROOT_FIELDS, head_of(root, signature), strict=True)))

    @functools.cached_property
    def reader(self) -> Reader:
        """The generated reader of the whole document."""
        return self._root.reader(Reading.RECORD, root=True)

    def write(self, record: RootBlock) -> bytes:
        """The document that a record becomes, in UTF-8 with an XML declaration.

        :raises UsageError: when a field holds something else than texts, tuples and blocks of its kind.
        """
        if not isinstance(record, self.cls):
            raise UsageError(f"this record is not one of {self.plan.structure.sed} {self.plan.structure.version}")
        try:
            tokens = [b""]
            try:
                self._root.writer(record, tokens)
                content = generated.join(tokens)
            except NotPlain:
                content = byname.write_content(self._root, record).encode()
            head = opening(self._root.plan.element.name, self.plan.structure.namespace, record.prefix, record.sedPackage,
                               record.sedGVer, record.sedVer, record.attributes)  # fmt: skip
            tail = f"{record.signature or ''}</{record.prefix}:{self._root.plan.element.name}>"
            return b"".join((head.encode(), content, tail.encode()))
        except (TypeError, AttributeError, AssertionError):
            raise UsageError(f"a field of {self._root.plan.name} holds something of another kind") from None
        except UnicodeEncodeError:
            raise UsageError(f"a text in {self._root.plan.name} is not Unicode") from None


@functools.lru_cache(maxsize=256)
def opening(
    name: str, namespace: str, prefix: str, package: str | None, major: str | None, minor: str | None,
    attributes: tuple[tuple[str, str], ...],
) -> str:  # fmt: skip
    """Declaration and opening tag of a SED; few different ones occur, and none holds a person's data."""
    if not _PREFIX.fullmatch(prefix):
        raise UsageError("the prefix of the root is not a name")
    given = dict(zip(_STANDARD, (package, major, minor), strict=True)) | dict(attributes)
    spaces = {prefix: _quoted(namespace)}
    written = [f' {_qualified(key, spaces)}="{_quoted(value)}"' for key, value in given.items() if value is not None]
    declared = "".join(f' xmlns:{short}="{space}"' for short, space in spaces.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{prefix}:{name}{declared}{"".join(written)}>'


def _quoted(value: str) -> str:
    text = byname.escape(value).replace('"', "&quot;")
    return text.replace("\t", "&#9;").replace("\n", "&#10;")


def _qualified(name: str, spaces: dict[str, str]) -> str:
    """An attribute's name with a prefix, which is declared in ``spaces``."""
    if not name.startswith("{"):
        return name
    space, _, local = name[1:].partition("}")
    if space == "http://www.w3.org/XML/1998/namespace":
        return f"xml:{local}"
    short = "xsi" if space.endswith("/XMLSchema-instance") else f"a{len(spaces)}"
    spaces.setdefault(short, _quoted(space))
    return f"{short}:{local}"


def _evolved(record: RootBlock, changes: Mapping[str, object]) -> RootBlock:
    evolve: Callable[..., RootBlock] = attrs.evolve
    return evolve(record, **changes)


_READY: OrderedDict[int, Records] = OrderedDict()


def records_of(structure: Structure) -> Records:
    """Classes, reader and writer for a structure, made once and kept while in use.

    :raises PackageError: when a name in the structure cannot be the name of an XML element.
    """
    key = id(structure)
    ready = _READY.get(key)
    if ready is None or ready.plan.structure is not structure:
        ready = Records(plan_of(structure))
        with _LOCK:
            _READY[key] = ready
            while len(_READY) > _HELD:
                _READY.popitem(last=False)
    return ready


def as_record(sed: Sed, registry: Registry, *, package: str | None = None) -> RootBlock:
    """The record of a SED by the tree that the registry knows for it.

    :raises UsageError: when no package knows the tree.
    """
    structure = registry.structure(sed.type, sed.version, package=package)
    if structure is None:
        raise UsageError(f"no package knows the tree of {sed.type} {sed.version}; import one that does")
    return records_of(structure).read(sed.data, sed.root)

"""The document: a SED as it was read or built.

A :class:`Sed` does no more work than it is asked for: reading one needs its root name and namespace, nothing else.
It is written without attrs, whose import alone would cost half as much as loading the XML parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, overload

from lxml import etree

from eessi import _xml
from eessi.errors import InputError, UnknownCode, UsageError
from eessi.sed.paths import SIGNATURE, children, is_code, leaves, select, steps_of, text_of

if TYPE_CHECKING:
    from eessi.ids import CdmVersion, SedType
    from eessi.schemas import Registry
    from eessi.sed.losses import LossReport
    from eessi.sed.models import RootModel
    from eessi.sed.records import RootBlock

__all__ = ["ROOT_ATTRIBUTES", "Content", "Sed", "match_root", "recognise_root"]

Content = str | list["Content"] | dict[str, "Content"]
"""Plain content: text, lists and dicts. A code is its text, several codes are a list of texts, a code element that is
repeated is a list of lists."""

ROOT_ATTRIBUTES = ("sedPackage", "sedGVer", "sedVer")
"""Attributes of the document element (S071 4.4.0); no other element carries any."""

_ROOT = re.compile(r"(?P<code>(?:SYN|DA|[A-Z])[0-9]{3,5}(?:CB|[A-Z])?)(?P<part>_[A-Za-z]\w*)?")
_CDM = re.compile(r"http://ec\.europa\.eu/eessi/ns(?:/([0-9]{1,3})_([0-9]{1,3})/[A-Za-z0-9_]+)?")
_SANDBOX = re.compile(r"urn:eessi-toolkit:sandbox:([0-9]{1,3})\.([0-9]{1,3}):[A-Za-z0-9_]+")

_Row = tuple[str, str | None, int, int]


def match_root(name: str) -> re.Match[str] | None:
    """Whether a name is that of a SED's root: groups ``code`` and ``part`` (``_Master``, ``_Child``, ``_NO``)."""
    return _ROOT.fullmatch(name)


def recognise_root(root: etree._Element) -> _Row | None:
    """SED code, part (``Master``, ``Child``, a country, or ``None``), major and minor version that a root announces.

    Name and namespace decide (CDM wire facts, section 2; sandbox namespaces are the toolkit's own). In a namespace of
    another form, a national one or a wrong one, the attributes ``sedGVer`` and ``sedVer`` say the version: the document
    can then be read, and a check says what is wrong with it. ``None`` when it is not the root of a SED.
    """
    name, namespace = _xml.local_name(root), _xml.namespace_of(root)
    found = _ROOT.fullmatch(name)
    if not found:
        return None
    part = found["part"][1:] if found["part"] else None
    space = _CDM.fullmatch(namespace) or _SANDBOX.fullmatch(namespace)
    if space:
        major, minor = space[1] or "3", space[2] or "1"
    else:
        major, minor = root.get("sedGVer", "").strip(), root.get("sedVer", "").strip()
        if not (major.isdecimal() and minor.isdecimal() and len(major + minor) < 6):
            return None
    return found["code"], part, int(major), int(minor)


class Sed:
    """One structured electronic document, frozen.

    :ivar name: name of the root element: the code, or code and part (``U020_Master``) for a piece of a bulk SED.
    :ivar namespace: namespace of the root, which names SED and version.
    :ivar root: the tree, without comments and processing instructions. Shared, never to be changed: copy it first.
    :ivar report: what could not be carried over when the SED was made from another form; ``None`` for one read from XML.

    Content is found by readable path: ``sed["Person/PersonIdentification/familyName"]``,
    ``sed["Addresses/Address[2]/Address/town"]``; see :mod:`eessi.sed.paths`.
    """

    __slots__ = ("__weakref__", "_data", "_envelope", "_row", "name", "namespace", "report", "root", "shape")

    name: str
    namespace: str
    root: etree._Element
    report: LossReport | None
    shape: object
    _row: _Row
    _data: bytes | None
    _envelope: bytes | None

    def __init__(
        self,
        root: etree._Element,
        data: bytes | None = None,
        *,
        envelope: bytes | None = None,
        report: LossReport | None = None,
        shape: object = None,
        source: str | None = None,
    ) -> None:
        """Take a root element that stands alone, and the bytes it was read from.

        :param envelope: the message that holds the SED; its bytes are then cut out when first asked for.
        :raises InputError: when the root is not that of a SED.
        """
        name, namespace = _xml.local_name(root), _xml.namespace_of(root)
        row = recognise_root(root)
        if row is None:
            raise InputError(_not_a_sed(name, namespace), source=source)
        put = object.__setattr__
        put(self, "name", name)
        put(self, "namespace", namespace)
        put(self, "root", root)
        put(self, "report", report)
        put(self, "shape", shape)
        put(self, "_row", row)
        put(self, "_data", data)
        put(self, "_envelope", envelope)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Sed is frozen; use replace() to get a changed copy instead of setting {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Sed is frozen; {name} cannot be deleted")

    @property
    def type(self) -> SedType:
        """Code of the SED, from the root's name alone."""
        from eessi.ids import SedType

        return SedType(self._row[0])

    @property
    def part(self) -> str | None:
        """``Master`` or ``Child`` for a piece of a bulk SED, a country for a national variant, else ``None``."""
        return self._row[1]

    @property
    def version(self) -> CdmVersion:
        """Version of the data model, from the namespace alone; in the sandbox namespace that of the sandbox."""
        from eessi.ids import CdmVersion

        return CdmVersion(self._row[2], self._row[3])

    @property
    def is_sandbox(self) -> bool:
        """Whether the document is one of the toolkit's own sandbox, never to be mistaken for EESSI."""
        return self.namespace.startswith("urn:eessi-toolkit:")

    @property
    def data(self) -> bytes:
        """The document as bytes: those that were read, or, for a SED that was built or changed, UTF-8 written once.

        For a SED read from a message these are the bytes of the SED element as a document of its own.
        """
        if self._data is None:
            if self._envelope is not None:
                from eessi.sed.embedded import cut_out

                data = cut_out(self._envelope, self.root)
            else:
                data = _xml.serialise(self.root)
                if self.shape is not None:
                    from eessi.sed.rina_note import with_note

                    data = with_note(data, self)
            object.__setattr__(self, "_data", data)
        assert self._data is not None
        return self._data

    @property
    def attributes(self) -> dict[str, str]:
        """Attributes of the root: ``sedPackage``, ``sedGVer``, ``sedVer`` and whatever else stands there."""
        return {str(key): str(value) for key, value in self.root.attrib.items()}

    @property
    def is_signed(self) -> bool:
        """Whether a signature is there; says nothing about its worth."""
        return self.root.find(SIGNATURE) is not None

    def __getitem__(self, path: str) -> str:
        """The text at a path: a leaf, or a code that has one value.

        :raises UnknownCode: when nothing stands there (it is a :class:`LookupError`).
        :raises UsageError: when a group or several values stand there; use :meth:`part_at` or :meth:`values`.
        """
        found = self._values(path)
        if not found:
            raise UnknownCode("path", path)
        if len(found) > 1:
            raise UsageError(f"{path} has {len(found)} values; name one by its index or use values()")
        return found[0]

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and bool(select(self.root, steps_of(path, self.name)))

    @overload
    def get(self, path: str) -> str | None: ...
    @overload
    def get(self, path: str, default: str) -> str: ...
    def get(self, path: str, default: str | None = None) -> str | None:
        """The text at a path, or ``default`` where nothing stands there.

        :raises UsageError: when a group or several values stand there.
        """
        found = self._values(path)
        return self[path] if found else default

    def values(self, path: str) -> tuple[str, ...]:
        """All texts at a path, through all lists on the way: every code, every repeated leaf.

        :raises UsageError: when a group stands there.
        """
        return self._values(path)

    def count(self, path: str) -> int:
        """How many elements a path meets."""
        return len(select(self.root, steps_of(path, self.name)))

    def _values(self, path: str) -> tuple[str, ...]:
        texts: list[str] = []
        for element in select(self.root, steps_of(path, self.name)):
            if next(children(element), None) is None:
                texts.append(text_of(element))
            elif is_code(element):
                texts.extend(text_of(value) for value in children(element))
            else:
                raise UsageError(f"{path} is a group, not a text; use part_at()")
        return tuple(texts)

    def items(self) -> Iterator[tuple[str, str]]:
        """Every leaf as path and text, in document order, which is that of the schema in a valid document."""
        return ((path, text_of(leaf)) for path, leaf in leaves(self.root))

    def part_at(self, path: str = "") -> Content:
        """The content at a path as plain data (see :data:`Content`); the whole document for an empty path.

        :raises UnknownCode: when nothing stands there.
        """
        found = select(self.root, steps_of(path, self.name))
        if not found:
            raise UnknownCode("path", path)
        parts: list[Content] = [_plain(element) for element in found]
        if found[0] is self.root and parts[0] == "":
            return {}
        return parts[0] if len(parts) == 1 else parts

    def replace(
        self, path: str, value: str | Sequence[str] | Mapping[str, object] | None, registry: Registry | None = None
    ) -> Sed:
        """A changed copy: the text, codes or group at ``path`` set to ``value``, or removed with ``None``.

        Where nothing stands yet, a registry that knows the tree says where the new element belongs. A signature is
        taken out of the copy: it would no longer hold.

        :raises UnknownCode: when nothing stands there and no registry says where it belongs.
        :raises UsageError: when a list is named without an index, or the value does not fit the place.
        """
        from eessi.sed.changes import replaced

        return replaced(self, path, value, registry)

    def unknown(self, registry: Registry, *, package: str | None = None) -> tuple[str, ...]:
        """Paths of the elements that the registry's tree of this SED does not name; they are kept all the same.

        Only the topmost unknown element is named, not what lies below it. Without a tree everything is unknown.
        """
        from eessi.sed.changes import unknown_paths

        return unknown_paths(self, registry, package)

    def as_record(self, registry: Registry, *, package: str | None = None) -> RootBlock:
        """The typed content, frozen and small; see :mod:`eessi.sed.records`.

        :raises UsageError: when no package knows the tree.
        """
        from eessi.sed.records import as_record

        return as_record(self, registry, package=package)

    def as_model(self, registry: Registry, *, package: str | None = None) -> RootModel:
        """The typed content as a pydantic model, every facet and code list checked; see :mod:`eessi.sed.models`.

        :raises UsageError: when no package knows the tree.
        :raises pydantic.ValidationError: when the document breaks a rule of the schema.
        """
        from eessi.sed.models import as_model

        return as_model(self, registry, package=package)

    def same_content(self, other: Sed) -> bool:
        """Whether both are equal in exclusive canonical form, insignificant white space aside."""
        return _squeezed(self.root) == _squeezed(other.root)

    def __copy__(self) -> Sed:
        return self

    def __deepcopy__(self, memo: object) -> Sed:
        return self

    def __reduce__(self) -> tuple[object, tuple[bytes]]:
        return _restored, (self.data,)

    def __eq__(self, other: object) -> bool:
        return self.data == other.data if isinstance(other, Sed) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.data)

    def __repr__(self) -> str:
        return f"<Sed {self.name} {'sandbox ' if self.is_sandbox else ''}{self.version}>"


def _restored(data: bytes) -> Sed:
    """A Sed travels between processes as its bytes."""
    return Sed(_xml.parse(data), data)


def _not_a_sed(name: str, namespace: str) -> str:
    if not _ROOT.fullmatch(name):
        return f"the root element {name!r} is not that of a SED or of a StandardBusinessDocument"
    where = f"the namespace {namespace!r}" if namespace else "no namespace"
    return f"the root element {name} is in {where}; expected http://ec.europa.eu/eessi/ns/4_4/{name} or another version"


def _plain(element: etree._Element) -> Content:
    parts = list(children(element))
    if not parts:
        return text_of(element)
    if is_code(element):
        values: list[Content] = [text_of(part) for part in parts]
        return values[0] if len(values) == 1 else values
    grouped: dict[str, list[etree._Element]] = {}
    for part in parts:
        grouped.setdefault(_xml.local_name(part), []).append(part)
    return {name: _plain(group[0]) if len(group) == 1 else _plain_list(group) for name, group in grouped.items()}


def _plain_list(group: list[etree._Element]) -> list[Content]:
    """Repeated elements; of a repeated code each entry is a list, so that it differs from one code with several values."""
    return [[text_of(value) for value in children(one)] if is_code(one) else _plain(one) for one in group]


def _squeezed(root: etree._Element) -> bytes:
    """Canonical bytes without the white space that only indents."""
    copy = etree.fromstring(_xml.canonical(root), etree.XMLParser(resolve_entities=False, no_network=True))
    for element in copy.iter():
        if len(element) and not (element.text or "").strip():
            element.text = None
        if not (element.tail or "").strip():
            element.tail = None
    return _xml.canonical(copy)

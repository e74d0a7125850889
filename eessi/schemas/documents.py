"""Schema documents as they lie in a package, and what each includes, imports or redefines.

A ``schemaLocation`` is looked for beside the file, then by name anywhere in the package (archives get re-sorted on their
way), then by namespace. The XML Signature and XAdES schemas of the toolkit stand in where a package has none. A
location is never followed out of the package.
"""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from urllib.parse import unquote

import attrs
from lxml import etree

from eessi._xml import parse
from eessi.errors import InputError, PackageError
from eessi.schemas.compiled import SIGNATURE_SCHEMAS, SchemaSources, signature_schema

__all__ = ["XS", "Document", "DocumentSet", "Loaded", "qualified"]

XS: Final = "{http://www.w3.org/2001/XMLSchema}"
_OURS: Final = "eessi-toolkit/"


def qualified(namespace: str | None, name: str) -> str:
    """A name with its namespace as ``{namespace}name``."""
    return f"{{{namespace}}}{name}" if namespace else name


@attrs.frozen(slots=True, eq=False)
class Document:
    """One schema document. ``root`` is shared: do not change it."""

    path: str
    root: etree._Element

    @property
    def target(self) -> str | None:
        """Its target namespace."""
        return self.root.get("targetNamespace")

    def references(self) -> Iterator[etree._Element]:
        """Its include, import and redefine elements."""
        for node in self.root:
            if node.tag in (f"{XS}include", f"{XS}import", f"{XS}redefine"):
                yield node


@attrs.frozen(slots=True, eq=False)
class Loaded:
    """A document in the namespace it was included into: its own, or that of the including schema where it has none."""

    document: Document
    namespace: str | None


@attrs.frozen(slots=False, eq=False)
class _Places:
    """Where files lie: by folded path, and by folded file name."""

    paths: tuple[str, ...]

    @functools.cached_property
    def folded(self) -> dict[str, list[str]]:
        return _index(self.paths, str.casefold)

    @functools.cached_property
    def by_base(self) -> dict[str, list[str]]:
        return _index(self.paths, lambda path: posixpath.basename(path).casefold())


@attrs.frozen(slots=False, eq=False)
class DocumentSet:
    """The schema files of a package, read on demand.

    :param paths: of all schema files. :param read: a path to its bytes. :param package: for error messages.
    :param bare: leave annotations out, as for compiling.
    """

    paths: tuple[str, ...]
    read: Callable[[str], bytes]
    package: str = "the package"
    bare: bool = False
    _parsed: dict[str, Document] = attrs.field(factory=dict, repr=False)
    _places: _Places = attrs.field(default=attrs.Factory(lambda self: _Places(self.paths), takes_self=True), repr=False)

    def document(self, path: str) -> Document:
        """A parsed document.

        :raises PackageError: when it is missing, not well-formed or no schema.
        """
        found = self._parsed.get(path)
        if found is None:
            found = Document(path, self._parse(path))
            if len(self._parsed) > 32:
                self._parsed.clear()
            self._parsed[path] = found
        return found

    def _parse(self, path: str) -> etree._Element:
        if path.startswith(_OURS):
            return parse(next(data for name, data in _ours() if _OURS + name == path))
        try:
            root = parse(self.read(path), source=path)
        except InputError as error:
            raise PackageError(f"{self.package}: {error}") from None
        if root.tag != f"{XS}schema":
            raise PackageError(f"{self.package}: {path} is not an XML schema")
        if self.bare:
            _strip(root)
        return root

    def locate(self, node: etree._Element, beside: str) -> str | None:
        """Path of the document an include, import or redefine means; ``None`` for an import that needs none.

        :raises PackageError: when it is not in the package.
        """
        location = (node.get("schemaLocation") or "").strip()
        namespace = node.get("namespace")
        if location:
            name = unquote(location.replace("\\", "/"))
            found = self._by_place(name, beside) or self._by_name(posixpath.basename(name), beside)
            if found:
                return found
        if node.tag == f"{XS}import":
            if namespace in SIGNATURE_SCHEMAS:
                return _OURS + signature_schema(namespace)[0]
            found = self._by_namespace(namespace)
            if found or not location:
                return found
        what = etree.QName(node).localname
        raise PackageError(
            f"{self.package}: {beside} needs {location or namespace or '(nothing named)'} ({what}), which is not in the package"
        )

    def _by_place(self, location: str, beside: str) -> str | None:
        if "://" in location or location.startswith("/"):
            return None
        path = posixpath.normpath(posixpath.join(posixpath.dirname(beside), location))
        return self._places.folded.get(path.casefold(), (None,))[0]

    def _by_name(self, name: str, beside: str) -> str | None:
        """The file of that name which is nearest in the tree of folders; none where two are equally near."""
        found = [path for path in self._places.by_base.get(name.casefold(), ()) if path != beside]
        if len(found) < 2:
            return found[0] if found else None
        near = sorted(found, key=lambda path: (_distance(path, beside), path))
        if _distance(near[0], beside) == _distance(near[1], beside) and self.read(near[0]) != self.read(near[1]):
            raise PackageError(
                f"{self.package}: {beside} needs {name}; {near[0]} and {near[1]} are equally near and differ"
            )
        return near[0]

    def _by_namespace(self, namespace: str | None) -> str | None:
        found = self._namespaces.get(namespace or "", ())
        return found[0] if len(found) == 1 else None

    @functools.cached_property
    def _namespaces(self) -> dict[str, list[str]]:
        return _index(self.paths, lambda path: self.document(path).target or "")

    def closure(self, main: str) -> list[Loaded]:
        """The main document and all it needs, each once per namespace, the main one first; redefined ones before their redefinition is applied.

        :raises PackageError: when something is missing.
        """
        first = self.document(main)
        loaded: dict[tuple[str, str | None], Loaded] = {}
        pending = [Loaded(first, first.target)]
        while pending:
            item = pending.pop()
            key = (item.document.path, item.namespace)
            if key in loaded:
                continue
            loaded[key] = item
            for node in item.document.references():
                pending += self._referenced(node, item)
        return list(loaded.values())

    def _referenced(self, node: etree._Element, by: Loaded) -> Iterator[Loaded]:
        path = self.locate(node, by.document.path)
        if path is None:
            return
        document = self.document(path)
        wanted = node.get("namespace") if node.tag == f"{XS}import" else by.namespace
        if document.target is None and node.tag != f"{XS}import":
            yield Loaded(document, by.namespace)
        elif document.target == wanted:
            yield Loaded(document, document.target)
        else:
            raise PackageError(
                f"{self.package}: {path} has the namespace {document.target}, but {by.document.path} expects {wanted}"
            )

    def sources(self, main: str) -> SchemaSources:
        """The main schema and all it needs under flat names, without annotations, ready to be compiled.

        libxml2 reads only the first of several imported documents of one namespace, so these get a document that
        includes them all.
        """
        bare = attrs.evolve(self, bare=True, parsed={})
        closure = bare.closure(main)
        names = _flat_names([item.document.path for item in closure])
        imported = bare._imported(closure)
        documents = {item.document.path: item.document for item in closure}
        targets = {path: list(bare._targets(document)) for path, document in documents.items()}
        files = {names[path]: _rewritten(documents[path], targets[path], names, imported) for path in documents}
        for namespace, paths in imported.items():
            if len(paths) > 1:
                files[_gathered(namespace, imported)] = _gathering(namespace, [names[path] for path in paths])
        return SchemaSources(names[main], files)

    def _targets(self, document: Document) -> Iterator[tuple[etree._Element, str]]:
        for node in document.references():
            path = self.locate(node, document.path)
            if path is not None:
                yield node, path

    def _imported(self, closure: Iterable[Loaded]) -> dict[str, list[str]]:
        found: dict[str, dict[str, None]] = {}
        for item in closure:
            for node, path in self._targets(item.document):
                if node.tag == f"{XS}import":
                    found.setdefault(node.get("namespace") or "", {})[path] = None
        return {namespace: list(paths) for namespace, paths in found.items()}


def _strip(root: etree._Element) -> None:
    for note in list(root.iter(f"{XS}annotation")):
        parent = note.getparent()
        if parent is not None:
            parent.remove(note)


def _rewritten(
    document: Document,
    targets: list[tuple[etree._Element, str]],
    names: dict[str, str],
    imported: dict[str, list[str]],
) -> bytes:
    """The text of a document that belongs to nobody else, with flat names as locations."""
    if document.path.startswith(_OURS):
        return next(data for name, data in _ours() if _OURS + name == document.path)
    for node, path in targets:
        namespace = node.get("namespace") or ""
        several = node.tag == f"{XS}import" and len(imported.get(namespace, ())) > 1
        node.set("schemaLocation", _gathered(namespace, imported) if several else names[path])
    return etree.tostring(document.root, encoding="UTF-8")


@functools.cache
def _ours() -> tuple[tuple[str, bytes], ...]:
    return tuple(signature_schema(namespace) for namespace in SIGNATURE_SCHEMAS)


def _gathered(namespace: str, imported: dict[str, list[str]]) -> str:
    return f"~gathered-{list(imported).index(namespace)}.xsd"


def _gathering(namespace: str, names: list[str]) -> bytes:
    root = etree.Element(f"{XS}schema", {"targetNamespace": namespace} if namespace else {})
    for name in names:
        etree.SubElement(root, f"{XS}include", {"schemaLocation": name})
    return etree.tostring(root)


def _index(paths: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for path in paths:
        index.setdefault(key(path), []).append(path)
    return index


def _distance(path: str, beside: str) -> int:
    here, there = posixpath.dirname(beside).split("/"), posixpath.dirname(path).split("/")
    shared = len(posixpath.commonprefix([here, there]))
    return len(here) + len(there) - 2 * shared


def _flat_names(paths: Iterable[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    taken: set[str] = set()
    for path in dict.fromkeys(paths):
        base = re.sub(r"[^A-Za-z0-9._-]", "_", posixpath.basename(path)) or "schema.xsd"
        name, number = base, 1
        while name.casefold() in taken:
            number += 1
            name = f"{number}-{base}"
        taken.add(name.casefold())
        names[path] = name
    return names

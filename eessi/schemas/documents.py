"""Schema documents as they lie in a package, and what each includes, imports or redefines.

A ``schemaLocation`` is looked for beside the file, then by name anywhere in the package (archives get re-sorted on their
way), then by namespace. The XML Signature and XAdES schemas of the toolkit stand in where a package has none. A
location is never followed out of the package.
"""

from __future__ import annotations

import functools
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from urllib.parse import unquote

import attrs
from lxml import etree

from eessi._xml import parse
from eessi.errors import InputError, PackageError
from eessi.schemas.compiled import SIGNATURE_SCHEMAS, Kept, SchemaSources, signature_schema

__all__ = ["UNFOLDED", "XS", "Document", "DocumentSet", "Head", "Loaded", "Reference", "qualified"]

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


@attrs.frozen(slots=True)
class Reference:
    """An ``include``, ``import`` or ``redefine`` of a document."""

    kind: str
    location: str
    namespace: str | None

    @classmethod
    def of(cls, node: etree._Element) -> Reference:
        """Read one from its element."""
        location = (node.get("schemaLocation") or "").strip()
        return cls(str(node.tag).removeprefix(XS), location, node.get("namespace"))


@attrs.frozen(slots=True)
class Head:
    """What a document says before it says anything: its namespace, and the documents it needs."""

    target: str | None
    references: tuple[Reference, ...]


@attrs.frozen(slots=True)
class Loaded:
    """A document in the namespace it was included into: its own, or that of the including schema where it has none."""

    path: str
    namespace: str | None


@attrs.frozen(slots=False, eq=False)
class _Places:
    """Where files lie: by folded path, and by folded file name."""

    paths: tuple[str, ...]

    @functools.cached_property
    def folded(self) -> dict[str, list[str]]:
        return _index(self.paths, str.casefold)

    @functools.cached_property
    def flat(self) -> dict[str, str]:
        """A name without folders for each file, none twice, none that of our signature schemas."""
        return _flat_names(self.paths)

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
    _heads: dict[str, Head] = attrs.field(factory=dict, repr=False)
    _texts: Kept[bytes] = attrs.field(factory=lambda: Kept(128), repr=False)
    _places: _Places = attrs.field(default=attrs.Factory(lambda self: _Places(self.paths), takes_self=True), repr=False)

    def document(self, path: str) -> Document:
        """A parsed document.

        :raises PackageError: when it is missing, not well-formed or no schema.
        """
        found = self._parsed.get(path)
        if found is None:
            found = Document(path, self._parse(path))
            if len(self._parsed) > _PARSED and not self.bare:
                self._parsed.clear()
            self._parsed[path] = found
        return found

    def head(self, path: str) -> Head:
        """Namespace and references of a document; kept for all of them, since they are small.

        :raises PackageError: as :meth:`document`.
        """
        found = self._heads.get(path)
        if found is None:
            root = self.document(path).root
            references = tuple(Reference.of(node) for node in root if node.tag in _REFERENCES)
            found = self._heads[path] = Head(root.get("targetNamespace"), references)
        return found

    def _parse(self, path: str) -> etree._Element:
        if path.startswith(_OURS):
            return parse(_our_text(path))
        try:
            root = parse(self.read(path), source=path)
        except InputError as error:
            raise PackageError(f"{self.package}: {error}") from None
        if root.tag != f"{XS}schema":
            raise PackageError(f"{self.package}: {path} is not an XML schema")
        if self.bare:
            _strip(root)
        return root

    def locate(self, reference: Reference, beside: str) -> str | None:
        """Path of the document a reference means; ``None`` for an import that needs none.

        :raises PackageError: when it is not in the package.
        """
        location, namespace = reference.location, reference.namespace
        if location:
            name = unquote(location.replace("\\", "/"))
            found = self._by_place(name, beside) or self._by_name(posixpath.basename(name), beside)
            if found:
                return found
        if reference.kind == "import":
            if namespace in SIGNATURE_SCHEMAS:
                return _OURS + signature_schema(namespace)[0]
            found = self._by_namespace(namespace)
            if found or not location:
                return found
        wanted = location or namespace or "(nothing named)"
        raise PackageError(f"{self.package}: {beside} needs {wanted} ({reference.kind}), which is not in the package")

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
        return _index(self.paths, lambda path: self.head(path).target or "")

    def closure(self, main: str) -> list[Loaded]:
        """The main document and all it needs, each once per namespace; what is redefined stands behind what redefines it.

        :raises PackageError: when something is missing.
        """
        loaded: dict[Loaded, None] = {}
        pending = [Loaded(main, self.head(main).target)]
        while pending:
            item = pending.pop()
            if item in loaded:
                continue
            loaded[item] = None
            for reference in self.head(item.path).references:
                pending += self._referenced(reference, item)
        return list(loaded)

    def _referenced(self, reference: Reference, by: Loaded) -> Iterator[Loaded]:
        path = self.locate(reference, by.path)
        if path is None:
            return
        target = self.head(path).target
        wanted = reference.namespace if reference.kind == "import" else by.namespace
        if target is None and reference.kind != "import":
            yield Loaded(path, by.namespace)
        elif target == wanted:
            yield Loaded(path, target)
        else:
            raise PackageError(f"{self.package}: {path} has the namespace {target}, but {by.path} expects {wanted}")

    def sources(self, main: str) -> SchemaSources:
        """The main schema and all it needs under flat names, without annotations, ready to be compiled.

        libxml2 reads only the first of several imported documents of one namespace, so these get a document that
        includes them all.
        """
        bare = attrs.evolve(self, bare=True, parsed={})
        paths = list(dict.fromkeys(item.path for item in bare.closure(main)))
        imported = bare._imported(paths)
        gathered = {
            space: f"~gathered-{number}.xsd" for number, space in enumerate(imported) if len(imported[space]) > 1
        }
        bare._check_groups(paths)
        names = self._places.flat
        files = {names.get(path, _base(path)): bare._text(path, gathered) for path in paths}
        for namespace, name in gathered.items():
            files[name] = _gathering(namespace, [names.get(path, _base(path)) for path in imported[namespace]])
        return SchemaSources(names.get(main, _base(main)), files)

    def _check_groups(self, paths: Iterable[str]) -> None:
        """Refuse named groups that unfold to more than a schema for people can hold; libxml2 would unfold them all."""
        inside: dict[str, Counter[str]] = {}
        for path in paths:
            for group in self.document(path).root.iter(f"{XS}group"):
                name = group.get("name")
                if name is not None:
                    refs = (str(node.get("ref")).rpartition(":")[2] for node in group.iterdescendants(f"{XS}group"))
                    inside.setdefault(name, Counter(refs))
        sizes: dict[str, int] = {}

        def size(name: str, above: tuple[str, ...]) -> int:
            if name in above:
                return 0  # a circle, which the compiler refuses by itself
            if name not in sizes:
                parts = inside.get(name, Counter())
                sizes[name] = 1 + sum(count * size(part, (*above, name)) for part, count in parts.items())
            return sizes[name]

        for name in inside:
            if size(name, ()) > UNFOLDED:
                raise PackageError(f"{self.package}: the group {name} unfolds to more than {UNFOLDED:,} groups")

    def _imported(self, paths: Iterable[str]) -> dict[str, list[str]]:
        """Which documents are imported, by namespace."""
        found: dict[str, dict[str, None]] = {}
        for path in paths:
            for reference in self.head(path).references:
                if reference.kind == "import" and (target := self.locate(reference, path)):
                    found.setdefault(reference.namespace or "", {})[target] = None
        return {namespace: list(targets) for namespace, targets in found.items()}

    def _text(self, path: str, gathered: dict[str, str]) -> bytes:
        if path.startswith(_OURS):
            return _our_text(path)
        if any(reference.namespace in gathered for reference in self.head(path).references):
            return self._rewritten(path, gathered)
        return self._texts.get(path, lambda: self._rewritten(path, {}))

    def _rewritten(self, path: str, gathered: dict[str, str]) -> bytes:
        """The text of a document with flat names as locations; its tree belongs to this bare set and is changed."""
        root = self.document(path).root
        for node in root:
            if node.tag not in _REFERENCES:
                continue
            reference = Reference.of(node)
            target = self.locate(reference, path)
            if target is not None:
                flat = self._places.flat.get(target, _base(target))
                several = reference.kind == "import" and (reference.namespace or "") in gathered
                node.set("schemaLocation", gathered[reference.namespace or ""] if several else flat)
        return etree.tostring(root, encoding="UTF-8")


_REFERENCES: Final = frozenset(f"{XS}{name}" for name in ("include", "import", "redefine"))
UNFOLDED: Final = 100_000
"""How many particles one schema may unfold to; S071 4.4.0 has 81."""

_PARSED: Final = 32
"""How many parsed documents are held at a time."""


def _strip(root: etree._Element) -> None:
    for note in list(root.iter(f"{XS}annotation")):
        parent = note.getparent()
        if parent is not None:
            parent.remove(note)


def _our_text(path: str) -> bytes:
    return next(text for name, text in map(signature_schema, SIGNATURE_SCHEMAS) if _OURS + name == path)


def _base(path: str) -> str:
    return posixpath.basename(path)


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
    taken = {usual.casefold() for usual, _ in SIGNATURE_SCHEMAS.values()}
    for path in paths:
        base = re.sub(r"[^A-Za-z0-9._-]", "_", posixpath.basename(path)) or "schema.xsd"
        name, number = base, 1
        while name.casefold() in taken:
            number += 1
            name = f"{number}-{base}"
        taken.add(name.casefold())
        names[path] = name
    return names

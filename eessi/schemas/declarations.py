"""Everything declared at the top of a schema and of what it includes, by kind and qualified name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs
from lxml import etree

from eessi.errors import PackageError
from eessi.schemas.documents import XS, Document, DocumentSet, qualified

__all__ = ["BUILTIN", "Declarations", "Declared", "Scope"]

BUILTIN: Final = "http://www.w3.org/2001/XMLSchema"
_KINDS: Final = {
    f"{XS}simpleType": "type",
    f"{XS}complexType": "type",
    f"{XS}element": "element",
    f"{XS}group": "group",
    f"{XS}attributeGroup": "attributeGroup",
    f"{XS}attribute": "attribute",
}


@attrs.frozen(slots=True, eq=False)
class Scope:
    """Where a declaration stands: its document and the namespace that it was read into."""

    document: Document
    namespace: str | None

    def qname(self, node: etree._Element, text: str) -> str:
        """The qualified name that ``prefix:name`` means at this place.

        :raises PackageError: when the prefix is not declared.
        """
        prefix, colon, local = text.strip().rpartition(":")
        if colon:
            if prefix not in node.nsmap:
                raise PackageError(
                    f"{self.document.path} line {node.sourceline}: the prefix of {text!r} is not declared"
                )
            return qualified(node.nsmap[prefix], local)
        bare = node.nsmap.get(None)
        if bare is None and self.document.target is None:
            bare = self.namespace  # included without a namespace of its own
        return qualified(bare, local)

    @property
    def qualifies_elements(self) -> bool:
        """Whether local elements are in the namespace unless they say otherwise."""
        return self.document.root.get("elementFormDefault") == "qualified"


def _declared_in(parent: etree._Element, scope: Scope) -> Iterator[tuple[etree._Element, str, str]]:
    """Each declaration directly in an element, with its kind and qualified name."""
    for node in parent:
        kind = _KINDS.get(str(node.tag))
        name = node.get("name")
        if kind is not None and name is not None:
            yield node, kind, qualified(scope.namespace, name)


@attrs.frozen(slots=True, eq=False)
class Declared:
    """A top-level declaration; ``original`` is what it redefines, if it does."""

    node: etree._Element
    scope: Scope
    original: Declared | None = None


@attrs.define(slots=False, eq=False)
class Declarations:
    """All top-level declarations a main schema sees."""

    package: str
    tables: dict[str, dict[str, Declared]]
    substitutes: dict[str, list[str]]

    @classmethod
    def of(cls, documents: DocumentSet, main: str) -> Declarations:
        """Collect them from the main document and its closure.

        :raises PackageError: when a part is missing.
        """
        self = cls(documents.package, {kind: {} for kind in set(_KINDS.values())}, {})
        closure = [Scope(documents.document(item.path), item.namespace) for item in documents.closure(main)]
        for scope in closure:
            self._add(scope.document.root, scope)
        for scope in reversed(closure):  # what is redefined stands behind what redefines it
            for node in scope.document.root.iterchildren(f"{XS}redefine"):
                self._redefine(node, scope)
        return self

    def _add(self, parent: etree._Element, scope: Scope) -> None:
        for node, kind, key in _declared_in(parent, scope):
            self.tables[kind].setdefault(key, Declared(node, scope))
            if head := node.get("substitutionGroup"):
                self.substitutes.setdefault(scope.qname(node, head), []).append(key)

    def _redefine(self, parent: etree._Element, scope: Scope) -> None:
        for node, kind, key in _declared_in(parent, scope):
            self.tables[kind][key] = Declared(node, scope, self.tables[kind].get(key))

    def find(self, kind: str, name: str, at: Declared | None = None) -> Declared:
        """A declaration; inside a redefinition, its own name means the original.

        :raises PackageError: when nothing of that kind has the name.
        """
        found = self.tables[kind].get(name)
        if found is not None and at is not None and found.node is at.node:
            found = found.original
        if found is None:
            raise PackageError(f"{self.package}: the {kind} {name} is not declared")
        return found

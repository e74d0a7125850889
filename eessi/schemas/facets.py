"""Simple types worked out: the built-in type below, and all facets along the way."""

from __future__ import annotations

from typing import Final

import attrs
from lxml import etree

from eessi.errors import PackageError
from eessi.schemas.declarations import BUILTIN, Declarations, Declared
from eessi.schemas.documents import XS
from eessi.schemas.structure import Facets
from eessi.schemas.words import TEXT_BASES, listed_words

__all__ = ["SimpleTypes"]

_NUMBERS: Final = {
    "length": "length",
    "minLength": "min_length",
    "maxLength": "max_length",
    "totalDigits": "total_digits",
    "fractionDigits": "fraction_digits",
}
_BOUNDS: Final = {
    "minInclusive": "min_inclusive",
    "maxInclusive": "max_inclusive",
    "minExclusive": "min_exclusive",
    "maxExclusive": "max_exclusive",
}
_WHITE_SPACE: Final = {"string": "preserve", "normalizedString": "replace"}


@attrs.define(slots=True, eq=False)
class SimpleTypes:
    """Facets of simple types, those of named types kept."""

    declarations: Declarations
    _kept: dict[str, tuple[Facets, tuple[str, ...], tuple[etree._Element, ...]]] = attrs.field(factory=dict)

    def builtin(self, name: str) -> Facets:
        """Facets of a built-in type."""
        return Facets(base="string" if name in ("anySimpleType", "anyAtomicType") else name)

    def facets(self, declared: Declared) -> tuple[Facets, list[str], list[etree._Element]]:
        """Facets of a simple type, what they cannot say, and the declarations that may carry code texts."""
        node = declared.node
        for child in node:
            if child.tag == f"{XS}restriction":
                facets, notes, sources = self._base(child, declared)
                return self.restrict(facets, child), notes, [node, *sources]
            if child.tag == f"{XS}union":
                return self._union(child, declared)
            if child.tag == f"{XS}list":
                return Facets(), ["list of values (xsd:list)"], [node]
        return Facets(), [], [node]

    def _base(self, step: etree._Element, at: Declared) -> tuple[Facets, list[str], list[etree._Element]]:
        named = step.get("base")
        if named is not None:
            return self._named(at.scope.qname(step, named), at)
        for child in step:
            if child.tag == f"{XS}simpleType":
                return self.facets(Declared(child, at.scope))
        raise PackageError(f"{self.declarations.package}: line {step.sourceline}: a restriction of nothing")

    def _named(self, name: str, at: Declared) -> tuple[Facets, list[str], list[etree._Element]]:
        namespace, _, local = name.removeprefix("{").rpartition("}")
        if namespace == BUILTIN:
            return self.builtin(local), [], []
        declared = self.declarations.find("type", name, at)
        if declared.original is None and name in self._kept:
            facets, notes, sources = self._kept[name]
            return facets, list(notes), list(sources)
        found = self.facets(declared)
        self._kept[name] = (found[0], tuple(found[1]), tuple(found[2]))
        return found

    def _union(self, union: etree._Element, at: Declared) -> tuple[Facets, list[str], list[etree._Element]]:
        """A union of word lists is a word list; any other union cannot be said by facets."""
        members = [self._named(at.scope.qname(union, name), at) for name in union.get("memberTypes", "").split()]
        members += [self.facets(Declared(child, at.scope)) for child in union if child.tag == f"{XS}simpleType"]
        words = [facets.enumeration for facets, notes, _ in members if not notes and _only_words(facets)]
        sources = [source for _, _, more in members for source in more]
        if members and len(words) == len(members):
            every = tuple(dict.fromkeys(word for listed in words for word in listed))
            return Facets(enumeration=every), [], [at.node, *sources]
        return Facets(), ["one of several types (xsd:union)"], [at.node, *sources]

    def restrict(self, base: Facets, step: etree._Element) -> Facets:
        """``base`` with the facets of one restriction step."""
        changes: dict[str, object] = {}
        patterns: list[str] = []
        words: list[str] = []
        for node in step:
            name, value = str(node.tag).removeprefix(XS), node.get("value", "")
            if name in _NUMBERS:
                changes[_NUMBERS[name]] = self._number(node, value)
            elif name in _BOUNDS:
                changes[_BOUNDS[name]] = value.strip()
            elif name == "whiteSpace":
                changes["white_space"] = value
            elif name == "pattern":
                patterns.append(value)
            elif name == "enumeration":
                words.append(value)
        facets = attrs.evolve(base, **changes)  # type: ignore[arg-type]  # the keys are those of Facets
        facets = _with_pattern(facets, patterns)
        if words:
            facets = _with_words(facets, tuple(dict.fromkeys(words)))
        return _plain(facets)

    def _number(self, node: etree._Element, value: str) -> int:
        try:
            return int(value)
        except ValueError:
            raise PackageError(
                f"{self.declarations.package}: line {node.sourceline}: {value!r} is not a number"
            ) from None


def _only_words(facets: Facets) -> bool:
    return bool(facets.enumeration) and facets == Facets(enumeration=facets.enumeration)


def _with_pattern(facets: Facets, patterns: list[str]) -> Facets:
    """Patterns of one step mean *or*."""
    if not patterns:
        return facets
    listed = [listed_words(pattern) for pattern in patterns]
    if facets.base in TEXT_BASES and all(words is not None for words in listed):
        return _with_words(facets, tuple(dict.fromkeys(word for words in listed for word in words or ())))
    joined = patterns[0] if len(patterns) == 1 else "|".join(f"({pattern})" for pattern in patterns)
    return facets if joined in facets.patterns else attrs.evolve(facets, patterns=(*facets.patterns, joined))


def _with_words(facets: Facets, words: tuple[str, ...]) -> Facets:
    if facets.enumeration:
        words = tuple(word for word in words if word in facets.enumeration)
    return attrs.evolve(facets, enumeration=words)


def _plain(facets: Facets) -> Facets:
    """Facets without those that say nothing."""
    if facets.min_length == 0:
        facets = attrs.evolve(facets, min_length=None)
    if facets.white_space == _WHITE_SPACE.get(facets.base, "collapse"):
        facets = attrs.evolve(facets, white_space=None)
    return facets

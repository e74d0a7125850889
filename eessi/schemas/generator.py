"""Synthetic documents from a structure: valid ones in several sizes, and near-misses that break one named rule.

The same seed gives the same bytes. Every value is made up; no document describes a person. Tests, demonstrations,
benchmarks and comparisons of schemas are fed from here.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Sequence
from typing import Final

import attrs
from lxml import etree

from eessi import _xml
from eessi.errors import UnknownCode, UsageError
from eessi.ids import nearest
from eessi.schemas.explain_plan import Node, plan_of, tag_of
from eessi.schemas.generator_values import value_for
from eessi.schemas.structure import Choice, Element, Kind, Particle, Structure

__all__ = ["Generated", "Size", "generate", "near_misses"]


class Size(enum.StrEnum):
    """How much a document holds: only what is required, about half of the rest, or every element."""

    MINIMAL = "minimal"
    TYPICAL = "typical"
    FULL = "full"


@attrs.frozen(slots=True)
class Generated:
    """A generated document.

    :param data: its bytes, UTF-8. :param structure: what it was made from. :param seed: repeats it, where one was given.
    :param near_miss: kind of the defect, ``None`` for a valid document.
    :param broken_rule: id of the finding that the defect deserves.
    :param path: readable path of the defect. :param original: the valid bytes before the defect.
    """

    data: bytes
    structure: Structure = attrs.field(repr=False)
    seed: int | None = None
    near_miss: str | None = None
    broken_rule: str | None = None
    path: str | None = None
    original: bytes | None = attrs.field(default=None, repr=False)

    @property
    def root(self) -> etree._Element:
        """The document parsed: a new tree at each call, yours to change."""
        return _xml.parse(self.data)


_OPTIONAL: Final = {Size.MINIMAL: 0.0, Size.TYPICAL: 0.5, Size.FULL: 1.0}
_DEEP: Final = 3
"""How often a recursive group goes into itself."""

_TRIES: Final = 40


def near_misses() -> tuple[str, ...]:
    """The kinds of near-misses, each breaking one rule."""
    from eessi.schemas.generator_defects import DEFECTS

    return tuple(DEFECTS)


def generate(
    structure: Structure,
    seed: int | random.Random = 0,
    *,
    size: Size | str = Size.TYPICAL,
    about_bytes: int | None = None,
    near_miss: str | None = None,
    indent: bool = False,
) -> Generated:
    """Make a document that ``structure`` allows, or one that misses by a single defect.

    :param seed: a number, or a source of random numbers of your own.
    :param about_bytes: wanted size; lists without upper limit are repeated until it is about reached.
    :param near_miss: kind of defect, one of :func:`near_misses`, or ``any``.
    :param indent: one element a line, as people write documents.
    :raises UnknownCode: for an unknown kind of defect.
    :raises UsageError: when the structure offers no place for that defect, or requires a signature.
    """
    source = seed if isinstance(seed, random.Random) else random.Random(seed)  # noqa: S311  # documents, not secrets
    number = None if isinstance(seed, random.Random) else seed
    if near_miss is None:
        root = _document(structure, source, Size(size), about_bytes)
        return Generated(_bytes(root, indent), structure, number)
    return _near_miss(structure, source, number, Size(size), near_miss, indent)


def _near_miss(
    structure: Structure, source: random.Random, number: int | None, size: Size, kind: str, indent: bool
) -> Generated:
    from eessi.schemas.generator_defects import DEFECTS, Defective

    if kind != "any" and kind not in DEFECTS:
        raise UnknownCode("near-miss", kind, nearest(kind, DEFECTS))
    for _ in range(_TRIES):
        chosen = source.choice(list(DEFECTS)) if kind == "any" else kind
        root = _document(structure, source, size, None)
        if indent:
            etree.indent(root)
        original = _xml.serialise(root)
        defective = Defective(root, plan_of(structure), structure, source)
        broken = DEFECTS[chosen](defective)
        if broken is not None:
            data = _xml.serialise(defective.root)
            return Generated(data, structure, number, chosen, broken.rule, broken.path, original)
    raise UsageError(f"{structure.sed} {structure.version} offers no place for the near-miss {kind!r}")


def _bytes(root: etree._Element, indent: bool) -> bytes:
    if indent:
        etree.indent(root)
    return _xml.serialise(root)


def _document(structure: Structure, source: random.Random, size: Size, about: int | None) -> etree._Element:
    if about is None:
        return _Maker(source, size, 1).document(structure)
    once = _Maker(random.Random(1), Size.FULL, 1).document(structure)  # noqa: S311  # documents, not secrets
    twice = _Maker(random.Random(1), Size.FULL, 11).document(structure)  # noqa: S311  # documents, not secrets
    first, grown = len(_xml.serialise(once)), len(_xml.serialise(twice))
    if about <= first or grown == first:
        return _Maker(source, Size.FULL, 1).document(structure)
    return _Maker(source, Size.FULL, 1 + round(10 * (about - first) / (grown - first))).document(structure)


class _Maker:
    """Fills a structure. ``repeat``: how often a list without upper limit repeats."""

    def __init__(self, source: random.Random, size: Size, repeat: int) -> None:
        self._source = source
        self._optional = _OPTIONAL[size]
        self._repeat = repeat
        self._size = size

    def document(self, structure: Structure) -> etree._Element:
        prefix = "s" if structure.namespace else None
        tag = f"{{{structure.namespace}}}{structure.root.name}" if structure.namespace else structure.root.name
        root = etree.Element(tag, nsmap={prefix: structure.namespace} if prefix else None)
        root.set("sedPackage", f"Sector Components/Synthetic/{structure.sed}")
        root.set("sedGVer", str(structure.version.major))
        root.set("sedVer", str(structure.version.minor))
        self._fill(root, plan_of(structure), ())
        return root

    def _fill(self, parent: etree._Element, node: Node, above: tuple[str, ...]) -> None:
        if node.kind is Kind.CODE:
            self._code(parent, node)
            return
        particles = list(node.particles)
        if node.element.unordered:
            self._source.shuffle(particles)
        deeper = (*above, node.element.type_name or node.element.name)
        self._sequence(parent, particles, node, deeper)

    def _sequence(
        self, parent: etree._Element, particles: Sequence[Particle], node: Node, above: tuple[str, ...]
    ) -> None:
        for particle in particles:
            for _ in range(self._times(particle, above)):
                if isinstance(particle, Choice):
                    self._sequence(parent, self._source.choice(particle.branches), node, above)
                else:
                    self._element(parent, particle, node, above)

    def _times(self, particle: Particle, above: tuple[str, ...]) -> int:
        """How often a particle occurs here."""
        if isinstance(particle, Element):
            if particle.kind is Kind.SIGNATURE:
                if particle.min:
                    raise UsageError("the structure requires a signature; sign the document instead of generating one")
                return 0
            if above.count(particle.type_name or particle.name) >= _DEEP:
                return particle.min
        least = particle.min
        if not least and self._source.random() >= self._optional:
            return 0
        if particle.max is None:
            return max(least, 1, self._repeat if self._repeat > 1 else self._source.randint(1, 2))
        if self._size is Size.MINIMAL:
            return least
        return self._source.randint(max(1, least), min(particle.max, max(1, least) + 2))

    def _element(self, parent: etree._Element, element: Element, node: Node, above: tuple[str, ...]) -> None:
        below = node.children[tag_of(element)]
        made = etree.SubElement(parent, below.tag)
        if element.kind is Kind.LEAF:
            made.text = value_for(below, self._source)
        else:
            self._fill(made, below, above)

    def _code(self, parent: etree._Element, node: Node) -> None:
        value = node.children["value"]
        most = node.element.value_max
        wanted = 1 if self._size is Size.MINIMAL else self._source.randint(1, 3)
        texts = [value_for(value, self._source) for _ in range(wanted if most is None else min(wanted, most))]
        for text in dict.fromkeys(texts) if node.element.unique_values else texts:
            etree.SubElement(parent, value.tag).text = text

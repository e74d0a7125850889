"""The resolved structure of a SED: one canonical tree, whatever files and declarations it came from.

The single source for validation hints, typed classes, generation, rendering and comparison. Includes, imports, groups,
extensions and restrictions are resolved; names of types survive only as labels.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

import attrs

from eessi.ids import CdmVersion, SedType

__all__ = ["Choice", "Code", "CodeList", "Element", "Facets", "Fidelity", "Kind", "Particle", "Structure", "Unique"]


class Fidelity(enum.StrEnum):
    """How well a package knows a SED. Only ``exact`` can make a document valid or invalid by its tree."""

    EXACT = "exact"
    OBSERVED = "observed"
    MAPPED = "mapped"
    NAMED = "named"
    SANDBOX = "sandbox"


class Kind(enum.StrEnum):
    """``group`` has children; ``code`` wraps one or more ``value`` children; ``leaf`` holds text; ``signature`` is ds:Signature."""

    GROUP = "group"
    CODE = "code"
    LEAF = "leaf"
    SIGNATURE = "signature"


@attrs.frozen(slots=True)
class Code:
    """One row of a code list; ``labels`` by language, English from the schema's annotations."""

    value: str
    labels: dict[str, str] = attrs.field(factory=dict, hash=False)

    @property
    def label(self) -> str:
        """The English text, or the code itself where there is none."""
        return self.labels.get("en", self.value)


@attrs.frozen(slots=True)
class CodeList:
    """A closed list of codes. ``name`` is that of the schema's type, without ``Multiple``: a label, not compared."""

    name: str = attrs.field(eq=False)
    codes: tuple[Code, ...]

    @property
    def values(self) -> tuple[str, ...]:
        """The codes in the order of the list."""
        return tuple(code.value for code in self.codes)


@attrs.frozen(slots=True)
class Facets:
    """What a leaf, or the ``value`` of a code, may hold. ``base`` is an XML Schema built-in: ``string``, ``date``, ``int`` ...

    All ``patterns`` must match (a schema that gives several in one step means *or*; they are joined into one here). A
    pattern that only lists words, such as ``(01|02|98){1}``, stands as ``enumeration``.
    """

    base: str = "string"
    min_length: int | None = None
    max_length: int | None = None
    length: int | None = None
    patterns: tuple[str, ...] = ()
    enumeration: tuple[str, ...] = ()
    min_inclusive: str | None = None
    max_inclusive: str | None = None
    min_exclusive: str | None = None
    max_exclusive: str | None = None
    total_digits: int | None = None
    fraction_digits: int | None = None
    white_space: str | None = None


@attrs.frozen(slots=True)
class Unique:
    """No two nodes under ``selector`` have the same values at ``fields`` (xsd:unique; xsd:key where ``key``).

    The usual case, no code twice, stands as :attr:`Element.unique_values` instead.
    """

    selector: str
    fields: tuple[str, ...]
    key: bool = False


@attrs.frozen(slots=True)
class Element:
    """An element in its place.

    :param min: least number of occurrences. :param max: greatest, ``None`` for unbounded.
    :param children: of a group: elements and choices in order.
    :param facets: of a leaf, or of the ``value`` of a code.
    :param codes: of a code whose list is known.
    :param value_max: of a code: how often ``value`` may repeat (1, or ``None`` for unbounded).
    :param unique_values: of a code: the same value twice is forbidden.
    :param type_name: the schema's name of the type, a label that is not compared; a recursive group finds its ancestor by it.
    :param namespace: of the element's own name; ``None`` for the usual unqualified child.
    :param unordered: of a group: its children may stand in any order (xsd:all).
    :param uniques: identity constraints other than ``unique_values``.
    :param recursive: a group that contains itself again at this place: its children stand at the ancestor of that type.
    :param known: false where a package that is not exact knows the name only: min, max and order say nothing then.
    """

    name: str
    kind: Kind
    min: int = 1
    max: int | None = 1
    children: tuple[Particle, ...] = ()
    facets: Facets | None = None
    codes: CodeList | None = None
    value_max: int | None = 1
    unique_values: bool = False
    type_name: str | None = attrs.field(default=None, eq=False)
    labels: dict[str, str] = attrs.field(factory=dict, hash=False)
    recursive: bool = False
    nillable: bool = False
    default: str | None = None
    known: bool = True
    namespace: str | None = None
    unordered: bool = False
    uniques: tuple[Unique, ...] = ()

    @property
    def required(self) -> bool:
        """Whether the element must occur at least once."""
        return self.min > 0

    @property
    def is_list(self) -> bool:
        """Whether the element may occur more than once."""
        return self.max is None or self.max > 1

    def elements(self) -> Iterator[Element]:
        """The child elements in document order, choices opened."""
        for particle in self.children:
            yield from particle.elements() if isinstance(particle, Choice) else (particle,)

    def child(self, name: str) -> Element | None:
        """The child element of that name."""
        return next((element for element in self.elements() if element.name == name), None)


@attrs.frozen(slots=True)
class Choice:
    """One of several branches; each branch is a sequence of particles. With a single branch: a sequence that repeats or may be left out."""

    branches: tuple[tuple[Particle, ...], ...]
    min: int = 1
    max: int | None = 1

    def elements(self) -> Iterator[Element]:
        """All elements of all branches."""
        for branch in self.branches:
            for particle in branch:
                yield from particle.elements() if isinstance(particle, Choice) else (particle,)


Particle = Element | Choice


@attrs.frozen(slots=True)
class Structure:
    """The tree of one SED in one version.

    :param root: the document element; its attributes are always ``sedPackage``, ``sedGVer`` and ``sedVer``.
    :param open: open content: what the tree does not name is kept and reported, never refused.
    :param unmodelled: what the schema says and this tree cannot express (wildcards, attributes below the root, unions ...),
        one line each with its path. The compiled schema still enforces it; empty for everything seen in EESSI so far.
    """

    sed: SedType
    version: CdmVersion
    namespace: str
    root: Element
    fidelity: Fidelity = Fidelity.EXACT
    open: bool = False
    order_known: bool = True
    unmodelled: tuple[str, ...] = ()

    def find(self, path: str) -> Element | None:
        """The element at a readable path below the root (``Person/PersonIdentification/sex``), indexes ignored."""
        here: Element | None = self.root
        for step in filter(None, path.split("/")):
            here = here.child(step.partition("[")[0]) if here else None
        return here

    def walk(self) -> Iterator[tuple[str, Element]]:
        """Every element with its path below the root, in document order; a recursive group is named, not entered again."""
        stack: list[tuple[str, Element]] = [("", self.root)]
        while stack:
            path, element = stack.pop()
            if path:
                yield path, element
            below = [(f"{path}/{child.name}" if path else child.name, child) for child in element.elements()]
            stack.extend(reversed(below))

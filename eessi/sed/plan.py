"""One plan per SED: the blocks and fields that records, models, readers, writers and pages are made from.

A plan is what is left of a :class:`~eessi.schemas.structure.Structure` when order, nesting and repetition are settled:
every group is a :class:`BlockPlan`, every child a :class:`FieldPlan`, code wrappers are gone. Names come from schemas
that may be anybody's, so each is turned into an identifier that is checked before it stands in generated code.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from eessi.errors import PackageError
from eessi.schemas.structure import Choice, CodeList, Element, Facets, Fidelity, Kind, Particle, Structure

__all__ = ["BlockPlan", "FieldPlan", "SedPlan", "docstring_of", "identifier", "plan_of"]

_TAG: Final = re.compile(r"[^\W\d][\w.\-·]*")
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESERVED: Final = frozenset(
    """
    Annotated Block CHOICES CODES Code ConfigDict Field Literal Model NAMESPACE None RootBlock RootModel Row SED Text VERSION attrs classmethod construct
    copy dict extra from_orm from_record json parse_file parse_obj parse_raw plan property records
    schema schema_json self sequence staticmethod str super to_bytes to_record to_sed tuple update_forward_refs
    validate
    """.split()  # noqa: SIM905 - a list of words reads better
) | frozenset(keyword.kwlist)  # fmt: skip
"""Names with a meaning of their own in a generated class; a field of that name gets an underscore behind it."""

_ROOT_RESERVED: Final = frozenset(["attributes", "prefix", "sedGVer", "sedPackage", "sedVer", "signature"])


@attrs.frozen(slots=True, eq=False)
class FieldPlan:
    """One child of a block.

    :param tag: name of the XML element. :param name: the attribute that holds it, the same wherever it is an identifier.
    :param many: the element may repeat, so the field is a tuple.
    :param values: a code with several values, so the field is a tuple of codes.
    :param required: the schema wants it in every document; never true where the package is not exact.
    :param block: of a group: what is in it.
    :param least: least number of elements. :param most: greatest, ``None`` for unbounded.
    """

    tag: str
    name: str
    kind: Kind
    many: bool
    values: bool
    required: bool
    least: int
    most: int | None
    element: Element
    block: BlockPlan | None = None

    @property
    def facets(self) -> Facets:
        """Facets of the text; none known where the schema gives none."""
        return self.element.facets or Facets()

    @property
    def codes(self) -> CodeList | None:
        """The closed list of codes, where there is one."""
        return self.element.codes


@attrs.define(slots=True, eq=False)
class BlockPlan:
    """A group: the class it becomes and its fields in document order. ``fields`` is filled once, when all are known."""

    name: str
    element: Element
    fields: tuple[FieldPlan, ...] = ()
    recursive: bool = False

    def field(self, tag: str) -> FieldPlan | None:
        """The field of that XML name."""
        return next((field for field in self.fields if field.tag == tag), None)


@attrs.frozen(slots=True, eq=False)
class SedPlan:
    """Everything about one SED in one version.

    :param blocks: all blocks, inner ones first, the root last; a recursive one stands where it is first complete.
    :param exact: the package knows the tree exactly, so that facets, codes and required fields may be enforced.
    """

    structure: Structure
    root: BlockPlan
    blocks: tuple[BlockPlan, ...]
    exact: bool

    def walk(self) -> Iterator[tuple[str, FieldPlan]]:
        """Every field with its path of XML names; recursive blocks are not entered again."""

        def below(block: BlockPlan, path: str, seen: tuple[BlockPlan, ...]) -> Iterator[tuple[str, FieldPlan]]:
            for field in block.fields:
                here = f"{path}/{field.tag}" if path else field.tag
                yield here, field
                if field.block is not None and field.block not in seen:
                    yield from below(field.block, here, (*seen, field.block))

        return below(self.root, "", (self.root,))


def identifier(text: str, taken: Iterable[str] = ()) -> str:
    """A Python name for a name of the schema: unchanged where possible, never a keyword, never one of ``taken``.

    ``personID`` stays; ``class`` becomes ``class_``, ``date-of.birth`` ``date_of_birth``, ``__init__`` ``x__init__``.
    """
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    if not _PLAIN.fullmatch(name):
        name = f"x{name}"
    if name in _RESERVED or name.startswith("model_"):
        name = f"{name}_"
    unique, count, used = name, 2, set(taken)
    while unique in used:
        unique, count = f"{name}_{count}", count + 1
    assert _PLAIN.fullmatch(unique)
    return unique


def docstring_of(element: Element, lang: str = "en") -> str:
    """The annotation of an element in one line, empty where the schema gives none."""
    return " ".join((element.labels.get(lang) or element.labels.get("en") or "").split())


def plan_of(structure: Structure) -> SedPlan:
    """Settle the plan of a SED.

    :raises PackageError: when a name in the structure cannot be the name of an XML element.
    """
    return _Planner(structure).plan()


class _Planner:
    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self.exact = structure.fidelity in (Fidelity.EXACT, Fidelity.SANDBOX) and not structure.open
        self.blocks: list[BlockPlan] = []
        self.open: list[BlockPlan] = []

    def plan(self) -> SedPlan:
        root = self.block(self.structure.root, reserved=_ROOT_RESERVED)
        self.name_classes(root)
        return SedPlan(self.structure, root, tuple(self.blocks), self.exact)

    def block(self, element: Element, reserved: frozenset[str] = frozenset()) -> BlockPlan:
        block = BlockPlan(_class_name(element), element)
        self.open.append(block)
        counts = _counts(element.children)
        fields: list[FieldPlan] = []
        taken = set(reserved)
        for child in _merged(element.elements()):
            if child.kind is Kind.SIGNATURE or child.namespace:
                continue  # kept as it stands, see RootBlock.signature and Block.extra
            least, most = counts[child.name]
            field = self.field(child, identifier(child.name, taken), least, most)
            taken.add(field.name)
            fields.append(field)
        self.open.pop()
        block.fields = tuple(fields)
        self.blocks.append(block)
        return block

    def field(self, child: Element, name: str, least: int, most: int | None) -> FieldPlan:
        if not _TAG.fullmatch(child.name):
            raise PackageError(f"{self.structure.sed}: {child.name!r} cannot be the name of an XML element")
        block = self.group(child) if child.kind is Kind.GROUP else None
        return FieldPlan(
            tag=child.name,
            name=name,
            kind=child.kind,
            many=most is None or most > 1,
            values=child.kind is Kind.CODE and child.value_max != 1,
            required=self.exact and child.known and least > 0,
            least=least if self.exact and child.known else 0,
            most=most,
            element=child,
            block=block,
        )

    def group(self, child: Element) -> BlockPlan:
        if child.recursive:
            for outer in reversed(self.open):
                if child.type_name is not None and outer.element.type_name == child.type_name:
                    outer.recursive = True
                    return outer
        return self.block(child)

    def name_classes(self, root: BlockPlan) -> None:
        """Give equal blocks one plan and each class its own name, different from all fields beside it."""
        taken = {field.name for block in self.blocks for field in block.fields}
        root.name = identifier(str(self.structure.sed), taken)
        taken.add(root.name)
        first: dict[object, BlockPlan] = {}
        same: dict[BlockPlan, BlockPlan] = {}
        for block in self.blocks:  # inner blocks first, so equal blocks have the very same inner blocks
            block.fields = tuple(
                attrs.evolve(field, block=same.get(field.block, field.block)) if field.block else field
                for field in block.fields
            )
            key = id(block) if block.recursive or block is root else _key(block)
            same[block] = first.setdefault(key, block)
            if same[block] is block and block is not root:
                block.name = identifier(block.name, taken)
                taken.add(block.name)
        self.blocks = list(first.values())


def _key(block: BlockPlan) -> object:
    """Equal for blocks that mean the same, wherever they stand."""
    return (block.element.type_name, tuple(map(_field_key, block.fields)), _choices(block.element.children))


def _choices(particles: tuple[Particle, ...]) -> tuple[object, ...]:
    return tuple(
        (
            part.min,
            part.max,
            tuple((tuple(e.name for e in b if isinstance(e, Element)), _choices(b)) for b in part.branches),
        )
        for part in particles
        if isinstance(part, Choice)
    )


def _field_key(field: FieldPlan) -> object:
    codes = field.codes.values if field.codes else None
    return (field.tag, field.kind, field.many, field.values, field.required, field.least, field.most,
            field.element.facets, codes, id(field.block))  # fmt: skip


def _class_name(element: Element) -> str:
    label = (element.type_name or element.name).removeprefix("EESSI")
    return label if label.endswith("Type") else f"{label}Type"


def _merged(elements: Iterator[Element]) -> list[Element]:
    """The children by name, in order of their first place: two branches of a choice may name the same element."""
    first: dict[str, Element] = {}
    for element in elements:
        known = first.get(element.name)
        if known is None or (known.kind is not Kind.GROUP and element.kind is Kind.GROUP):
            first[element.name] = element
    return list(first.values())


def _counts(particles: tuple[Particle, ...]) -> dict[str, tuple[int, int | None]]:
    """How often each child may occur in a sequence of particles: least and most."""
    found: dict[str, tuple[int, int | None]] = {}
    for particle in particles:
        inner = (
            _choice_counts(particle) if isinstance(particle, Choice) else {particle.name: (particle.min, particle.max)}
        )
        for name, (least, most) in inner.items():
            before, upper = found.get(name, (0, 0))
            found[name] = (before + least, None if upper is None or most is None else upper + most)
    return found


def _choice_counts(choice: Choice) -> dict[str, tuple[int, int | None]]:
    branches = [_counts(branch) for branch in choice.branches]
    found: dict[str, tuple[int, int | None]] = {}
    for name in dict.fromkeys(name for branch in branches for name in branch):
        least = min(branch.get(name, (0, 0))[0] for branch in branches) * choice.min
        uppers = [branch[name][1] for branch in branches if name in branch]
        most = None
        if choice.max is not None and all(upper is not None for upper in uppers):
            most = max(upper for upper in uppers if upper is not None) * choice.max
        found[name] = (least, most)
    return found

"""Python source of models: what :mod:`eessi.sed.models` compiles in memory and ``eessi models generate`` writes to files.

Every word of a schema that enters the source is the :func:`repr` of a text or a checked identifier.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from eessi.schemas.structure import Choice, CodeList, Element, Facets, Kind, Particle
from eessi.sed.plan import BlockPlan, FieldPlan, SedPlan, docstring_of, identifier

__all__ = ["CodeClass", "ModelNames", "block_source", "code_source", "module_source"]

_ENUM_RESERVED: Final = frozenset(
    ["mro", "name", "value", "label", *(name for name in dir(str) if not name.startswith("_"))]
)
_WIDTH: Final = 116


@attrs.frozen(slots=True)
class CodeClass:
    """An enumeration of codes: its name and its rows of code and text. Equal rows of one list are one class."""

    name: str
    rows: tuple[tuple[str, str], ...]

    def members(self) -> list[tuple[str, str, str]]:
        """Name of the member, code and text."""
        found: list[tuple[str, str, str]] = []
        taken = set(_ENUM_RESERVED)
        for code, label in self.rows:
            name = identifier(f"C{code}" if code[:1].isdigit() else code, taken)
            taken.add(name)
            found.append((name, code, label))
        return found


class ModelNames:
    """Names of the classes of one SED: blocks as in its plan, code lists beside them, none twice."""

    def __init__(self, plan: SedPlan) -> None:
        self.plan = plan
        self._codes: dict[tuple[str, tuple[tuple[str, str], ...]], CodeClass] = {}
        taken = {field.name for block in plan.blocks for field in block.fields} | {block.name for block in plan.blocks}
        for block in plan.blocks:
            for field in block.fields:
                rows = _rows(field)
                label = _code_label(field)
                if rows and (label, rows) not in self._codes and plan.exact:
                    self._codes[label, rows] = CodeClass(identifier(label, taken), rows)
                    taken.add(self._codes[label, rows].name)

    @property
    def codes(self) -> tuple[CodeClass, ...]:
        """All enumerations of the SED."""
        return tuple(self._codes.values())

    def of(self, field: FieldPlan) -> CodeClass | None:
        """The enumeration of a field; ``None`` where no closed list is enforced."""
        return self._codes.get((_code_label(field), _rows(field)))


def _rows(field: FieldPlan) -> tuple[tuple[str, str], ...]:
    """Codes that the schema allows, with the texts that it gives; the facet decides, the list only tells."""
    texts = {code.value: code.label for code in field.codes.codes} if field.codes else {}
    allowed: Iterable[str] = field.facets.enumeration or (() if field.facets.patterns else texts)
    return tuple((code, texts.get(code, code)) for code in allowed)


def _code_label(field: FieldPlan) -> str:
    codes: CodeList | None = field.codes
    label = (codes.name if codes else field.element.type_name or field.tag).removeprefix("EESSI")
    return f"{label.removesuffix('Type').removesuffix('Multiple')}Code"


def code_source(codes: CodeClass) -> str:
    """Source of an enumeration."""
    rows = [f"    {name} = {code!r}, {label!r}" for name, code, label in codes.members()]
    return "\n".join([f"class {codes.name}(Code):", f"    {f'Codes of {codes.name}.'!r}", "", *rows])


def block_source(block: BlockPlan, names: ModelNames) -> str:
    """Source of the model of one block."""
    plan = names.plan
    root = block is plan.root
    structure = plan.structure
    doc = docstring_of(block.element) or (
        f"{structure.sed} {structure.version}." if root else f"Content of {block.element.name}."
    )
    choices = _choices(block) if plan.exact else ()
    base = "RootModel" if root else "ChosenModel" if choices else "Model"
    lines = [f"class {block.name}({base}):", f"    {doc!r}", ""]
    if root:
        lines += [f"    SED: ClassVar[str] = {structure.root.name!r}", f"    VERSION: ClassVar[str] = {str(structure.version)!r}",
                  f"    NAMESPACE: ClassVar[str] = {structure.namespace!r}"]  # fmt: skip
    codes = {field.name: field.values for field in block.fields if field.kind is Kind.CODE}
    if codes:
        lines.append(f"    CODES: ClassVar[dict[str, bool]] = {codes!r}")
    if choices:
        lines.append(f"    CHOICES: ClassVar[tuple[tuple[bool, tuple[tuple[str, ...], ...]], ...]] = {choices!r}")
    if not plan.exact:
        lines.append('    model_config = ConfigDict(extra="allow")')
    for field in block.fields:
        lines += _field_lines(field, names)
    if root:
        lines += ["    sedPackage: str | None = None", f"    sedGVer: str | None = {str(structure.version.major)!r}",
                  f"    sedVer: str | None = {str(structure.version.minor)!r}"]  # fmt: skip
    return "\n".join(lines)


def _field_lines(field: FieldPlan, names: ModelNames) -> list[str]:
    type_, default = _type(field, names), ""
    settings = [f"alias={field.tag!r}"] if field.name != field.tag else []
    if field.many or field.values:
        default = "" if field.required else "()"
    elif not field.required:
        type_, default = f"{type_} | None", "None"
    if settings:
        default = f"Field({', '.join([default or '...', *settings])})"
    line = f"    {field.name}: {type_}" + (f" = {default}" if default else "")
    doc = docstring_of(field.element)
    return [line, f"    {doc!r}"] if doc else [line]


def _type(field: FieldPlan, names: ModelNames) -> str:
    """Annotation of a field, without what makes it optional."""
    exact = names.plan.exact
    text = _text_type(field, names, exact)
    if field.values:
        limits = {"least": 1 if exact and field.required else None, "most": field.element.value_max if exact else None}
        text = _tuple(text, limits, exact and field.element.unique_values)
    if not field.many:
        return text
    return _tuple(
        text, {"least": field.least if field.required else None, "most": field.most if exact else None}, False
    )


def _tuple(inner: str, limits: Mapping[str, int | None], unique: bool) -> str:
    given = {name: limit for name, limit in limits.items() if limit}
    if not given and not unique:
        return f"tuple[{inner}, ...]"
    settings = [f"{name}={limit}" for name, limit in given.items()] + (["unique=True"] if unique else [])
    return f"Annotated[tuple[{inner}, ...], Row({', '.join(settings)})]"


def _text_type(field: FieldPlan, names: ModelNames, exact: bool) -> str:
    if field.block is not None:
        return f'"{field.block.name}"' if field.block.recursive else field.block.name
    codes = names.of(field)
    if codes is not None:
        return codes.name
    facets = _facets_source(field.facets) if exact else ""
    return f"Annotated[str, Text({facets})]" if facets else "str"


def _facets_source(facets: Facets) -> str:
    given = attrs.asdict(facets, recurse=False)
    plain = attrs.asdict(Facets(), recurse=False)
    return ", ".join(f"{name}={value!r}" for name, value in given.items() if value != plain[name])


def _choices(block: BlockPlan) -> tuple[tuple[bool, tuple[tuple[str, ...], ...]], ...]:
    """Choices of which at most one branch may be there: whether one must, and the field names of each branch.

    Choices that repeat, or whose branches share names, are left to the schema.
    """
    by_tag = {field.tag: field.name for field in block.fields}

    def names(particles: Sequence[Particle]) -> tuple[str, ...]:
        found: list[str] = []
        for part in particles:
            if isinstance(part, Choice):
                found += [name for branch in part.branches for name in names(branch)]
            elif part.name in by_tag:
                found.append(by_tag[part.name])
        return tuple(found)

    found = []
    for part in block.element.children:
        if isinstance(part, Choice) and part.max == 1 and len(part.branches) > 1:
            branches = tuple(names(branch) for branch in part.branches)
            every = [name for branch in branches for name in branch]
            if len(every) == len(set(every)) and all(branches):
                found.append((part.min > 0 and all(_always(branch) for branch in part.branches), branches))
    return tuple(found)


def _always(branch: Sequence[Particle]) -> bool:
    """Whether a branch, when chosen, has at least one element."""
    return any(part.min > 0 for part in branch if isinstance(part, Element | Choice))


_HEADER: Final = """{about!r}
# Generated from {package}. Names, codes and texts are those of the source schema and follow its terms of use.
# Made again by: eessi models generate {package} --sed {sed}

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from eessi.sed.models import ChosenModel, Code, Model, RootModel, Row, Text

__all__ = {names!r}

_ = (Annotated, ClassVar, ConfigDict, Field, ChosenModel, Code, Model, RootModel, Row, Text)
"""


def module_source(plan: SedPlan, package: str) -> str:
    """The source file of one SED.

    :param package: coordinates ``name:version`` of the package it was made from.
    """
    names = ModelNames(plan)
    structure = plan.structure
    exported = sorted([*(codes.name for codes in names.codes), *(block.name for block in plan.blocks)])
    about = (
        f"{structure.root.name} {structure.version}: typed model. Generated; change the schema package, not this file."
    )
    safe = re.sub(r"[^A-Za-z0-9_.:+-]", "_", package)
    head = _HEADER.format(about=about, package=safe, sed=structure.sed, names=exported)
    parts = [head.rstrip(), *map(code_source, names.codes), *(block_source(block, names) for block in plan.blocks)]
    return "\n\n\n".join(parts) + "\n"

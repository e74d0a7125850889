"""Models: the pydantic form of a SED, checked while a program fills it.

Every facet and code list of an exact or imported package is enforced, codes are enumerations with their texts, and an
error names the finding that the document would deserve. For documents that have come in and are proved already, the
record (:mod:`eessi.sed.records`) is smaller and faster; both hold the same content under the same names.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Self, cast

import attrs
from lxml import etree
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError, model_validator
from pydantic_core import PydanticCustomError, core_schema

from eessi import _xml
from eessi.errors import UsageError
from eessi.findings import Finding
from eessi.schemas.explain_values import checker, usual_day
from eessi.schemas.structure import Facets, Structure
from eessi.sed import byname
from eessi.sed.generated import ROOT_FIELDS
from eessi.sed.modelsource import CodeClass, ModelNames, block_source, code_source
from eessi.sed.plan import BlockPlan, SedPlan
from eessi.sed.records import RootBlock, opening, records_of

if TYPE_CHECKING:
    from eessi.schemas import Registry
    from eessi.sed.document import Sed

__all__ = ["Code", "Model", "Models", "RootModel", "Row", "Text", "as_model", "findings_of", "models_of"]

_STRINGS: Final = ("string", "normalizedString", "token")
_ROOT_ATTRIBUTES: Final = ("sedPackage", "sedGVer", "sedVer")
_Head = tuple[tuple[tuple[str, str], ...], str | None, str]
"""Other attributes of the root, text of the signature, prefix of the namespace."""

_HELD: Final = 256
"""Greatest number of SED structures whose models are kept ready."""


class Code(enum.StrEnum):
    """A code with its text; equal to the plain code.

    :ivar label: the English text of the schema, or the code where it has none.
    """

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label or value
        return member


def _refused(id: str, params: Mapping[str, str]) -> PydanticCustomError:
    """An error whose type is the id of the finding; it shows no value."""
    from eessi.findings import text_of

    text = text_of(id, "message", values={"name": "this field", "path": "this field", "got": "it", **params})
    return PydanticCustomError(cast(Any, id), cast(Any, text.replace("{", "(").replace("}", ")")))


@attrs.frozen(slots=True)
class Text(Facets):
    """Facets of a text, as annotation: ``Annotated[str, Text(min_length=1, max_length=65)]``."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        if self == Text(min_length=self.min_length, max_length=self.max_length, patterns=self.patterns):
            if not self.patterns:  # by far the most: checked in Rust
                return core_schema.str_schema(min_length=self.min_length, max_length=self.max_length, strict=True)
            if len(self.patterns) == 1 and _PLAIN_PATTERN.fullmatch(self.patterns[0]):
                return core_schema.str_schema(
                    min_length=self.min_length,
                    max_length=self.max_length,
                    pattern=f"^(?:{self.patterns[0]})$",
                    strict=True,
                )
        check = checker(self)
        string = self.base in _STRINGS

        def checked(value: object) -> str:
            text = value if isinstance(value, str) else _as_text(value, string)
            fault = check(text)
            if fault is not None:
                raise _refused(*fault)
            return text

        function = _day_or(checked) if self == Text(base="date") else checked
        return core_schema.no_info_plain_validator_function(function, serialization=core_schema.to_string_ser_schema())


_PLAIN_PATTERN: Final = re.compile(r"(?:[A-Za-z0-9:_ |()]|\[[A-Za-z0-9\-]+\]|\{\d+(?:,\d*)?\}|[*+?])+")
"""Patterns that mean the same in XML Schema and in Rust's regular expressions."""


def _day_or(checked: Callable[[object], str]) -> Callable[[object], str]:
    """Takes the usual form of a day at once, everything else the long way."""
    return lambda value: value if type(value) is str and usual_day(value) else checked(value)


def _as_text(value: object, string: bool) -> str:
    """What Python has for a date, number or truth value, as XML Schema writes it."""
    if not string and isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    if not string and isinstance(value, bool):
        return "true" if value else "false"
    if not string and isinstance(value, int):
        return str(value)
    raise PydanticCustomError("SCH-TYPE", "a text is expected")


@attrs.frozen(slots=True)
class Row:
    """How many entries a list may have, as annotation; ``unique``: none twice."""

    least: int | None = None
    most: int | None = None
    unique: bool = False

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        row = cast(core_schema.TupleSchema, handler(source))
        for limit, count in (("min_length", self.least), ("max_length", self.most)):
            if count is not None:
                row[limit] = count  # type: ignore[literal-required]  # both are keys of it
        return core_schema.no_info_after_validator_function(_distinct, row) if self.unique else row


def _distinct(codes: tuple[object, ...]) -> tuple[object, ...]:
    if len(codes) > 1 and len(set(codes)) < len(codes):
        raise PydanticCustomError("SCH-DUPLICATE", "the same code twice")
    return codes


class Model(BaseModel):
    """A group of a SED. Errors and texts about it show no values.

    :cvar CODES: fields that are codes, and whether each holds several.
    :cvar CHOICES: whether one of some branches must be there, and the fields of each branch.
    """

    model_config = ConfigDict(
        extra="forbid", validate_assignment=True, populate_by_name=True, hide_input_in_errors=True, protected_namespaces=()
    )  # fmt: skip
    CODES: ClassVar[dict[str, bool]] = {}
    CHOICES: ClassVar[tuple[tuple[bool, tuple[tuple[str, ...], ...]], ...]] = ()

    __slots__ = ("_kept",)  # and no private attributes: pydantic would call Python for every instance

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [("filled", sum(1 for _, value in self if not _absent(value)))]

    def _children(self) -> Iterator[tuple[str, str]]:
        """Tag and XML text of every child, in the order of the schema."""
        for name, info in type(self).model_fields.items():
            value = getattr(self, name)
            if _absent(value) or (name in _ROOT_ATTRIBUTES and isinstance(self, RootModel)):
                continue
            tag = info.alias or name
            several = self.CODES.get(name, False)  # then one occurrence is a tuple, too
            rows = value if isinstance(value[0] if several else value, tuple) else (value,)
            for row in rows:
                yield tag, f"<{tag}>{_inside(row, name in self.CODES)}</{tag}>"

    def _content(self) -> str:
        """Everything inside the tags of the group; kept unknown pieces at their places."""
        extra, sequence = kept_of(self)
        waiting: dict[str, list[str]] = {}
        for tag, piece in self._children():
            waiting.setdefault(tag, []).append(piece)
        waiting[""] = list(extra)
        pieces = [waiting[tag].pop(0) for tag in sequence if waiting.get(tag)]
        return "".join([*pieces, *(piece for row in waiting.values() for piece in row)])


def kept_of(model: Model) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """XML text of the unknown content of a group, and the order of its children where it is not that of the schema."""
    kept: tuple[tuple[str, ...], tuple[str, ...]] = getattr(model, "_kept", ((), ()))
    return kept


class ChosenModel(Model):
    """A group of which only one of several branches may be there."""

    @model_validator(mode="after")
    def _one_branch(self) -> Self:
        values = self.__dict__
        for needed, branches in self.CHOICES:
            there = 0
            for branch in branches:
                for name in branch:
                    value = values[name]
                    if value is not None and value != ():
                        there += 1
                        break
            if there > 1:
                raise PydanticCustomError("SCH-CHOICE-BOTH", "only one of these may be there")
            if needed and not there:
                raise PydanticCustomError("SCH-CHOICE-NONE", "one of these must be there")
        return self


def _absent(value: object) -> bool:
    return value is None or (type(value) is tuple and not value)


def _inside(value: object, code: bool) -> str:
    if isinstance(value, Model):
        return value._content()
    if code:
        codes = value if isinstance(value, tuple) else (value,)
        return "".join(f"<value>{byname.escape(str(one))}</value>" for one in codes)
    return byname.escape(str(value))


class RootModel(ChosenModel):
    """A whole SED. ``sedGVer`` and ``sedVer`` are those of its version unless told."""

    SED: ClassVar[str]
    VERSION: ClassVar[str]
    NAMESPACE: ClassVar[str]

    sedPackage: str | None = None
    sedGVer: str | None = None
    sedVer: str | None = None

    __slots__ = ("_head",)

    def to_bytes(self) -> bytes:
        """The document in UTF-8. A signature that was read along is kept; it holds only while nothing is changed."""
        head: _Head = getattr(self, "_head", ((), None, "s"))
        attributes, signature, prefix = head
        start = opening(self.SED, self.NAMESPACE, prefix, self.sedPackage, self.sedGVer, self.sedVer, attributes)
        return f"{start}{self._content()}{signature or ''}</{prefix}:{self.SED}>".encode()

    def to_sed(self) -> Sed:
        """The document as a :class:`~eessi.sed.document.Sed`, read back from the bytes it becomes.

        :raises InputError: when a text holds characters that XML forbids.
        """
        from eessi.sed.document import Sed

        data = self.to_bytes()
        return Sed(_xml.parse(data), data)

    def _put_head(self, head: tuple[object, ...]) -> None:
        """Take over what the root says beside its content; set apart, since an element may have the same name."""
        values = self.__dict__
        values["sedPackage"], values["sedGVer"], values["sedVer"] = head[:3]
        object.__setattr__(self, "_head", head[3:])

    @classmethod
    def from_record(cls, record: RootBlock) -> Self:
        """The model of a record of the same SED.

        :raises pydantic.ValidationError: when the record breaks a rule of the schema.
        """
        model = cls.model_validate(record.records.plain(record))
        model._put_head(tuple(getattr(record, name) for name in ROOT_FIELDS))
        exact = cls.model_config.get("extra") == "forbid"
        for place, block in record.records.read_extra(record):
            if exact and block.extra:
                raise ValidationError.from_exception_data(
                    cls.__name__,
                    [{"type": _refused("SCH-UNEXPECTED", {}), "loc": place, "input": None}],
                    hide_input=True,
                )
            object.__setattr__(_part(model, place), "_kept", (block.extra, block.sequence))
        return model


def _part(model: Model, place: tuple[str | int, ...]) -> Model:
    here: object = model
    for step in place:
        here = cast("tuple[object, ...]", here)[step] if isinstance(step, int) else getattr(here, step)
    return cast(Model, here)


_CLASSES: weakref.WeakValueDictionary[object, type[Model]] = weakref.WeakValueDictionary()
_CODES: weakref.WeakValueDictionary[CodeClass, type[Code]] = weakref.WeakValueDictionary()
_LOCK = threading.RLock()
_TYPES: Final[dict[str, object]] = {
    "Annotated": Annotated, "ClassVar": ClassVar, "ConfigDict": ConfigDict, "Field": Field, "Code": Code, "Model": Model,
    "ChosenModel": ChosenModel, "RootModel": RootModel, "Row": Row, "Text": Text, "__name__": "eessi.sed.models",
}  # fmt: skip
"""What generated source may name."""


class Models:
    """The models of one SED in one version; see :func:`models_of`.

    :ivar cls: class of the whole document. :ivar classes: all classes by name, enumerations of codes included.
    """

    def __init__(self, plan: SedPlan) -> None:
        self.plan = plan
        self.names = ModelNames(plan)
        self.records = records_of(plan.structure)
        self.classes: dict[str, type] = {}
        with _LOCK:
            for codes in self.names.codes:
                self.classes[codes.name] = self._codes(codes)
            made: dict[BlockPlan, type[Model]] = {}
            for block in plan.blocks:
                made[block] = self._block(block, made)
                self.classes[block.name] = made[block]
            for block in plan.blocks:  # names of recursive blocks are known only now
                if any(field.block is not None and field.block.recursive for field in block.fields):
                    made[block].model_rebuild(force=True, _types_namespace={**_TYPES, **self.classes})
        self.cls = cast("type[RootModel]", made[plan.root])
        self._validate = self.cls.__pydantic_validator__.validate_python

    def _codes(self, codes: CodeClass) -> type[Code]:
        found = _CODES.get(codes)
        if found is None:
            found = _CODES[codes] = cast("type[Code]", self._run(code_source(codes), codes.name))
        return found

    def _block(self, block: BlockPlan, made: Mapping[BlockPlan, type[Model]]) -> type[Model]:
        source = block_source(block, self.names)
        inner = tuple(made[field.block] for field in block.fields if field.block is not None and field.block in made)
        codes = tuple(self.classes[one.name] for field in block.fields if (one := self.names.of(field)) is not None)
        complete = all(field.block is None or field.block in made for field in block.fields)
        key = (source, inner, codes) if complete and block is not self.plan.root and not block.recursive else None
        found = _CLASSES.get(key) if key is not None else None
        if found is None:
            found = cast("type[Model]", self._run(source, block.name))
            if key is not None:
                _CLASSES[key] = found
        return found

    def _run(self, source: str, name: str) -> type:
        space = {**_TYPES, **self.classes}
        exec(compile(source, f"<model {name}>", "exec", dont_inherit=True), space)  # noqa: S102 - checked names, everything else is quoted
        return cast(type, space[name])

    def read(self, data: bytes, root: etree._Element) -> RootModel:
        """The model of a document; arguments as for :meth:`eessi.sed.records.Records.read`.

        :raises pydantic.ValidationError: when the document breaks a rule of the schema.
        """
        found = self.records.read_plain(data, root)
        if found is None:
            return self.cls.from_record(self.records.read_tree(root))
        content, head = found
        model: RootModel = self._validate(content)
        model._put_head(head)
        return model


_READY: OrderedDict[int, Models] = OrderedDict()


def models_of(structure: Structure) -> Models:
    """The models of a structure, made once and kept while in use.

    :raises PackageError: when a name in the structure cannot be the name of an XML element.
    """
    key = id(structure)
    ready = _READY.get(key)
    if ready is None or ready.plan.structure is not structure:
        ready = Models(records_of(structure).plan)
        with _LOCK:
            _READY[key] = ready
            while len(_READY) > _HELD:
                _READY.popitem(last=False)
    return ready


def as_model(sed: Sed, registry: Registry, *, package: str | None = None) -> RootModel:
    """The model of a SED by the tree that the registry knows for it.

    :raises UsageError: when no package knows the tree.
    :raises pydantic.ValidationError: when the document breaks a rule of the schema; see :func:`findings_of`.
    """
    structure = registry.structure(sed.type, sed.version, package=package)
    if structure is None:
        raise UsageError(f"no package knows the tree of {sed.type} {sed.version}; import one that does")
    return models_of(structure).read(sed.data, sed.root)


_FINDING_OF: Final = {
    "missing": "SCH-MISSING", "enum": "SCH-CODE", "extra_forbidden": "SCH-UNEXPECTED", "string_too_long": "SCH-TOO-LONG",
    "string_too_short": "SCH-TOO-SHORT", "string_pattern_mismatch": "SCH-PATTERN", "too_short": "SCH-MISSING",
    "too_long": "SCH-REPEATED",
}  # fmt: skip


def findings_of(error: ValidationError) -> tuple[Finding, ...]:
    """What pydantic refused, as the findings that the document would get; no values in them.

    An error that has no counterpart among the rules of a schema (a number for a text) is ``SCH-TYPE``.
    """
    found = []
    for one in error.errors(include_input=True, include_url=False):
        id = one["type"] if one["type"].startswith("SCH-") else _FINDING_OF.get(one["type"], "SCH-TYPE")
        if id == "SCH-TOO-SHORT" and one["input"] == "":
            id = "SCH-EMPTY"
        path = error.title + "".join(f"[{step + 1}]" if isinstance(step, int) else f"/{step}" for step in one["loc"])
        context = (one.get("ctx") or {}) if isinstance(one["input"], str) else {}
        limit = context.get("max_length", context.get("min_length"))
        params = {"limit": str(limit)} if limit is not None else {}
        if isinstance(one["input"], str):
            params["length"] = str(len(one["input"]))
        found.append(Finding(id, path=path, params=params))
    return tuple(found)

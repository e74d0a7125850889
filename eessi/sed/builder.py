"""Fill a SED from plain data: nested dicts, or paths and texts; order and code wrappers are the builder's work.

::

    build("S071", {"Person/PersonIdentification/familyName": "Testperson", ...}, version="4.4")
    build("S071", {"Person": {"PersonIdentification": {"familyName": "Testperson", "sex": "02"}}}, version="4.4")

All problems come at once, each with its path, in one :class:`BuildError`.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import attrs
from lxml import etree

from eessi.errors import EessiError, UsageError
from eessi.findings import Finding, Phrase, Severity, Verdict
from eessi.ids import CdmVersion, SedType, nearest
from eessi.sed.document import ROOT_ATTRIBUTES, Sed
from eessi.sed.losses import Loss, LossKind, LossReport
from eessi.sed.order import Place, may_be_empty, root_place
from eessi.sed.paths import steps_of
from eessi.sed.trees import default_registry, namespace_of

if TYPE_CHECKING:
    from eessi.schemas import Registry
    from eessi.schemas.structure import Structure

__all__ = ["BuildError", "build", "fill_group", "nested"]

_GROWTH = 1000
"""How far an index may lie behind the end of a list before it is taken for a mistake."""


class BuildError(EessiError):
    """The data does not make the SED: all problems at once (exit code 1).

    ``findings`` holds each with its path; the text names how many there are and the first one, without any value.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, sed: str, findings: tuple[Finding, ...]) -> None:
        self.sed = sed
        self.findings = findings
        first = findings[0]
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        text = f"{sed}: {first.path}: {first.message()}{more}"
        super().__init__("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text))


def build(
    sed_type: str,
    data: Mapping[str, object],
    *,
    version: str | CdmVersion,
    registry: Registry | None = None,
    package: str | None = None,
    as_of: dt.date | None = None,
    draft: bool = False,
    as_given: bool = False,
) -> Sed:
    """Make a SED of plain data.

    Values may be text, numbers, dates, booleans (a yes/no code becomes ``1`` or ``0``), enum members, lists and
    mappings. ``None``, ``""`` and empty containers are left out. Keys may be paths.

    :param version: CDM version, or that of the sandbox (``1.0``, ``1.1``); there is no default.
    :param registry: knows the tree; default :meth:`Registry.default`.
    :param draft: leave out the check of the finished document; wrong names and shapes are still refused.
    :param as_given: allow a SED whose tree no package knows: names and order then stand as given, and
        ``sed.report`` says so.
    :raises BuildError: with every problem found.
    :raises UsageError: when no package knows the tree and ``as_given`` is not set.
    """
    code, wanted = SedType(sed_type), CdmVersion.parse(version)
    registry = registry or default_registry()
    structure = registry.structure(code, wanted, as_of=as_of, package=package)
    if structure is None and not as_given:
        raise UsageError(
            f"no package knows the tree of {code} {wanted}; import one, or say as_given=True to keep names and order"
        )
    work = _Assembly(structure)
    content = work.nested(data, code)
    root = work.root(code, wanted, content)
    work.group(root, content, root_place(structure), code)
    findings = list(work.findings)
    if not draft:
        told = {finding.path for finding in findings}
        findings += [
            one
            for one in _proved(root, registry, package, as_of)
            if one.path not in told or not one.id.startswith("SCH-MISSING")
        ]
    errors = tuple(finding for finding in findings if finding.severity is Severity.ERROR)
    if errors:
        raise BuildError(code, errors)
    return Sed(root, report=LossReport(tuple(work.report)))


def _proved(
    root: etree._Element, registry: Registry, package: str | None, as_of: dt.date | None
) -> tuple[Finding, ...]:
    from eessi.schemas import validate_tree

    verdict: Verdict = validate_tree(root, registry, data=None, package=package, as_of=as_of)
    return verdict.findings


@attrs.define(slots=True)
class _Assembly:
    """Collects the tree's problems while it grows."""

    structure: Structure | None
    findings: list[Finding] = attrs.field(factory=list)
    report: list[Loss] = attrs.field(factory=list)

    def problem(self, id: str, path: str, *, expected: Sequence[str] = (), **params: str) -> None:
        self.findings.append(Finding(id, Severity.ERROR, path, expected=tuple(expected), params=params))

    # data -------------------------------------------------------------------------------------------------------

    def nested(self, data: Mapping[str, object], root: str) -> dict[str, object]:
        """Open path keys into nested dicts; two keys for one place are a problem."""
        result: dict[str, object] = {}
        for key, value in data.items():
            try:
                steps = steps_of(key, root)
            except UsageError:
                self.problem("BLD-NAME", f"{root}/{key}")
                continue
            if isinstance(value, Mapping):
                value = self.nested(value, "")
            if steps:
                self.put(result, steps, value, f"{root}/{key}" if root else key)
            elif isinstance(value, dict):
                for name, inner in value.items():
                    self.put(result, ((name, None),), inner, f"{root}/{name}")
        return result

    def put(
        self, target: dict[str, object], steps: tuple[tuple[str, int | None], ...], value: object, path: str
    ) -> None:
        """Set ``value`` below ``target``; a place that is taken already is a problem."""
        (name, index), rest = steps[0], steps[1:]
        if index is not None:
            self.put_entry(target.setdefault(name, []), index, rest, value, path)
        elif rest:
            below = target.setdefault(name, {})
            if isinstance(below, dict):
                self.put(below, rest, value, path)
            else:
                self.problem("BLD-TWICE", path)
        elif target.get(name) is None:
            target[name] = value
        else:
            self.merge(target[name], value, path)

    def put_entry(
        self, entries: object, index: int, rest: tuple[tuple[str, int | None], ...], value: object, path: str
    ) -> None:
        """Set one entry of a list, which grows to hold it."""
        if not isinstance(entries, list) or index > len(entries) + _GROWTH:
            self.problem("BLD-TWICE", path)
            return
        while len(entries) < index:
            entries.append({} if rest else None)
        if not rest:
            entries[index - 1] = value
        elif isinstance(entries[index - 1], dict):
            self.put(entries[index - 1], rest, value, path)
        else:
            self.problem("BLD-TWICE", path)

    def merge(self, old: object, value: object, path: str) -> None:
        """Put the members of one mapping into another."""
        if isinstance(old, dict) and isinstance(value, dict):
            for inner, content in value.items():
                self.put(old, ((inner, None),), content, f"{path}/{inner}")
        else:
            self.problem("BLD-TWICE", path)

    def root(self, code: SedType, version: CdmVersion, content: dict[str, object]) -> etree._Element:
        """The root element; version attributes are written as practice has them (4.4 is ``4`` and ``4``)."""
        namespace = self.structure.namespace if self.structure is not None else namespace_of(code, version)
        root = etree.Element(f"{{{namespace}}}{code}", nsmap={"s": namespace})
        given = {"sedGVer": str(version.major), "sedVer": str(version.minor)}
        for key in ROOT_ATTRIBUTES:
            value = content.pop(key, given.get(key))
            text = None if _is_empty(value) else self.text(value, f"{code}/@{key}", code=False)
            if text is not None:
                try:
                    root.set(key, text)
                except ValueError:
                    self.problem("BLD-CHARACTER", f"{code}/@{key}")
        return root

    # tree -------------------------------------------------------------------------------------------------------

    def group(self, parent: etree._Element, content: Mapping[str, object], place: Place | None, path: str) -> None:
        members = [(name, value) for name, value in content.items() if not _is_empty(value) or _said(place, name)]
        if place is None:
            if len(members) > 1:
                self.report.append(Loss(LossKind.ORDER, path, "as given"))
        else:
            members.sort(key=lambda member: place.rank(member[0]))
            if len(members) > 1 and self.structure is not None and not self.structure.order_known:
                self.report.append(Loss(LossKind.ORDER, path, "that of an observed tree"))
        for name, value in members:
            self.member(parent, name, value, place, f"{path}/{name}")

    def member(self, parent: etree._Element, name: str, value: object, place: Place | None, path: str) -> None:
        below = place.child(name) if place is not None else None
        if place is not None and below is None:
            if self.structure is not None and not self.structure.open:
                near = nearest(name, place.names())
                self.problem("BLD-UNKNOWN", path, expected=[near] if near else place.names())
                return
            self.report.append(Loss(LossKind.UNKNOWN, path))
        kind = below.element.kind if below is not None else None
        if kind == "code":
            assert below is not None
            single = below.element.is_list and below.element.value_max == 1
            self.codes(parent, name, value, path, single=single)
            return
        if _is_empty(value):  # a required group that may be empty
            self.element(parent, name, path)
            return
        entries = [entry for entry in _entries(value) if not _is_empty(entry)]
        for number, entry in enumerate(entries, 1):
            here = f"{path}[{number}]" if len(entries) > 1 else path
            self.entry(parent, name, entry, below, here)

    def entry(self, parent: etree._Element, name: str, value: object, place: Place | None, path: str) -> None:
        kind = place.element.kind if place is not None else None
        if isinstance(value, Mapping):
            if kind == "leaf":
                self.problem("BLD-SHAPE", path, got=Phrase("a group"), wanted=Phrase("a text"))
                return
            element = self.element(parent, name, path)
            if element is not None:
                self.group(element, {str(key): inner for key, inner in value.items()}, place, path)
            return
        text = self.text(value, path, code=False)
        if text is None:
            return
        if kind == "group":
            self.problem("BLD-SHAPE", path, got=Phrase("a text"), wanted=Phrase("a group"))
            return
        element = self.element(parent, name, path)
        if element is not None:
            self.set_text(element, text, path)

    def codes(self, parent: etree._Element, name: str, value: object, path: str, *, single: bool = False) -> None:
        """Write a code element; ``single``: one element per code, because the element repeats and its code does not."""
        inner = value["value"] if isinstance(value, Mapping) and set(value) == {"value"} else value
        if isinstance(inner, Mapping):
            self.problem("BLD-SHAPE", path, got=Phrase("a group"), wanted=Phrase("a code"))
            return
        entries = [entry for entry in _entries(inner) if not _is_empty(entry)]
        several = any(isinstance(entry, Mapping | list | tuple) for entry in entries)
        if several or (single and len(entries) > 1):  # a repeated code element
            for number, entry in enumerate(entries, 1):
                self.codes(parent, name, entry, f"{path}[{number}]")
            return
        element = self.element(parent, name, path)
        for entry in entries:
            text = self.text(entry, path, code=True)
            if text is not None and element is not None:
                self.set_text(etree.SubElement(element, "value"), text, path)

    def element(self, parent: etree._Element, name: str, path: str) -> etree._Element | None:
        try:
            element: etree._Element = etree.SubElement(parent, name)
        except ValueError:
            self.problem("BLD-NAME", path)
            return None
        return element

    def set_text(self, element: etree._Element, text: str, path: str) -> None:
        try:
            element.text = text
        except ValueError:
            self.problem("BLD-CHARACTER", path)

    def text(self, value: object, path: str, *, code: bool) -> str | None:
        """The XML spelling of a plain value; ``None`` after a problem."""
        if isinstance(value, enum.Enum):
            value = value.value
        if isinstance(value, bool):
            return ("1" if value else "0") if code else ("true" if value else "false")
        if isinstance(value, str):
            return str(value)
        if isinstance(value, dt.date | dt.time):
            return value.isoformat()
        if isinstance(value, int):
            return str(value)
        if isinstance(value, decimal.Decimal) and value.is_finite():
            return f"{value:f}"
        if isinstance(value, float) and value == value and abs(value) != float("inf"):
            return f"{decimal.Decimal(repr(value)):f}"
        self.problem("BLD-VALUE", path, type=type(value).__name__)
        return None


def _said(place: Place | None, name: str) -> bool:
    """Whether an empty value says something: the tree requires the group and allows it to be empty."""
    below = place.child(name) if place is not None else None
    return (
        below is not None and below.element.kind == "group" and below.element.required and may_be_empty(below.element)
    )


def _entries(value: object) -> list[object]:
    if type(value) is str or type(value) is dict:  # most values by far
        return [value]
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else [value]


def _is_empty(value: object) -> bool:
    kind = type(value)
    if kind is str:  # most values by far
        return value == ""
    if kind is dict:
        return all(_is_empty(inner) for inner in value.values())  # type: ignore[attr-defined]  # a dict
    if isinstance(value, Mapping):
        return all(_is_empty(inner) for inner in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return all(_is_empty(inner) for inner in value)
    return value is None or value == ""


def fill_group(element: etree._Element, content: Mapping[str, object], place: Place | None, path: str) -> None:
    """Fill an element of an existing tree from plain data.

    :raises BuildError: with every problem found.
    """
    work = _Assembly(None)
    work.group(element, work.nested(content, ""), place, path)
    if work.findings:
        raise BuildError(path, tuple(work.findings))


def nested(data: Mapping[str, object]) -> dict[str, object]:
    """Open path keys (``"Person/PersonIdentification/sex"``) into nested dicts.

    :raises BuildError: when two keys name one place, or a key is not a path.
    """
    work = _Assembly(None)
    result = work.nested(data, "")
    if work.findings:
        raise BuildError("data", tuple(work.findings))
    return result

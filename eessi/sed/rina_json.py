"""RINA JSON, the form in which the Commission's case software keeps a SED; read and written.

``{"P2000": {"sedGVer": "4", "sedVer": "2", "InsuredPerson": {...}}}``: member names are element names, a code is
``{"value": ["01"]}``, a repeatable element an array. Order says nothing there and much in XML: it is taken from the
tree a package knows; where none is known the result says so (:class:`~eessi.sed.losses.LossReport`).
Source: CDM wire facts, section 10.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs
from lxml import etree

from eessi import _xml
from eessi.errors import InputError, UsageError
from eessi.ids import CdmVersion, SedType
from eessi.sed.document import _ROOT, ROOT_ATTRIBUTES, Sed
from eessi.sed.json_text import JsonNumber, JsonValue, dump_json, load_json
from eessi.sed.losses import Loss, LossKind, LossReport
from eessi.sed.paths import SIGNATURE, children, is_code, text_of

if TYPE_CHECKING:
    from eessi.schemas import Registry
    from eessi.schemas.structure import Element, Structure

__all__ = ["Shape", "Written", "find_sed", "read_rina_json", "to_rina_json", "version_of", "write_rina_json"]

_NAME = re.compile(r"[^\W\d][\w.-]*")
_WORD_PLURAL = re.compile(r"(?:es|s)(?=[A-Z]|$)")
_OLD = CdmVersion(3, 1)


@attrs.frozen(slots=True)
class Shape:
    """What XML does not say about the JSON a SED came from, by exact path (each step with its index).

    :param lists: paths of members that were arrays. :param single: members that were not, although they might be.
    :param literals: leaves that were numbers or booleans. :param names: member names that XML spells otherwise.
    """

    lists: frozenset[str] = frozenset()
    single: frozenset[str] = frozenset()
    literals: frozenset[str] = frozenset()
    names: dict[str, str] = attrs.field(factory=dict, hash=False)


@attrs.frozen(slots=True)
class Written:
    """A document in RINA JSON, as text and as plain data, with what the form could not carry."""

    text: str
    value: dict[str, JsonValue]
    report: LossReport


def version_of(body: dict[str, JsonValue]) -> CdmVersion | None:
    """The version that ``sedGVer`` and ``sedVer`` name: ``4`` and ``2``, or both ``4.2``; ``None`` where they do not."""
    major, minor = body.get("sedGVer"), body.get("sedVer")
    if not isinstance(major, str) or not isinstance(minor, str):
        return None
    text = minor.strip() if "." in minor else f"{major.strip()}.{minor.strip()}"
    found = re.fullmatch(r"(\d{1,2})\.(\d{1,3})(?:\.\d+)?", text)
    if not found or major.strip().split(".")[0] != found[1]:
        return None
    return CdmVersion(int(found[1]), int(found[2]))


def find_sed(value: JsonValue, path: str = "") -> list[tuple[str, str, dict[str, JsonValue]]]:
    """Every SED in a JSON document: place, root name, content.

    Exports wrap a SED in further objects, or hold it as text inside a string.
    """
    if isinstance(value, dict):
        named = [(name, body) for name, body in value.items() if _ROOT.fullmatch(name) and isinstance(body, dict)]
        if named:
            return [(f"{path}/{name}" if path else name, name, body) for name, body in named if isinstance(body, dict)]
        return [hit for name, inner in value.items() for hit in find_sed(inner, f"{path}/{name}" if path else name)]
    if isinstance(value, list):
        return [hit for number, inner in enumerate(value, 1) for hit in find_sed(inner, f"{path}[{number}]")]
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return find_sed(load_json(value), path)
        except InputError:
            return []
    return []


def read_rina_json(
    data: bytes | str,
    *,
    version: str | CdmVersion | None = None,
    registry: Registry | None = None,
    source: str | None = None,
) -> Sed:
    """Make a SED of RINA JSON. Empty members are dropped, as RINA's own drafts want it; ``sed.report`` lists them.

    :param version: CDM version, needed where the document names none (``sedGVer``, ``sedVer``).
    :param registry: gives the order of elements; default :meth:`Registry.default`.
    :raises InputError: not JSON, no SED inside or several, a member that cannot be an element, or no version.
    :raises LimitExceeded: too large or too deep.
    """
    document = load_json(data, source=source)
    found = find_sed(document)
    if len(found) != 1:
        raise InputError(_how_many(found), source=source)
    place, name, body = found[0]
    match = _ROOT.fullmatch(name)
    assert match is not None
    code = SedType(match["code"])
    report: list[Loss] = []
    chosen = _version(body, version, place, document, report, source)
    registry = registry or _default_registry()
    structure = registry.structure(code, chosen)
    namespace = structure.namespace if structure else _namespace(code, chosen)
    _outside(document, place, name, report)
    root = etree.Element(f"{{{namespace}}}{name}", nsmap={"s": namespace})
    for key in ROOT_ATTRIBUTES:
        if isinstance(text := body.get(key), str) and text:
            root.set(key, text)
    content = {key: value for key, value in body.items() if key not in root.attrib}
    writer = _Writer(structure, chosen, name, source)
    writer.fill(root, content, structure.root if structure else None, name, "")
    return Sed(root, report=LossReport((*report, *writer.report)), shape=writer.shape())


def _how_many(found: list[tuple[str, str, dict[str, JsonValue]]]) -> str:
    if not found:
        return 'no SED in this JSON; expected one member named by the SED, like {"A001": {...}}'
    return f"{len(found)} SEDs in this JSON ({', '.join(place for place, _, _ in found[:5])}); expected one"


def _default_registry() -> Registry:
    from eessi.schemas import Registry

    return Registry.default()


def _namespace(code: SedType, version: CdmVersion) -> str:
    if version.major < 3:
        return f"urn:eessi-toolkit:sandbox:{version.major}.{version.minor}:{code}"
    return version.namespace(code)


def _version(
    body: dict[str, JsonValue],
    asked: str | CdmVersion | None,
    place: str,
    document: JsonValue,
    report: list[Loss],
    source: str | None,
) -> CdmVersion:
    own = version_of(body) or _export_version(document)
    if asked is not None:
        chosen = CdmVersion.parse(asked)
        if own is not None and not own.same_minor(chosen):
            report.append(Loss(LossKind.VERSION, place, f"the document says {own}, the caller {chosen}"))
        return chosen.released
    if own is None:
        raise InputError(
            "the document does not name its CDM version (sedGVer and sedVer); give it with --version, like 4.4",
            source=source,
        )
    return own


def _export_version(document: JsonValue) -> CdmVersion | None:
    """The version that a RINA export states beside the document (``documentTypeVersion/businessVersion``)."""
    inner = document.get("documentTypeVersion") if isinstance(document, dict) else None
    text = inner.get("businessVersion") if isinstance(inner, dict) else None
    try:
        return CdmVersion.parse(text) if isinstance(text, str) else None
    except UsageError:
        return None


def _outside(document: JsonValue, place: str, name: str, report: list[Loss]) -> None:
    if isinstance(document, dict) and (place != name or len(document) > 1):
        head = place.split("/")[0].split("[")[0]
        for member in document:
            if member != name:
                detail = "holds the document" if member == head else ""
                report.append(Loss(LossKind.OUTSIDE, member, detail))


class _Writer:
    """Fills a tree from a JSON object and notes what XML will not say about it."""

    def __init__(self, structure: Structure | None, version: CdmVersion, root: str, source: str | None) -> None:
        self.structure = structure
        self.old = version <= _OLD and version.major >= 3
        self.source = source
        self.report: list[Loss] = []
        self.lists: set[str] = set()
        self.single: set[str] = set()
        self.literals: set[str] = set()
        self.names: dict[str, str] = {}

    def shape(self) -> Shape:
        return Shape(frozenset(self.lists), frozenset(self.single), frozenset(self.literals), dict(self.names))

    def fill(
        self, parent: etree._Element, body: dict[str, JsonValue], node: Element | None, path: str, exact: str
    ) -> None:
        """Append the members of ``body``; ``exact`` is the path with every index, ``path`` the readable one."""
        members: list[tuple[str, str, JsonValue]] = []
        for name, value in body.items():
            kept = self.without_empties(value, f"{path}/{name}")
            if kept is not None:
                members.append((self.element_name(name, kept, node), name, kept))
        for element_name, name, value in self.ordered(members, node, path):
            below = node.child(element_name) if node else None
            if node is not None and below is None:
                self.report.append(Loss(LossKind.UNKNOWN, f"{path}/{element_name}"))
            place = f"{exact}/{element_name}"
            if name != element_name:
                self.names[place] = name
            self.append(parent, element_name, value, below, f"{path}/{element_name}", place)

    def append(
        self,
        parent: etree._Element,
        name: str,
        value: JsonValue,
        node: Element | None,
        path: str,
        exact: str,
    ) -> None:
        entries = value if isinstance(value, list) else [value]
        (self.lists if isinstance(value, list) else self.single).add(exact)
        for number, entry in enumerate(entries, 1):
            if isinstance(entry, list):
                raise InputError(f"{path}: an array inside an array has no form in XML", source=self.source)
            here = f"{exact}[{number}]"
            shown = f"{path}[{number}]" if len(entries) > 1 else path
            try:
                element = etree.SubElement(parent, name)
                if not isinstance(entry, dict):
                    self.leaf(element, entry, node, here)
            except ValueError:
                raise InputError(f"{shown}: holds characters that XML does not allow", source=self.source) from None
            if isinstance(entry, dict):
                self.fill(element, entry, node, shown, here)

    def leaf(self, element: etree._Element, value: JsonValue, node: Element | None, exact: str) -> None:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if isinstance(value, bool | JsonNumber):
            self.literals.add(exact)
        if node is not None and node.kind == "code":  # a draft that writes the code without its wrapper
            self.literals.add(f"{exact}/value")
            etree.SubElement(element, "value").text = text
            return
        element.text = text

    def without_empties(self, value: JsonValue, path: str) -> JsonValue:
        """The value without ``""``, ``null``, ``{}`` and ``[]``, each reported; ``None`` when nothing is left."""
        if value is None:
            self.report.append(Loss(LossKind.NULL, path))
            return None
        if isinstance(value, list):
            kept: list[JsonValue] = [left for entry in value if (left := self.without_empties(entry, path)) is not None]
            if not value:
                self.report.append(Loss(LossKind.EMPTY, path))
            return kept or None
        if isinstance(value, dict):
            if not value:
                self.report.append(Loss(LossKind.EMPTY, path))
            rest: dict[str, JsonValue] = {
                name: inner
                for name, entry in value.items()
                if (inner := self.without_empties(entry, f"{path}/{name}")) is not None
            }
            return rest or None
        if value == "":
            self.report.append(Loss(LossKind.EMPTY, path))
            return None
        return value

    def element_name(self, name: str, value: JsonValue, node: Element | None) -> str:
        if not _NAME.fullmatch(name) or name[:3].lower() == "xml":
            raise InputError(f"the member {name!r} cannot be the name of an element", source=self.source)
        if not self.old:
            return name
        bare = name[:-4] if name.endswith("List") and isinstance(value, list) and len(name) > 4 else name
        capital = bare[0].upper() + bare[1:]
        for spelling in (name, bare, capital):
            if node is not None and node.child(spelling) is not None:
                return spelling
        return capital

    def ordered(
        self, members: list[tuple[str, str, JsonValue]], node: Element | None, path: str
    ) -> list[tuple[str, str, JsonValue]]:
        if len(members) > 1 and (node is None or self.structure is None or not self.structure.order_known):
            self.report.append(Loss(LossKind.ORDER, path, "as given" if node is None else "that of an observed tree"))
        if node is None:
            return members
        rank = {element.name: number for number, element in enumerate(node.elements())}
        return sorted(members, key=lambda member: rank.get(member[0], len(rank)))


def to_rina_json(sed: Sed, registry: Registry | None = None) -> Written:
    """Write a SED as RINA JSON, with a report of what the form cannot carry or what had to be guessed.

    :param registry: says which members are lists; default :meth:`Registry.default`.
    """
    registry = registry or _default_registry()
    structure = registry.structure(sed.type, sed.version)
    reader = _Reader(sed, structure, registry)
    body: dict[str, JsonValue] = {}
    for key, value in sed.root.attrib.items():
        if str(key).startswith("{"):
            reader.report.append(Loss(LossKind.ATTRIBUTE, f"{sed.name}/@{str(key).rpartition('}')[2]}"))
        else:
            body[str(key)] = str(value)
    content = reader.object(sed.root, structure.root if structure else None, sed.name, "")
    if isinstance(content, dict):
        body.update(content)
    document: dict[str, JsonValue] = {sed.name: body}
    if sed.is_signed:
        reader.report.append(Loss(LossKind.SIGNATURE, f"{sed.name}/Signature"))
    return Written(dump_json(document), document, LossReport(tuple(reader.report)))


def write_rina_json(sed: Sed, registry: Registry | None = None) -> str:
    """Write a SED as RINA JSON; :func:`to_rina_json` also tells what was guessed or lost."""
    return to_rina_json(sed, registry).text


class _Reader:
    """Makes a JSON object of a tree."""

    def __init__(self, sed: Sed, structure: Structure | None, registry: Registry) -> None:
        self.structure = structure
        self.registry = registry
        self.known_shape = sed.shape if isinstance(sed.shape, Shape) else Shape()
        self.old = sed.version <= _OLD and not sed.is_sandbox
        self.report: list[Loss] = []

    def object(self, element: etree._Element, node: Element | None, path: str, exact: str) -> JsonValue:
        groups: dict[str, list[etree._Element]] = {}
        for child in children(element):
            groups.setdefault(_xml.local_name(child), []).append(child)
        result: dict[str, JsonValue] = {}
        for name, group in groups.items():
            below = node.child(name) if node is not None else None
            place, shown = f"{exact}/{name}", f"{path}/{name}"
            values = [
                self.value(child, below, f"{shown}[{number}]" if len(group) > 1 else shown, f"{place}[{number}]")
                for number, child in enumerate(group, 1)
            ]
            as_list = self.is_list(element, name, group, below, shown, place)
            result[self.member_name(name, group, as_list, shown, place)] = values if as_list else values[0]
        return result

    def value(self, element: etree._Element, node: Element | None, path: str, exact: str) -> JsonValue:
        for key in element.attrib:
            self.report.append(Loss(LossKind.ATTRIBUTE, f"{path}/@{str(key).rpartition('}')[2]}"))
        if next(children(element), None) is not None:
            if f"{exact}/value" in self.known_shape.literals:
                return text_of(next(children(element)))
            if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
                self.report.append(Loss(LossKind.TEXT, path))
            return self.object(element, node, path, exact)
        text = text_of(element)
        if node is not None and node.kind == "group" and not text.strip():
            return {}
        if exact in self.known_shape.literals:
            return text == "true" if text in ("true", "false") else JsonNumber(text)
        return text

    def is_list(
        self,
        parent: etree._Element,
        name: str,
        group: list[etree._Element],
        node: Element | None,
        path: str,
        exact: str,
    ) -> bool:
        if exact in self.known_shape.lists or len(group) > 1:
            return True
        if exact in self.known_shape.single:
            return False
        if name == "value" and is_code(parent):
            return True
        if node is not None and (node.is_list or node.known):
            return node.is_list
        as_list = _looks_like_list(_xml.local_name(parent), name)
        if next(children(group[0]), None) is not None or as_list:
            self.report.append(Loss(LossKind.LIST, path, "list" if as_list else "single"))
        return as_list

    def member_name(self, name: str, group: list[etree._Element], as_list: bool, path: str, exact: str) -> str:
        if exact in self.known_shape.names:
            return self.known_shape.names[exact]
        if not self.old:
            return name
        small = name if len(name) > 1 and name[1].isupper() else name[0].lower() + name[1:]
        is_leaf = all(next(children(element), None) is None for element in group)
        spelled = f"{small}List" if as_list else small if is_leaf else name
        if spelled != name:
            self.report.append(Loss(LossKind.NAME, path, spelled))
        return spelled


def _looks_like_list(parent: str, name: str) -> bool:
    """Whether ``parent`` is the plural of ``name``: Addresses/Address, WorkingPeriodsConsidered/WorkingPeriodConsidered."""
    if parent.endswith("ies") and parent[:-3] + "y" == name:
        return True
    return any(
        parent[: found.start()] + parent[found.end() :] == name for found in _WORD_PLURAL.finditer(parent)
    ) or any(parent[: found.end() - 1] + parent[found.end() :] == name for found in _WORD_PLURAL.finditer(parent))


_ = SIGNATURE

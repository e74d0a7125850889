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

from eessi.errors import InputError, UsageError
from eessi.ids import CdmVersion, SedType
from eessi.sed.document import ROOT_ATTRIBUTES, Sed, match_root
from eessi.sed.json_text import JsonNumber, JsonValue, dump_json, load_json
from eessi.sed.losses import Loss, LossKind, LossReport
from eessi.sed.trees import default_registry, namespace_of, tree_for

if TYPE_CHECKING:
    from eessi.schemas import Registry

__all__ = ["Shape", "Written", "find_sed", "is_old", "read_rina_json", "to_rina_json", "version_of", "write_rina_json"]


@attrs.frozen(slots=True)
class Shape:
    """What XML does not say about the JSON a SED came from, by exact path (each step with its index).

    :param lists: members that were arrays. :param single: members that were not, although they might be.
    :param literals: leaves that were numbers or booleans. :param names: member names that XML spells otherwise.
    """

    lists: frozenset[str] = frozenset()
    single: frozenset[str] = frozenset()
    literals: frozenset[str] = frozenset()
    names: dict[str, str] = attrs.field(factory=dict, hash=False)
    registry: Registry | None = attrs.field(default=None, eq=False, repr=False)


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
        at = f"{path}/" if path else ""
        named = [(at + name, name, body) for name, body in value.items() if match_root(name) and isinstance(body, dict)]
        if not named and (bare := _by_package(value)) is not None:
            return [(path, bare, value)]
        return named or [hit for name, inner in value.items() for hit in find_sed(inner, at + name)]
    if isinstance(value, list):
        return [hit for number, inner in enumerate(value, 1) for hit in find_sed(inner, f"{path}[{number}]")]
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return find_sed(load_json(value), path)
        except InputError:
            return []
    return []


def _by_package(body: dict[str, JsonValue]) -> str | None:
    """Name of the SED whose content stands there without its name: ``sedPackage`` ends with it."""
    package = body.get("sedPackage")
    name = package.rpartition("/")[2] if isinstance(package, str) and "sedGVer" in body else ""
    return name if match_root(name) else None


def read_rina_json(
    data: bytes | str,
    *,
    version: str | CdmVersion | None = None,
    registry: Registry | None = None,
    source: str | None = None,
    wrap_codes: bool = False,
) -> Sed:
    """Make a SED of RINA JSON. Empty members are dropped, as RINA's own drafts want it; ``sed.report`` lists them.

    :param version: CDM version, needed where the document names none (``sedGVer``, ``sedVer``).
    :param registry: gives the order of elements; default :meth:`Registry.default`.
    :param wrap_codes: write a code that stands as plain text (``"sex": "02"``) as a code element, where the tree says
        that it is one; otherwise it stays what it was and the report names it.
    :raises InputError: not JSON, no SED inside or several, a member that cannot be an element, or no version.
    :raises LimitExceeded: too large or too deep.
    """
    from eessi.sed.rina_reading import TreeWriter

    document = load_json(data, source=source)
    found = find_sed(document)
    if len(found) != 1:
        raise InputError(_how_many(found), source=source)
    place, name, body = found[0]
    match = match_root(name)
    assert match is not None
    code = SedType(match["code"])
    report: list[Loss] = _outside(document, place, name)
    chosen = _version(body, version, place, document, report, source)
    registry = registry or default_registry()
    tree = tree_for(registry, code, chosen)
    root = _root(name, code, chosen, body, source)
    attributes = {str(key) for key in root.attrib}
    content = {key: value for key, value in body.items() if key not in attributes}
    writer = TreeWriter(tree, old=is_old(chosen), wrap_codes=wrap_codes, source=source)
    writer.literals.update(f"@{key}" for key in attributes if isinstance(body[key], JsonNumber))
    writer.fill(root, content, tree.root if tree else None, name, "")
    shape = attrs.evolve(writer.shape(), registry=registry)
    return Sed(root, report=LossReport((*report, *writer.report)), shape=shape)


def _root(
    name: str, code: SedType, version: CdmVersion, body: dict[str, JsonValue], source: str | None
) -> etree._Element:
    namespace = namespace_of(code, version)
    root = etree.Element(f"{{{namespace}}}{name}", nsmap={"s": namespace})
    for key in ROOT_ATTRIBUTES:
        if isinstance(text := body.get(key), str) and text:
            try:
                root.set(key, str(text))
            except ValueError:
                raise InputError(f"{name}/{key}: holds characters that XML does not allow", source=source) from None
    return root


def is_old(version: CdmVersion) -> bool:
    """Whether the JSON form is that of CDM 3.1: plain codes, list members that end in ``List``."""
    return version.major == 3


def _how_many(found: list[tuple[str, str, dict[str, JsonValue]]]) -> str:
    if not found:
        return 'no SED in this JSON; expected one member named by the SED, like {"A001": {...}}'
    return f"{len(found)} SEDs in this JSON ({', '.join(name for _, name, _ in found[:5])}); expected one"


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
        chosen = CdmVersion.parse(asked).released
        if own is not None and own != chosen:
            report.append(Loss(LossKind.VERSION, place, f"the document says {own}, the caller {chosen}"))
        return chosen
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
        return CdmVersion.parse(text).released if isinstance(text, str) else None
    except UsageError:
        return None


def _outside(document: JsonValue, place: str, name: str) -> list[Loss]:
    """What stands around the SED in an export and does not become part of it."""
    if not isinstance(document, dict):
        return [Loss(LossKind.OUTSIDE, place, "the document stands in a list")]
    if not place:  # the content itself, without the name of its SED
        return []
    head = place.split("/")[0].split("[")[0]
    return [
        Loss(LossKind.OUTSIDE, member, "holds the document" if member == head else "")
        for member in document
        if member != name
    ]


def to_rina_json(sed: Sed, registry: Registry | None = None) -> Written:
    """Write a SED as RINA JSON, with a report of what the form cannot carry or what had to be guessed.

    :param registry: says which members are lists; default :meth:`Registry.default`.
    """
    from eessi.sed.rina_note import note_of
    from eessi.sed.rina_writing import JsonWriter

    registry = registry or default_registry()
    shape = sed.shape if isinstance(sed.shape, Shape) else note_of(sed.data)
    writer = JsonWriter(registry, shape, old=is_old(sed.version))
    tree = tree_for(registry, sed.type, sed.version)
    body = writer.root_members(sed)
    content = writer.object(sed.root, tree.root if tree else None, sed.name, "")
    document: dict[str, JsonValue] = {sed.name: {**body, **content}}
    return Written(dump_json(document), document, LossReport(tuple(writer.report)))


def write_rina_json(sed: Sed, registry: Registry | None = None) -> str:
    """Write a SED as RINA JSON; :func:`to_rina_json` also tells what was guessed or lost."""
    return to_rina_json(sed, registry).text

"""Bulk SEDs (U020, U029): RINA keeps them as one master and many child documents; on the wire they are one SED.

Source: CDM wire facts, sections 7 and 10; element inventory (U020_Master and U020_Child merged).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import attrs
from lxml import etree

from eessi._xml import local_name
from eessi.errors import InputError, UsageError
from eessi.sed.document import ROOT_ATTRIBUTES, Sed
from eessi.sed.json_text import JsonValue, load_json
from eessi.sed.paths import SIGNATURE, children

__all__ = ["ITEM", "SubDocument", "join", "read_subdocuments", "split"]

ITEM = "IndividualClaim"
"""Element of a bulk SED that stands once per child document."""

_NUMBER = "sequentialNumberIndividualClaim"


def join(master: Sed, parts: Sequence[Sed]) -> Sed:
    """One SED of a master and its child documents, children by their sequential number, else as given.

    The sequence of elements is that of master and children; whether it is the one of the schema, a check says.

    :raises UsageError: when the documents do not belong together, or are no pieces of a bulk SED.
    """
    if master.part != "Master":
        raise UsageError(f"{master.name} is not the master of a bulk SED")
    for part in parts:
        if part.part != "Child" or part.type != master.type or part.version != master.version:
            raise UsageError(f"{part.name} {part.version} is not a child of {master.name} {master.version}")
    root = etree.Element(f"{{{_namespace(master)}}}{master.type}", nsmap={"s": _namespace(master)})
    for key in ROOT_ATTRIBUTES:
        if key in master.attributes:
            root.set(key, master.attributes[key])
    for piece in (master, *sorted(parts, key=_position)):
        root.extend(copy.deepcopy(child) for child in children(piece.root))
    return Sed(root)


def _namespace(sed: Sed) -> str:
    return sed.namespace.removesuffix(sed.name) + sed.type if sed.namespace.endswith(f"/{sed.name}") else sed.namespace


def _position(part: Sed) -> int:
    """The number a child states; one without goes to the end. Sorting is stable, so equal ones stay as given."""
    text = part.get(f"{ITEM}/{_NUMBER}", "")
    return int(text) if text.isdecimal() else 1 << 62


def split(sed: Sed, *, item: str = ITEM) -> tuple[Sed, tuple[Sed, ...]]:
    """Master and child documents of a bulk SED, as RINA keeps them: one child per ``item``.

    A signature stays behind: it covers the whole.

    :raises UsageError: when the SED is a piece already, or holds no ``item``.
    """
    if sed.part is not None:
        raise UsageError(f"{sed.name} is a piece of a bulk SED already")
    items = [child for child in children(sed.root) if local_name(child) == item]
    if not items:
        raise UsageError(f"{sed.name} holds no {item}; it is not a bulk SED")
    master = etree.Element(f"{{{sed.namespace}}}{sed.name}_Master", nsmap={"s": sed.namespace})
    for key, value in sed.attributes.items():
        master.set(key, value)
    for child in sed.root:
        if isinstance(child.tag, str) and child.tag != SIGNATURE and child not in items:
            master.append(copy.deepcopy(child))
    return Sed(master), tuple(_child(sed, element) for element in items)


def _child(sed: Sed, element: etree._Element) -> Sed:
    root = etree.Element(f"{{{sed.namespace}}}{sed.name}_Child", nsmap={"s": sed.namespace})
    root.append(copy.deepcopy(element))
    return Sed(root)


@attrs.frozen(slots=True)
class SubDocument:
    """An entry of RINA's list of child documents: what is there, not its content.

    :param number: place in the list. :param type: ``U020_CHILD``. :param parent: id of the master document.
    :param status: what RINA says of its validity: ``VALID``, ``PENDING`` ...
    """

    number: str
    id: str
    type: str
    parent: str | None = None
    status: str | None = None
    created: str | None = None
    updated: str | None = None
    versions: int = 1


def read_subdocuments(data: bytes | str, *, source: str | None = None) -> tuple[SubDocument, ...]:
    """RINA's collection of sub-documents.

    :raises InputError: when it is not JSON or no such collection, or names fewer documents than it counts.
    """
    document = load_json(data, source=source)
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise InputError("no collection of sub-documents in this JSON; expected a member items", source=source)
    found = [
        _entry(entry, _text(item, "no") or str(number))
        for number, item in enumerate(items, 1)
        if isinstance(item, dict) and isinstance(entries := item.get("subdocuments"), list)
        for entry in entries
        if isinstance(entry, dict)
    ]
    assert isinstance(document, dict)
    total = document.get("totalCount")
    if isinstance(total, str) and total.isdecimal() and int(total) > len(items):
        raise InputError(f"the collection counts {total} documents and holds {len(items)}", source=source)
    return tuple(found)


def _text(entry: dict[str, JsonValue], name: str) -> str | None:
    value = entry.get(name)
    return str(value) if isinstance(value, str) and value else None


def _entry(entry: dict[str, JsonValue], number: str) -> SubDocument:
    validation, versions = entry.get("validation"), entry.get("versions")
    return SubDocument(
        number=number,
        id=_text(entry, "id") or "",
        type=_text(entry, "type") or "",
        parent=_text(entry, "parentDocumentId"),
        status=_text(validation, "status") if isinstance(validation, dict) else None,
        created=_text(entry, "creationDate"),
        updated=_text(entry, "lastUpdate"),
        versions=len(versions) if isinstance(versions, list) else 1,
    )

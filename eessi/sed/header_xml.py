"""The SBDH header in XML: read by name in any order, written by a form."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping

import attrs
from lxml import etree

from eessi._xml import elements, local_name
from eessi.errors import DefinitionError, UsageError
from eessi.ids import Action, BucId, CaseId, CdmVersion, Role, SedType
from eessi.sed.codec import SBDH_NAMESPACE
from eessi.sed.header import Header, Kept, Party, word

__all__ = ["HeaderForm", "form_for", "header_element", "read_header", "shipped_forms"]

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_STANDARD = "urn:eu:europa:ec:dgempl:eessi:sed:"
_KNOWN = {
    "HeaderVersion",
    "DocumentIdentification/Standard",
    "DocumentIdentification/TypeVersion",
    "DocumentIdentification/InstanceIdentifier",
    "DocumentIdentification/Type",
    "DocumentIdentification/CreationDateAndTime",
    "DocumentIdentification/CaseAction",
    "BusinessScope/DocumentVersion",
    "BusinessScope/SetId",
    "BusinessScope/CaseId/InstanceIdentifier",
    "BusinessScope/CaseId/BusinessServiceName",
    "BusinessScope/Scope/Type",
    "BusinessScope/Scope/InstanceIdentifier",
    "BusinessScope/Scope/Identifier",
    "BusinessScope/Scope/BusinessService/BusinessServiceName",
}
_PARTY_ROLE = ("ContactTypeIdentifier", "ContactInformation/ContactTypeIdentifier")


@attrs.frozen(slots=True)
class HeaderForm:
    """One form of the header to write: its version, and path and field of each element in order."""

    version: str
    rows: tuple[tuple[str, str], ...]

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> tuple[HeaderForm, ...]:
        """Forms of a TOML file of the same kind as ``eessi/sed/data/headers.toml``.

        :raises DefinitionError: when the file is not such a table.
        """
        import tomllib

        try:
            with open(path, "rb") as file:
                return cls._of(tomllib.load(file))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DefinitionError(f"not a table of header forms: {error}", file=str(path)) from None

    @classmethod
    def _of(cls, table: Mapping[str, list[Mapping[str, object]]]) -> tuple[HeaderForm, ...]:
        return tuple(
            cls(str(row["version"]), tuple((str(entry["path"]), str(entry["field"])) for entry in _rows(row["rows"])))
            for row in table["form"]
        )


def _rows(value: object) -> list[Mapping[str, object]]:
    if not isinstance(value, list):
        raise TypeError("rows is not a list")
    return value


@functools.cache
def shipped_forms() -> tuple[HeaderForm, ...]:
    """The forms that come with the toolkit: 1.0 and 1.1."""
    import tomllib
    from pkgutil import get_data  # importlib.resources would load half the standard library for one file

    return HeaderForm._of(tomllib.loads((get_data("eessi.sed", "data/headers.toml") or b"").decode("utf-8")))


def form_for(version: str, forms: tuple[HeaderForm, ...] = ()) -> HeaderForm:
    """The form of a header version, from ``forms`` first, else a shipped one.

    :raises UsageError: when no form of that version is known.
    """
    known = {form.version: form for form in (*shipped_forms(), *forms)}
    if version not in known:
        raise UsageError(
            f"no form of header {version} is known; known are {', '.join(sorted(known))}. Give one with forms="
        )
    return known[version]


def _texts(element: etree._Element, path: str = "") -> Iterator[tuple[str, etree._Element]]:
    for child in elements(element):
        here = f"{path}/{local_name(child)}" if path else local_name(child)
        below = list(elements(child))
        if below:
            yield from _texts(child, here)
        else:
            yield here, child


def read_header(element: etree._Element, schema_location: str | None = None) -> Header:
    """The value of a ``StandardBusinessDocumentHeader`` in any version.

    Never raises for what it does not understand: such parts are in :attr:`Header.kept`.
    """
    parties: dict[str, list[Party]] = {"Sender": [], "Receiver": []}
    found: dict[str, str] = {}
    kept: list[Kept] = []
    for child in elements(element):
        name = local_name(child)
        if name in parties:
            parties[name].append(_party(child, name, kept))
            continue
        inside = list(_texts(child, name)) or [(name, child)]
        for path, leaf in inside:
            text = (leaf.text or "").strip()
            if path in _KNOWN and path not in found:
                found[path] = text
            else:
                kept.append(Kept(path, text))
    for extra in parties["Sender"][1:]:
        kept.append(Kept("Sender", extra.id))
    return _header(parties, found, kept, schema_location)


def _party(element: etree._Element, path: str, kept: list[Kept]) -> Party:
    identifier, authority, role = "", None, None
    for here, leaf in _texts(element):
        text = (leaf.text or "").strip()
        if here == "Identifier" and not identifier:
            identifier, authority = text, leaf.get("Authority")
        elif here in _PARTY_ROLE and role is None:
            role = word(Role.parse, text, f"{path}/{here}", kept)
        else:
            kept.append(Kept(f"{path}/{here}", text))
    return Party(identifier, role, authority)


def _header(
    parties: dict[str, list[Party]], found: dict[str, str], kept: list[Kept], schema_location: str | None
) -> Header:
    buc, version, action = _service(found, kept)
    standard = found.get("DocumentIdentification/Standard", "")
    type_version = found.get("DocumentIdentification/TypeVersion")
    scope = "BusinessScope/Scope/"
    known_scope = found.get(scope + "Type", "CaseContext") == "CaseContext"
    if not known_scope:
        kept.append(Kept(scope + "Type", found[scope + "Type"]))
    instance = found.get("DocumentIdentification/InstanceIdentifier")
    inner = found.get(scope + "InstanceIdentifier")
    if inner and inner != instance:
        kept.append(Kept(scope + "InstanceIdentifier", inner))
    at = "DocumentIdentification/"
    of_standard = word(CdmVersion.parse, standard.removeprefix(_STANDARD), at + "Standard", [])
    if standard and of_standard is None:
        kept.append(Kept(at + "Standard", standard))
    of_type = word(CdmVersion.parse, type_version, at + "TypeVersion", kept)
    return Header(
        sender=parties["Sender"][0] if parties["Sender"] else Party("", None, None),
        receivers=tuple(parties["Receiver"]),
        sed=word(SedType, found.get(at + "Type"), at + "Type", kept),
        sed_version=of_standard or of_type,
        type_version=of_type if of_standard else None,
        buc=buc,
        buc_version=version,
        action=word(Action.parse, found.get(at + "CaseAction"), at + "CaseAction", kept) or action,
        case_id=word(CaseId, found.get("BusinessScope/CaseId/InstanceIdentifier") or found.get(scope + "Identifier"), "CaseId", kept),
        instance_id=instance or None,
        set_id=found.get("BusinessScope/SetId") or None,
        document_version=word(int, found.get("BusinessScope/DocumentVersion"), "BusinessScope/DocumentVersion", kept),
        created=found.get(at + "CreationDateAndTime") or None,
        header_version=found.get("HeaderVersion", ""),
        schema_location=schema_location,
        kept=tuple(kept),
    )  # fmt: skip


_SERVICES = ("BusinessScope/CaseId/BusinessServiceName", "BusinessScope/Scope/BusinessService/BusinessServiceName")


def _service(found: dict[str, str], kept: list[Kept]) -> tuple[BucId | None, CdmVersion | None, Action | None]:
    """Process, version and action of ``P_BUC_05:1.0:New``; a text of another form is kept whole."""
    path = next((path for path in _SERVICES if found.get(path)), "")
    text = found.get(path, "")
    odd: list[Kept] = []
    parts = [*text.split(":"), "", ""]
    buc = word(BucId, parts[0], path, odd)
    version = word(CdmVersion.parse, parts[1], path, odd)
    action = word(Action.parse, parts[2], path, odd)
    if odd or len(parts) > 5:
        kept.append(Kept(path, text))
        return None, None, None
    return buc, version, action


def _hyphens(text: str | None) -> str | None:
    bare = (text or "").replace("-", "").lower()
    if len(bare) == 32 and all(digit in "0123456789abcdef" for digit in bare):
        return f"{bare[:8]}-{bare[8:12]}-{bare[12:16]}-{bare[16:20]}-{bare[20:]}"
    return text


def _values(header: Header) -> dict[str, str | None]:
    service = f"{header.buc}:{header.buc_version}" if header.buc and header.buc_version else header.buc
    standard = f"{_STANDARD}{header.sed_version}" if header.sed_version else None
    type_version = header.type_version or header.sed_version
    return {
        "header_version": header.header_version,
        "created": header.created,
        "action": header.action,
        "sed": header.sed,
        "instance_id": _hyphens(header.instance_id),
        "set_id": _hyphens(header.set_id),
        "related_set_id": _hyphens(header.related_set_id),
        "sed_version": str(header.sed_version) if header.sed_version else None,
        "type_version": str(type_version) if type_version else None,
        "standard": standard,
        "document_version": str(header.document_version) if header.document_version is not None else None,
        "case_id": header.case_id,
        "service": service,
        "service_with_action": f"{service}:{header.action}" if service and header.action else service,
        "scope_type": "CaseContext",
        "protected": None if header.protected is None else str(header.protected).lower(),
    }


def header_element(header: Header, form: HeaderForm | None = None) -> etree._Element:
    """The header as an element of the SBDH namespace, in the order of ``form`` (default: the form of its version).

    Kept parts are written again at their path.

    :raises UsageError: when no form of that version is known, a field of the form is unknown, or the header says
        *protected person* and the form has no place for it: that must never be lost in silence.
    """
    form = form or form_for(header.header_version or "1.1")
    fields = {field for _, field in form.rows}
    if header.protected and "protected" not in fields:
        raise UsageError(
            f"the case concerns a protected person, and header form {form.version} has no known place to say so; "
            "give a form of your schema with forms="
        )
    if header.related_set_id and "related_set_id" not in fields:
        raise UsageError(
            f"header form {form.version} has no known place for the related set; give a form of your schema with forms="
        )
    root = etree.Element(f"{{{SBDH_NAMESPACE}}}StandardBusinessDocumentHeader", nsmap={"sbdh": SBDH_NAMESPACE})
    values = _values(header)
    done: set[str] = set()
    for path, field in form.rows:
        head = path.split("/")[0]
        if head in ("Sender", "Receiver"):
            if head not in done:
                parties = (header.sender,) if head == "Sender" else header.receivers
                for party in parties:
                    _write_party(root, head, party, form)
                done.add(head)
            continue
        if field not in values:
            raise UsageError(f"header form {form.version} names the unknown field {field!r}")
        _put(root, path, values[field])
    for part in header.kept:
        if part.path.split("/")[0] not in ("Sender", "Receiver"):
            _put(root, part.path, part.text, again=True)
    return root


def _write_party(root: etree._Element, head: str, party: Party, form: HeaderForm) -> None:
    element = etree.SubElement(root, f"{{{SBDH_NAMESPACE}}}{head}")
    values = {"id": party.id, "role": party.role}
    for path, field in form.rows:
        if path.split("/")[0] == head:
            leaf = _put(element, path.partition("/")[2], values.get(field))
            if leaf is not None and field == "id" and party.authority:
                leaf.set("Authority", party.authority)


def _put(root: etree._Element, path: str, text: str | None, *, again: bool = False) -> etree._Element | None:
    if text is None:
        return None
    *groups, leaf = path.split("/")
    here = root
    for name in groups:
        tag = f"{{{SBDH_NAMESPACE}}}{name}"
        below = here.findall(tag)
        here = below[-1] if below else etree.SubElement(here, tag)
    tag = f"{{{SBDH_NAMESPACE}}}{leaf}"
    old: etree._Element | None = here.find(tag)
    if old is not None and again and old.text == text:
        return old
    element: etree._Element = etree.SubElement(here, tag)
    element.text = text
    return element

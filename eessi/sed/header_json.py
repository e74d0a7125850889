"""The header in RINA's JSON: the same value, ids as 32 hexadecimal digits. Source: CDM wire facts, section 10."""

from __future__ import annotations

from collections.abc import Iterator

from eessi.errors import InputError
from eessi.ids import Action, BucId, CaseId, CdmVersion, Role, SedType
from eessi.sed.header import AttachmentEntry, Header, Kept, Party, normal_id, word
from eessi.sed.json_text import JsonValue, dump_json, load_json

__all__ = ["read_header_json", "write_header_json"]

_PARTY = ("identifier", "contactTypeIdentifier", "authority")
_DOCUMENT = (
    "identifier",
    "setIdentifier",
    "relatedSetIdentifier",
    "version",
    "action",
    "type",
    "schemaVersion",
    "creationDate",
)
_CASE = ("identifier", "type", "version", "isProtectedPerson")
_ATTACHMENT = ("identifier", "fileName", "isMedical", "sectionReference", "internetMediaTypeCode")
_HEADER = ("sender", "receivers", "headerVersion", "documentIdentification", "caseIdentification", "attachments")


def read_header_json(data: bytes | str, *, source: str | None = None) -> Header:
    """The header that a JSON document of RINA holds, alone or as the member ``sbdh`` of a larger one.

    :raises InputError: when it is not JSON or holds no header. What has no field is kept in :attr:`Header.kept`.
    """
    document = load_json(data, source=source)
    if isinstance(document, dict) and isinstance(inner := document.get("sbdh"), dict):
        document = inner
    if not isinstance(document, dict) or not isinstance(document.get("documentIdentification"), dict):
        raise InputError("no message header in this JSON; expected a member documentIdentification", source=source)
    kept: list[Kept] = list(_leftover(document, _HEADER, ""))
    about = _object(document, "documentIdentification", _DOCUMENT, kept)
    case = _object(document, "caseIdentification", _CASE, kept)
    receivers = document.get("receivers")
    sender = document.get("sender")
    at = "documentIdentification/"
    return Header(
        sender=_party(sender, "sender", kept) if isinstance(sender, dict) else Party("", None, None),
        receivers=tuple(
            _party(entry, f"receivers[{number}]", kept)
            for number, entry in enumerate(receivers if isinstance(receivers, list) else [], 1)
            if isinstance(entry, dict)
        ),
        sed=word(SedType, _text(about, "type"), at + "type", kept),
        sed_version=word(CdmVersion.parse, _text(about, "schemaVersion"), at + "schemaVersion", kept),
        action=word(Action.parse, _text(about, "action"), at + "action", kept),
        instance_id=_text(about, "identifier"),
        set_id=_text(about, "setIdentifier"),
        related_set_id=_text(about, "relatedSetIdentifier"),
        document_version=word(int, _text(about, "version"), at + "version", kept),
        created=_text(about, "creationDate"),
        buc=word(BucId, _text(case, "type"), "caseIdentification/type", kept),
        buc_version=word(CdmVersion.parse, _text(case, "version"), "caseIdentification/version", kept),
        case_id=word(CaseId, _text(case, "identifier"), "caseIdentification/identifier", kept),
        protected=_flag(case, "isProtectedPerson"),
        attachments=tuple(_attachments(document.get("attachments"), kept)),
        header_version=_text(document, "headerVersion") or "",
        kept=tuple(kept),
    )


def _object(
    document: dict[str, JsonValue], name: str, fields: tuple[str, ...], kept: list[Kept]
) -> dict[str, JsonValue]:
    inner = document.get(name)
    if not isinstance(inner, dict):
        return {}
    kept.extend(_leftover(inner, fields, f"{name}/"))
    return inner


def _leftover(inner: dict[str, JsonValue], fields: tuple[str, ...], path: str) -> Iterator[Kept]:
    for name, value in inner.items():
        if name not in fields and value is not None:
            yield Kept(path + name, dump_json(value, indent=None))


def _text(inner: dict[str, JsonValue], name: str) -> str | None:
    value = inner.get(name)
    return str(value) if isinstance(value, str) and value else None


def _flag(inner: dict[str, JsonValue], name: str) -> bool | None:
    value = inner.get(name)
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    return value if isinstance(value, bool) else None


def _party(entry: dict[str, JsonValue], path: str, kept: list[Kept]) -> Party:
    kept.extend(_leftover(entry, _PARTY, f"{path}/"))
    role = word(Role.parse, _text(entry, "contactTypeIdentifier"), f"{path}/contactTypeIdentifier", kept)
    return Party(_text(entry, "identifier") or "", role, _text(entry, "authority"))


def _attachments(value: JsonValue, kept: list[Kept]) -> Iterator[AttachmentEntry]:
    for number, entry in enumerate(value if isinstance(value, list) else [], 1):
        if isinstance(entry, dict):
            kept.extend(_leftover(entry, _ATTACHMENT, f"attachments[{number}]/"))
            yield AttachmentEntry(
                _text(entry, "identifier") or "",
                _text(entry, "fileName") or "",
                _text(entry, "internetMediaTypeCode"),
                _flag(entry, "isMedical"),
                _text(entry, "sectionReference"),
            )


def _hex(text: str | None) -> str | None:
    return normal_id(text) if text is not None else None


def _word(value: object) -> str | None:
    return None if value is None else str(value)


def write_header_json(header: Header) -> str:
    """The header as RINA writes it; members without a value stand as ``null``."""
    party = [_party_json(one) for one in (header.sender, *header.receivers)]
    document: dict[str, JsonValue] = {
        "sender": party[0],
        "receivers": list(party[1:]),
        "headerVersion": header.header_version or None,
        "documentIdentification": {
            "identifier": _hex(header.instance_id),
            "setIdentifier": _hex(header.set_id),
            "relatedSetIdentifier": _hex(header.related_set_id),
            "version": None if header.document_version is None else str(header.document_version),
            "action": _word(header.action),
            "type": _word(header.sed),
            "schemaVersion": _word(header.sed_version),
            "creationDate": header.created,
        },
        "caseIdentification": {
            "identifier": _hex(header.case_id),
            "type": _word(header.buc),
            "version": _word(header.buc_version),
            "isProtectedPerson": header.protected,
        },
        "attachments": [
            {
                "identifier": _hex(entry.identifier),
                "fileName": entry.file_name,
                "isMedical": entry.medical,
                "sectionReference": entry.section,
                "internetMediaTypeCode": entry.media_type,
            }
            for entry in header.attachments
        ],
    }
    for part in header.kept:
        _put_back(document, part)
    return dump_json(document)


def _party_json(party: Party) -> dict[str, JsonValue]:
    return {
        "identifier": party.id,
        "contactTypeIdentifier": _word(party.role),
        "authority": party.authority,
    }


def _put_back(document: dict[str, JsonValue], part: Kept) -> None:
    """A kept member goes back where it stood, unless a value of the header stands there now."""
    head, _, name = part.path.rpartition("/")
    target: JsonValue = document
    if head:
        member, _, index = head.rstrip("]").partition("[")
        target = document.get(member)
        if index and isinstance(target, list) and 0 < int(index) <= len(target):
            target = target[int(index) - 1]
    if not isinstance(target, dict) or target.get(name) is not None:
        return
    try:
        target[name] = load_json(part.text)
    except InputError:
        target[name] = part.text

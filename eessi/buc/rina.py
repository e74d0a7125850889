"""Case histories from RINA, by the JSON shapes that published code and fixtures show.

Two shapes are read: a case with its documents (``processDefinitionName``, ``applicationRoleId``, ``documents`` with
``type``, ``status``, ``direction``, ``parentDocumentId``, ``versions``, ``conversations``), and a condensed list of events
(``case``, ``events`` with ``at``, ``type``, ``direction``, ``from``, ``to``). Whatever is not understood is listed; nothing
is guessed silently, and an event that the process does not allow is admitted and listed as a misfit.

Source: statuses, directions and attributes of actions.json of the catalogue; case_change_of_participant.json.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from eessi.buc.case import Case, Misfit
from eessi.buc.definition import Buc
from eessi.buc.event import Event
from eessi.buc.loading import buc as find_buc
from eessi.buc.record import json_object
from eessi.buc.state import CaseState
from eessi.errors import EessiError, InputError, UsageError
from eessi.ids import CaseId, InstitutionId, Role, SedType

__all__ = ["Imported", "NotUnderstood", "read_rina_case"]

_VARIANT = re.compile(r"(?P<sed>[A-Z]+[0-9]+[A-Z]?)_(?P<country>[A-Z]{2})")
_IGNORED = frozenset({"", "empty"})


@attrs.frozen(slots=True)
class NotUnderstood:
    """A part of the input that was left out or read with a guess: where it stands, what it is, and why."""

    where: str
    what: str
    why: str


@attrs.frozen(slots=True)
class Imported:
    """What became of a history.

    :param misfits: events that the process does not allow; they are in the case all the same.
    """

    case: Case
    misfits: tuple[Misfit, ...]
    not_understood: tuple[NotUnderstood, ...]


def read_rina_case(
    data: str | bytes | Mapping[str, object],
    *,
    me: str | None = None,
    source: str | None = None,
    find: Callable[[str], Buc] = find_buc,
) -> Imported:
    """A case from a RINA history.

    :param me: our institution, where the input does not tell it.
    :raises InputError: when the input is not JSON, or neither of the two shapes.
    :raises UnknownCode: when its process is not known.
    """
    table = json_object(data, source, "a JSON object is expected")
    if "documents" in table:
        return _Reader(find, me).case_with_documents(table, source)
    if "case" in table and "events" in table:
        return _Reader(find, me).condensed(table, source)
    raise InputError("neither a RINA case (documents) nor a condensed history (case, events)", source=source)


class _Reader:
    def __init__(self, find: Callable[[str], Buc], me: str | None) -> None:
        self._find = find
        self._me = me
        self._notes: list[NotUnderstood] = []

    def _note(self, where: str, what: object, why: str) -> None:
        self._notes.append(NotUnderstood(where, str(what), why))

    # -- a case with documents

    def case_with_documents(self, table: Mapping[str, Any], source: str | None) -> Imported:
        code = _required(table, "processDefinitionName", source)
        version = str(table.get("processDefinitionVersion") or "4.3")
        if "processDefinitionVersion" not in table:
            self._note("processDefinitionVersion", "absent", "read as 4.3")
        role = Role.parse(str(_required(table, "applicationRoleId", source)))
        people = self._people(self._objects(table.get("participants"), "participants"))
        documents = self._objects(table["documents"], "documents")
        me = self._me or next((name for who, name in people if who is role), None)
        others = [name for who, name in people if who is Role.COUNTERPARTY and name != me]
        number = table.get("internationalId") or table.get("id")
        case = self._find(str(code)).start(
            role, version, me=me, counterparties=others if role is Role.CASE_OWNER else (),
            case_id=None if number is None else str(CaseId(str(number))),
        )  # fmt: skip
        events = [event for item in sorted(documents, key=_moment) for event in self._document(item)]
        events.sort(key=lambda event: event.at or dt.datetime.min.replace(tzinfo=dt.UTC))
        case, misfits = case.retrace(events)
        case = self._status(case, str(table.get("status") or ""))
        self._cancelled(case, documents)
        return Imported(case, misfits, tuple(self._notes))

    def _people(self, rows: Iterable[Any]) -> list[tuple[Role, str]]:
        found: dict[tuple[Role, str], None] = {}
        for number, row in enumerate(rows):
            try:
                role = Role.parse(str(row["role"]))
                found[role, str(InstitutionId(str(row["organisation"]["id"])))] = None
            except (EessiError, KeyError, TypeError):
                self._note(f"participants[{number}]", "participant", "no known role or institution id")
        return list(found)  # repeated participants are folded

    def _document(self, item: Mapping[str, Any]) -> list[Event]:
        number, status = str(item.get("id") or ""), str(item.get("status") or "").lower()
        where = f"document {number or '?'}"
        sed = self._sed(item.get("type"), where)
        if sed is None or status in _IGNORED:
            if sed is not None and status == "":
                self._note(where, "status", "absent: left out")
            return []
        if status == "new":
            return [Event("drafted", sed=sed, document_id=number, parent_id=_parent(item), at=_date(_moment(item)))]
        kinds = {"sent": "sent", "active": "sent", "received": "received"}
        kind = kinds.get(status)
        if status == "cancelled":
            kind = {"OUT": "sent", "IN": "received"}.get(str(item.get("direction")))
        if kind is None:
            self._note(where, f"status {status!r}", "not a known status, or no direction with it")
            return []
        return self._versions(item, kind, sed, number, where)

    def _versions(self, item: Mapping[str, Any], kind: str, sed: SedType, number: str, where: str) -> list[Event]:
        sender, receivers = self._ends(item, where)
        versions = self._objects(item.get("versions"), f"{where}, versions") or [{"date": _moment(item)}]
        events = []
        for serial, row in enumerate(versions, 1):
            events.append(
                Event(
                    kind, sed=sed, document_id=number, parent_id=_parent(item), version=serial,
                    at=_date(row.get("date")), sender=sender if kind == "received" else None,
                    receivers=receivers if kind == "sent" and serial == 1 else None,
                )
            )  # fmt: skip
            if events[-1].at is None:
                self._note(where, "date", "absent or not a date: the order in the file counts")
        return events

    def _ends(self, item: Mapping[str, Any], where: str) -> tuple[str | None, tuple[str, ...] | None]:
        senders: list[str] = []
        receivers: dict[str, None] = {}
        for conversation in self._objects(item.get("conversations"), f"{where}, conversations"):
            for row in self._objects(conversation.get("participants"), f"{where}, participants"):
                organisation = row.get("organisation")
                name = organisation.get("id") if isinstance(organisation, Mapping) else None
                try:
                    InstitutionId(str(name))
                except UsageError:
                    self._note(where, "participant of a conversation", "no institution id")
                    continue
                if row.get("role") == "Sender":
                    senders.append(str(name))
                elif row.get("role") == "Receiver":
                    receivers[str(name)] = None
        return (senders[-1] if senders else None), (tuple(receivers) or None)

    def _objects(self, value: object, where: str) -> list[Mapping[str, Any]]:
        """The objects of a list; whatever else stands in its place is noted."""
        if value in (None, "", [], {}):
            return []
        if not isinstance(value, list | tuple):
            self._note(where, type(value).__name__, "a list of objects is expected")
            return []
        found = [item for item in value if isinstance(item, Mapping)]
        if len(found) != len(value):
            self._note(where, f"{len(value) - len(found)} entries", "no objects: left out")
        return found

    def _sed(self, code: object, where: str) -> SedType | None:
        text = str(code or "")
        variant = _VARIANT.fullmatch(text)
        if variant is not None:
            self._note(where, text, f"a country's variant, read as {variant['sed']}")
            text = variant["sed"]
        try:
            return SedType(text)
        except EessiError:
            self._note(where, f"type {text!r}", "not the code of a SED")
            return None

    def _status(self, case: Case, status: str) -> Case:
        wanted = status.lower()
        if wanted in ("", "open") or (wanted == "closed" and case.state is CaseState.CLOSED):
            return case
        steps = {"closed": ["closed"], "archived": ["closed", "archived"], "removed": ["deleted"]}.get(wanted)
        if steps is None:
            self._note("status", status, "not a known status of a case")
            return case
        if case.state in (CaseState.CLOSED, CaseState.FORWARDED) and wanted == "archived":
            steps = ["archived"] if case.state is CaseState.CLOSED else []
        for kind in steps:
            try:
                case = case.apply(Event(kind))
            except EessiError as error:
                self._note("status", status, f"the documents do not lead there: {error}")
                break
        return case

    def _cancelled(self, case: Case, documents: Iterable[Mapping[str, Any]]) -> None:
        for item in documents:
            there = case.documents.get(str(item.get("id") or ""))
            if there is not None and str(item.get("status")).lower() == "cancelled" and there.status != "cancelled":
                self._note(f"document {there.id}", "cancelled", "no X008 for it is in the input: kept as valid")

    # -- a condensed list of events

    def condensed(self, table: Mapping[str, Any], source: str | None) -> Imported:
        head = table["case"]
        if not isinstance(head, Mapping):
            raise InputError("case: an object is expected", source=source)
        code, owner = str(_required(head, "buc", source)), head.get("owner")
        me = self._me or (None if owner is None else str(owner))
        role = Role.CASE_OWNER if me == owner else Role.COUNTERPARTY
        number = head.get("id")
        case = self._find(code).start(
            role, str(head.get("version") or "4.3"), me=me, case_id=str(number) if number else None
        )
        rows = self._objects(table["events"], "events")
        events = [event for number, row in enumerate(rows) for event in self._event(row, number)]
        case, misfits = case.retrace(events)
        return Imported(case, misfits, tuple(self._notes))

    def _event(self, row: Mapping[str, Any], number: int) -> list[Event]:
        where = f"events[{number}]"
        sed = self._sed(row.get("type"), where)
        kind = {"OUT": "sent", "IN": "received"}.get(str(row.get("direction")))
        if sed is None or kind is None:
            self._note(where, row.get("direction"), "neither IN nor OUT")
            return []
        known = {"at", "type", "direction", "from", "to", "participant", "also_receiver", "count", "one_per_parent",
                 "from_name", "creator"}  # fmt: skip
        for key in sorted(set(row) - known):
            self._note(f"{where}.{key}", key, "not a known key")
        count = row.get("count")
        if isinstance(count, int) and count > 1:
            self._note(where, f"{count} times {sed}", "one per earlier document: folded to one event")
        new = row.get("participant") or row.get("also_receiver") or ()
        names = (
            [new]
            if isinstance(new, str)
            else [one for one in new if isinstance(one, str)]
            if isinstance(new, list)
            else []
        )
        to = row.get("to")
        to = (
            [one for one in to if isinstance(one, str)] if isinstance(to, list) else to if isinstance(to, str) else None
        )
        return [
            Event(
                kind, sed=sed, document_id=f"{number + 1}", at=_date(row.get("at")),
                sender=row.get("from") if kind == "received" else None,
                receivers=tuple([to] if isinstance(to, str) else to) if kind == "sent" and to else None,
                participant=names[-1] if names else None,
            )
        ]  # fmt: skip


def _required(table: Mapping[str, Any], key: str, source: str | None) -> object:
    value = table.get(key)
    if value in (None, ""):
        raise InputError(f"{key} is missing", source=source)
    return value


def _parent(item: Mapping[str, Any]) -> str | None:
    parent = item.get("parentDocumentId")
    return parent if isinstance(parent, str) and parent else None


def _moment(item: Mapping[str, Any]) -> str:
    versions = item.get("versions")
    earliest = versions[0] if isinstance(versions, list | tuple) and versions else None
    first = earliest.get("date") if isinstance(earliest, Mapping) else None
    return str(first or item.get("creationDate") or "")


def _date(text: object) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)

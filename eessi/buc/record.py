"""A case as JSON: what it runs on, who takes part, and every event. Reading it replays the history.

The form is versioned and published (:func:`schema`). A release reads every form that an earlier one wrote.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Literal

import attrs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eessi.buc.case import Case, Misfit
from eessi.buc.definition import Buc
from eessi.buc.event import KINDS, Event
from eessi.buc.loading import buc as find_buc
from eessi.errors import InputError, UsageError
from eessi.ids import Role

__all__ = [
    "FORMAT",
    "Loaded",
    "as_json",
    "dump",
    "event_json",
    "load",
    "read",
    "read_event",
    "read_event_text",
    "schema",
]

FORMAT = 1
"""Version of the form that this release writes."""

Find = Callable[[str], Buc]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EventForm(_Form):
    """One event. A key that is absent has its default."""

    kind: Literal[
        "drafted", "draft_deleted", "sent", "received", "closed", "reopened", "archived", "restored", "deleted", "noted"
    ]  # fmt: skip
    sed: str | None = Field(default=None, description="type of the document")
    document_id: str | None = None
    parent_id: str | None = Field(default=None, description="document that this one answers or concerns")
    version: int = Field(default=1, ge=1)
    at: dt.datetime | None = Field(default=None, description="moment of sending or receiving, ISO 8601")
    sender: str | None = None
    receivers: tuple[str, ...] | None = None
    facts: dict[str, bool] = {}
    participant: str | None = Field(default=None, description="institution that joins, leaves or takes over")
    replaces: str | None = None
    attachments: int = 0
    parts: int = 0


class CaseForm(_Form):
    """A case."""

    schema_version: Literal[1]
    buc: str
    version: str = Field(description="CDM version of the case")
    role: Literal["CaseOwner", "Counterparty", "IntelligentRA"]
    case_id: str | None = None
    me: str | None = None
    counterparties: tuple[str, ...] = ()
    events: tuple[EventForm, ...] = ()


def schema() -> dict[str, object]:
    """The JSON Schema of the form that this release writes."""
    found = CaseForm.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "case", **found}


def as_json(case: Case) -> dict[str, object]:
    """A case as plain data; defaults are left out."""
    others = [
        str(item.institution)
        for item in case._frame.participants
        if item.role is Role.COUNTERPARTY and item.key != case._frame.me and item.institution is not None
    ]
    me = next(item.institution for item in case._frame.participants if item.key == case._frame.me)
    document: dict[str, object] = {
        "schema_version": FORMAT,
        "buc": str(case.buc.code),
        "version": str(case.version),
        "role": str(case.role),
    }
    if case.id is not None:
        document["case_id"] = str(case.id)
    if me is not None:
        document["me"] = str(me)
    if others:
        document["counterparties"] = others
    document["events"] = [event_json(event) for event in case.history]
    return document


def event_json(event: Event) -> dict[str, object]:
    """One event as plain data; defaults are left out."""
    form = EventForm(
        kind=event.kind, sed=event.sed, document_id=event.document_id, parent_id=event.parent_id, version=event.version,  # type: ignore[arg-type]  # checked by Event
        at=event.at, sender=event.sender, receivers=event.receivers, facts=dict(event.facts),
        participant=event.participant, replaces=event.replaces, attachments=event.attachments, parts=event.parts,
    )  # fmt: skip
    return form.model_dump(mode="json", exclude_defaults=True)


def read_event(table: Mapping[str, object], *, source: str | None = None) -> Event:
    """The event that :func:`event_json` wrote, in this or an earlier release.

    :raises InputError: when it is not of this form.
    """
    try:
        return Event(**EventForm.model_validate(table).model_dump())
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"not an event: {where}: {first['msg'].lower()}", source=source) from None


def read_event_text(text: str, *, source: str | None = None) -> Event:
    """The same from JSON text.

    :raises InputError: when it is not of this form.
    """
    try:
        return Event(**vars(EventForm.model_validate_json(text)))
    except ValidationError:
        return read_event(json_object(text, source, "not an event: a JSON object is expected"), source=source)


def dump(case: Case) -> str:
    """A case as JSON text."""
    return json.dumps(as_json(case), ensure_ascii=False, indent=2) + "\n"


@attrs.frozen(slots=True)
class Loaded:
    """A case that was read, and the events of its history that its process does not allow (any more)."""

    case: Case
    misfits: tuple[Misfit, ...] = ()


def load(data: str | bytes | Mapping[str, object], *, source: str | None = None, find: Find = find_buc) -> Case:
    """The case that :func:`dump` wrote, in this or an earlier release; see :func:`read`."""
    return read(data, source=source, find=find).case


def read(data: str | bytes | Mapping[str, object], *, source: str | None = None, find: Find = find_buc) -> Loaded:
    """The case that :func:`dump` wrote, in this or an earlier release.

    What has happened stays: an event that the rows of this release do not allow any more is admitted and listed.

    :param find: gives the definition for a code; pass your own for national processes.
    :raises InputError: when it is not JSON or not of this form.
    :raises UnknownCode: when the process or its version is not known.
    """
    table = json_object(data, source, "not a case: a JSON object is expected")
    version = table.get("schema_version")
    if version != FORMAT:
        raise InputError(f"a case of form {version!r} is not known; this release reads 1 to {FORMAT}", source=source)
    try:
        form = CaseForm.model_validate(table)
        events = [Event(**row.model_dump()) for row in form.events]
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"not a case: {where}: {first['msg'].lower()}", source=source) from None
    except UsageError as error:
        raise InputError(f"not a case: {error}", source=source) from None
    case = find(form.buc).start(
        form.role, form.version, case_id=form.case_id, me=form.me, counterparties=form.counterparties
    )
    return Loaded(*case.retrace(events))


def json_object(data: str | bytes | Mapping[str, object], source: str | None, expected: str) -> Mapping[str, object]:
    """The object that a text holds; one that was read already is passed on.

    :param expected: said when it is JSON of another shape.
    :raises InputError: when it is not UTF-8, not JSON, or no object.
    """
    if isinstance(data, Mapping):
        return data
    try:
        table = json.loads(data)
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8", source=source, offset=error.start) from None
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}", source=source, offset=error.pos) from None
    if not isinstance(table, dict):
        raise InputError(expected, source=source)
    return table


assert set(KINDS) == set(EventForm.model_fields["kind"].annotation.__args__)  # type: ignore[union-attr]  # one list of kinds

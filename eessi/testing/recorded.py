"""A case that really happened becomes a scenario: pseudonymous, shifted in time, ready to be replayed for ever.

Roles, order, answers, new versions and the days between them stay; institutions get invented ids of their country, the
first day becomes a fixed one, and documents are generated, or pseudonymised where they are given with a key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from eessi.buc import Case, Event
from eessi.errors import MissingExtra, UsageError
from eessi.ids import InstitutionId, Role
from eessi.schemas import Registry
from eessi.sed import Sed

__all__ = ["scenario_of_case"]

_FIRST_DAY: Final = dt.datetime(2026, 1, 15, 9, tzinfo=dt.UTC)
_LOCAL: Final = {"closed": "closes", "reopened": "reopens", "archived": "archives", "restored": "restores"}


@attrs.define(slots=True)
class _Party:
    """A participant under its new name."""

    name: str
    role: Role
    country: str
    pseudonym: str
    documents: dict[str, str] = attrs.field(factory=dict)
    counts: dict[str, int] = attrs.field(factory=dict)

    def name_of(self, document: str, sed: str) -> str:
        """The name that the runner will give the document in this party's case."""
        if document not in self.documents:
            self.counts[sed] = self.counts.get(sed, 0) + 1
            self.documents[document] = sed if self.counts[sed] == 1 else f"{sed}-{self.counts[sed]}"
        return self.documents[document]


def scenario_of_case(
    case: Case,
    *,
    title: str | None = None,
    documents: Mapping[str, Sed] | None = None,
    key: bytes | None = None,
    registry: Registry | None = None,
) -> str:
    """The text of a ``*.buc.yaml`` that replays a case.

    :param documents: the documents by their id, to be pseudonymised; without them documents are generated.
    :param key: secret of at least 16 bytes for the pseudonyms; needed with ``documents``.
    :raises UsageError: when the case is empty, or documents come without a key.
    :raises Survived: when a pseudonymous document still held a value of its source.
    """
    if not case.history:
        raise UsageError("the case has no events yet, so there is nothing to replay")
    if documents and key is None:
        raise UsageError("documents are only taken over as pseudonyms: give a key of at least 16 bytes")
    parties = _parties(case)
    data = {id: _data(sed, key or b"", registry) for id, sed in (documents or {}).items()}
    me = parties[_key(case.me)] if _key(case.me) in parties else next(iter(parties.values()))
    steps = list(_steps(case, parties, me, data))
    steps.append(f"{me.name} is {case.state}")
    head = {
        "scenario": title or f"A recorded case of {case.buc.code}",
        "about": case.buc.title,
        "buc": str(case.buc.code),
        "version": str(case.version),
        "starts": _FIRST_DAY.strftime("%Y-%m-%d %H:%M"),
        "parties": {
            party.name: {"role": str(party.role), "country": party.country, "institution": party.pseudonym}
            for party in parties.values()
        },
    }
    try:
        import yaml
    except ImportError:
        raise MissingExtra("testing", "writing a scenario file") from None
    text: str = yaml.safe_dump({**head, "steps": steps}, sort_keys=False, allow_unicode=True, width=120)
    return f"# Recorded from a case and pseudonymised; institutions, days and documents are not the real ones.\n{text}"


def _key(institution: InstitutionId | None) -> str:
    return "" if institution is None else str(institution)


def _parties(case: Case) -> dict[str, _Party]:
    """Everybody who began the case or sent something in it. Who only takes over later is named, not played."""
    found: dict[str, _Party] = {}
    used: dict[str, int] = {}

    def add(institution: InstitutionId | None, role: Role) -> None:
        country = institution.country if institution and institution.country != "EU" else "XX"
        used[country] = used.get(country, 0) + 1
        name = country if used[country] == 1 else f"{country}{used[country]}"
        number = len(found) + 1
        found[_key(institution) or f"unnamed-{number}"] = _Party(name, role, country, f"{country}:REC{number:04d}")

    senders = [event.sender for event in case.history if event.sender is not None]
    for participant in case.begin().participants:
        institution = participant.institution
        if institution is None and participant.role is Role.CASE_OWNER and senders:
            institution = senders[0]
        add(institution, participant.role)
    for sender in senders:
        if _key(sender) not in found:
            add(sender, Role.COUNTERPARTY)
    return found


def _data(sed: Sed, key: bytes, registry: Registry | None) -> dict[str, object]:
    from eessi.sed.pseudonymise import pseudonymise

    content = pseudonymise(sed, key, registry=registry).sed.part_at()
    if not isinstance(content, dict):
        raise UsageError(f"the {sed.type} is empty")
    return dict(content)


def _steps(
    case: Case, parties: Mapping[str, _Party], me: _Party, data: Mapping[str, Mapping[str, object]]
) -> Iterator[object]:
    day = _FIRST_DAY.date()
    shift: dt.timedelta | None = None
    for event in case.history:
        if event.at is not None:
            shift = shift if shift is not None else day - event.at.date()
            here = event.at.date() + shift
            if here > day:
                yield f"on {here}"
                day = here
        if event.kind in _LOCAL:
            yield f"{me.name} {_LOCAL[event.kind]} the case"
        elif event.kind in ("sent", "received"):
            yield _sending(case, event, parties, me, data)


def _sending(
    case: Case, event: Event, parties: Mapping[str, _Party], me: _Party, data: Mapping[str, Mapping[str, object]]
) -> object:
    document = _document_of(case, event)
    kept = case.documents.get(document)
    sed = str(event.sed or (kept.sed if kept is not None else ""))
    sender = me if event.kind == "sent" else _sender(event, kept.author if kept is not None else "", parties, me)
    receivers = _receivers(event, parties, me, sender)
    names = {party.name: party.name_of(document, sed) for party in (sender, *receivers)}
    below: dict[str, object] = {}
    if event.version > 1:
        sentence = f"{sender.name} updates {names[sender.name]}"
    else:
        sentence = f"{sender.name} sends {sed} to {' and '.join(party.name for party in receivers)}"
        parent = event.parent_id or (kept.parent_id if kept is not None else None)
        if parent is not None and parent in sender.documents:
            sentence += f" in reply to {sender.documents[parent]}"
    facts = dict(kept.facts if kept is not None else {}) | dict(event.facts)
    if facts:
        below["facts"] = facts
    if event.participant is not None:
        known = parties.get(str(event.participant))
        below["participant"] = known.pseudonym if known else f"{event.participant.country}:REC9999"
    if document in data:
        below["data"] = dict(data[document])
    return {sentence: below} if below else sentence


def _document_of(case: Case, event: Event) -> str:
    """The id of the document of an event; the case made one where the event had none."""
    if event.document_id is not None:
        return event.document_id
    same = [one.id for one in case.documents.values() if one.sed == event.sed and one.at == event.at]
    return same[0] if same else f"{event.kind}-{event.sed}-{event.at}"


def _sender(event: Event, author: str, parties: Mapping[str, _Party], me: _Party) -> _Party:
    for key in (_key(event.sender), author):
        if key in parties:
            return parties[key]
    return next(party for party in parties.values() if party is not me)


def _receivers(event: Event, parties: Mapping[str, _Party], me: _Party, sender: _Party) -> list[_Party]:
    if event.receivers is not None:
        named = [parties[str(one)] for one in event.receivers if str(one) in parties]
        return named or [party for party in parties.values() if party is not sender]
    return (
        [me]
        if event.kind == "received" and sender is not me
        else [one for one in parties.values() if one is not sender]
    )

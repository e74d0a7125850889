"""Counts for reporting. They come from the histories of the cases, so they come out the same again."""

from __future__ import annotations

import datetime as dt
import json
import statistics as numbers
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from eessi.node.stored import load
from eessi.stores import DEFAULT_TENANT, Store
from eessi.stores.cases import CaseRow, CaseRows
from eessi.stores.mail import moment_of

__all__ = ["CaseCount", "Delay", "DocumentCount", "Statistics", "statistics_of"]


@attrs.frozen(slots=True)
class CaseCount:
    """Number of cases of one process, role and state."""

    buc: str
    role: str
    state: str
    cases: int


@attrs.frozen(slots=True)
class DocumentCount:
    """Number of documents of one type, in one direction, with one country, by verdict."""

    sed: str
    direction: str
    country: str
    verdict: str
    documents: int


@attrs.frozen(slots=True)
class Delay:
    """Days between a document and its answer, over all pairs of these types."""

    sed: str
    answer: str
    pairs: int
    median: float
    longest: float


@attrs.frozen(slots=True)
class Statistics:
    """The counts of one tenant for a period."""

    cases: tuple[CaseCount, ...]
    documents: tuple[DocumentCount, ...]
    delays: tuple[Delay, ...]


def statistics_of(
    store: Store, *, tenant: str = DEFAULT_TENANT, since: dt.date | None = None, until: dt.date | None = None
) -> Statistics:
    """Counts by process, SED, country, role, delay and outcome.

    :param since: :param until: days of opening (cases) and of sending or receiving (documents); both included.
    """
    cases: Counter[tuple[str, str, str]] = Counter()
    documents: Counter[tuple[str, str, str, str]] = Counter()
    delays: dict[tuple[str, str], list[float]] = {}
    with store.read(tenant) as unit:
        rows = CaseRows(unit)
        for head in rows.find(limit=10**9):
            if _inside(head.opened_at, since, until):
                cases[(head.buc, head.role, head.state)] += 1
            events = [(event.at, json.loads(event.body)) for event in rows.events(head.case_id)]
            verdicts = rows.verdicts(head.case_id)
            for one in _exchanged(events, head, verdicts, since, until):
                documents[one] += 1
            for pair, days in _answers(events, _parents(rows, head.case_id), since, until):
                delays.setdefault(pair, []).append(days)
    return Statistics(
        tuple(CaseCount(*key, count) for key, count in sorted(cases.items())),
        tuple(DocumentCount(*key, count) for key, count in sorted(documents.items())),
        tuple(
            Delay(sed, answer, len(days), round(numbers.median(days), 2), round(max(days), 2))
            for (sed, answer), days in sorted(delays.items())
        ),
    )


def _inside(key: str, since: dt.date | None, until: dt.date | None) -> bool:
    day = moment_of(key).date()
    return (since is None or since <= day) and (until is None or day <= until)


_Events = list[tuple[str, dict[str, object]]]
NO_CONTENT: Final = "no content"
"""In place of a verdict, for a document of which only the history is kept."""


def _exchanged(
    events: _Events,
    head: CaseRow,
    verdicts: Mapping[tuple[str, int], str],
    since: dt.date | None,
    until: dt.date | None,
) -> Iterator[tuple[str, str, str, str]]:
    """SED, direction, country and verdict of each document sent or received; one that goes to several countries, for each."""
    for at, body in events:
        if body.get("kind") not in ("sent", "received") or "sed" not in body or not _inside(at, since, until):
            continue
        direction = "OUT" if body["kind"] == "sent" else "IN"
        verdict = verdicts.get((str(body.get("document_id")), int(str(body.get("version", 1)))), NO_CONTENT)
        for country in sorted(_countries(body, head)):
            yield str(body["sed"]), direction, country, verdict


def _countries(body: Mapping[str, object], head: CaseRow) -> set[str]:
    """Of those the event names; where it names none, of all others in the case."""
    named = body.get("receivers") if body["kind"] == "sent" else body.get("sender")
    ends = [str(one) for one in named] if isinstance(named, list) else [str(named)] if named else head.partners.split()
    return {one[:2] for one in ends} or {""}


def _parents(rows: CaseRows, case_id: str) -> Mapping[str, str | None]:
    """What each document answers. What came in does not say it; the process knows from the offer that it used."""
    return {one.id: one.parent_id for one in load(rows, case_id).case.documents.values()}


def _answers(
    events: _Events, parents: Mapping[str, str | None], since: dt.date | None, until: dt.date | None
) -> Iterator[tuple[tuple[str, str], float]]:
    """Pairs of a document and its answer, each at its first version."""
    seen: dict[str, tuple[str, dt.datetime]] = {}
    for moment, body in events:
        if body.get("kind") not in ("sent", "received") or "sed" not in body:
            continue
        id, at = str(body.get("document_id")), moment_of(moment)
        parent = seen.get(str(body.get("parent_id") or parents.get(id)))
        if parent is not None and id not in seen and _inside(moment, since, until):
            yield (parent[0], str(body["sed"])), (at - parent[1]).total_seconds() / 86400
        seen.setdefault(id, (str(body["sed"]), at))

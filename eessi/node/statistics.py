"""Counts for reporting, and the table of legislation decisions. Both come from the histories, so they come out the same again."""

from __future__ import annotations

import datetime as dt
import json
import statistics as numbers
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from eessi.node.vault import Vault, about_document
from eessi.sed import Message, Sed, parse
from eessi.stores import DEFAULT_TENANT, Store
from eessi.stores.cases import CaseRow, CaseRows, DocumentRow
from eessi.stores.mail import moment_of

__all__ = [
    "DECISION_COLUMNS",
    "DECISION_SEDS",
    "CaseCount",
    "Delay",
    "DocumentCount",
    "Statistics",
    "decisions",
    "statistics_of",
]

DECISION_SEDS: Final = ("A003", "A009", "A010", "A011", "A012")
"""SEDs that decide, or answer a decision, on the applicable legislation (883/2004 Title II; 987/2009 Art. 14 to 21)."""


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
            for document in rows.documents(head.case_id):
                if _inside(document.at, since, until):
                    for country in _countries(head):
                        documents[(document.sed, document.direction, country, document.verdict)] += 1
            for pair, days in _answers(rows, head.case_id, since, until):
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


def _countries(head: CaseRow) -> tuple[str, ...]:
    return tuple(sorted({one[:2] for one in head.partners.split()})) or ("",)


def _answers(
    rows: CaseRows, case_id: str, since: dt.date | None, until: dt.date | None
) -> Iterator[tuple[tuple[str, str], float]]:
    """Pairs of a document and its answer, told by the parent of the answer."""
    seen: dict[str, tuple[str, dt.datetime]] = {}
    for event in rows.events(case_id):
        body = json.loads(event.body)
        if body.get("kind") not in ("sent", "received") or "sed" not in body:
            continue
        at = moment_of(event.at)
        parent = seen.get(str(body.get("parent_id")))
        if parent is not None and _inside(event.at, since, until):
            yield (parent[0], str(body["sed"])), (at - parent[1]).total_seconds() / 86400
        seen[str(body.get("document_id"))] = (str(body["sed"]), at)


# decisions on the applicable legislation ----------------------------------------------------------------------------------

DECISION_COLUMNS: Final = (
    ("case_id", "head of the case"),
    ("document_id", "head of the case"),
    ("sed", "root name"),
    ("direction", "head of the case"),
    ("date", "moment of sending or receiving"),
    ("partner", "participants of the case"),
    ("person", "keyed pseudonym of the first personal identification number"),
    ("sex", "Person/PersonIdentification/sex"),
    ("birth_year", "Person/PersonIdentification/dateBirth"),
    ("nationality", "Person/AdditionalInformationPerson/nationality"),
    ("period_start", "first startDate of the document"),
    ("period_end", "first endDate of the document"),
    ("legislation", "first element whose name begins with applicableLegislation or memberState..."),
)
"""Column -> where it comes from. What a document does not have stays empty; nothing is guessed."""


def decisions(
    store: Store, vault: Vault, *, tenant: str = DEFAULT_TENANT, pseudonyms: bool = True
) -> Iterator[dict[str, str]]:
    """One flat row per document that decides on the applicable legislation, for analysis and fraud prevention.

    :param pseudonyms: the person is a keyed pseudonym, the birth date a year; without, the number and the date as they stand.
    """
    with store.read(tenant) as unit:
        rows = CaseRows(unit)
        heads = {head.case_id: head for head in rows.find(limit=10**9)}
        for document in rows.all_documents(DECISION_SEDS):
            about = about_document(tenant, document.case_id, document.document_id, document.version)
            message = parse(vault.open(document.body, about))
            assert isinstance(message, Message)
            yield _decision(document, heads[document.case_id], message.sed, vault, pseudonyms)


def _decision(document: DocumentRow, head: CaseRow, sed: Sed, vault: Vault, pseudonyms: bool) -> dict[str, str]:
    from eessi.node.keys import pins_of

    items = list(sed.items())
    pin = next(pins_of(sed), "")
    birth = _first(items, ("datebirth",))
    person = vault.digest("person", pin)[:16] if pin and pseudonyms else pin
    return {
        "case_id": document.case_id,
        "document_id": document.document_id,
        "sed": document.sed,
        "direction": document.direction,
        "date": document.at[:10],
        "partner": head.partners,
        "person": person,
        "sex": _first(items, ("sex",)),
        "birth_year": birth[:4] if pseudonyms else birth,
        "nationality": _first(items, ("nationality",)),
        "period_start": _first(items, ("startdate",)),
        "period_end": _first(items, ("enddate",)),
        "legislation": _starting(items, ("applicablelegislation", "memberstate")),
    }


def _leaf(path: str) -> str:
    steps = [step.partition("[")[0] for step in path.split("/")]
    name = steps[-2] if steps[-1] == "value" and len(steps) > 1 else steps[-1]
    return name.casefold()


def _first(items: Iterable[tuple[str, str]], names: tuple[str, ...]) -> str:
    return next((text for path, text in items if _leaf(path) in names), "")


def _starting(items: Iterable[tuple[str, str]], starts: tuple[str, ...]) -> str:
    return next((text for path, text in items if _leaf(path).startswith(starts)), "")

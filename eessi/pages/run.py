"""The report of a run: one self-contained page from the record that ``eessi replay --format json`` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs
from pydantic import JsonValue

from eessi.pages.rendering import embedded_json, render
from eessi.pages.sequence import Arrow, Gap, Lane, Mark, Note, Row, Stop, draw, in_words

__all__ = ["Recorded", "run_report"]

_WORDS = {"valid": "✓ proved valid", "invalid": "✗ invalid", "undetermined": "? could not be checked"}
_TONES = {"valid": "good", "invalid": "bad", "undetermined": "open"}

GLOSSARY = (
    ("EESSI", "how the social security institutions of 32 European countries exchange documents about people who move"),
    ("SED", "a structured electronic document: one form, like S071, with fixed fields and codes"),
    ("BUC", "a business use case: the process that says who sends which SED to whom, after what"),
    ("Case", "one run through such a process; each institution keeps its own copy"),
    ("Case owner", "the institution that starts the case; the others are counterparties"),
    ("Proved valid", "an exact schema of this SED was at hand and the document obeys it"),
    ("Could not be checked", "no exact schema was at hand: the document may be right or wrong; never shown as valid"),
)
"""The words of the page, for readers who know nothing of EESSI."""


class Recorded(Protocol):
    """A run that gives its record as JSON values, like :class:`eessi.testing.Run`."""

    def document(self) -> dict[str, JsonValue]:
        """The record; the shape of one entry of ``results``."""
        ...


@attrs.frozen(slots=True)
class _Shown:
    data: Mapping[str, object]
    diagram: str
    words: Sequence[str]
    failures: Sequence[Mapping[str, object]]
    dates: Sequence[str] = ()
    accepted: int = 0


def run_report(
    *runs: Recorded | Mapping[str, JsonValue],
    title: str | None = None,
    values_shown: bool = False,
    coverage: Mapping[str, JsonValue] | None = None,
) -> str:
    """One HTML page for one or more runs.

    :param runs: runs, or their JSON records (entries of ``results``).
    :param values_shown: whether the records hold unmasked values; only said on the page, nothing is masked here.
    :param coverage: what the runs walked together, by version and role (``summary.coverage`` of the JSON).
    :raises MissingExtra: without the extra ``pages``.
    """
    records = [run if isinstance(run, Mapping) else run.document() for run in runs]
    shown = [_show(record, number) for number, record in enumerate(records, 1)]
    masked = (
        "Values of the documents are shown as they were."
        if values_shown
        else "Values of the documents are masked: codes are shown, other values by type and length."
    )
    return render(
        "run.html.j2",
        {
            "title": title
            or (str(records[0]["scenario"]) if len(records) == 1 else f"{_count(len(records))} cases, played through"),
            "lead": _lead(records),
            "tiles": _tiles(records),
            "glossary": GLOSSARY,
            "runs": shown,
            "masked": masked,
            "coverage": coverage,
            "json": embedded_json(
                {"schema_version": 1, "results": records, **({"coverage": coverage} if coverage else {})}
            ),
        },
    )


def _lead(records: Sequence[Mapping[str, JsonValue]]) -> str:
    names = {str(party["institution_name"]) for record in records for party in _maps(record["parties"])}
    return (
        f"{_listed(sorted(names))} carried {'one case' if len(records) == 1 else f'{_count(len(records)).lower()} cases'} through, each by "
        "the rules of its own role, all on one computer. Below: every document, what each check said about it, and what "
        "each institution may do next."
    )


def _tiles(records: Sequence[Mapping[str, JsonValue]]) -> list[dict[str, object]]:
    sent = [exchange for record in records for exchange in _exchanges(record)]
    arrived = [exchange for exchange in sent if exchange["ending"] == "delivered"]

    def of(verdict: str) -> int:
        return sum(1 for exchange in arrived if _verdict(exchange) == verdict)

    refused = sum(1 for exchange in sent if exchange["ending"] == "refused")
    failed = sum(1 for record in records if not record["passed"])
    tiles: list[dict[str, object]] = [
        {"count": len(arrived), "text": "documents delivered", "tone": "plain"},
        {"count": of("valid"), "text": "proved valid", "tone": "good"},
        {"count": of("undetermined"), "text": "could not be checked", "tone": "open"},
        {"count": refused, "text": "refused before sending", "tone": "bad" if refused else "plain"},
    ]
    if failed:
        tiles.append({"count": failed, "text": "scenarios not as expected", "tone": "bad"})
    return tiles


def _show(record: Mapping[str, JsonValue], number: int) -> _Shown:
    lanes = [
        Lane(str(party["name"]), (str(party["institution_name"]), f"{_role(party)} · {party['institution']}"))
        for party in _maps(record["parties"])
    ]
    rows = [row for step in _maps(record["steps"]) for row in _rows(step, f"run{number}")]
    failures = [step for step in _maps(record["steps"]) if not step["passed"] and not _accepted(step)]
    diagram = draw(lanes, rows, title=f"Sequence of {record['scenario']}", id=f"seq{number}")
    accepted = sum(1 for step in _maps(record["steps"]) if not step["passed"] and _accepted(step))
    return _Shown(record, diagram, in_words(rows), failures, _dates(record), accepted)


def _accepted(step: Mapping[str, JsonValue]) -> bool:
    return any(review["accepted"] for review in _maps(step["reviews"]))


def _dates(record: Mapping[str, JsonValue]) -> list[str]:
    """The days from which a party may do what it may not do yet."""
    return [
        f"{party['name']} may send {move['sed']} from {move['earliest']} on."
        for party in _maps(record["parties"])
        for move in _maps(party["moves"])
        if move["earliest"] and move["answer"] != "yes"
    ]


def _role(party: Mapping[str, JsonValue]) -> str:
    return {"CaseOwner": "case owner", "Counterparty": "counterparty"}.get(str(party["role"]), str(party["role"]))


def _rows(step: Mapping[str, JsonValue], run: str) -> list[Row]:
    number, link = str(step["number"]), f"{run}-step{step['number']}"
    exchange = step["exchange"]
    if isinstance(exchange, Mapping):
        return [_message(exchange, receiver, number, link, _ended(step)) for receiver in _texts(exchange["receivers"])]
    if step["kind"] == "pass":
        return [Gap(str(step["says"]).rstrip("."))]
    if step["kind"] in ("close", "reopen"):
        closes = bool(_ended(step))
        party = str(step["text"]).split()[0]
        text = "closes its own copy of the case" if step["kind"] == "close" else "reopens its own copy of the case"
        return [Note(party, text, number, link, ends=closes)]
    return []


def _ended(step: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Parties whose case this step closed, archived or removed."""
    states = step["states"]
    assert isinstance(states, Mapping)
    return tuple(str(party) for party, state in states.items() if state not in ("new", "open"))


def _message(exchange: Mapping[str, JsonValue], receiver: str, number: str, link: str, ended: tuple[str, ...]) -> Row:
    document = exchange["document"]
    assert isinstance(document, Mapping)
    label = str(document["sed"])
    sender, ending = str(exchange["sender"]), exchange["ending"]
    if ending == "refused":
        reason = f"refused, it never leaves: {exchange['reason']}"
        return Stop(sender, receiver, f"{label} {document['title']}", reason, number, link)
    if ending in ("lost", "late"):
        return Stop(sender, receiver, label, str(exchange["reason"]), number, link, far=True)
    before, after, rejected = exchange["before"], exchange["after"], exchange["rejections"]
    assert isinstance(after, Mapping)
    assert isinstance(rejected, Mapping)
    at_receiver = _mark(after.get(receiver))
    if receiver in rejected:
        at_receiver = Mark("✗ not taken", "bad")
    return Arrow(sender, receiver, label, str(document["title"]), number, link, _mark(before), at_receiver, ends=ended)


def _mark(check: JsonValue) -> Mark | None:
    if not isinstance(check, Mapping):
        return None
    verdict = str(check["verdict"])
    return Mark(_WORDS[verdict], _TONES[verdict])


def _verdict(exchange: Mapping[str, JsonValue]) -> str:
    before = exchange["before"]
    return str(before["verdict"]) if isinstance(before, Mapping) else "undetermined"


def _exchanges(record: Mapping[str, JsonValue]) -> list[Mapping[str, JsonValue]]:
    return [step["exchange"] for step in _maps(record["steps"]) if isinstance(step["exchange"], Mapping)]


def _maps(value: JsonValue) -> list[Mapping[str, JsonValue]]:
    assert isinstance(value, list)
    return [entry for entry in value if isinstance(entry, Mapping)]


def _texts(value: JsonValue) -> list[str]:
    assert isinstance(value, list)
    return [str(entry) for entry in value]


def _count(number: int) -> str:
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")
    return words[number] if number < len(words) else str(number)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

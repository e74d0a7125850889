"""A log of 10,000 events replays to the same case on every release: the digests in ``long_log.toml`` were computed once and stay."""

from __future__ import annotations

import datetime as dt
import hashlib
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import eessi
from eessi.buc import Case, Event, buc

COUNT = 10_000
START = dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC)
ME, OTHER = "FR:LONGLOG1", "BE:LONGLOG1"

RELEASES = tomllib.loads((Path(__file__).parent / "long_log.toml").read_text(encoding="utf-8"))["release"]
"""Version and digest of everything the case says at the end: state, documents, and every move with its answer."""


def events() -> Iterator[Event]:
    """A request, then questions and answers in both directions, new versions and reminders, ten thousand in all."""
    yield Event("sent", sed="A001", document_id="d0", at=START)
    number = 1
    while number < COUNT:
        at = START + dt.timedelta(minutes=number)
        turn = number % 8
        kind, sender = ("sent", None) if turn < 4 else ("received", OTHER)
        if turn in (0, 4):
            yield Event(kind, sed="A005", document_id=f"d{number}", at=at, sender=sender)
        elif turn in (1, 5):
            yield Event(kind, sed="A008", document_id=f"d{number}", at=at, sender=sender)
        elif turn in (2, 6):
            yield Event(kind, sed="H001", document_id=f"d{number}", at=at, sender=sender)
        else:
            yield Event(kind, sed="A008", document_id=f"d{number - 2}", version=2, at=at, sender=sender)
        number += 1


def digest(case: Case) -> str:
    lines = [
        str(case.state),
        *(f"{one.id} {one.sed} {one.status} {one.version} {one.author}" for one in case.documents.values()),
    ]
    lines += sorted(
        f"{move.kind} {move.sed} {move.document_id} {move.answer}" for move in case.allowed(on=dt.date(2027, 1, 1))
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_each_release_has_its_digest_and_a_change_has_its_reason() -> None:
    assert RELEASES[-1]["version"] == eessi.__version__, "a release adds its row"
    assert len({row["version"] for row in RELEASES}) == len(RELEASES)
    for before, after in pairwise(RELEASES):
        assert after["digest"] == before["digest"] or after.get("why"), after["version"]


def test_a_long_log_replays_to_the_same_case() -> None:
    case = buc("LA_BUC_01").start(as_="CaseOwner", version="4.3", me=ME, counterparties=(OTHER,)).replay(events())
    assert len(case.history) == COUNT
    assert digest(case) == RELEASES[-1]["digest"]
    assert case.begin().replay(case.history) == case

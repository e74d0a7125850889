"""Every refusal tells what to do, and doing it makes the move possible."""

from __future__ import annotations

import datetime as dt
import random

import pytest

import eessi
from eessi.buc import Case, Event, Remedy, WhyNot
from eessi.ids import Role

CODES = [code for code in eessi.buc.loading.codes() if not code.startswith("AD_")]
OTHER = {"CaseOwner": "Counterparty", "Counterparty": "CaseOwner"}
NAMES = {"CaseOwner": "FR:OWNER", "Counterparty": "BE:OTHER"}
FINAL = {
    "BUC-SYSTEM": "made by systems only",
    "BUC-ACTION": "the process does not offer it",
    "BUC-CASE-STATE": "no way back from this state",
    "BUC-NOT-YET": "a starter that nothing offers again",
    "BUC-USED": "once in this process, and nothing opens it again",
    "BUC-WITHDRAWN": "excluded for good",
    "BUC-CANCELLED": "its document is gone for good",
    "BUC-NOT-UPDATABLE": "its type takes no new versions",
    "BUC-FACT": "no other document can tell otherwise",
}
"""Rules under which nothing may be left to do; any other refusal must offer a remedy."""


UNKNOWABLE = {
    ("AW_BUC_14", "H002"): "the DA063 of the other side ended its H001, unless an H001 was overtaken",
    **{
        ("UB_BUC_04", sed): "the X008 for the U020 ended the U026, unless a U026 was overtaken"
        for sed in ("U027", "X012", "X013")
    },
}
"""Refusals that advise to wait for a document which the other side can no longer send; from here that cannot be known."""


class World:
    """Two institutions and a day; messages arrive at once."""

    def __init__(self, code: str) -> None:
        buc = eessi.buc(code)
        self.cases: dict[str, Case] = {
            "CaseOwner": buc.start("CaseOwner", "4.3", me=NAMES["CaseOwner"], counterparties=[NAMES["Counterparty"]]),
            "Counterparty": buc.start("Counterparty", "4.3", me=NAMES["Counterparty"]),
        }
        self.day = dt.date(2026, 1, 1)
        self.number = 0

    def copy(self) -> World:
        new = object.__new__(World)
        new.cases, new.day, new.number = dict(self.cases), self.day, self.number
        return new

    def refusal(self, side: str, sed: str, parent: str | None) -> WhyNot | None:
        return self.cases[side].why_not(sed, on=self.day, parent_id=parent)

    def send(self, side: str, sed: str, parent: str | None) -> None:
        self.number += 1
        at = dt.datetime.combine(self.day, dt.time(12), dt.UTC)
        participant = {
            "X005": f"AT:NEW{self.number}",
            "X006": NAMES["Counterparty"],
            "X007": f"AT:NEW{self.number}",
        }.get(sed)
        details = {
            "sed": sed,
            "document_id": f"d{self.number}",
            "parent_id": parent,
            "at": at,
            "participant": participant,
        }
        if sed == "X004":
            details["facts"] = {"X004.reopen": True}
        own = self.cases[side].apply(Event("sent", **details))  # type: ignore[arg-type]  # a table of arguments
        answered = own.documents[f"d{self.number}"].parent_id
        details |= {"parent_id": answered, "sender": NAMES[side]}
        self.cases[side] = own
        there = self.cases[OTHER[side]]
        self.cases[OTHER[side]] = there.apply(Event("received", **details))  # type: ignore[arg-type]  # a table of arguments

    def achieve(self, side: str, sed: str, parent: str | None = None, depth: int = 0) -> bool:
        """Follow remedies until ``sed`` may be sent; false when a refusal says that nothing is left to do."""
        for _ in range(8):
            refused = self.refusal(side, sed, parent)
            if refused is None:
                return True
            if not refused.remedies:
                assert refused.rule in FINAL, f"{refused.rule} offers no remedy: {refused.text}"
            if not refused.remedies or depth > 8:
                return False
            before = self.copy()
            for remedy in refused.remedies:
                if remedy.do == "act_as":
                    return self.achieve(remedy.what, sed, None, depth + 1)
                if remedy.do == "give" and remedy.what == "parent_id":
                    parent = remedy.parent_id
                    break
                if self.follow(side, remedy, depth):
                    break
                self.cases, self.day = dict(before.cases), before.day
            else:
                return False
        raise AssertionError(
            f"{sed} of the {side} stays refused: {self.refusal(side, sed, parent)}, {list(self.cases[side].documents)}"
        )

    def follow(self, side: str, remedy: Remedy, depth: int) -> bool:
        case = self.cases[side]
        if remedy.do in ("send", "receive"):
            author = side if remedy.do == "send" else OTHER[side]
            if remedy.text.startswith("a new version"):
                return self.update(author, remedy.what)
            if not self.achieve(author, remedy.what, remedy.parent_id, depth + 1):
                return False
            if remedy.role is not None and author not in self.cases[author].role:
                return False
            offers = [move.parent_id for move in self.cases[author].allowed(on=self.day).yes if move.sed == remedy.what]
            if not offers:  # another role had to do it
                return False
            self.send(author, remedy.what, remedy.parent_id or offers[-1])
            return True
        if remedy.do == "state":
            for document, name, value in remedy.facts:
                assert document is not None
                note = Event("noted", document_id=document, facts={name: value})
                self.cases = {role: item.apply(note) for role, item in self.cases.items()}
        elif remedy.do == "wait":
            assert remedy.on is not None
            self.day = remedy.on
        elif remedy.do == "do":
            kind = {"reopen": "reopened", "restore": "restored", "close": "closed", "archive": "archived"}[remedy.what]
            self.cases[side] = case.apply(Event(kind))
        elif remedy.do == "delete":
            self.cases[side] = case.apply(Event("draft_deleted", document_id=remedy.what))
        else:
            raise AssertionError(f"nobody knows how to {remedy.do} {remedy.what}")
        return True

    def update(self, author: str, sed: str) -> bool:
        move = self.cases[author].allowed(on=self.day).find(sed, kind="update")
        if move is None or move.document_id is None or move.answer != "yes":
            return False
        version = self.cases[author].documents[move.document_id].version + 1
        event = Event("sent", document_id=move.document_id, version=version)
        self.cases[author] = self.cases[author].apply(event)
        received = Event("received", document_id=move.document_id, version=version, sender=NAMES[author])
        self.cases[OTHER[author]] = self.cases[OTHER[author]].apply(received)
        return True


def walk(code: str, seed: int, steps: int) -> World:
    """A world some random steps into its case."""
    world, source = World(code), random.Random(seed)
    for _ in range(steps):
        side = source.choice(list(OTHER))
        moves = [move for move in world.cases[side].allowed(on=world.day).yes if move.slot is not None]
        moves = [
            move
            for move in moves
            if move.sed not in ("X005", "X006", "X007") and (move.sed != "X001" or steps % 3 == 0)
        ]
        if moves:
            move = source.choice(moves)
            assert move.sed is not None
            world.send(side, move.sed, move.parent_id)
    return world


@pytest.mark.parametrize("code", CODES)
def test_following_the_remedies_makes_the_move_possible(code: str) -> None:
    asked, hopeless = 0, []
    for seed, steps in enumerate((0, 1, 2, 3, 5)):
        world = walk(code, seed, steps)
        for side in OTHER:
            for sed in world.cases[side].buc.program("4.3").rows[Role(side)]:
                refused = world.refusal(side, sed, None)
                if refused is not None:
                    asked += 1
                    mended = world.copy().achieve(side, sed)
                    if not mended and refused.remedies and (code, sed) not in UNKNOWABLE:
                        hopeless.append((seed, side, sed, refused.text, [item.what for item in refused.remedies]))
    assert asked
    assert not hopeless, f"remedies that do not help: {hopeless[:2]}"

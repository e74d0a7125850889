"""Which steps of a process a run has walked, and which share of all it is."""

from __future__ import annotations

from collections.abc import Iterable

from eessi.buc import Buc
from eessi.ids import CdmVersion, Role
from eessi.testing.players import Player
from eessi.testing.record import CoverageRecord, Run

__all__ = ["coverage_of", "joined", "transitions"]


def transitions(buc: Buc, version: CdmVersion) -> tuple[str, ...]:
    """Every step that the rules of a process know in a version: ``LA_BUC_01 4.3 CaseOwner sends A001``, and local closing."""
    program = buc.program(version)
    found = [f"{buc.code} {version} {role} sends {sed}" for role in program.rows for sed in program.rows[role]]
    found += [f"{buc.code} {version} {role} closes" for role in buc.local_close]
    return tuple(sorted(found))


def coverage_of(buc: Buc, version: CdmVersion, players: Iterable[Player]) -> CoverageRecord:
    """The steps that these players have walked."""
    walked = set()
    for player in players:
        for event in player.case.history if player.case is not None else ():
            if event.kind == "sent" and event.sed is not None:
                walked.add(_send(buc, version, player.role, event.sed))
            elif event.kind == "closed":
                walked.add(f"{buc.code} {version} {player.role} closes")
    every = transitions(buc, version)
    return CoverageRecord(covered=tuple(step for step in every if step in walked), total=len(every))


def _send(buc: Buc, version: CdmVersion, role: Role, sed: str) -> str:
    return f"{buc.code} {version} {role} sends {sed}"


def joined(runs: Iterable[Run]) -> CoverageRecord:
    """Coverage of several runs together: a step counts once per process and version, whoever walked it how often."""
    covered: set[str] = set()
    totals: dict[tuple[str, str], int] = {}
    for run in runs:
        covered.update(run.coverage.covered)
        totals[run.buc, run.version] = run.coverage.total
    return CoverageRecord(covered=tuple(sorted(covered)), total=sum(totals.values()))

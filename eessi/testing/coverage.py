"""Which steps of a process runs have walked, and which share of all it is: steps x roles x versions.

A step is something that the rules of a process let a role do: send a document, receive one, send its next version where
the process allows one, close its own copy where it may. What every case can do whatever its process (archive, restore,
delete) is no step.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

from eessi.buc import Buc, Event, buc
from eessi.ids import BucId, CdmVersion, Role
from eessi.testing.players import Player
from eessi.testing.record import CoverageRecord, RoleCoverage, Run, SeriesCoverage

__all__ = ["coverage_of", "joined", "transitions"]


@functools.lru_cache(maxsize=512)
def transitions(definition: Buc, version: CdmVersion) -> tuple[str, ...]:
    """Every step that the rules of a process know in a version: ``LA_BUC_01 4.3 CaseOwner sends A001``."""
    rows = definition.program(version).rows
    found = []
    for role in (Role.CASE_OWNER, Role.COUNTERPARTY):
        found += [f"{role} sends {sed}" for sed in rows[role]]
        found += [f"{role} updates {sed}" for sed, row in rows[role].items() if row.update]
        found += [f"{role} receives {sed}" for sed in rows[role.opposite]]
    found += [f"{role} closes" for role in definition.local_close]
    return tuple(sorted(f"{definition.code} {version} {step}" for step in found))


def coverage_of(definition: Buc, version: CdmVersion, players: Iterable[Player]) -> CoverageRecord:
    """The steps that these players have walked."""
    walked = {
        f"{definition.code} {version} {player.role} {step}"
        for player in players
        for event in (player.case.history if player.case is not None else ())
        if (step := _step(event)) is not None
    }
    every = transitions(definition, version)
    return CoverageRecord(covered=tuple(step for step in every if step in walked), total=len(every))


def _step(event: Event) -> str | None:
    match event.kind:
        case "sent":
            return f"{'updates' if event.version > 1 else 'sends'} {event.sed}"
        case "received":
            return f"receives {event.sed}"
        case "closed":
            return "closes"
        case _:
            return None


def joined(runs: Sequence[Run], versions: Iterable[CdmVersion] = ()) -> SeriesCoverage:
    """Coverage of several runs together, by process, version and role; a step counts once, whoever walked it how often.

    :param versions: those that count; without them every version whose rows are known, and those that were played.
    """
    walked = {step for run in runs for step in run.coverage.covered}
    chosen = tuple(versions)
    rows = []
    for code in dict.fromkeys(run.buc for run in runs):
        definition = buc(BucId(code))
        played = {CdmVersion.parse(run.version) for run in runs if run.buc == code}
        for version in sorted(chosen or {*definition.versions, *played}):
            every = transitions(definition, version)
            for role in (Role.CASE_OWNER, Role.COUNTERPARTY):
                head = f"{code} {version} {role} "
                steps = [step for step in every if step.startswith(head)]
                missing = tuple(step.removeprefix(head) for step in steps if step not in walked)
                rows.append(
                    RoleCoverage(
                        buc=code,
                        version=str(version),
                        role=str(role),
                        covered=len(steps) - len(missing),
                        total=len(steps),
                        missing=missing,
                    )
                )
    return SeriesCoverage(
        covered=sum(row.covered for row in rows), total=sum(row.total for row in rows), roles=tuple(rows)
    )

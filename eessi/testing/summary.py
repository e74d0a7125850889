"""The end of a run in plain words: what each party may do next, and what nothing in the run has checked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

from eessi.buc import Buc, Move
from eessi.ids import CdmVersion
from eessi.testing.players import Player
from eessi.testing.record import ExchangeRecord, MoveRecord, PartyRecord, StepRecord
from eessi.testing.recording import title_of

__all__ = ["not_checked", "party_record", "spoken_span"]

_FIDELITY = {
    "sandbox": "{seds}: plain documents of the toolkit's own (package {package}) stand in, because no open schema of "
    "these SEDs exists. They show the process; they say nothing about the real documents.",
    "observed": "{seds}: the structure is known from published examples only (package {package}, observed), so the "
    "document could be compared with them but not be proved valid.",
    "mapped": "{seds}: the structure is known from published mappings only (package {package}, mapped), so the document "
    "could not be proved valid.",
    "named": "{seds}: only the code is known (package {package}); the content could not be checked.",
}
_ELSEWHERE = {"process", "structure"}
"""What is said elsewhere: the run itself holds the rules of the process, and the fidelity tells about the structure."""


def party_record(player: Player, today: dt.date) -> PartyRecord:
    """Describe a party, its case and its next moves."""
    case = player.case

    def moves() -> tuple[MoveRecord, ...]:
        return tuple(_move(move) for move in case.allowed(on=today)) if case is not None else ()

    return PartyRecord.late(
        moves,
        name=player.name,
        role=player.role.value,
        country=player.country,
        institution=player.institution,
        institution_name=player.institution_name,
        case_id=case.id if case is not None else None,
        state=str(case.state) if case is not None else "new",
        history=tuple(f"{event.kind} {event.sed}" if event.sed else event.kind for event in case.history)
        if case
        else (),
    )


def _move(move: Move) -> MoveRecord:
    return MoveRecord.model_construct(
        sed=None if move.sed is None else str(move.sed),
        title=title_of(move.sed) if move.sed else "",
        kind=move.kind,
        answer=move.answer.value,
        reasons=move.reasons,
        facts=move.facts,
        earliest=move.earliest,
    )


def not_checked(
    definition: Buc,
    version: CdmVersion,
    steps: Iterable[StepRecord],
    unknown: Iterable[str] = (),
    transport: str = "memory",
    real: Collection[str] = (),
) -> tuple[str, ...]:
    """What was left open, most important first, each once, naming the documents it concerns.

    :param unknown: parties that the directory does not know.
    """
    exchanges = [step.exchange for step in steps if step.exchange is not None and step.exchange.ending != "refused"]
    lines = list(_unproved(exchanges))
    lines += _gaps(exchanges)
    if any(exchange.reply_to for exchange in exchanges):
        lines.append(
            "Answers: which document an answer belongs to was told beside the message, because the place of it in the "
            "header is not public."
        )
    known, assumed = definition.resolve(version)
    if assumed:
        lines.append(
            f"Process rules: those of {definition.code} are known up to CDM {known}; the case runs under CDM {version} "
            "on the assumption that they have not changed."
        )
    lines += [f"Directory: it does not know {name}, so nobody checked whether it may take part." for name in unknown]
    lines += [
        f"{name} is a real system: what it holds and checks is not seen; its side here follows the rules of the process."
        for name in real
    ]
    if transport == "memory":
        lines.append("Transport: the messages travelled in memory, without access points, signatures or encryption.")
    elif transport == "as4" and not real:
        lines.append(
            "Transport: access-point doubles in one process carried the messages over AS4, with keys made on the spot; no "
            "real access point and no certificate of the directory took part."
        )
    return tuple(lines)


def _gaps(exchanges: list[ExchangeRecord]) -> Iterable[str]:
    """What the checks themselves left open: one line for each kind of gap, with the documents unless it is all of them."""
    seds: dict[str, list[str]] = {}
    reasons: dict[str, list[str]] = {}
    for exchange in exchanges:
        for check in (exchange.before, *exchange.after.values()):
            for gap in check.not_checked if check is not None else ():
                done = (gap.what == "attachments" and not exchange.attachments) or (
                    gap.what == "signature" and exchange.signed
                )
                if gap.what in _ELSEWHERE or done:
                    continue
                for known, value in ((seds, exchange.document.sed), (reasons, gap.why)):
                    if value not in known.setdefault(gap.what, []):
                        known[gap.what].append(value)
    every = len({exchange.document.sed for exchange in exchanges})
    for what, which in seds.items():
        named = "" if len(which) == every else f" ({', '.join(which)})"
        first, *others = reasons[what]
        more = f" (and {len(others)} more)" if others else ""
        yield f"{what[:1].upper()}{what[1:]}{named}: {first}{more}."


def _unproved(exchanges: Iterable[ExchangeRecord]) -> Iterable[str]:
    groups: dict[tuple[str, str], list[str]] = {}
    for exchange in exchanges:
        document = exchange.document
        if document.fidelity in _FIDELITY and document.package:
            seds = groups.setdefault((document.fidelity, document.package), [])
            if document.sed not in seds:
                seds.append(document.sed)
    for (fidelity, package), seds in groups.items():
        yield _FIDELITY[fidelity].format(seds=", ".join(seds), package=package)


def spoken_span(before: dt.date, after: dt.date, text: str) -> str:
    """``60 days pass`` for ``after 60 days``; a jump to a day names it."""
    if text.startswith("after "):
        count, unit = text.removeprefix("after ").split(" ", 1)
        return f"{count} {unit} {'passes' if count == '1' else 'pass'}; it is now {after}"
    days = (after - before).days
    return f"{days} day{'' if days == 1 else 's'} later, on {after}"

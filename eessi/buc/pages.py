"""A process in words: as plain text, JSON or Markdown, all from the rows; ``eessi.pages`` makes the HTML page of it."""

from __future__ import annotations

from eessi.buc import pictures
from eessi.buc.definition import Buc, Effect, SendRow, Trigger
from eessi.ids import CdmVersion, Role

__all__ = ["answers_of", "as_json", "as_markdown", "as_text", "head", "lists", "rows_at", "told"]

_NEEDS_WORD = {"sent": "sent", "received": "received", "update_received": "received in a new version"}


def rows_at(buc: Buc, version: str | CdmVersion) -> list[SendRow]:
    """The rows of a definition in one version, administrative ones included."""
    resolved, _ = buc.resolve(version)
    if buc.block is not None:
        block = buc.blocks[buc.block]
        return [
            SendRow(send.sed, (), (), once=send.once, block=block.name, source=send.source, confidence=send.confidence)
            for send in block.sends
        ]
    program = buc.program(resolved)
    found = {id(row): row for role in (Role.CASE_OWNER, Role.COUNTERPARTY) for row in program.rows[role].values()}
    return list(found.values())


def told(trigger: Trigger, buc: Buc) -> str:
    """A trigger in words: *the CaseOwner received S072, when section 7 of the S072 is filled in*."""
    if trigger.event == "case_start":
        return f"{trigger.role}: at the start"
    text = f"{trigger.role}: {trigger.sed} {_NEEDS_WORD[trigger.event]}"
    if trigger.parent is not None:
        text += f" in answer to {trigger.parent}"
    if trigger.unparented:
        text += " without being an answer"
    if trigger.days is not None:
        text += f", {trigger.days} days later"
    if trigger.condition is not None:
        text += f", when: {trigger.condition}"
    return text


def answers_of(row: SendRow) -> str:
    """The SEDs that this one answers, parted by commas."""
    return ", ".join(dict.fromkeys(item.reply_to for item in row.after if item.reply_to is not None))


def _attributes(row: SendRow) -> list[str]:
    names = ("attachments", "update", "invalidate", "reject", "clarify", "bulk", "choose_receivers")
    return [name for name in names if getattr(row, name)]


def _effect(effect: Effect) -> str:
    text = f"{effect.role}: {effect.event.replace('_', ' ')} {effect.sed}: {effect.effect} {effect.target}"
    if effect.parent is not None:
        text += f" (answers to {effect.parent}{', the same one' if effect.same_parent else ''})"
    if effect.condition is not None:
        text += f", when: {effect.condition}"
    return text


def as_json(buc: Buc, version: str | CdmVersion) -> dict[str, object]:
    """A process as a JSON document, without ``schema_version``."""
    resolved, assumed = buc.resolve(version)
    return {
        "code": buc.code,
        "sector": buc.sector,
        "title": buc.title,
        "titles": dict(buc.titles),
        "participants": buc.participants,
        "starters": list(buc.starters),
        "version": str(resolved),
        "assumed": assumed,
        "versions": [str(item) for item in buc.versions],
        "legal_basis": list(buc.legal_basis),
        "confidence": buc.confidence,
        "sources": list(buc.sources),
        "notes": [*buc.notes, *buc.version_notes],
        "rows": [_row_json(row, buc) for row in rows_at(buc, version)],
        "effects": [_effect(item) for item in buc.effects],
        "closing": {"local": list(buc.local_close), "rule": buc.closing_rule},
        "practices": [
            {"country": item.country, "text": item.text, "inactive_days": item.inactive_days,
             "criterion": item.criterion, "owner": item.owner, "counterparty": item.counterparty, "source": item.source}
            for item in buc.practices
        ],
    }  # fmt: skip


def _row_json(row: SendRow, buc: Buc) -> dict[str, object]:
    return {
        "sed": row.sed,
        "kind": row.kind,
        "by": list(row.by),
        "starter": row.starter,
        "answers": list(dict.fromkeys(item.reply_to for item in row.after if item.reply_to is not None)),
        "repeat": "once" if row.once else "any_time",
        "after": [told(item, buc) for item in row.after],
        "attributes": _attributes(row),
        "process": row.process,
        "block": row.block,
        "source": row.source,
        "confidence": row.confidence,
    }


def head(buc: Buc, version: str | CdmVersion) -> list[str]:
    """What stands above the documents of a process, line by line: versions, participants, openers, basis, closing, sources."""
    resolved, assumed = buc.resolve(version)
    known = ", ".join(map(str, buc.versions))
    lines = [
        f"CDM {CdmVersion.parse(version)}" + (f", assumed from {resolved}" if assumed else "") + f"; known: {known}"
    ]
    lines.append(f"participants: {buc.participants or 'those of the case it runs in'}")
    lines.append(f"opened by: {', '.join(buc.starters) or 'no SED'}")
    lines.append(f"legal basis: {', '.join(buc.legal_basis)} ({buc.legal_basis_confidence} confidence)")
    if buc.block is None:
        lines.append(f"closing: {buc.closing_rule}")
    lines.append(f"confidence: {buc.confidence}; sources: {', '.join(buc.sources)}")
    return lines


def _practices(buc: Buc) -> list[str]:
    lines = []
    for item in buc.practices:
        text = item.text or f"closed after {item.inactive_days} days without activity, when {item.criterion}"
        lines.append(f"{item.country}: {text} ({item.source})")
    return lines


def lists(buc: Buc) -> list[tuple[str, list[str]]]:
    """What stands below the documents of a process, by title; a title without anything below it is left out."""
    found = [
        ("Effects", [_effect(item) for item in buc.effects]),
        ("National practice", _practices(buc)),
        ("Notes", [*buc.notes, *buc.version_notes]),
    ]
    return [(title, items) for title, items in found if items]


def as_text(buc: Buc, version: str | CdmVersion) -> str:
    """A process as plain text."""
    lines = [f"{buc.code}  {buc.title}", *head(buc, version), ""]
    for row in rows_at(buc, version):
        answers = f" answers {answers_of(row)}" if answers_of(row) else ""
        repeat = "once" if row.once else "any number"
        lines.append(f"{row.sed:8} {row.kind}: by {' or '.join(row.by) or 'systems'}{answers}; {repeat}")
        if row.block is None:
            lines += [f"         {told(item, buc)}" for item in row.after]
            attributes = _attributes(row)
            if attributes:
                lines.append(f"         may: {', '.join(attributes)}")
    for title, items in lists(buc):
        lines += ["", title, *(f"  {item}" for item in items)]
    return "\n".join(lines) + "\n"


def as_markdown(buc: Buc, version: str | CdmVersion) -> str:
    """A process as a Markdown page for the documentation, with its diagrams in Mermaid."""
    lines = [f"# {buc.code} {buc.title}", "", *(f"- {item}" for item in head(buc, version)), ""]
    if buc.block is None:
        lines += ["## Course", "", "```{mermaid}", pictures.state_mermaid(buc, version).rstrip(), "```", ""]
        lines += [pictures.describe(buc, version), ""]
    lines += ["## Documents", "", "| SED | by | answers | how often | after |", "|---|---|---|---|---|"]
    for row in rows_at(buc, version):
        after = "; ".join(told(item, buc) for item in row.after if row.block is None)
        by = ", ".join(row.by) or "systems"
        lines.append(f"| {row.sed} | {by} | {answers_of(row)} | {'once' if row.once else 'any number'} | {after} |")
    for title, items in lists(buc):
        lines += ["", f"## {title}", "", *(f"- {item}" for item in items)]
    return "\n".join(lines) + "\n"

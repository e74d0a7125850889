"""A process on one page: as plain text, JSON, Markdown or HTML, all from the rows."""

from __future__ import annotations

import html
from collections.abc import Iterable

from eessi.buc import pictures
from eessi.buc.definition import Buc, Effect, SendRow, Trigger
from eessi.ids import CdmVersion, Role

__all__ = ["as_html", "as_json", "as_markdown", "as_text", "told"]

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


def _answers(row: SendRow) -> str:
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


def _head(buc: Buc, version: str | CdmVersion) -> list[str]:
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


def as_text(buc: Buc, version: str | CdmVersion) -> str:
    """A process as plain text."""
    lines = [f"{buc.code}  {buc.title}", *_head(buc, version), ""]
    for row in rows_at(buc, version):
        answers = f" answers {_answers(row)}" if _answers(row) else ""
        repeat = "once" if row.once else "any number"
        lines.append(f"{row.sed:8} {row.kind}: by {' or '.join(row.by) or 'systems'}{answers}; {repeat}")
        if row.block is None:
            lines += [f"         {told(item, buc)}" for item in row.after]
            attributes = _attributes(row)
            if attributes:
                lines.append(f"         may: {', '.join(attributes)}")
    for title, items in (
        ("Effects", [_effect(item) for item in buc.effects]),
        ("National practice", _practices(buc)),
        ("Notes", [*buc.notes, *buc.version_notes]),
    ):
        if items:
            lines += ["", title, *(f"  {item}" for item in items)]
    return "\n".join(lines) + "\n"


def as_markdown(buc: Buc, version: str | CdmVersion) -> str:
    """A process as a Markdown page for the documentation, with its diagrams in Mermaid."""
    lines = [f"# {buc.code} {buc.title}", "", *(f"- {item}" for item in _head(buc, version)), ""]
    if buc.block is None:
        lines += ["## Course", "", "```{mermaid}", pictures.state_mermaid(buc, version).rstrip(), "```", ""]
        lines += [pictures.describe(buc, version), ""]
    lines += ["## Documents", "", "| SED | by | answers | how often | after |", "|---|---|---|---|---|"]
    for row in rows_at(buc, version):
        after = "; ".join(told(item, buc) for item in row.after if row.block is None)
        by = ", ".join(row.by) or "systems"
        lines.append(f"| {row.sed} | {by} | {_answers(row)} | {'once' if row.once else 'any number'} | {after} |")
    for title, items in (
        ("Effects", [_effect(item) for item in buc.effects]),
        ("National practice", _practices(buc)),
        ("Notes", [*buc.notes, *buc.version_notes]),
    ):
        if items:
            lines += ["", f"## {title}", "", *(f"- {item}" for item in items)]
    return "\n".join(lines) + "\n"


def as_html(buc: Buc, version: str | CdmVersion) -> str:
    """A process as one self-contained HTML page with its diagram as SVG."""
    title = html.escape(f"{buc.code} {buc.title}")
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        "<style>body{font:16px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse}td,th{border:1px solid #999;padding:.3rem .6rem;text-align:left;"
        "vertical-align:top}</style></head><body>",
        f"<h1>{title}</h1>",
        _list(_head(buc, version)),
    ]
    if buc.block is None:
        parts += ["<h2>Course</h2>", pictures.state_svg(buc, version)]
    parts += ["<h2>Documents</h2><table><thead><tr>"]
    parts += [f'<th scope="col">{name}</th>' for name in ("SED", "by", "answers", "how often", "after")]
    parts.append("</tr></thead><tbody>")
    for row in rows_at(buc, version):
        after = "<br>".join(html.escape(told(item, buc)) for item in row.after if row.block is None)
        cells = [row.sed, ", ".join(row.by) or "systems", _answers(row), "once" if row.once else "any number"]
        body = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        parts.append(f"<tr>{body}<td>{after}</td></tr>")
    parts.append("</tbody></table>")
    for title, items in (
        ("Effects", [_effect(item) for item in buc.effects]),
        ("National practice", _practices(buc)),
        ("Notes", [*buc.notes, *buc.version_notes]),
    ):
        if items:
            parts += [f"<h2>{title}</h2>", _list(items)]
    return "\n".join([*parts, "</body></html>"]) + "\n"


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in items) + "</ul>"

"""A difference for people and machines: text, Markdown, HTML, Excel, JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eessi.release.change import Change, ChangeClass, kind_of

if TYPE_CHECKING:
    from eessi.release.difference import Difference
    from eessi.release.impact import Impact
    from eessi.release.open_cases import CaseImpact

__all__ = [
    "as_html",
    "as_json",
    "as_markdown",
    "as_text",
    "impact_as_html",
    "impact_as_json",
    "impact_as_markdown",
    "impact_as_text",
    "write_xlsx",
]

_TITLES = {
    ChangeClass.REFUSED: "Refused: somebody cannot read the other's documents",
    ChangeClass.MEANING: "Meaning: documents stay valid and may say something else",
    ChangeClass.IGNORED: "Ignored: no receiver notices",
    ChangeClass.DOCUMENTATION: "Documentation: texts only",
}


def as_json(found: Difference, files: Mapping[str, str] | None = None) -> dict[str, object]:
    """The difference as a JSON document (without ``schema_version``); ``witness`` is the document or a file name."""
    return {
        "old": found.old,
        "new": found.new,
        "changes": [_row(change, files or {}) for change in found.changes],
        "summary": {
            **found.count(),
            "compared": len(found.compared),
            "unproved": len(found.unproved),
            "not_compared": [{"sed": sed, "why": why} for sed, why in found.not_compared.items()],
        },
    }


def _row(change: Change, files: Mapping[str, str]) -> dict[str, object]:
    row: dict[str, object] = {
        "id": change.id,
        "class": str(change.cls),
        "direction": str(change.direction) or None,
        "sed": change.sed,
        "path": change.path,
        "old": change.old,
        "new": change.new,
        "text": change.text,
        "fingerprint": change.fingerprint,
    }
    if change.cls is ChangeClass.REFUSED:
        document = change.witness.decode() if change.witness is not None else None
        row["witness"] = files.get(change.fingerprint, document)
        row["witness_refused_by"] = str(change.witness_for) or None
        row["proved"] = change.proved
    return row


def as_text(found: Difference) -> str:
    """The difference as lines for a terminal."""
    lines = [f"{found.old} -> {found.new}: {_summary(found)}"]
    for cls in ChangeClass:
        changes = [change for change in found.of_class(cls) if change.id != "CHG-NOT-COMPARED"]
        if changes:
            lines += ["", f"{_TITLES[cls]} ({len(changes)})"]
            lines += [
                f"  {change.sed:6} {_place(change)}{change.text}  [{change.id}{_mark(change)}]" for change in changes
            ]
    if found.not_compared:
        lines += ["", f"Not compared ({len(found.not_compared)})"]
        lines += [f"  {sed:6} {why}" for sed, why in found.not_compared.items()]
    return "\n".join(lines)


def _summary(found: Difference) -> str:
    counted = ", ".join(f"{number} {cls}" for cls, number in found.count().items() if number)
    proof = f"; {len(found.unproved)} refusals without a witness" if found.unproved else ""
    return f"{len(found.compared)} documents compared; {counted or 'nothing changed'}{proof}"


def _place(change: Change) -> str:
    return f"{change.path}: " if change.path else ""


def _mark(change: Change) -> str:
    if change.cls is not ChangeClass.REFUSED:
        return ""
    who = {"old": "old receivers refuse", "new": "new receivers refuse", "both": "both refuse"}[str(change.direction)]
    return f"; {who}" + ("" if change.proved else "; not proved")


def as_markdown(found: Difference) -> str:
    """The difference as a Markdown document."""
    lines = [f"# {found.old} to {found.new}", "", _summary(found), ""]
    for cls in ChangeClass:
        changes = found.of_class(cls)
        if not changes:
            continue
        lines += [f"## {_TITLES[cls]}", "", "| SED | path | what | id | proved |", "|---|---|---|---|---|"]
        for change in changes:
            proved = ("yes" if change.proved else "no") if cls is ChangeClass.REFUSED else ""
            lines.append(f"| {change.sed} | {_cell(change.path)} | {_cell(change.text)} | {change.id} | {proved} |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def as_html(found: Difference) -> str:
    """The difference as one self-contained, accessible page."""
    from eessi.pages.rendering import render

    sections = [(str(cls), _TITLES[cls], found.of_class(cls)) for cls in ChangeClass if found.of_class(cls)]
    return render(
        "difference.html.j2",
        {
            "found": found,
            "summary": _summary(found),
            "sections": sections,
            "mend": {change.id: kind_of(change.id).mend for change in found.changes},
        },
    )


def write_xlsx(found: Difference, output: Path) -> None:
    """The difference as an Excel sheet, one row per change, with room for a decision and its reason.

    :raises MissingExtra: when openpyxl is not installed.
    """
    from eessi.release.excel import write_sheet

    columns = (
        "class",
        "direction",
        "SED",
        "path",
        "what",
        "old",
        "new",
        "id",
        "proved",
        "fingerprint",
        "decision",
        "reason",
    )
    rows = []
    for change in found.changes:
        proved = ("yes" if change.proved else "no") if change.cls is ChangeClass.REFUSED else ""
        row = (str(change.cls), str(change.direction), change.sed, change.path, change.text, change.old, change.new)
        rows.append((*row, change.id, proved, change.fingerprint, "", ""))
    write_sheet(output, "changes", columns, rows, widths=(14, 10, 8, 50, 60, 20, 20, 24, 8, 18, 16, 40))


# impact -----------------------------------------------------------------------------------------------------------------


def impact_as_json(found: Impact, cases: Sequence[CaseImpact] = ()) -> dict[str, object]:
    """The impact as a JSON document (without ``schema_version``)."""
    return {
        "documents": {
            "checked": found.checked,
            "accepted": found.accepted,
            "refused": found.refused,
            "refused_before": found.refused_before,
            "undetermined": found.undetermined,
            "refused_files": list(found.refused_files),
            "reasons": found.reasons,
        },
        "causes": [
            {"change": cause.change, "sed": cause.sed, "path": cause.path, "count": cause.count, "fix": cause.fix}
            for cause in found.causes
        ],
        "cases": [
            {
                "case": one.case_id,
                "buc": one.buc,
                "possible": one.possible,
                "event": one.event,
                "rule": one.rule,
                "why": one.why,
                "lost": list(one.lost),
                "gained": list(one.gained),
            }
            for one in cases
        ],
    }


def _impact_line(found: Impact, old: str, new: str) -> str:
    return (
        f"{found.checked} documents: {found.accepted} accepted by {new}, {found.refused} refused, "
        f"{found.refused_before} refused by {old} already, {found.undetermined} undetermined"
    )


def impact_as_text(found: Impact, old: str, new: str, cases: Sequence[CaseImpact] = ()) -> str:
    """The impact as lines for a terminal."""
    lines = [_impact_line(found, old, new)]
    for cause in found.causes:
        lines += ["", f"{cause.count:6} {cause.sed} {cause.path} [{cause.change}]", f"       {cause.fix}"]
    if found.reasons:
        lines += ["", "Undetermined:"] + [f"{count:6} {why}" for why, count in found.reasons.items()]
    if cases:
        stopped = [one for one in cases if not one.possible]
        lines += ["", f"{len(cases)} open cases: {len(cases) - len(stopped)} may go on, {len(stopped)} may not"]
        lines += [f"  {one.case_id} {one.buc}: event {one.event}: {one.why}" for one in stopped]
    return "\n".join(lines)


def impact_as_markdown(found: Impact, old: str, new: str, cases: Sequence[CaseImpact] = ()) -> str:
    """The impact as a Markdown document."""
    lines = [
        f"# Impact of {old} to {new}",
        "",
        _impact_line(found, old, new),
        "",
        "| documents | SED | path | change | fix |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {c.count} | {c.sed} | {_cell(c.path)} | {c.change} | {_cell(c.fix)} |" for c in found.causes]
    lines += ["", *[f"- undetermined: {count} × {why}" for why, count in found.reasons.items()]]
    for one in cases:
        said = "may go on" if one.possible else f"may not go on: event {one.event}: {one.why}"
        lines.append(f"- case {one.case_id} ({one.buc}) {said}")
    return "\n".join(lines)


def impact_as_html(found: Impact, old: str, new: str, cases: Sequence[CaseImpact] = ()) -> str:
    """The impact as one self-contained page."""
    from eessi.pages.rendering import render

    return render(
        "impact.html.j2",
        {"found": found, "old": old, "new": new, "cases": cases, "summary": _impact_line(found, old, new)},
    )

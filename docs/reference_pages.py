"""Write the reference pages from the tables of the package, so that they cannot drift from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

__all__ = ["write_all"]


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; pipes and line breaks inside cells are escaped."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |")
    return "\n".join(lines)


def findings_page() -> str:
    """The list of all finding ids, each with a page of its own."""
    from eessi.findings import explain, known_ids

    rows = [(f"[{id}](findings/{id}.md)", explain(id)["message"]) for id in known_ids()]
    head = "# Findings\n\nEach id is stable and has a page; `eessi explain ID` prints the same.\n\n"
    return head + table(("id", "what it says"), rows) + "\n\n```{toctree}\n:hidden:\n:glob:\n\nfindings/*\n```\n"


def finding_page(id: str) -> str:
    """What a finding means, why its rule exists, and how to mend it."""
    from eessi.findings import explain

    texts = explain(id)
    parts = [f"# {id}\n\n{texts['message']}\n"]
    for part, title in (("hint", "Hint"), ("why", "Why"), ("mend", "How to mend it"), ("source", "Source")):
        if texts.get(part):
            parts.append(f"**{title}.** {texts[part]}\n")
    return "\n".join(parts)


def seds_page() -> str:
    """The SED catalogue."""
    from eessi.sed.catalogue import all_seds

    rows = [(row.code, row.title, ", ".join(row.bucs)) for row in all_seds()]
    return "# Documents (SEDs)\n\n" + table(("SED", "title", "used in"), rows) + "\n"


def bucs_page() -> str:
    """The process catalogue with one line each."""
    from eessi.buc import all_bucs

    rows = [(buc.code, buc.title, str(buc.participants or ""), ", ".join(buc.starters)) for buc in all_bucs()]
    return "# Processes (BUCs)\n\n" + table(("BUC", "title", "participants", "starts with"), rows) + "\n"


def changes_page() -> str:
    """Every kind of change between two versions."""
    from eessi.release import change_kinds

    parts = ["# Changes\n", "What `eessi diff` reports. `eessi explain ID` prints the same.\n"]
    for kind in change_kinds():
        who = {
            "old": "receivers of the old version",
            "new": "receivers of the new version",
            "both": "both",
            "": "nobody",
        }
        parts.append(f"## {kind.id}\n\n{kind.text}\n")
        parts.append(
            f"**Class.** {kind.cls}. **Who refuses.** {who[str(kind.direction)]}. **Mirror.** {kind.mirror}.\n"
        )
        parts.append(f"**Why.** {kind.why}\n\n**What to do.** {kind.mend}\n")
    return "\n".join(parts)


def ebms_errors_page() -> str:
    """The ebMS error codes."""
    import tomllib
    from importlib.resources import files

    text = files("eessi.transport").joinpath("data", "errors.toml").read_text(encoding="utf-8")
    columns = ("name", "severity", "category", "text")
    rows = [(code, *(row[key] for key in columns)) for code, row in tomllib.loads(text).items()]
    return "# ebMS errors\n\n" + table(("code", *columns), rows) + "\n"


def exit_codes_page() -> str:
    """What the command returns."""
    rows = [
        ("0", "done; everything asked is valid, allowed, passed"),
        ("1", "findings at or above `--fail-on`"),
        ("2", "wrong usage"),
        ("3", "undetermined: it could not be checked, and nothing was invalid"),
        ("4", "input unreadable"),
        ("5", "a package, definition, configuration or store is broken"),
        ("6", "the remote side or the transport failed"),
        ("130", "interrupted"),
    ]
    worst = "Of several inputs the worst wins, in the order 5, 4, 6, 1, 3, 0."
    return "# Exit codes\n\n" + table(("code", "meaning"), rows) + f"\n\n{worst}\n"


PAGES: dict[str, Callable[[], str]] = {
    "findings.md": findings_page,
    "changes.md": changes_page,
    "ebms-errors.md": ebms_errors_page,
    "seds.md": seds_page,
    "bucs.md": bucs_page,
    "exit-codes.md": exit_codes_page,
}


def write_all(folder: Path) -> None:
    """Write every generated page into ``folder``."""
    from eessi.findings import known_ids

    pages = {name: page() for name, page in PAGES.items()}
    pages |= {f"findings/{id}.md": finding_page(id) for id in known_ids()}
    for name, text in pages.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

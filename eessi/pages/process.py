"""A process or a case as one HTML page, with its pictures."""

from __future__ import annotations

from collections.abc import Iterable

from eessi.buc import Buc, Case, pages, pictures
from eessi.ids import CdmVersion
from eessi.pages.rendering import render

__all__ = ["case_page", "picture_page", "process_page"]


def process_page(buc: Buc, version: str | CdmVersion) -> str:
    """A process: who may send what after what, with its course as a picture."""
    values = {
        "title": f"{buc.code} {buc.title}",
        "head": pages.head(buc, version),
        "picture": pictures.state_svg(buc, version) if buc.block is None else None,
        "rows": [
            (
                row.sed,
                ", ".join(row.by) or "systems",
                pages.answers_of(row),
                "once" if row.once else "any number",
                [pages.told(item, buc) for item in row.after if row.block is None],
            )
            for row in pages.rows_at(buc, version)
        ],
        "lists": pages.lists(buc),
    }
    return render("process.html.j2", values)


def picture_page(title: str, drawn: Iterable[tuple[str, str]]) -> str:
    """Pictures of the toolkit's own making, each with the heading above it.

    :param drawn: heading and SVG; the SVG is taken as it is.
    """
    return render("pictures.html.j2", {"title": title, "drawn": list(drawn)})


def case_page(case: Case) -> str:
    """Where a case stands, and its course so far."""
    return picture_page(
        f"{case.buc.code} {case.state}",
        [
            ("Where it stands", pictures.state_svg(case.buc, case.version, case=case)),
            ("What was exchanged", pictures.sequence_svg(case.buc, case.version, case=case)),
        ],
    )

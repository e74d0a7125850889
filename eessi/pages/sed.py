"""Pages of documents: one SED to read and print, two SEDs side by side."""

from __future__ import annotations

from collections.abc import Sequence

from eessi.pages.rendering import render
from eessi.sed.render import Difference, Reading

__all__ = ["sed_comparison", "sed_page"]


def sed_page(reading: Reading) -> str:
    """One self-contained HTML page: the document in order, empty parts folded, own wording marked.

    :raises MissingExtra: without the extra ``pages``.
    """
    return render("sed.html.j2", {"reading": reading, "lang": reading.lang})


def sed_comparison(
    left: Reading, right: Reading, lines: Sequence[Difference], *, names: tuple[str, str] = ("left", "right")
) -> str:
    """One self-contained HTML page: two documents line by line with the differences marked.

    :param lines: of :func:`~eessi.sed.render.compare_readings`, hidden where they should be.
    :param names: what to call them, usually their file names.
    :raises MissingExtra: without the extra ``pages``.
    """
    changed = sum(1 for line in lines if line.kind != "same" and not (line.is_group and line.kind == "changed"))
    values = {"left": left, "right": right, "names": names, "lines": lines, "changed": changed, "lang": left.lang}
    return render("sed_compare.html.j2", values)

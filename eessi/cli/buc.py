"""``eessi buc``: definitions, pictures, the model checker, two versions of a process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.output import common_options, print_json, print_table, write

if TYPE_CHECKING:
    from eessi.buc import Buc

__all__ = ["buc"]

_folder = click.option(
    "--definitions",
    type=click.Path(path_type=Path),
    help="Folder with national processes, beside those that ship.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def buc() -> None:
    """Processes: which SED may follow which, sent by whom."""


def _find(code: str, definitions: Path | None) -> Buc:
    from eessi.buc import buc as find
    from eessi.buc import load_definitions

    if definitions is not None:
        own = load_definitions(definitions)
        if code in own:
            return own[code]
    return find(code)


def _all(definitions: Path | None) -> tuple[Buc, ...]:
    from eessi.buc import all_bucs, load_definitions

    own = () if definitions is None else tuple(load_definitions(definitions).values())
    return (*all_bucs(), *own)


@buc.command("list")
@click.option("--sector", help="Only this sector: AW, FB, H, LA, M, P, R, S, UB or AD.")
@_folder
@common_options()
def list_bucs(
    sector: str | None, definitions: Path | None, format: str, output: Path | None, quiet: bool, lang: str
) -> int:
    """All processes, with who opens them."""
    found = [item for item in _all(definitions) if sector is None or item.sector == sector.upper()]
    if format == "json":
        rows = [
            {
                "code": item.code,
                "sector": item.sector,
                "title": item.titles.get(lang, item.title),
                "participants": item.participants,
                "starters": list(item.starters),
                "confidence": item.confidence,
            }
            for item in found
        ]
        print_json({"bucs": rows}, output, quiet=quiet)
    else:
        table = [
            (item.code, item.participants or "-", " ".join(item.starters), item.titles.get(lang, item.title))
            for item in found
        ]
        print_table(("BUC", "participants", "starters", "title"), table, output, quiet=quiet)
    return 0


@buc.command("show")
@click.argument("code")
@click.option("--version", "cdm", default="4.3", show_default=True, help="CDM version.")
@_folder
@common_options("md", "html")
def show(
    code: str, cdm: str, definitions: Path | None, format: str, output: Path | None, quiet: bool, lang: str
) -> int:
    """One process: who may send what after what, and how the case ends."""
    from eessi.buc import pages

    found = _find(code, definitions)
    if format == "json":
        print_json(pages.as_json(found, cdm), output, quiet=quiet)
    elif format == "md":
        write(pages.as_markdown(found, cdm), output, quiet=quiet)
    elif format == "html":
        write(pages.as_html(found, cdm), output, quiet=quiet)
    else:
        write(pages.as_text(found, cdm), output, quiet=quiet)
    return 0

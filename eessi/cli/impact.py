"""``eessi impact``: which of my documents, and which of my open cases, a change hits, by cause."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.output import common_options, print_json, write

if TYPE_CHECKING:
    from eessi.release.impact import Impact
    from eessi.release.open_cases import CaseImpact

__all__ = ["impact"]


@click.command()
@click.argument("old")
@click.argument("new")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--cases", metavar="FILE-OR-URL", help="Store of a node: look at its open cases too.")
@click.option("--tenant", default="default", show_default=True, help="Whose cases.")
@click.option(
    "--definitions", type=click.Path(file_okay=False, path_type=Path), help="Folder with the new processes (TOML)."
)
@click.option("--case-version", metavar="V", help="CDM version of the processes that the cases shall move to.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes to work with.")
@click.option("--journal", type=click.Path(dir_okay=False, path_type=Path), help="Go on where an earlier run stopped.")
@common_options("html", "md")
def impact(
    old: str,
    new: str,
    paths: tuple[Path, ...],
    cases: str | None,
    tenant: str,
    definitions: Path | None,
    case_version: str | None,
    jobs: int,
    journal: Path | None,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Stream the documents below PATHS through the packages OLD and NEW and group those refused by cause.

    With --cases, the open cases of a node are held against the new processes too. Exit code 1: the new version refuses a
    document that the old one accepts, or a case cannot go on. 3: a document could not be checked.
    """
    from eessi.release import reports
    from eessi.release.impact import assess, documents_below

    if not paths and cases is None:
        raise click.UsageError("name documents, or a store with --cases")
    files = list(documents_below(paths))
    held = _cases(cases, tenant, definitions, case_version) if cases is not None else []
    pool = ProcessPoolExecutor(jobs) if jobs > 1 else nullcontext()
    with pool as executor:
        found = assess(old, new, files, executor=executor, journal=journal, progress=_progress(len(files), quiet))
    if format == "json":
        print_json(reports.impact_as_json(found, held), output, quiet=quiet)
    else:
        make = {"text": reports.impact_as_text, "md": reports.impact_as_markdown, "html": reports.impact_as_html}[
            format
        ]
        write(make(found, old, new, held), output, quiet=quiet)
    return _exit_code(found, held)


def _cases(store: str, tenant: str, folder: Path | None, version: str | None) -> list[CaseImpact]:
    from eessi.buc import load_definitions
    from eessi.release.open_cases import assess_cases
    from eessi.stores import Store

    new = load_definitions(folder) if folder is not None else None
    with Store.open(store) as opened:
        return list(assess_cases(opened, tenant=tenant, definitions=new, version=version))


def _exit_code(found: Impact, held: list[CaseImpact]) -> int:
    if found.refused or any(not one.possible for one in held):
        return 1
    return 3 if found.undetermined else 0


def _progress(total: int, quiet: bool) -> Callable[[int], None] | None:
    if quiet or not sys.stderr.isatty():
        return None

    def show(done: int) -> None:
        if done % 100 == 0 or done == total:
            end = "\n" if done == total else ""
            print(f"\r{done:,} of {total:,} documents", end=end, file=sys.stderr, flush=True)

    return show

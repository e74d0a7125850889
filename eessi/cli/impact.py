"""``eessi impact``: which of my documents, and which of my open cases, a change hits, by cause."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi import bulk
from eessi.cli.case_jobs import open_archive, show_progress
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
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The tenant's key: look at the documents of the store's cases too, instead of PATHS.",
)
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
    key_file: Path | None,
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
    if key_file is not None and (paths or cases is None):
        raise click.UsageError("--key-file opens the documents of the store named with --cases; give no PATHS with it")
    files = list(documents_below(paths))
    held = _cases(cases, tenant, definitions, case_version) if cases is not None else []
    if key_file is not None:
        with open_archive(cases, tenant, key_file, "impact", jobs, journal, quiet) as archive:
            found = archive.impact(old, new)
    else:
        with bulk.processes(jobs) as executor:
            shown = show_progress(len(files), quiet)
            found = assess(old, new, files, executor=executor, journal=journal, progress=shown)
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

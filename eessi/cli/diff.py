"""``eessi diff``: what changed between two packages, classed by who breaks, with a witness for each refusal."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.output import common_options, print_json, write

if TYPE_CHECKING:
    from eessi.release.difference import Difference

__all__ = ["diff"]

_SEVERITY = ("documentation", "ignored", "meaning", "refused")
"""Classes of change, mildest first, for ``--fail-on``."""


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--sed", "seds", multiple=True, metavar="CODE", help="Compare this SED only; may be repeated.")
@click.option(
    "--fail-on",
    type=click.Choice([*_SEVERITY, "never"]),
    default="refused",
    show_default=True,
    help="Exit with 1 when a change of this class or worse is found.",
)
@click.option(
    "--renames", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="TOML table: old name = new name."
)
@click.option(
    "--witness-dir", type=click.Path(file_okay=False, path_type=Path), help="Write each witness document here."
)
@click.option(
    "--decisions",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML file: changes that were decided do not fail.",
)
@click.option("--no-witness", is_flag=True, help="Do not look for proofs; every refusal then counts as unproved.")
@common_options("html", "md", "xlsx")
def diff(
    old: str,
    new: str,
    seds: tuple[str, ...],
    fail_on: str,
    renames: Path | None,
    witness_dir: Path | None,
    decisions: Path | None,
    no_witness: bool,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Compare the packages OLD and NEW (NAME:VERSION, or a folder or archive of XSD files)."""
    from eessi.release.difference import compare_packages
    from eessi.release.sources import open_packages, read_renames

    before, after = open_packages(old, new)
    found = compare_packages(
        before, after, seds=seds or None, renames=read_renames(renames) if renames else None, witnesses=not no_witness
    )
    files = _write_witnesses(found, witness_dir) if witness_dir else {}
    _print(found, format, output, quiet, files)
    return _exit_code(found, fail_on, _decided(found, decisions))


def _decided(found: Difference, file: Path | None) -> set[str]:
    """Fingerprints of the changes that a decision takes out; what is wrong with decisions is said."""
    if file is None:
        return set()
    from eessi.release.decisions import Decisions

    today, kept = dt.date.today(), Decisions.load(file)
    for trouble in kept.troubles(found.changes, today):
        click.echo(f"{file}: {trouble}", err=True)
    return {change.fingerprint for change in found.changes if kept.stands(change, today)}


def _exit_code(found: Difference, fail_on: str, decided: set[str]) -> int:
    if fail_on != "never":
        bad = set(_SEVERITY[_SEVERITY.index(fail_on) :])
        open_ = [c for c in found.changes if c.id != "CHG-NOT-COMPARED" and c.fingerprint not in decided]
        if any(str(change.cls) in bad for change in open_):
            return 1
    return 0 if found.is_determined else 3


def _print(found: Difference, format: str, output: Path | None, quiet: bool, files: dict[str, str]) -> None:
    from eessi.release import reports

    if format == "json":
        print_json(reports.as_json(found, files), output, quiet=quiet)
    elif format == "xlsx":
        if output is None:
            raise click.UsageError("--format xlsx needs --output FILE")
        reports.write_xlsx(found, output)
    else:
        text = {"html": reports.as_html, "md": reports.as_markdown, "text": reports.as_text}[format](found)
        write(text, output, quiet=quiet)


def _write_witnesses(found: Difference, folder: Path) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, str] = {}
    for change in found.changes:
        if change.witness is not None:
            file = folder / f"{change.sed.replace('*', 'all')}-{change.id}-{change.fingerprint}.xml"
            file.write_bytes(change.witness)
            files[change.fingerprint] = str(file)
    return files

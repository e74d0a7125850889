"""``eessi directory readiness``: what is declared of the exchange of processes, who declared it, what became of it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.day import Day
from eessi.cli.directory_output import finding_lines, print_document, write_file
from eessi.cli.directory_store import allowed, by_option, open_store
from eessi.cli.output import common_options, print_json, print_table, read_source, write
from eessi.cli.store import store_options

if TYPE_CHECKING:
    from eessi.directory.readiness import Declared, ReadinessBook, ReadinessChange
    from eessi.directory.reports import FindingRow
    from eessi.directory.store import DirectoryStore

__all__ = ["readiness"]


@click.group("readiness", help="What is declared: who exchanges which process electronically or on paper, since when.")
def readiness() -> None:
    """Hold the subcommands."""


_buc = click.option("--buc", metavar="CODE", help="Only this process.")
_country = click.option("--country", metavar="CC", help="Only this country.")
_institution = click.option("--institution", metavar="ID", help="Only rows of this body.")


@readiness.command("list")
@_buc
@_country
@_institution
@click.option("--known-on", type=Day(), help="The rows that stood at the end of this day.")
@store_options
@common_options("csv", "xlsx")
def list_(
    buc: str | None,
    country: str | None,
    institution: str | None,
    known_on: dt.date | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """The declared rows. As CSV or Excel they can be edited and imported again."""
    from eessi.directory.readiness import ReadinessBook
    from eessi.directory.readiness_table import COLUMNS, rows_of, write_declared_csv

    with open_store(store, tenant) as opened:
        found = _narrowed(ReadinessBook(opened).rows(known_on=known_on), buc, country, institution)
    rows = rows_of(found)
    if format == "json":
        print_json({"rows": [each.model_dump(mode="json") for each in found]}, output, quiet=quiet)
    elif format == "xlsx":
        from eessi.directory.workbook import write_table

        write_file(write_table("readiness", COLUMNS, rows), output)
    elif format == "csv":
        write(write_declared_csv(found), output, quiet=quiet)
    elif rows:
        print_table(COLUMNS, [[str(cell or "") for cell in row.values()] for row in rows], output, quiet=quiet)
    else:
        write("no declared rows", output, quiet=quiet)
    return 0


def _narrowed(
    rows: tuple[Declared, ...], buc: str | None, country: str | None, institution: str | None
) -> tuple[Declared, ...]:
    from eessi.ids import BucId, fold_country

    wanted = (BucId(buc) if buc else None, fold_country(country) if country else None, institution)
    return tuple(
        row
        for row in rows
        if all(want in (None, has) for want, has in zip(wanted, (row.buc, row.country, row.institution), strict=True))
    )


@readiness.command("import")
@click.argument("path", metavar="TABLE")
@click.option("--yes", is_flag=True, help="Declare the rows; without it, only the preview is shown.")
@click.option("--replace", is_flag=True, help="Take back what stands and is not in the table, of the countries in it.")
@by_option
@store_options
@common_options()
def import_(
    path: str,
    yes: bool,
    replace: bool,
    by: str | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Declare the rows of a table (csv, xlsx, json): country, institution, buc, mode, cdm, since, source.

    A preview first: what is new, what changes, where the copy in force says otherwise. The rows are declared with --yes,
    all of them or none.
    """
    from eessi.directory.readiness import ReadinessBook
    from eessi.directory.readiness_table import read_declared

    rows = read_declared(read_source(path), name=path)
    with open_store(store, tenant) as opened:
        book = ReadinessBook(opened)
        doubts = _doubts(opened, rows, lang)
        gone = _missing(book, rows) if replace else ()
        if yes:
            changes = book.declare(rows, by=allowed(opened, by, "declare"), instead_of=gone)
        else:
            changes = (*book.preview(rows), *(_withdrawal(row) for row in gone))
    _print_changes(changes, doubts, format, output, quiet)
    if not yes and not quiet and format != "json":
        click.echo(f"preview of {len(changes)} changes; nothing is declared without --yes", err=True)
    return 0


def _withdrawal(row: Declared) -> ReadinessChange:
    from eessi.directory.readiness import ReadinessChange

    return ReadinessChange(row, None)


def _missing(book: ReadinessBook, rows: tuple[Declared, ...]) -> tuple[Declared, ...]:
    countries, subjects = {row.country for row in rows}, {row.subject for row in rows}
    return tuple(row for row in book.rows() if row.country in countries and row.subject not in subjects)


def _doubts(opened: DirectoryStore, rows: tuple[Declared, ...], lang: str) -> list[FindingRow]:
    """What the copy in force, where there is one, has against the rows."""
    from eessi.directory.readiness import Readinesses
    from eessi.directory.reports import finding_rows
    from eessi.directory.store import NoCopy

    try:
        copy = opened.directory()
    except NoCopy:
        return []
    return finding_rows(Readinesses(copy, rows).doubts(), lang)


def _print_changes(
    changes: tuple[ReadinessChange, ...], doubts: list[FindingRow], format: str, output: Path | None, quiet: bool
) -> None:
    if format == "json":
        plain: dict[str, object] = {
            "changes": [_change(each) for each in changes],
            "doubts": [row.model_dump() for row in doubts],
        }
        print_json(plain, output, quiet=quiet)
        return
    cells = [
        (each.action, each.row.institution or each.row.country, each.row.buc, _said(each.old), _said(each.new))
        for each in changes
    ]
    if cells:
        print_table(("what", "for", "BUC", "old", "new"), cells, output, quiet=quiet)
    else:
        write("nothing would change", output, quiet=quiet)
    if not quiet:
        for line in finding_lines(doubts):
            click.echo(line, err=True)


def _said(row: Declared | None) -> str:
    if row is None:
        return ""
    return f"{row.mode}{f' {row.cdm}' if row.cdm else ''} since {row.since} ({row.source})"


def _change(each: ReadinessChange) -> dict[str, object]:
    return {
        "action": each.action,
        "old": each.old.model_dump(mode="json") if each.old else None,
        "new": each.new.model_dump(mode="json") if each.new else None,
        "at": each.at.isoformat() if each.at else None,
        "by": each.by,
    }


@readiness.command("withdraw")
@_buc
@_country
@_institution
@click.option("--since", type=Day(), help="Only rows of this first day.")
@click.option("--reason", default="", help="Why; kept in the log.")
@by_option
@store_options
@common_options()
def withdraw(
    buc: str | None,
    country: str | None,
    institution: str | None,
    since: dt.date | None,
    reason: str,
    by: str | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Take declared rows of a process and country back; they stay in the history.

    A return to paper is no withdrawal: declare a later row with the mode `paper`.
    """
    from eessi.directory.readiness import ReadinessBook
    from eessi.errors import UsageError

    if not buc or not (country or institution):
        raise click.UsageError("name the process, and the country or the body, whose rows are taken back")
    with open_store(store, tenant) as opened:
        book = ReadinessBook(opened)
        found = [row for row in _narrowed(book.rows(), buc, country, institution) if since in (None, row.since)]
        if not found:
            raise UsageError(f"no declared row of {buc} for {institution or country} stands")
        changes = book.declare((), by=allowed(opened, by, "declare"), instead_of=found, reason=reason)
    _print_changes(changes, [], format, output, quiet)
    return 0


@readiness.command("history")
@_buc
@_country
@_institution
@store_options
@common_options()
def history(
    buc: str | None,
    country: str | None,
    institution: str | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Who declared what when, and what was taken back; oldest first."""
    from eessi.directory.readiness import ReadinessBook

    with open_store(store, tenant) as opened:
        found = ReadinessBook(opened).history(buc=buc, country=country, institution=institution)
    if format == "json":
        print_json({"changes": [_change(each) for each in found]}, output, quiet=quiet)
        return 0
    lines = [
        f"{each.at:%Y-%m-%d %H:%M}  {each.by}  {each.action}  {each.row.institution or each.row.country} {each.row.buc}: "
        + " -> ".join(text for text in (_said(each.old), _said(each.new)) if text)
        for each in found
    ]
    write("\n".join(lines) if lines else "nothing was declared", output, quiet=quiet)
    return 0


@readiness.command("check")
@click.option("--on", type=Day(), help="The day asked about.  [default: today]")
@store_options
@common_options()
def check(
    on: dt.date | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Where the declared rows and the copy in force cannot both be right. Ends with 1 when there is such a row."""
    from eessi.directory.readiness import ReadinessBook, Readinesses
    from eessi.directory.reports import finding_rows, lint_document

    with open_store(store, tenant) as opened:
        findings = list(Readinesses(opened.directory(), ReadinessBook(opened).rows()).doubts(on))
    if format == "json":
        print_document(lint_document(findings, lang), output, quiet=quiet)
    else:
        write("\n".join(finding_lines(finding_rows(findings, lang))) or "no doubts", output, quiet=quiet)
    return 1 if findings else 0

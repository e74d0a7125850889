"""``eessi ready``: who can do which BUC in which version, on paper or electronically, who blocks the switch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.directory_store import directory_from, from_option, open_store
from eessi.cli.output import common_options, print_json, print_table, write
from eessi.cli.store import store_options

if TYPE_CHECKING:
    from eessi.directory.readiness import Declared
    from eessi.release.ready import Plan

__all__ = ["ready"]

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--version", "version", metavar="V", help="CDM version that the exchange needs, like 4.4.")
@click.option("--mode", "mode_only", is_flag=True, help="Only the way of exchange: electronic, partly, paper, unknown.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="The day asked about.  [default: today]")
@click.option(
    "--buc",
    "bucs",
    multiple=True,
    metavar="CODE",
    help="May be repeated.  [default: every process the directory names]",
)
@click.option("--country", "countries", multiple=True, metavar="CC", help="May be repeated.  [default: all 32]")
@click.option(
    "--institution",
    "institutions",
    multiple=True,
    metavar="ID",
    help="This body instead of whole countries; may be repeated.",
)
@click.option(
    "--declared",
    type=_FILE,
    help="Declared rows of this file (csv, xlsx, json), over those of the store where that is asked.",
)
@click.option("--campaigns", type=_FILE, help="Results of test campaigns (csv or json).")
@click.option(
    "--months", type=click.IntRange(0, 36), default=6, show_default=True, help="Months shown in the plan (html)."
)
@from_option
@store_options
@common_options("html", "xlsx")
def ready(
    version: str | None,
    mode_only: bool,
    day: dt.datetime | None,
    bucs: tuple[str, ...],
    countries: tuple[str, ...],
    institutions: tuple[str, ...],
    declared: Path | None,
    campaigns: Path | None,
    months: int,
    source: str | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """May these exchanges go electronically on that day? Exit code 0: all may. 1: some may not, with who blocks. 3: unknown.

    Rests on the copy in force and on what `eessi directory readiness` keeps beside it; with --from, on that copy and
    --declared alone.
    """
    from eessi.release.ready import plan, read_campaigns

    if countries and institutions:
        raise click.UsageError("ask for countries or for institutions, not for both at once")
    directory = directory_from(source, store, tenant)
    codes = bucs or tuple(sorted({str(row.buc) for one in directory for row in one.competences}))
    on = day.date() if day else dt.date.today()
    rows = _declared(declared, source, store, tenant)
    tests = read_campaigns(campaigns) if campaigns else ()

    def of(moment: dt.date) -> Plan:
        return plan(
            directory,
            moment,
            bucs=codes,
            countries=countries or None,
            institutions=institutions,
            version=None if mode_only else version,
            declared=rows,
            campaigns=tests,
        )

    found = of(on)
    _print(found, of, months, format, output, quiet)
    return {"yes": 0, "no": 1, "unknown": 3}[str(found.outcome)]


def _declared(file: Path | None, source: str | None, store: str | None, tenant: str) -> tuple[Declared, ...]:
    """The declared rows of the store, and over them those of a file."""
    from eessi.directory.readiness import ReadinessBook
    from eessi.directory.readiness_table import read_declared_file

    rows: dict[object, Declared] = {}
    if source is None:
        with open_store(store, tenant) as opened:
            rows = {row.subject: row for row in ReadinessBook(opened).rows()}
    if file is not None:
        rows |= {row.subject: row for row in read_declared_file(file)}
    return tuple(rows.values())


_COLUMNS = ("BUC", "for", "answer", "mode", "since", "version", "blockers", "tested", "to do", "source")


def _print(
    found: Plan, of: Callable[[dt.date], Plan], months: int, format: str, output: Path | None, quiet: bool
) -> None:
    if format == "json":
        print_json(_as_json(found), output, quiet=quiet)
    elif format == "html":
        from eessi.pages.rendering import render
        from eessi.release.timeline import days_of, plan_svg

        picture = plan_svg([of(moment) for moment in days_of(found.on, months)])
        write(
            render("ready.html.j2", {"plan": found, "columns": _COLUMNS, "rows": _cells(found), "picture": picture}),
            output,
            quiet=quiet,
        )
    elif format == "xlsx":
        from eessi.release.excel import write_sheet

        if output is None:
            raise click.UsageError("--format xlsx needs --output FILE")
        write_sheet(output, "ready", _COLUMNS, _cells(found), widths=(14, 8, 10, 12, 12, 10, 30, 30, 60, 40))
    else:
        print_table(_COLUMNS[:-1], [row[:-1] for row in _cells(found)], output, quiet=quiet)


def _cells(found: Plan) -> list[tuple[str, ...]]:
    return [
        (
            row.buc, row.institution or row.country, str(row.answer), row.mode, str(row.since or ""), row.version or "",
            ", ".join(row.blockers), "; ".join(row.tested), row.todo or "", row.source,
        )
        for row in found.rows
    ]  # fmt: skip


def _as_json(found: Plan) -> dict[str, object]:
    rows = [
        {
            "buc": row.buc,
            "country": row.country,
            "institution": row.institution,
            "answer": str(row.answer),
            "mode": row.mode,
            "since": row.since.isoformat() if row.since else None,
            "version": row.version,
            "source": row.source,
            "blockers": list(row.blockers),
            "tested": list(row.tested),
            "todo": row.todo,
        }
        for row in found.rows
    ]
    counts = {answer: sum(row["answer"] == answer for row in rows) for answer in ("yes", "no", "unknown")}
    return {
        "on": found.on.isoformat(),
        "version": found.version,
        "answer": str(found.outcome),
        "rows": rows,
        "summary": counts,
    }

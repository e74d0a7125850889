"""``eessi stats`` and ``eessi decisions``: counts by BUC, SED, country, role, delay; the table of legislation decisions."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from eessi.cli.output import common_options, print_json, print_table, write
from eessi.cli.store import opened_store, store_options

if TYPE_CHECKING:
    from eessi.node.decisions import Decisions
    from eessi.node.statistics import Statistics

__all__ = ["decisions", "stats"]

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--since", type=_DAY, help="First day counted.")
@click.option("--until", type=_DAY, help="Last day counted.")
@store_options
@common_options("xlsx", "csv")
def stats(
    since: dt.datetime | None,
    until: dt.datetime | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Counts of cases, documents and answers, from the histories of the cases."""
    from eessi.node.statistics import statistics_of

    with opened_store(store) as opened:
        found = statistics_of(
            opened, tenant=tenant, since=since.date() if since else None, until=until.date() if until else None
        )
    if format == "json":
        print_json({k: [attrs.asdict(row) for row in getattr(found, k)] for k in _TABLES}, output, quiet=quiet)
        return 0
    columns = (
        "table",
        "what",
        "role or direction",
        "country or answer",
        "state or verdict",
        "count",
        "median days",
        "longest days",
    )
    _write(columns, _flat(found), format, output, quiet)
    return 0


_TABLES = ("cases", "documents", "delays")


def _flat(found: Statistics) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        ("cases", one.buc, one.role, "", one.state, str(one.cases), "", "") for one in found.cases
    ]
    rows += [("documents", d.sed, d.direction, d.country, d.verdict, str(d.documents), "", "") for d in found.documents]
    rows += [("delays", d.sed, "", d.answer, "", str(d.pairs), str(d.median), str(d.longest)) for d in found.delays]
    return rows


@click.command()
@click.option("--key-file", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The tenant's key.")
@click.option(
    "--paths", "paths", multiple=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.toml",
    help="Where documents of your own packages say what; may be repeated.",
)  # fmt: skip
@click.option("--clear", is_flag=True, help="Numbers and birth dates as they stand, instead of pseudonyms and years.")
@store_options
@common_options("xlsx", "csv")
def decisions(
    key_file: Path,
    paths: tuple[Path, ...],
    clear: bool,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """One flat row per decision on the applicable legislation (A003, A009, A010, A011, A012)."""
    from eessi.node import Vault
    from eessi.node.decisions import decisions as table_of
    from eessi.node.decisions import load_decision_paths

    known = load_decision_paths(*paths)
    with opened_store(store) as opened:
        found = table_of(opened, Vault.from_file(key_file), tenant=tenant, pseudonyms=not clear, paths=known)
    for place in found.not_read:
        click.echo(f"eessi: left out, not a date: {place}", err=True)
    if format == "json":
        rows = [
            {name: str(value) if isinstance(value, dt.date) else value for name, value in row.items()}
            for row in found.rows
        ]
        print_json(
            {"columns": [attrs.asdict(one) for one in found.columns], "decisions": rows, "erased": found.erased},
            output,
            quiet=quiet,
        )
        return 0
    names = [one.column for one in found.columns]
    flat = [tuple(str(row.get(name, "")) for name in names) for row in found.rows]
    if format == "xlsx":
        _write_workbook(found, names, output)
    else:
        _write(names, flat, format, output, quiet)
    return 0


def _write_workbook(found: Decisions, names: Sequence[str], output: Path | None) -> None:
    """Two sheets: the rows with their types, and where each column comes from."""
    from eessi.release.excel import write_sheets

    if output is None:
        raise click.UsageError("--format xlsx needs --output FILE")
    rows = [[row.get(name) for name in names] for row in found.rows]
    sources = [[one.column, one.meaning, "; ".join(one.sources)] for one in found.columns]
    write_sheets(
        output,
        [
            ("decisions", names, rows, (18,) * len(names)),
            ("sources", ("column", "meaning", "source"), sources, (24, 50, 100)),
        ],
    )


def _write(
    columns: Sequence[str], rows: Sequence[Sequence[str]], format: str, output: Path | None, quiet: bool
) -> None:
    if format == "xlsx":
        from eessi.release.excel import write_sheet

        if output is None:
            raise click.UsageError("--format xlsx needs --output FILE")
        write_sheet(output, "table", columns, rows, widths=(18,) * len(columns))
    elif format == "csv":
        from eessi.release.excel import safe_cell

        buffer = io.StringIO()
        table = csv.writer(buffer)
        table.writerow(columns)
        table.writerows([safe_cell(cell) for cell in row] for row in rows)
        write(buffer.getvalue(), output, quiet=quiet)
    else:
        print_table(columns, rows, output, quiet=quiet)

"""``eessi signoff``: comments and decisions per SED, BUC and organisation; the sealed record of a validation."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.output import common_options, print_json, write

if TYPE_CHECKING:
    from eessi.release.signoff import Round

__all__ = ["signoff"]

_file = click.Path(dir_okay=False, path_type=Path)


@click.group()
def signoff() -> None:
    """Ask organisations about a new version, merge their answers, seal the validation."""


@signoff.command("ask")
@click.argument("round_file", metavar="ROUND.json", type=_file)
@click.option("--version", "version", required=True, metavar="NAME:VERSION", help="The new package.")
@click.option("--organisation", "organisations", multiple=True, required=True, help="May be repeated.")
@click.option("--sed", "seds", multiple=True, metavar="CODE", help="May be repeated.")
@click.option("--buc", "bucs", multiple=True, metavar="CODE", help="May be repeated.")
@click.option("--due", type=click.DateTime(["%Y-%m-%d"]), help="Answers are expected by this day.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Day of asking; today unless told.")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for one Excel sheet per organisation.",
)
def ask(
    round_file: Path,
    version: str,
    organisations: tuple[str, ...],
    seds: tuple[str, ...],
    bucs: tuple[str, ...],
    due: dt.datetime | None,
    on: dt.datetime | None,
    out: Path,
) -> int:
    """Open a round: who is asked about which SEDs and BUCs."""
    from eessi.buc import buc
    from eessi.release.signoff import Item, Round, write_sheets
    from eessi.sed import find_sed

    items = [Item(code=row.code, title=row.title or row.code) for row in map(find_sed, seds)]
    items += [Item(code=str(row.code), title=row.title or row.code) for row in map(buc, bucs)]
    if not items:
        raise click.UsageError("name at least one --sed or --buc")
    if round_file.exists():
        raise click.UsageError(f"{round_file} exists; a round is opened once")
    day = on.date() if on else dt.datetime.now(dt.UTC).date()
    one = Round(
        version=version, asked_on=day, due=due.date() if due else None, items=tuple(items), organisations=organisations
    )
    one.save(round_file)
    for file in write_sheets(one, out):
        click.echo(f"send {file}")
    return 0


@signoff.command("merge")
@click.argument("round_file", metavar="ROUND.json", type=_file)
@click.argument("sheets", nargs=-1, required=True, type=_file)
def merge(round_file: Path, sheets: tuple[Path, ...]) -> int:
    """Take over the Excel sheets that came back. Exit code 1 when two of them contradict each other."""
    from eessi.release.signoff import Round, merge_sheets

    one, conflicts = merge_sheets(Round.load(round_file), sheets)
    one.save(round_file)
    for conflict in conflicts:
        said = " and ".join(conflict.decisions)
        click.echo(
            f"conflict: {conflict.organisation} on {conflict.item}: {said} ({', '.join(conflict.sources)})", err=True
        )
    click.echo(f"{len(one.answers)} answers, {len(one.open_items())} open")
    return 1 if conflicts else 0


@signoff.command("status")
@click.argument("round_file", metavar="ROUND.json", type=_file)
@common_options("xlsx")
def status(round_file: Path, format: str, output: Path | None, quiet: bool, lang: str) -> int:
    """Who accepted what, what is open, all comments. Exit code 0 when everything is accepted, else 1."""
    from eessi.release.signoff import COLUMNS, Round

    one = Round.load(round_file)
    if format == "json":
        print_json(_as_json(one), output, quiet=quiet)
    elif format == "xlsx":
        from eessi.release.excel import write_sheet

        if output is None:
            raise click.UsageError("--format xlsx needs --output FILE")
        titles = {item.code: item.title for item in one.items}
        rows = [
            (
                a.organisation,
                a.item,
                titles[a.item],
                str(a.decision),
                a.comment,
                a.name,
                a.date.isoformat() if a.date else "",
            )
            for a in one.answers
        ]
        write_sheet(output, "feedback", COLUMNS, rows, widths=(24, 14, 50, 14, 60, 24, 14))
    else:
        write(_as_text(one), output, quiet=quiet)
    return 0 if one.is_accepted else 1


def _as_json(one: Round) -> dict[str, object]:
    body = one.model_dump(mode="json", exclude={"schema_version"})
    open_ = [{"organisation": organisation, "item": item} for organisation, item in one.open_items()]
    return {**body, "open": open_, "accepted": one.is_accepted}


def _as_text(one: Round) -> str:
    width = max(len(name) for name in one.organisations)
    lines = [f"{one.version}, asked on {one.asked_on}" + (f", due {one.due}" if one.due else "")]
    for organisation in one.organisations:
        said = ", ".join(f"{item.code} {one.decision(organisation, item.code)}" for item in one.items)
        lines.append(f"  {organisation:{width}}  {said}")
    for answer in one.answers:
        if answer.comment:
            lines.append(f"  {answer.organisation} on {answer.item}: {answer.comment}")
    return "\n".join(lines)


@signoff.command("passport")
@click.argument("documents", nargs=-1, type=_file)
@click.option("--package", metavar="NAME:VERSION", help="Validate against this package and issue a passport.")
@click.option("--round", "round_file", type=_file, help="Sign-off round to seal with it.")
@click.option("--verify", "passport_file", type=_file, help="Verify this passport instead, offline.")
@click.option("--output", "-o", type=_file, help="Write the passport to this file.")
def passport(
    documents: tuple[Path, ...],
    package: str | None,
    round_file: Path | None,
    passport_file: Path | None,
    output: Path | None,
) -> int:
    """Issue or verify the sealed record of a validation.

    Exit code of issuing: 0 all valid, 1 some invalid, 3 some undetermined. Of verifying: 0 everything fits, 1 not.
    """
    from eessi.release.passport import issue, verify
    from eessi.release.signoff import Round
    from eessi.schemas import Registry

    registry = Registry.installed()
    if passport_file is not None:
        troubles = verify(passport_file, registry=registry, documents=documents)
        for trouble in troubles:
            click.echo(trouble, err=True)
        click.echo("the passport does not fit" if troubles else "the passport fits")
        return 1 if troubles else 0
    if package is None or not documents:
        raise click.UsageError("give documents and --package to issue a passport, or --verify FILE")
    one = Round.load(round_file).model_dump(mode="json") if round_file else None
    made = issue(registry, package, documents, at=dt.datetime.now(dt.UTC), round=one)
    write(json.dumps(made.model_dump(mode="json"), ensure_ascii=False, indent=2), output)
    return 1 if made.summary["invalid"] else 3 if made.summary["undetermined"] else 0

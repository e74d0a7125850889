"""``eessi directory``: institutions, who may do what, where, and since when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.day import Day
from eessi.cli.directory_output import change_table, exit_code, finding_lines, print_document, word, write_file
from eessi.cli.directory_store import directory_from, from_option, open_store
from eessi.cli.output import common_options, print_json, print_table, write
from eessi.cli.store import store_options
from eessi.errors import EessiError, UsageError

if TYPE_CHECKING:
    from eessi.directory import Directory
    from eessi.directory.reports import ChangeRow
    from eessi.directory.store import DirectoryStore

__all__ = ["directory"]


class _Keeping(click.Group):
    """The commands that change something live in a module of their own, loaded when one of them is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from eessi.cli import directory_keeping

        return sorted([*self.commands, *directory_keeping.COMMANDS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        from eessi.cli import directory_keeping

        return directory_keeping.COMMANDS.get(cmd_name)


@click.group(cls=_Keeping, help="Institutions: who may do what, where, and since when.")
def directory() -> None:
    """Hold the subcommands."""


# --- find ------------------------------------------------------------------------------------------------------------


@directory.command("find")
@click.argument("buc_argument", metavar="[BUC]", required=False)
@click.option("--buc", metavar="CODE", help="The process, where it is not given as argument.")
@click.option("--role", default="CounterParty", show_default=True, help="CaseOwner, CounterParty or IntelligentRA.")
@click.option("--country", metavar="CC", help="EESSI or ISO spelling; all countries without it.")
@click.option("--on", type=Day(), help="The day asked about.  [default: today]")
@click.option("--known-on", type=Day(), help="Answer by the copy that was the newest on this day.")
@click.option("--name", help="Narrow by name, in any language, with tolerance for typing errors.")
@from_option
@store_options
@common_options()
def find(
    buc_argument: str | None,
    buc: str | None,
    role: str,
    country: str | None,
    on: dt.date | None,
    known_on: dt.date | None,
    name: str | None,
    source: str | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Who may take a role in a process, and why the others may not.

    With --name and no process, the bodies whose names resemble a text. Ends with 1 when there is nobody.
    """
    from eessi.directory.reports import find_document

    code = buc_argument or buc
    if code is None and name and known_on is None:
        return _print_hits(directory_from(source, store, tenant, country), name, country, format, output, quiet)
    if code is None:
        raise click.UsageError("name a process, like LA_BUC_01, or search all bodies with --name alone")
    if known_on is not None:
        if source is not None:
            raise click.UsageError("--known-on asks the store; leave --from out")
        with open_store(store, tenant) as opened:
            found = opened.find(code, role, country, on, known_on=known_on)
    else:
        found = directory_from(source, store, tenant, country).find(code, role, country, on)
    if name:
        from eessi.directory.search import by_name

        found = by_name(found, name)
    document = find_document(found)
    if format == "json":
        print_document(document, output, quiet=quiet)
        return 0 if found else 1
    lines = [f"match: {row.institution}  {row.name}" + _how(row.access_point, row.warnings) for row in document.matches]
    lines += [f"out:   {row.institution}  {row.text} [{row.reason}]" for row in document.left_out]
    lines += [f"hint:  {hint}" for hint in document.hints]
    write("\n".join(lines) if lines else "no institution in this copy", output, quiet=quiet)
    return 0 if found else 1


def _print_hits(asked: Directory, text: str, country: str | None, format: str, output: Path | None, quiet: bool) -> int:
    """Bodies found by name alone, best first."""
    hits = asked.search(text, country=country, limit=50)
    rows: list[dict[str, object]] = [
        {"institution": hit.institution.id, "name": hit.institution.name(), "score": hit.score, "by": hit.by}
        for hit in hits
    ]
    if format == "json":
        print_json({"matches": rows, "left_out": [], "hints": []}, output, quiet=quiet)
    else:
        cells = [(hit.institution.id, f"{hit.score:.0f}", hit.institution.name()) for hit in hits]
        if cells:
            print_table(("institution", "likeness", "name"), cells, output, quiet=quiet)
        else:
            write(f"no body has a name like {text!r}", output, quiet=quiet)
    return 0 if hits else 1


def _how(access_point: str | None, warnings: list[str]) -> str:
    via = f", by {access_point}" if access_point else ""
    return via + "".join(f"; {warning}" for warning in warnings)


# --- show ------------------------------------------------------------------------------------------------------------


@directory.command("show")
@click.argument("id")
@click.option("--on", type=Day(), help="The day for which the route is looked up.  [default: today]")
@from_option
@store_options
@common_options()
def show(
    id: str,
    on: dt.date | None,
    source: str | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """One institution: everything the directory says of it, how it is reached, who came before and after."""
    from eessi.directory.reports import show_document

    asked = directory_from(source, store, tenant)
    each = asked.get(id)
    document = show_document(asked, each, on or dt.date.today())
    if format == "json":
        print_document(document, output, quiet=quiet)
        return 0
    period = f"{each.period.start} to {each.period.end or 'open'}" if each.period.start != dt.date.min else "since ever"
    lines = [
        f"{each.id}  {each.name(lang)}",
        f"in force: {period}" + (" (kept; not in the copy)" if document.kept else ""),
    ]
    lines += [f"name {name.language or '?'}: {name.display}" for name in each.names]
    lines.append(f"liaison body: {'yes' if each.is_liaison else 'no'}; public: {'yes' if each.is_public else 'no'}")
    if document.route:
        lines.append(f"reached by: {document.route.access_point or '-'} at {document.route.endpoint or '-'}")
    else:
        lines.append(f"not reached: {document.no_route}")
    lines += [f"relation: {relation.kind} {relation.other}" for relation in each.relations]
    lines += [f"function: {function}" for function in each.functions]
    lines += [
        f"legal competence: risk {row.risk or 'any'}, benefit {row.benefit or 'any'}, scheme {row.scheme or 'any'}, "
        f"area {row.area or 'any'}"
        for row in each.legal_competences
    ]
    for row in each.competences:
        until = f" to {row.period.end}" if row.period.end else ""
        ready = "" if row.is_ready else ", not ready"
        lines.append(f"{row.buc} {row.role.in_directory} from {row.period.start}{until}{ready}")
    write("\n".join(lines), output, quiet=quiet)
    return 0


# --- legal -----------------------------------------------------------------------------------------------------------


@directory.command("legal")
@click.option("--risk", metavar="KEY", help="Like sickness, old_age, family.")
@click.option("--benefit", metavar="KEY", help="in_kind or in_cash.")
@click.option("--scheme", metavar="TEXT")
@click.option("--area", metavar="TEXT")
@click.option("--country", metavar="CC", help="Only bodies of this country.")
@from_option
@store_options
@common_options("csv")
def legal(
    risk: str | None,
    benefit: str | None,
    scheme: str | None,
    area: str | None,
    country: str | None,
    source: str | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Who is competent in the words of the law: by risk, benefit, scheme and area. Ends with 1 when nobody is known to be.

    No full copy says it; it is kept here by approved changes.
    """
    from eessi.directory.national import legally_competent
    from eessi.ids import fold_country

    asked, wanted = directory_from(source, store, tenant, country), fold_country(country) if country else None
    bodies = [each for each in asked if wanted in (None, each.country)]
    found = list(legally_competent(bodies, risk=risk, benefit=benefit, scheme=scheme, area=area))
    columns = ("institution", "name", "risk", "benefit", "scheme", "area")
    cells = [
        (each.id, each.name(lang), row.risk or "", row.benefit or "", row.scheme or "", row.area or "")
        for each, row in found
    ]
    if format == "json":
        print_json({"rows": [dict(zip(columns, row, strict=True)) for row in cells]}, output, quiet=quiet)
    elif format == "csv":
        from eessi.directory.csv_table import plain_csv

        write(plain_csv(columns, cells), output, quiet=quiet)
    elif cells:
        print_table(columns, cells, output, quiet=quiet)
    else:
        write("nobody is known to be; such entries come in with approved changes", output, quiet=quiet)
    return 0 if found else 1


# --- diff ------------------------------------------------------------------------------------------------------------


@directory.command("diff")
@click.argument("old")
@click.argument("new", required=False)
@click.option(
    "--fail-on",
    type=click.Choice(["substantial", "technical", "editorial"]),
    help="End with 1 when there is a change of this class or a graver one.",
)
@store_options
@common_options("xlsx")
def diff(
    old: str,
    new: str | None,
    fail_on: str | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """What changed from one copy to another.

    OLD and NEW are files, 'synthetic', or numbers of stored copies; without NEW, the copy in force.
    """
    from eessi.directory.reports import diff_document

    before, after = (_copy(place, store, tenant) for place in (old, new))
    document = diff_document(before.diff(after).changes, lang=lang)
    if format == "json":
        print_document(document, output, quiet=quiet)
    elif format == "xlsx":
        from eessi.directory.workbook import write_table

        columns = ("class", "institution", "what", "id", "old", "new")
        rows = [dict(zip(columns, _cells(row), strict=True)) for row in document.changes]
        write_file(write_table("changes", columns, rows), output)
    else:
        change_table(document.changes, output, quiet=quiet)
    return exit_code(document.summary, ("substantial", "technical", "editorial"), fail_on)


def _cells(row: ChangeRow) -> tuple[str, ...]:
    return (row.change_class, row.institution or "", row.what, row.id, word(row.old), word(row.new))


def _copy(place: str | None, store: str | None, tenant: str) -> Directory:
    if place is not None and not place.isdigit():
        return directory_from(place, store, tenant)
    return directory_from(None, store, tenant, seq=int(place) if place is not None else None)


# --- lint ------------------------------------------------------------------------------------------------------------


@directory.command("lint")
@click.argument("path", required=False)
@click.option("--on", type=Day(), help="The day asked about.  [default: today]")
@click.option("--country", metavar="CC", help="Only records of this country.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info", "never"]),
    default="error",
    show_default=True,
    help="End with 1 when there is a finding of this severity or a graver one.",
)
@store_options
@common_options()
def lint(
    path: str | None,
    on: dt.date | None,
    country: str | None,
    fail_on: str,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """What is wrong with a copy: certificates, endpoints, periods, names, doubles, and what the reader repaired.

    PATH is a file or 'synthetic'; without it, the copy in force.
    """
    from eessi.directory.lint import lint as look
    from eessi.directory.reports import lint_document
    from eessi.ids import fold_country

    asked = directory_from(path, store, tenant)
    findings = [*asked.findings, *look(asked, on)]
    if country:
        wanted = fold_country(country)
        findings = [each for each in findings if (each.path or "").removeprefix("Certificate/").startswith(wanted)]
    document = lint_document(findings, lang)
    if format == "json":
        print_document(document, output, quiet=quiet)
    else:
        counts = ", ".join(f"{count} {name}" for name, count in document.summary.items())
        write("\n".join([*finding_lines(document.findings), counts]), output, quiet=quiet)
    return exit_code(document.summary, ("error", "warning", "info"), fail_on)


# --- history ---------------------------------------------------------------------------------------------------------


@directory.command("history")
@click.argument("id", required=False)
@click.option("--events", is_flag=True, help="The log: what was done and what was refused.")
@store_options
@common_options()
def history(
    id: str | None,
    events: bool,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """How an institution stood in the copies; without ID, the copies; with --events, the log.

    Who was competent on a day is asked with `find --on DAY --known-on DAY`.
    """
    import json

    from eessi.directory.reports import HistoryDocument, copy_row, history_document

    with open_store(store, tenant) as opened:
        if id is not None:
            versions = opened.history(id)
            if not versions:
                raise _unknown(opened, id)
            document = history_document(id, versions)
        elif events:
            rows = [
                {"no": row.no, "at": row.at, "who": row.who, "action": row.action, "proposal": row.proposal}
                | _short(json.loads(row.body))
                for row in opened.events()
            ]
            document = HistoryDocument(events=rows)
        else:
            document = HistoryDocument(copies=[copy_row(copy) for copy in opened.copies()])
    if format == "json":
        print_document(document, output, quiet=quiet)
        return 0
    lines = []
    for version in document.versions:
        lines.append(
            f"{version.from_day} to {version.to_day} (copies {version.first} to {version.last}): {version.state}"
        )
        lines += [f"  {row.id}: {word(row.old) or '-'} -> {word(row.new) or '-'}" for row in version.changes]
    lines += [
        f"{copy.seq}  version {copy.version or '-'} of {_moment(copy.created)}, {copy.institutions} institutions, "
        f"loaded {_moment(copy.loaded_at)} by {copy.loaded_by} ({copy.origin}), {copy.signature}"
        for copy in document.copies
    ]
    lines += [
        f"{row['no']}  {row['at']}  {row['who']}{_proof(row)}  {row['action']}"
        + (f" {row['proposal']}" if row["proposal"] else "")
        + (f": {row['reason']}" if row.get("reason") else "")
        for row in document.events
    ]
    write("\n".join(lines) if lines else "nothing yet", output, quiet=quiet)
    return 0


def _moment(instant: dt.datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else "-"


def _proof(row: Mapping[str, object]) -> str:
    """Where a name comes from, unless the operating system or a service gave it."""
    identity = row.get("identity")
    if not isinstance(identity, dict) or identity.get("origin") != "argument":
        return ""
    return f" (named by {identity.get('account')})"


def _short(body: dict[str, object]) -> dict[str, object]:
    """What the log says of an event, without the records of a proposal."""
    return {name: value for name, value in body.items() if name not in ("old", "new")}


def _unknown(opened: DirectoryStore, id: str) -> EessiError:
    from eessi.errors import UnknownCode

    try:
        return UnknownCode("institution", id, opened.directory().suggest(id))
    except LookupError as error:
        return UsageError(f"{error}; load one with `eessi directory import FILE`")

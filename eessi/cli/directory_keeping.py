"""The commands of ``eessi directory`` that keep it: import, export, propose, approve, rollback."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from eessi.cli.directory_contacts import contacts
from eessi.cli.directory_output import change_table, exit_code, finding_lines, print_document, write_file
from eessi.cli.directory_readiness import readiness
from eessi.cli.directory_store import allowed, by_option, directory_from, from_option, open_store, policy
from eessi.cli.output import common_options, print_json, print_table, read_source, write
from eessi.cli.store import store_options
from eessi.errors import InputError, UsageError

if TYPE_CHECKING:
    from eessi.directory.change import Change
    from eessi.directory.control import ChangeControl, Proposal
    from eessi.directory.defects import Defects
    from eessi.directory.intake import Accepted
    from eessi.directory.store import DirectoryStore
    from eessi.trust import SecurityPolicy

__all__ = ["COMMANDS"]

_OBJECTIONS = ("older", "same-version", "environment", "sender", "loss", "endpoints")


@click.command("import")
@click.argument("path")
@click.option(
    "--accept", type=click.Choice(_OBJECTIONS), multiple=True, help="An objection to set aside; may be repeated."
)
@click.option("--zone", default="Europe/Oslo", show_default=True, help="Zone in which instants are read as days.")
@click.option("--trust", multiple=True, type=click.Path(dir_okay=False, path_type=Path), metavar="CERT",
              help="A certificate whose signature on the copy counts; PEM or DER. May be repeated.")  # fmt: skip
@click.option("--must-be-signed", is_flag=True, help="Refuse a copy whose signature is not verified.")
@click.option("--prove-up-to", type=click.IntRange(min=1), default=64, show_default=True, metavar="MIB",
              help="Largest copy whose signature is proved.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Refuse identifiers outside the official form.")
@click.option("--fail-on", type=click.Choice(["error", "warning", "never"]), default="never", show_default=True)
@by_option
@store_options
@common_options()
def import_(
    path: str,
    accept: tuple[str, ...],
    zone: str,
    trust: tuple[Path, ...],
    must_be_signed: bool,
    prove_up_to: int,
    strict: bool,
    fail_on: str,
    by: str | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Read a full copy (SYN001, client JSON, CSV, Excel) and put it in force, whole or not at all.

    A copy that is damaged, older, of another environment or without many known bodies is refused. Approved changes are
    held against it: arrived, differs, missing.
    """
    from eessi.directory.control import ChangeControl
    from eessi.directory.reports import import_document

    _known_zone(zone)
    source: bytes | str = read_source("-") if path == "-" else path
    with open_store(store, tenant) as opened:
        objections = cast("tuple[Accepted, ...]", accept)
        loaded = opened.load(
            source,
            by=allowed(opened, by, "load"),
            accept=objections,
            zone=zone,
            strict=strict,
            name=path,
            trust=_trusted(trust),
            must_be_signed=must_be_signed or policy().must_be_signed,
            prove_up_to=prove_up_to * 2**20,
        )
        arrivals = ChangeControl(opened).reconcile()
    document = import_document(loaded, arrivals, lang)
    if format == "json":
        print_document(document, output, quiet=quiet)
    else:
        what = f"{loaded.written} records new or changed" if loaded.changed else "nothing changed"
        copy = loaded.copy
        lines = [f"copy {copy.seq}: version {copy.version or '-'}, {copy.institutions} institutions, {what}"]
        lines.append(f"signature: {copy.signature.text}")
        lines += finding_lines(document.findings)
        if loaded.changed and copy.seq > 1:
            lines.append(f"what changed: `eessi directory diff {copy.seq - 1}`")
        lines += [
            f"proposal {row.proposal}: {row.id}: {row.state}" + (f": {row.found}" if row.found else "")
            for row in document.reconciliation
        ]
        write("\n".join(lines), output, quiet=quiet)
    return exit_code(document.summary, ("error", "warning"), fail_on)


def _trusted(files: tuple[Path, ...]) -> SecurityPolicy:
    """Whose signature on a copy counts: the certificates named, and those of the policy; valid on the day."""
    from eessi.cli.sed_sign import certificate_of, thumbprint_of
    from eessi.trust import SecurityPolicy

    named = [certificate_of(file) for file in files]
    prints = frozenset(map(thumbprint_of, named)) | policy().trusted
    return SecurityPolicy(trusted=prints, issuers=tuple(named), on=dt.date.today())


def _known_zone(zone: str) -> None:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"{zone!r} is no time zone; write it like Europe/Oslo") from None


@click.command("export")
@click.option("--country", metavar="CC", help="Only this country (csv, xlsx, client).")
@click.option("--as", "shape", type=click.Choice(["copy", "client", "keying"]), default="copy", show_default=True,
              help="The copy itself; the answer of a look-up service (json); approved changes to key.")  # fmt: skip
@click.option("--proposal", "nos", type=int, multiple=True, help="With --as keying: this proposal; may be repeated.")
@from_option
@by_option
@store_options
@common_options("csv", "xlsx", "syn001")
def export(
    country: str | None,
    shape: str,
    nos: tuple[int, ...],
    source: str | None,
    by: str | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """The copy in force as CSV, Excel, JSON or SYN001, or approved changes as a keying sheet.

    Contacts are never part of it.
    """
    if shape == "keying":
        return _keying(nos, by, store, tenant, format, output, quiet)
    from eessi.directory.days import DEFAULT_ZONE
    from eessi.ids import fold_country

    asked = directory_from(source, store, tenant)
    wanted = fold_country(country) if country else None
    chosen = [each for each in asked if wanted in (None, each.country)]
    if shape == "client":
        import json

        from eessi.directory.client_json import write_answer

        write(json.dumps(write_answer(chosen, zone=DEFAULT_ZONE), ensure_ascii=False, indent=1), output, quiet=quiet)
    elif format == "xlsx":
        from eessi.directory.workbook import write_workbook

        write_file(write_workbook(asked, country=wanted), output)
    elif format == "syn001":
        from eessi.directory.syn001_writer import syn001_bytes

        if wanted:
            raise click.UsageError("SYN001 is always the full copy; leave --country out")
        write(syn001_bytes(asked).decode(), output, quiet=quiet)
    elif format == "json":
        from eessi.directory.client_json import write_export

        if wanted:
            raise click.UsageError("this export is the full copy; leave --country out")
        print_json(write_export(asked), output, quiet=quiet)
    else:
        from eessi.directory.csv_table import write_csv

        write(write_csv(chosen).replace("\r\n", "\n"), output, quiet=quiet)
    return 0


def _keying(
    nos: tuple[int, ...],
    by: str | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
) -> int:
    import csv
    import io

    from eessi.directory.control import KEYING_COLUMNS

    with open_store(store, tenant) as opened:
        rows = _control(opened).keying_sheet(by=by, nos=nos or None)
    if format == "json":
        print_json({"rows": rows}, output, quiet=quiet)
    elif format == "xlsx":
        from eessi.directory.workbook import write_table

        write_file(write_table("keying", KEYING_COLUMNS, rows), output)
    elif format == "csv":
        file = io.StringIO()
        writer = csv.DictWriter(file, KEYING_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write(file.getvalue(), output, quiet=quiet)
    else:
        print_table(KEYING_COLUMNS, [[row[name] for name in KEYING_COLUMNS] for row in rows], output, quiet=quiet)
    return 0


def _control(opened: DirectoryStore) -> ChangeControl:
    from eessi.directory.control import ChangeControl

    return ChangeControl(opened, policy())


@click.command("propose")
@click.argument("path", metavar="SHEET", required=False)
@click.option("--yes", is_flag=True, help="Make the proposal; without it, only the preview is shown.")
@click.option("--reason", default="", help="Why; kept with the proposal.")
@click.option("--list", "listing", is_flag=True, help="The proposals and where they stand.")
@by_option
@store_options
@common_options()
def propose(
    path: str | None,
    yes: bool,
    reason: str,
    listing: bool,
    by: str | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Propose what an edited Excel sheet changes in the copy in force; a preview first, the proposal with --yes."""
    from eessi.directory.control import notice
    from eessi.directory.defects import Defects
    from eessi.directory.directory import known_bucs
    from eessi.directory.folding import Folding
    from eessi.directory.reports import diff_document
    from eessi.directory.workbook import read_workbook

    with open_store(store, tenant) as opened:
        control = _control(opened)
        if listing:
            return _print_proposals(control.proposals(), format, output, quiet, lang)
        if path is None:
            raise click.UsageError("name the edited Excel sheet, or ask with --list")
        defects = Defects()
        edited = control.edit(read_workbook(read_source(path), name=path), Folding(defects, known_bucs=known_bucs()))
        changes = control.preview(edited)
        _entries_must_be_readable(defects, changes, path, lang, quiet)
        notices = notice(changes, dt.date.today())
        if yes:
            proposal = control.propose(edited, by=by, reason=reason)
            return _print_proposals((proposal,), format, output, quiet, lang)
    document = diff_document(changes, notices, lang)
    if format == "json":
        print_document(document, output, quiet=quiet)
        return 0
    change_table(document.changes, output, quiet=quiet)
    if not quiet:
        for line in finding_lines(document.notices):
            click.echo(line, err=True)
        click.echo(f"preview of {len(changes)} changes; nothing is proposed without --yes", err=True)
    return 0


_NEVER_PROPOSED = ("DIR-PERIOD-EMPTY", "DIR-DATE-UNREADABLE", "DIR-DOUBLE-RECORD")
"""What a reader of foreign copies only reports, and what nobody may propose."""


def _entries_must_be_readable(defects: Defects, changes: tuple[Change, ...], path: str, lang: str, quiet: bool) -> None:
    """Say what is odd in the entries that were edited, and stop where one of them cannot be meant."""
    from eessi.directory.reports import finding_rows
    from eessi.findings import Severity

    edited = {change.subject for change in changes}
    told = [
        each
        for each in defects.findings
        if each.severity is Severity.ERROR or (each.path or "").partition("/")[0] in edited
    ]
    wrong = max(defects.refused, sum(each.severity is Severity.ERROR or each.id in _NEVER_PROPOSED for each in told))
    if not quiet or wrong:
        for line in finding_lines(finding_rows(told, lang)):
            click.echo(line, err=True)
    if wrong:
        raise InputError(f"{wrong} entries cannot be meant as they stand; nothing was proposed", source=path)


@click.command("approve")
@click.argument("no", type=int)
@click.option("--reject", is_flag=True, help="Reject it instead; its author may withdraw it this way.")
@click.option("--reason", default="", help="Why it is rejected.")
@by_option
@store_options
@common_options()
def approve(
    no: int,
    reject: bool,
    reason: str,
    by: str | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Approve a proposal: by another person than the one who made it. Refused attempts are logged."""
    with open_store(store, tenant) as opened:
        control = _control(opened)
        proposal = control.reject(no, by=by, reason=reason) if reject else control.approve(no, by=by)
    if proposal.same_account and not reject and not quiet:
        click.echo("note: proposed and approved from one account of the operating system; only --by tells the two apart",
                   err=True)  # fmt: skip
    return _print_proposals((proposal,), format, output, quiet, lang)


def _print_proposals(proposals: tuple[Proposal, ...], format: str, output: Path | None, quiet: bool, lang: str) -> int:
    from eessi.directory.reports import proposals_document

    document = proposals_document(proposals, dt.date.today(), lang)
    if format == "json":
        print_document(document, output, quiet=quiet)
        return 0
    lines = []
    for each, row in zip(proposals, document.proposals, strict=True):
        decided = f", decided by {row.decided_by}" if row.decided_by else ""
        lines.append(f"proposal {row.no}: {row.state}, by {row.by}{decided}")
        lines += [f"  {change.text}" for change in each.changes]
        lines += [f"  {line}" for line in finding_lines(row.notices)]
    write("\n".join(lines) if lines else "no proposals", output, quiet=quiet)
    return 0


@click.command("rollback")
@click.option("--to", type=int, help="Number of the copy.  [default: the one before the last]")
@by_option
@store_options
@common_options()
def rollback(
    to: int | None,
    by: str | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Put an earlier copy in force again, as a new one; nothing is deleted."""
    from eessi.directory.reports import HistoryDocument, copy_row

    with open_store(store, tenant) as opened:
        copy = opened.rollback(to, by=allowed(opened, by, "load"))
    if format == "json":
        print_document(HistoryDocument(copies=[copy_row(copy)]), output, quiet=quiet)
    else:
        write(f"copy {copy.seq}: {copy.origin}, version {copy.version or '-'}", output, quiet=quiet)
    return 0


COMMANDS: dict[str, click.Command] = {
    "approve": approve,
    "contacts": contacts,
    "export": export,
    "import": import_,
    "propose": propose,
    "readiness": readiness,
    "rollback": rollback,
}
"""The commands of this module by name."""

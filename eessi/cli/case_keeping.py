"""``eessi case find``, ``touched``, ``closing``, ``retention``, ``hold``, ``erase``: the cases of a store, found, kept and let go.

Everything that changes a case is a dry run until ``--apply`` is given.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import attrs
import click

from eessi.cli.output import common_options, print_json, print_table, read_source, read_text
from eessi.cli.store import opened_store, store_options, store_place, user_name
from eessi.errors import UsageError

if TYPE_CHECKING:
    from eessi.buc import Case
    from eessi.ids import InstitutionId, SedType
    from eessi.node import Node
    from eessi.node.written import WriteDocument
    from eessi.sed import Sed

__all__ = ["COMMANDS"]

_DAY = click.DateTime(["%Y-%m-%d"])
_Command = TypeVar("_Command", bound=Callable[..., object])
_on = click.option("--on", type=_DAY, help="The day of the question; today unless told.")
_rules = click.option(
    "--rules", "files", multiple=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.toml",
    help="Your own rules; a row takes the place of a shipped one with its id. May be repeated.",
)  # fmt: skip
_apply = click.option("--apply", "apply_it", is_flag=True, help="Do it. Without this nothing is changed.")
_config = click.option(
    "--config", type=click.Path(dir_okay=False, path_type=Path), help="node.toml of the node that acts."
)
_document = click.option(
    "--document", type=click.Path(dir_okay=False, path_type=Path), help="The SED to send (XML), for all cases alike."
)


def _day(on: dt.datetime | None) -> dt.date:
    return on.date() if on is not None else dt.datetime.now(dt.UTC).date()


def _print(
    key: str, rows: Iterable[dict[str, object]], columns: tuple[str, ...], format: str, output: Path | None, quiet: bool
) -> None:
    found = list(rows)
    if format == "json":
        print_json({key: found}, output, quiet=quiet)
        return
    print_table(columns, [tuple(_cell(row.get(name)) for name in columns) for row in found], output, quiet=quiet)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


@click.command("find")
@click.option("--pin-file", metavar="FILE", help="File with a personal identification number, or - ; needs --key-file.")
@click.option("--pin-country", metavar="CC", help="Country of that number.")
@click.option("--key-file", type=click.Path(dir_okay=False, path_type=Path), help="The tenant's key.")
@click.option("--partner", metavar="ID")
@click.option("--buc", metavar="CODE")
@click.option("--state", metavar="STATE", help="new, open, closed, closed locally, archived, forwarded, left, erased.")
@click.option("--national-number", metavar="NUMBER")
@click.option("--opened-since", type=_DAY)
@click.option("--opened-until", type=_DAY)
@click.option("--changed-since", type=_DAY)
@click.option("--changed-until", type=_DAY)
@click.option("--due-before", type=_DAY, help="Waiting ends by this day.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True)
@store_options
@common_options()
def find(
    pin_file: str | None,
    pin_country: str | None,
    key_file: Path | None,
    partner: str | None,
    buc: str | None,
    state: str | None,
    national_number: str | None,
    opened_since: dt.datetime | None,
    opened_until: dt.datetime | None,
    changed_since: dt.datetime | None,
    changed_until: dt.datetime | None,
    due_before: dt.datetime | None,
    limit: int,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Cases that fit everything asked for. A number is read from a file, so that it stands in no command history."""
    from eessi.ids import BucId
    from eessi.node.keys import days_between
    from eessi.stores.cases import CaseRows

    digest = _digest(pin_file, pin_country, key_file)
    days = {k: v.date() if v else None for k, v in (("os", opened_since), ("ou", opened_until), ("cs", changed_since), ("cu", changed_until))}  # fmt: skip
    with opened_store(store) as opened, opened.read(tenant) as unit:
        heads = list(
            CaseRows(unit).find(
                digest=digest,
                partner=partner,
                buc=None if buc is None else str(BucId(buc)),
                state=state,
                national_number=national_number,
                due_before=None if due_before is None else due_before.date().isoformat(),
                opened=days_between(days["os"], days["ou"]),
                changed=days_between(days["cs"], days["cu"]),
                limit=limit,
            )
        )
    columns = ("case_id", "buc", "role", "state", "partners", "opened_at", "changed_at", "due_at")
    _print("cases", map(attrs.asdict, heads), columns, format, output, quiet)
    return 0


def _digest(pin_file: str | None, country: str | None, key_file: Path | None) -> str | None:
    if pin_file is None:
        return None
    if key_file is None:
        raise UsageError("numbers are found through the tenant's key: give --key-file")
    from eessi.node import Vault
    from eessi.node.keys import pin_digest

    return pin_digest(Vault.from_file(key_file), read_text(pin_file).strip(), country)


@click.command("touched")
@click.option(
    "--directory",
    "new",
    metavar="FILE",
    help="A copy, in any form that is read, or `synthetic`.  [default: the copy in force in the store]",
)
@click.option("--before", "old", metavar="FILE", help="The copy before it: only what differs is told.")
@_on
@click.option("--send", is_flag=True, help="Send the X006 of the cases that are ready; needs --config and --document.")
@click.option("--case", "only", multiple=True, metavar="ID", help="Only this case; may be repeated.")
@_config
@_document
@store_options
@common_options()
def touched(
    new: str | None,
    old: str | None,
    on: dt.datetime | None,
    send: bool,
    only: tuple[str, ...],
    config: Path | None,
    document: Path | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Open cases with a participant that the directory no longer lets take part: the X100 or X006 each needs, and why.

    Exit code 1: there are such cases.
    """
    from eessi.cli.directory_store import directory_from
    from eessi.node.touched import send_proposed, touched_cases

    before = None if old is None else directory_from(old, store, tenant)
    copy = directory_from(new, store_place(store), tenant)
    if before is not None:
        copy = copy.after(before)
    with opened_store(store) as opened:
        found = list(touched_cases(opened, copy, _day(on), before=before, tenant=tenant))
    found = [one for one in found if not only or one.case_id in only]
    rows = [attrs.asdict(one) for one in found]
    if send:
        with _node(config) as node:
            for row, sent in zip(rows, send_proposed(node, found, _writer(document)), strict=True):
                row.update(messages=list(sent.message_ids), not_sent=sent.why_not)
    columns = ("case_id", "buc", "institution", "standing", "needs", "by", "ready", "why")
    _print("cases", rows, (*columns, "not_sent") if send else columns, format, output, quiet)
    return 1 if found else 0


@click.command("closing")
@_rules
@_on
@_apply
@_config
@_document
@store_options
@common_options()
def closing(
    files: tuple[Path, ...],
    on: dt.datetime | None,
    apply_it: bool,
    config: Path | None,
    document: Path | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Which open cases the closing rules would close, and why; with --apply, close them (X001 needs --document)."""
    from eessi.node.closing import close_cases, load_closing_rules, plan_closing

    rules = load_closing_rules(*files)
    with opened_store(store) as opened:
        found = list(plan_closing(opened, rules, _day(on), tenant=tenant))
    rows: list[dict[str, object]] = [
        {"case_id": one.case_id, "buc": one.buc, "close": one.close, "due": one.due.isoformat(), "rule": one.rule.id,
         "kind": one.rule.kind, "source": one.rule.source, "reason": one.rule.reason, "refused": one.refused}
        for one in found
    ]  # fmt: skip
    columns: tuple[str, ...] = ("case_id", "buc", "close", "due", "rule", "kind", "reason", "refused")
    if apply_it:
        with _node(config) as node:
            done = list(close_cases(node, found, write=None if document is None else _writer(document)))
        rows = [{**row, "outcome": one.outcome, "why": one.why} for row, one in zip(rows, done, strict=True)]
        columns = ("case_id", "buc", "close", "rule", "outcome", "why")
    _print("cases", rows, columns, format, output, quiet)
    return 0


@click.command("retention")
@_rules
@_on
@_apply
@click.option("--who", default="retention rules", show_default=True, help="Stands in the history of each case.")
@store_options
@common_options()
def retention(
    files: tuple[Path, ...],
    on: dt.datetime | None,
    apply_it: bool,
    who: str,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """What the retention rules would archive or erase, and why; with --apply, do it.

    What is open, under a hold or has a message on its way is never erased.
    """
    from eessi.node.retention import execute, load_rules, plan

    rules = load_rules(*files)
    with opened_store(store) as opened:
        steps, kept = plan(opened, rules, _day(on), tenant=tenant)
        rows: list[dict[str, object]] = [
            {"case_id": one.case_id, "buc": one.buc, "state": one.state, "action": one.action, "since": one.since.isoformat(),
             "due": one.due.isoformat(), "rule": one.rule.id, "kind": one.rule.kind, "source": one.rule.source, "reason": one.rule.reason}
            for one in steps
        ]  # fmt: skip
        if apply_it:
            done = execute(opened, steps, who=who, now=dt.datetime.now(dt.UTC), tenant=tenant)
            rows = [{**row, "outcome": one.outcome, "why": one.why} for row, one in zip(rows, done, strict=True)]
    rows += [
        {"case_id": one.case_id, "buc": one.buc, "state": one.state, "action": "kept", "rule": one.rule.id,
         "kind": one.rule.kind, "source": one.rule.source, "reason": one.rule.reason, "why": one.why}
        for one in kept
    ]  # fmt: skip
    columns = ("case_id", "buc", "state", "action", "due", "rule", "kind", "reason", "outcome", "why")
    _print("cases", rows, columns, format, output, quiet)
    return 0


@click.command("hold")
@click.argument("case_id", required=False)
@click.option("--reason", help="Why; required to set a hold.")
@click.option("--who", default=user_name, help="Who says so.  [default: the user]")
@click.option("--lift", "lifted", is_flag=True, help="End the hold.")
@store_options
@common_options()
def hold(
    case_id: str | None,
    reason: str | None,
    who: str,
    lifted: bool,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Keep CASE_ID from being erased, or end that; without a case, list the holds."""
    from eessi.node import keeping

    with opened_store(store) as opened:
        if case_id is not None and lifted:
            keeping.lift(opened, case_id, tenant=tenant)
        elif case_id is not None:
            if not reason:
                raise UsageError("a hold needs its --reason")
            keeping.hold(opened, case_id, who=who, reason=reason, now=dt.datetime.now(dt.UTC), tenant=tenant)
        rows = keeping.holds(opened, tenant=tenant)
    _print("holds", map(attrs.asdict, rows), ("case_id", "at", "who", "reason"), format, output, quiet)
    return 0


@click.command("erase")
@click.argument("case_id")
@click.option("--reason", required=True, help="Stands in the history of the case; name no person.")
@click.option("--who", required=True, help="Who decided; name an office, not a person.")
@_apply
@store_options
def erase(case_id: str, reason: str, who: str, apply_it: bool, store: str | None, tenant: str) -> int:
    """Erase the contents of one finished case; ids, digests and its history stay. Exit code 1: it must be kept."""
    from eessi.node import keeping
    from eessi.stores.cases import CaseRows
    from eessi.stores.keeping import KeepingRows

    with opened_store(store) as opened:
        if apply_it:
            count = keeping.erase(opened, case_id, who=who, reason=reason, now=dt.datetime.now(dt.UTC), tenant=tenant)
            click.echo(f"{case_id}: {count} document versions erased")
            return 0
        with opened.read(tenant) as unit:
            head = CaseRows(unit).case(case_id)
            why = "no such case" if head is None else keeping.why_kept(KeepingRows(unit), head)
    click.echo(f"{case_id}: would be erased; --apply does it" if why is None else f"{case_id}: is kept: {why}")
    return 0 if why is None else 1


@contextmanager
def _node(config: Path | None) -> Iterator[Node]:
    if config is None:
        raise UsageError("to act, name the node that does it: --config node.toml")
    from eessi.cli.node_work import opened_node

    with opened_node(config) as node:
        yield node


def _writer(document: Path | None) -> WriteDocument:
    if document is None:
        raise UsageError("the SED to send is needed: --document FILE.xml")
    from eessi.sed import Sed, parse

    parsed = parse(read_source(str(document)))
    if not isinstance(parsed, Sed):
        raise UsageError(f"{document} has an envelope already; give the SED alone")
    found: Sed = parsed

    def write(sed: SedType, case: Case, about: InstitutionId | None) -> Sed:
        if found.type != sed:
            raise UsageError(f"{document} is a {found.type}; {sed} is needed")
        return found

    return write


COMMANDS: dict[str, click.Command] = {str(one.name): one for one in (find, touched, closing, retention, hold, erase)}

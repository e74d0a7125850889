"""``eessi directory contacts``: whom to ask, per organisation and process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.directory_output import write_file
from eessi.cli.directory_store import allowed, by_option, open_store
from eessi.cli.output import common_options, print_json, print_table, read_source, write
from eessi.cli.store import store_options

if TYPE_CHECKING:
    from eessi.directory.contacts import Referent

__all__ = ["contacts"]


@click.group("contacts", help="Referents per organisation and process; kept here, never sent with the directory.")
def contacts() -> None:
    """Hold the subcommands."""


@contacts.command("list")
@click.option("--institution", metavar="ID")
@click.option("--buc", metavar="CODE", help="For this process, those for all processes included.")
@click.option("--kind", type=click.Choice(["business", "technical"]))
@click.option("--show-values", is_flag=True, help="Show names, addresses and numbers.")
@store_options
@common_options("csv", "xlsx")
def contacts_list(
    institution: str | None,
    buc: str | None,
    kind: str | None,
    show_values: bool,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """The contacts. Names, addresses and numbers are personal values and need --show-values."""
    from eessi.directory.contacts import COLUMNS, ContactBook

    with open_store(store, tenant) as opened:
        found = ContactBook(opened).find(institution, buc, kind)
    columns = COLUMNS if show_values else COLUMNS[:4]
    rows = [{name: value for name, value in _cells(each).items() if name in columns} for each in found]
    if format == "json":
        print_json({"contacts": rows}, output, quiet=quiet)
    elif format == "xlsx":
        from eessi.directory.workbook import write_table

        write_file(write_table("contacts", columns, rows), output)
    elif format == "csv":
        from eessi.directory.contacts import referents_to_csv

        if not show_values:
            raise click.UsageError("a table of contacts holds personal values: add --show-values")
        write(referents_to_csv(found).replace("\r\n", "\n"), output, quiet=quiet)
    else:
        print_table(columns, [[row[name] or "" for name in columns] for row in rows], output, quiet=quiet)
    return 0


def _cells(each: Referent) -> dict[str, str | None]:
    return {"key": each.key, **each.model_dump()}


@contacts.command("add")
@click.argument("path", metavar="TABLE")
@by_option
@store_options
@common_options()
def contacts_add(
    path: str,
    by: str | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Add or replace contacts from a table (csv, xlsx): institution, buc, kind, name, email, phone, note."""
    from eessi.directory.contacts import ContactBook, read_referents

    found = read_referents(read_source(path), name=path)
    with open_store(store, tenant) as opened:
        count = ContactBook(opened).add_all(found, by=allowed(opened, by, "refer"))
    if format == "json":
        print_json({"added": count}, output, quiet=quiet)
    else:
        write(f"{count} contacts", output, quiet=quiet)
    return 0


@contacts.command("remove")
@click.argument("key")
@by_option
@store_options
def contacts_remove(key: str, by: str | None, store: str | None, tenant: str) -> int:
    """Remove a contact by its key."""
    from eessi.directory.contacts import ContactBook

    with open_store(store, tenant) as opened:
        ContactBook(opened).remove(key, by=allowed(opened, by, "refer"))
    return 0

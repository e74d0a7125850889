"""The directory that a command works on: the store, the copy it asks, and whether the one who acts may change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eessi.cli.output import read_source
from eessi.cli.store import default_store, store_place
from eessi.errors import UsageError

if TYPE_CHECKING:
    from eessi.directory import Directory
    from eessi.directory.rights import Policy, User
    from eessi.directory.store import DirectoryStore

__all__ = ["SYNTHETIC", "allowed", "by_option", "directory_from", "from_option", "open_store", "policy"]

SYNTHETIC = "synthetic"

from_option = click.option(
    "--from", "source", metavar="PATH", help="Ask this copy (a file, - or 'synthetic') instead of the store."
)
by_option = click.option("--by", metavar="NAME", help="Who does it.  [default: the user of the operating system]")


def open_store(store: str | None, tenant: str) -> DirectoryStore:
    """The store that a command works on."""
    from eessi.directory.store import DirectoryStore

    return DirectoryStore.open(store_place(store), tenant=tenant)


def directory_from(
    source: str | None, store: str | None, tenant: str, country: str | None = None, seq: int | None = None
) -> Directory:
    """The directory of ``--from`` (a file, ``-`` or ``synthetic``), else the copy in force in the store."""
    from eessi.directory import Directory
    from eessi.directory.store import NoCopy

    if source == SYNTHETIC:
        return Directory.synthetic()
    if source is not None:
        return Directory.load(read_source("-") if source == "-" else source)
    try:
        with open_store(store, tenant) as opened:
            return opened.directory(country, seq=seq)
    except NoCopy as error:
        hint = "load one with `eessi directory import FILE`, or name a file with --from"
        raise UsageError(f"{error}; {hint}") from None


def policy() -> Policy:
    """Who may do what: ``directory.toml`` in the ``EESSI_HOME`` folder; without it, everybody everything."""
    from eessi.directory.rights import Policy

    file = default_store().parent / "directory.toml"
    return Policy.load(file) if file.is_file() else Policy()


def allowed(opened: DirectoryStore, by: str | None, right: str) -> User:
    """The user who acts, once the policy lets him; a refusal is logged."""
    from eessi.directory.rights import Right, User, authorise

    user = User.of(by)
    authorise(opened, policy(), user, Right(right))
    return user

"""Where commands keep state: ``--store`` and ``--tenant``, and the user's folder behind them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from eessi.errors import UsageError

if TYPE_CHECKING:
    from eessi.stores import Store

__all__ = ["default_store", "opened_store", "store_options", "store_place", "user_name"]

_Command = TypeVar("_Command", bound=Callable[..., object])


def default_store() -> Path:
    """The SQLite file below ``EESSI_HOME`` or the user's data folder."""
    from eessi.schemas.saved import packages_folder

    return packages_folder().parent / "eessi.db"


def store_place(store: str | None) -> str:
    """The place of a store: as told, else the default, whose folder is made where it is missing.

    :raises UsageError: when the folder cannot be made.
    """
    if store is not None:
        return store
    file = default_store()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{file.parent} cannot be made: {error.strerror}; EESSI_HOME moves it") from None
    return str(file)


@contextmanager
def opened_store(store: str | None) -> Iterator[Store]:
    """The store at its place, closed afterwards."""
    from eessi.stores import Store

    with Store.open(store_place(store)) as found:
        yield found


def user_name() -> str:
    """Who works here, as the system tells: stands in logs where a command is not told another."""
    return os.environ.get("USER", "unknown")


def store_options(command: _Command) -> _Command:
    """Add ``--store`` and ``--tenant`` to a command."""
    for option in (
        click.option(
            "--tenant", default="default", show_default=True, help="Whose state, where a store holds several."
        ),
        click.option("--store", metavar="FILE-OR-URL", help="SQLite file or postgresql:// URL.  [default: eessi.db]"),
    ):
        command = option(command)
    return command

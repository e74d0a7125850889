"""Where commands keep state: ``--store`` and ``--tenant``, and the user's folder behind them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from eessi.errors import UsageError

__all__ = ["default_store", "store_options", "store_place"]

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

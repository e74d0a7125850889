"""What all commands share on the way out: ``--format``, ``--output``, ``--quiet``, colours, JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from eessi.errors import InputError, UsageError

__all__ = [
    "Format",
    "common_options",
    "print_json",
    "print_table",
    "read_source",
    "read_text",
    "worst",
    "write",
    "write_bytes",
]

_Command = TypeVar("_Command", bound=Callable[..., object])

_ORDER = (5, 4, 6, 1, 3, 0)
"""Exit codes, worst first, when several inputs end differently."""


def worst(codes: Iterable[int]) -> int:
    """The exit code of several inputs: the worst wins, in the order 5, 4, 6, 1, 3, 0."""
    seen = set(codes)
    return next((code for code in _ORDER if code in seen), 0)


class Format(click.Choice[str]):
    """``--format``: text, json and what the command adds."""

    def __init__(self, *more: str) -> None:
        super().__init__(["text", "json", *more])


def common_options(*formats: str) -> Callable[[_Command], _Command]:
    """Add ``--format``, ``--output``, ``--quiet`` and ``--lang`` to a command."""

    def add(command: _Command) -> _Command:
        for option in (
            click.option("--lang", default="en", show_default=True, help="Language of message texts."),
            click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors."),
            click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file."),
            click.option("--format", "format", type=Format(*formats), default="text", show_default=True),
        ):
            command = option(command)
        return command

    return add


def read_source(path: str) -> bytes:
    """The bytes of a file, or of standard input for ``-``.

    :raises InputError: when there is no such file or it cannot be read.
    """
    if path == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError("no such file", source=path) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", source=path) from None


def read_text(path: str) -> str:
    """The text of a file, or of standard input for ``-``.

    :raises InputError: as :func:`read_source`, or when it is not UTF-8.
    """
    try:
        return read_source(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8", source=path, offset=error.start) from None


def write(text: str, output: Path | None = None, *, quiet: bool = False) -> None:
    """Write ``text`` to the file or, unless ``quiet``, to standard output.

    :raises UsageError: when the file cannot be written.
    """
    if output is None:
        if not quiet:
            click.echo(text, nl=not text.endswith("\n"))
        return
    write_bytes((text if text.endswith("\n") else text + "\n").encode(), output)


def write_bytes(data: bytes, output: Path) -> None:
    """Write a file.

    :raises UsageError: when it cannot be written.
    """
    try:
        output.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from None


def print_json(document: dict[str, object], output: Path | None = None, *, quiet: bool = False) -> None:
    """Write a JSON document; ``schema_version`` stands first."""
    ordered = {"schema_version": 1, **document}
    write(json.dumps(ordered, ensure_ascii=False, indent=2), output, quiet=quiet)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], output: Path | None = None, *, quiet: bool = False
) -> None:
    """Write rows as a plain table; colours and lines only where the terminal shows them."""
    import io

    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    wide = not sys.stdout.isatty() or output is not None
    console = Console(file=io.StringIO() if wide else None, width=240 if wide else None, highlight=False)
    if quiet and output is None:
        return
    console.print(table)
    if wide:
        buffer = console.file
        assert isinstance(buffer, io.StringIO)
        write("\n".join(line.rstrip() for line in buffer.getvalue().splitlines()), output, quiet=quiet)

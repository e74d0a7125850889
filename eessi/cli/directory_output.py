"""How the commands of the directory print what they found, and how they end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.output import print_json, print_table, write_bytes

if TYPE_CHECKING:
    from pydantic import BaseModel

    from eessi.directory.reports import ChangeRow, FindingRow

__all__ = ["change_table", "exit_code", "finding_lines", "print_document", "word", "write_file"]


def print_document(document: BaseModel, output: Path | None, *, quiet: bool) -> None:
    """Write a document as JSON."""
    plain = document.model_dump(mode="json", by_alias=True)
    print_json(plain, output, quiet=quiet)


def exit_code(counts: Mapping[str, int], order: Sequence[str], fail_on: str | None) -> int:
    """1 when something as grave as ``fail_on``, or graver, was counted; never for ``None`` or ``never``.

    :param order: the classes, gravest first.
    """
    graver = () if fail_on in (None, "never") else order[: order.index(fail_on) + 1]
    return 1 if any(counts[name] for name in graver) else 0


def finding_lines(rows: Iterable[FindingRow]) -> list[str]:
    """Findings as lines of text."""
    return [
        f"{row.severity}: {row.path or '-'}: {row.message}"
        + (f" ({row.count} times)" if row.count > 1 else "")
        + f" [{row.id}]"
        for row in rows
    ]


def change_table(rows: Sequence[ChangeRow], output: Path | None, *, quiet: bool) -> None:
    """Changes as a table."""
    cells = [
        (
            row.change_class,
            row.institution or "-",
            row.id.partition(":")[0],
            _detail(row),
            word(row.old),
            word(row.new),
        )
        for row in rows
    ]
    print_table(("class", "institution", "what", "detail", "old", "new"), cells, output, quiet=quiet)


def _detail(row: ChangeRow) -> str:
    detail = row.id.partition(":")[2]
    prefix = f"{row.institution}/"
    return (
        detail.removeprefix(prefix)
        if row.institution and detail != row.institution
        else ""
        if row.institution
        else detail
    )


def word(value: object) -> str:
    """A value of a change in one cell."""
    return "" if value is None else "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def write_file(data: bytes, output: Path | None) -> None:
    """Write a file that is no text; it needs a name."""
    if output is None:
        raise click.UsageError("name the file with --output")
    write_bytes(data, output)

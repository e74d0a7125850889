"""``eessi migrate``: a document in another version, with a loss report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.output import common_options, print_json, read_source, write

if TYPE_CHECKING:
    from eessi.release.migration import Migrated

__all__ = ["migrate"]


@click.command()
@click.argument("file")
@click.option("--to", "target", required=True, metavar="NAME:VERSION", help="Package that knows the new version.")
@click.option(
    "--from",
    "origin",
    metavar="NAME:VERSION",
    help="Package that knows the document; found by its version unless told.",
)
@click.option(
    "--map", "map_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Hand-written rules, TOML."
)
@click.option("--show-values", is_flag=True, help="Show lost content; it may be personal.")
@common_options()
def migrate(
    file: str,
    target: str,
    origin: str | None,
    map_file: Path | None,
    show_values: bool,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Write the document FILE in the version of another package; the document goes to --output or standard output.

    Exit code 0: nothing lost, nothing to do, proved valid. 1: something was lost or is left to a person. 3: not proved.
    """
    from eessi import _xml
    from eessi.release.migration import MigrationMap, migrate_document
    from eessi.schemas import Registry
    from eessi.sed import parse, validate

    document = parse(read_source(file))
    given = MigrationMap.load(map_file) if map_file else None
    registry = Registry.installed()
    done = migrate_document(document, registry, target=target, origin=origin, given=given)
    verdict = validate(_xml.serialise(_xml.parse(done.document)), registry, package=target)
    if format == "json":
        print_json(_as_json(done, str(verdict.outcome), show_values), output, quiet=quiet)
    else:
        write(done.document.decode(), output, quiet=quiet)
        _report(done, str(verdict.outcome), show_values)
    if done.losses or done.todo or str(verdict.outcome) == "invalid":
        return 1
    return 0 if verdict.is_valid or str(verdict.fidelity) == "sandbox" else 3


def _report(done: Migrated, outcome: str, show_values: bool) -> None:
    for loss in done.losses:
        shown = f": {loss.content.decode()}" if show_values else ""
        click.echo(f"lost: {loss.path} [{loss.change}]{shown}", err=True)
    for item in done.todo:
        click.echo(f"to do: {item.path}: {item.what}", err=True)
    click.echo(f"the new document is {outcome}", err=sys.stderr is not None)


def _as_json(done: Migrated, outcome: str, show_values: bool) -> dict[str, object]:
    losses: list[dict[str, object]] = []
    for loss in done.losses:
        row: dict[str, object] = {"path": loss.path, "change": loss.change}
        if show_values:
            row["content"] = loss.content.decode()
        losses.append(row)
    return {
        "document": done.document.decode(),
        "verdict": outcome,
        "losses": losses,
        "todo": [{"path": item.path, "what": item.what, "change": item.change} for item in done.todo],
    }

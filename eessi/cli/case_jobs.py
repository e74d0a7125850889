"""``eessi case revalidate`` and ``rehearse``: one job over all documents of a store."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import attrs
import click

from eessi import bulk
from eessi.cli.output import common_options, print_json, write
from eessi.cli.store import opened_store, store_options, user_name

if TYPE_CHECKING:
    from eessi.release.stored import Archive

__all__ = ["COMMANDS", "archive_options", "open_archive", "show_progress"]

_Command = TypeVar("_Command", bound=Callable[..., object])


def archive_options(command: _Command) -> _Command:
    """Add the options of a job over stored documents."""
    for option in (
        click.option("--who", default=user_name, help="Stands in the log of reads.  [default: the user]"),
        click.option("--journal", type=click.Path(dir_okay=False, path_type=Path), help="Go on where an earlier run stopped."),
        click.option("--jobs", "-j", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes to use."),
        click.option("--key-file", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The tenant's key."),
    ):  # fmt: skip
        command = option(command)
    return command


@contextmanager
def open_archive(
    store: str | None, tenant: str, key_file: Path, who: str, jobs: int, journal: Path | None, quiet: bool
) -> Iterator[Archive]:
    """The documents of a store, with as many processes as asked for."""
    from eessi.node import Vault
    from eessi.release.stored import Archive

    vault = Vault.from_file(key_file)
    with opened_store(store) as opened, bulk.processes(jobs) as executor:
        archive = Archive(opened, vault, who, tenant, executor, journal)
        yield attrs.evolve(archive, progress=show_progress(len(archive), quiet))


def show_progress(total: int, quiet: bool) -> Callable[[int], None] | None:
    """A line on standard error that counts, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        return None

    def show(done: int) -> None:
        if done % 100 == 0 or done == total:
            end = "\n" if done == total else ""
            print(f"\r{done:,} of {total:,} documents", end=end, file=sys.stderr, flush=True)

    return show


@click.command("revalidate")
@click.option("--package", metavar="NAME:VERSION", help="Judge by this package alone.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Judge by the packages of that day.")
@archive_options
@store_options
@common_options()
def revalidate(
    package: str | None,
    as_of: dt.datetime | None,
    key_file: Path,
    jobs: int,
    journal: Path | None,
    who: str,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Judge all documents of a store again, as after a new package or release; nothing in the store changes.

    Exit code 1: one is invalid. 3: one could not be checked.
    """
    with open_archive(store, tenant, key_file, who, jobs, journal, quiet) as archive:
        found = archive.revalidate(package=package, as_of=as_of.date() if as_of else None)
    if format == "json":
        print_json(attrs.asdict(found), output, quiet=quiet)
    else:
        lines = [f"{found.checked} documents: " + ", ".join(f"{n} {word}" for word, n in found.outcomes.items())]
        lines += [f"  {n:6} {id}" for id, n in found.findings.items()]
        lines += [f"  {one.key}: was {one.before}, is {one.now}" for one in found.changed]
        write("\n".join(lines), output, quiet=quiet)
    return 1 if found.outcomes.get("invalid") else 3 if found.outcomes.get("undetermined") else 0


@click.command("rehearse")
@click.option("--to", "target", required=True, metavar="NAME:VERSION", help="The package to migrate to.")
@archive_options
@store_options
@common_options()
def rehearse(
    target: str,
    key_file: Path,
    jobs: int,
    journal: Path | None,
    who: str,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Try the migration of all documents of a store to another package; nothing is written.

    Exit code 1: a document would lose content or needs a person. 3: one could not be tried.
    """
    with open_archive(store, tenant, key_file, who, jobs, journal, quiet) as archive:
        found = archive.rehearse(target)
    if format == "json":
        print_json(attrs.asdict(found), output, quiet=quiet)
    else:
        lines = [f"{found.checked} documents: " + ", ".join(f"{n} {word}" for word, n in found.outcomes.items())]
        lines += [f"  {n:6} {cause}" for cause, n in found.causes.items()]
        lines += [f"  {n:6} could not be tried: {why}" for why, n in found.reasons.items()]
        write("\n".join(lines), output, quiet=quiet)
    return 1 if found.documents else 3 if found.outcomes.get("undetermined") else 0


COMMANDS: dict[str, click.Command] = {str(one.name): one for one in (revalidate, rehearse)}

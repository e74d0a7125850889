"""``eessi site``: a browsable, static site of a package and its processes."""

from __future__ import annotations

import sys
from pathlib import Path

import click

__all__ = ["site"]


@click.command()
@click.argument("package")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write into.")
@click.option("--since", "older", metavar="NAME:VERSION", help="Show the changes since this package.")
def site(package: str, out: Path, older: str | None) -> int:
    """Write the site of PACKAGE (NAME:VERSION, or a folder or archive of XSD files)."""
    from eessi.release.difference import compare_packages
    from eessi.release.site import write_site
    from eessi.release.sources import open_package
    from eessi.schemas import Registry

    registry = Registry.installed()
    found = open_package(package, registry, name="package")
    difference = (
        compare_packages(open_package(older, registry, name="older"), found, witnesses=False) if older else None
    )

    def show(pages: int) -> None:
        if sys.stderr.isatty() and pages % 10 == 0:
            print(f"\r{pages} pages", end="", file=sys.stderr, flush=True)

    count = write_site(found, out, difference=difference, progress=show)
    click.echo(f"{count} pages written to {out}; open {out / 'index.html'}")
    return 0

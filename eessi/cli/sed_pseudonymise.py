"""``eessi sed pseudonymise``: a document that keeps its shape and loses its people."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from eessi.cli.output import read_source, write_bytes

__all__ = ["pseudonymise_sed"]


@click.command("pseudonymise")
@click.argument("file", metavar="FILE")
@click.option("--key-file", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="A secret of at least 16 bytes; the same one gives the same pseudonyms.")  # fmt: skip
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing about what was replaced.")
def pseudonymise_sed(file: str, key_file: Path, output: Path | None, quiet: bool) -> int:
    """Replace everything that tells about a person; of a message only the SED is kept. Pseudonymous, not anonymous."""
    from eessi.schemas import Registry
    from eessi.sed import Sed, parse
    from eessi.sed.pseudonymise import pseudonymise

    document = parse(read_source(file))
    sed = document if isinstance(document, Sed) else document.sed
    done = pseudonymise(sed, read_source(str(key_file)).strip(), registry=Registry.installed())
    if output is None:
        sys.stdout.buffer.write(done.sed.data)
    else:
        write_bytes(done.sed.data, output)
    if not quiet:
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(done.replaced.items()))
        click.echo(
            f"replaced: {counts or 'nothing'}; dropped: {done.dropped}; searched for: {done.checked}, none found",
            err=True,
        )
    return 0

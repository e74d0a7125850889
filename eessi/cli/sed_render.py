"""``eessi sed render``: a document as a page to read and print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.output import common_options, print_json, read_source, write

if TYPE_CHECKING:
    from eessi.sed.render import Reading

__all__ = ["render_sed"]


def reading_of(file: str, lang: str, package: str | None, mask: tuple[str, ...], masked: bool) -> Reading:
    """The document in a file as labels and values; XML, message or RINA JSON."""
    from eessi.schemas import Registry
    from eessi.sed import Sed, parse, read_rina_json
    from eessi.sed.render import PERSONAL, read_out

    data = read_source(file)
    registry = Registry.installed()
    if data.lstrip()[:1] == b"{":
        sed = read_rina_json(data, registry=registry)
    else:
        document = parse(data)
        sed = document if isinstance(document, Sed) else document.sed
    return read_out(sed, registry, lang=lang, package=package, mask=(*mask, *((PERSONAL,) if masked else ())))


@click.command("render")
@click.argument("file", metavar="FILE")
@click.option("--package", metavar="NAME:VERSION", help="Take labels and order from this package.")
@click.option("--mask", multiple=True, metavar="PATH", help="Do not show what stands at or below this path.")
@click.option("--mask-personal", is_flag=True, help="Do not show anything that tells about a person.")
@common_options("html")
def render_sed(
    file: str,
    package: str | None,
    mask: tuple[str, ...],
    mask_personal: bool,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """A document with its labels and code texts, to read and print."""
    reading = reading_of(file, lang, package, mask, mask_personal)
    if format == "html":
        from eessi.pages.sed import sed_page

        write(sed_page(reading), output, quiet=quiet)
    elif format == "json":
        import attrs

        print_json({"document": attrs.asdict(reading)}, output, quiet=quiet)
    else:
        write(_text(reading), output, quiet=quiet)
    return 0


def _text(reading: Reading) -> str:
    lines = [f"{reading.code} {reading.version}" + (f": {reading.title}" if reading.title else "")]
    stack = [(0, entry) for entry in reversed(reading.entries)]
    while stack:
        depth, entry = stack.pop()
        shown = "; ".join(
            f"({one.text}, not shown)" if one.masked else f"{one.text} {one.meaning}" if one.meaning else one.text
            for one in entry.values
        )
        lines.append(f"{'  ' * depth}{entry.label}{'' if entry.is_group else f': {shown}'}")
        stack.extend((depth + 1, inner) for inner in reversed(entry.entries))
    return "\n".join(lines)

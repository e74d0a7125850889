"""``eessi sed compare``: two documents side by side."""

from __future__ import annotations

from pathlib import Path

import click

from eessi.cli.output import common_options, print_json, print_table, write

__all__ = ["compare_seds"]


@click.command("compare")
@click.argument("left", metavar="FILE")
@click.argument("right", metavar="OTHER")
@click.option("--package", metavar="NAME:VERSION", help="Take labels and order from this package.")
@click.option("--mask", multiple=True, metavar="PATH", help="Do not show what stands at or below this path.")
@click.option("--show-values", is_flag=True, help="Show what tells about a person.")
@common_options("html")
def compare_seds(
    left: str,
    right: str,
    package: str | None,
    mask: tuple[str, ...],
    show_values: bool,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """What differs between two documents. 0: nothing; 1: something."""
    import attrs

    from eessi.cli.sed_render import reading_of
    from eessi.sed.render import PERSONAL, compare_readings, hide

    one, other = (reading_of(file, lang, package, (), masked=False) for file in (left, right))
    hidden = (*mask, *(() if show_values else (PERSONAL,)))
    lines = hide(compare_readings(one, other), hidden)
    changed = [line for line in lines if line.kind != "same" and not (line.is_group and line.kind == "changed")]
    if format == "html":
        from eessi.pages.sed import sed_comparison

        names = (Path(left).name, Path(right).name)
        write(sed_comparison(one, other, lines, names=names), output, quiet=quiet)
    elif format == "json":
        print_json({"differences": [attrs.asdict(line) for line in changed]}, output, quiet=quiet)
    else:
        rows = [(line.path, line.kind, _shown(line.left), _shown(line.right)) for line in changed]
        print_table(("field", "difference", Path(left).name, Path(right).name), rows, output, quiet=quiet)
    return 1 if changed else 0


def _shown(values: object) -> str:
    from eessi.sed.render import Value

    if not isinstance(values, tuple):
        return ""
    found = [value for value in values if isinstance(value, Value)]
    return "; ".join(f"({value.text})" if value.masked else value.text for value in found)

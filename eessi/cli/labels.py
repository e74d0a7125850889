"""``eessi labels``: titles, element labels and code texts per language, for linguistic review."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.output import common_options, print_json, write

if TYPE_CHECKING:
    from eessi.release.labels import Problem, Text

__all__ = ["labels"]


@click.group()
def labels() -> None:
    """Texts per language, for linguistic review."""


_package = click.option("--package", default="open:4.4", show_default=True, metavar="NAME:VERSION")
_sed = click.option("--sed", "seds", multiple=True, metavar="CODE", help="This SED only; may be repeated.")
_texts = click.option(
    "--texts",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Reviewed texts (.xlsx or .po) that go over the package's.",
)
_language = click.option("--language", required=True, metavar="CODE", help="Language of the texts, like fr.")


def _current(package: str, language: str, seds: tuple[str, ...], texts: Path | None) -> tuple[Text, ...]:
    from eessi.release.label_files import read_texts
    from eessi.release.labels import collect, merge
    from eessi.schemas import Registry

    found = collect(Registry.installed().package(package), language, seds or None)
    return merge(found, read_texts(texts)) if texts else found


@labels.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_package
@_sed
@_texts
@click.option(
    "--beside", type=click.Path(dir_okay=False, path_type=Path), help="Another country's texts, shown beside these."
)
@_language
def export(
    file: Path, package: str, seds: tuple[str, ...], texts: Path | None, beside: Path | None, language: str
) -> int:
    """Write the texts to FILE (.xlsx for reviewers, .po for translation tools)."""
    from eessi.release.label_files import read_texts, write_texts

    rows = _current(package, language, seds, texts)
    other = read_texts(beside) if beside is not None else ()
    write_texts(rows, file, lang=language, package=package, beside=other)
    click.echo(f"{len(rows)} texts written to {file}")
    return 0


@labels.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--into",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that keeps the texts (.xlsx or .po).",
)
@_package
@_sed
@_language
def import_(files: tuple[Path, ...], into: Path, package: str, seds: tuple[str, ...], language: str) -> int:
    """Merge texts that reviewers sent back in FILES into one file, all or nothing. Later files win over earlier ones."""
    from eessi.release.label_files import read_texts, write_texts
    from eessi.release.labels import merge

    rows = _current(package, language, seds, into if into.exists() else None)
    for file in files:
        rows = merge(rows, read_texts(file))
    beside = into.with_name(f".{into.stem}.new{into.suffix}")
    write_texts(rows, beside, lang=language, package=package)
    os.replace(beside, into)
    done = Counter(str(row.state) for row in rows)
    click.echo(f"{into}: " + ", ".join(f"{count} {state}" for state, count in sorted(done.items())))
    return 0


@labels.command("check")
@_package
@_sed
@_texts
@_language
@click.option("--rule", "rules", multiple=True, help="Only problems of this rule; may be repeated.")
@common_options()
def check(
    package: str,
    seds: tuple[str, ...],
    texts: Path | None,
    language: str,
    rules: tuple[str, ...],
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Look for missing, outdated, unreviewed, inconsistent and doubtful texts. Exit code 1 when there are any."""
    from eessi.release.labels import check as look

    rows = _current(package, language, seds, texts)
    found = [problem for problem in look(rows) if not rules or problem.rule in rules]
    if format == "json":
        problems = [{"rule": p.rule, "key": p.key, "message": p.message} for p in found]
        print_json(
            {"package": package, "language": language, "texts": len(rows), "problems": problems}, output, quiet=quiet
        )
    else:
        write(_as_text(found, len(rows), language), output, quiet=quiet)
    return 1 if found else 0


def _as_text(found: list[Problem], count: int, language: str) -> str:
    by_rule = Counter(problem.rule for problem in found)
    summary = ", ".join(f"{number} {rule}" for rule, number in sorted(by_rule.items())) or "nothing to look at"
    return "\n".join(
        [f"{count} texts in {language}: {summary}", *(f"  {p.rule:15} {p.key}: {p.message}" for p in found)]
    )

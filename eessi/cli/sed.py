"""``eessi sed``: the catalogue, skeletons and the forms of a document; further commands stand in ``sed_*.py``."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from eessi.cli.output import common_options, print_json, print_table, read_source, write, write_bytes
from eessi.errors import UsageError

if TYPE_CHECKING:
    from eessi.schemas import Registry
    from eessi.schemas.structure import Fidelity, Structure
    from eessi.sed.catalogue import SedRow
    from eessi.sed.conversion import Converted

__all__ = ["sed"]


class _OpenGroup(click.Group):
    """The commands of this file and those of every module ``eessi.cli.sed_*``, loaded when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*self.commands, *self._others()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self.commands.get(cmd_name) or self._others().get(cmd_name)

    def _others(self) -> dict[str, click.Command]:
        folder = [str(Path(__file__).parent)]
        names = [entry.name for entry in pkgutil.iter_modules(folder) if entry.name.startswith("sed_")]
        modules = [importlib.import_module(f"eessi.cli.{name}") for name in names]
        found = [value for module in modules for value in vars(module).values() if isinstance(value, click.Command)]
        return {command.name: command for command in found if command.name}


@click.group(cls=_OpenGroup)
def sed() -> None:
    """The catalogue of SEDs, empty ones to fill, and documents in their forms."""


def _registry() -> Registry:
    from eessi.schemas import Registry

    return Registry.installed()


def _trees(registry: Registry, code: str) -> list[dict[str, object]]:
    """What the packages know about a SED, best first; the sandbox, which knows every code, last."""
    rank = ("exact", "observed", "mapped", "named", "sandbox")
    found = [(package, entry) for package in registry.packages for entry in package.entries() if entry.sed == code]
    found.sort(key=lambda pair: rank.index(str(pair[1].fidelity)))
    return [
        {"package": package.coordinates, "version": str(entry.version), "fidelity": str(entry.fidelity)}
        for package, entry in found
    ]


@sed.command("list")
@common_options()
@click.option("--sector", help="Only this sector: LA, S, P, FB, UB, AW, R, H, M, AD, system.")
@click.option("--buc", metavar="CODE", help="Only SEDs of this process.")
@click.option("--search", metavar="TEXT", help="Only SEDs whose code or title holds this text.")
def list_seds(
    sector: str | None,
    buc: str | None,
    search: str | None,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> None:
    """All SEDs: code, sector, title, processes, and how well its tree is known."""
    from eessi.ids import BucId
    from eessi.sed.catalogue import all_seds

    rows = [row for row in all_seds() if sector is None or row.sector.casefold() == sector.casefold()]
    if buc is not None:
        wanted = BucId(buc)
        rows = [row for row in rows if wanted in (*row.bucs, *row.horizontal_in)]
    if search is not None:
        text = search.casefold()
        rows = [row for row in rows if text in f"{row.code} {row.title_in(lang) or ''}".casefold()]
    best = _best_fidelity(_registry())
    if format == "json":
        from eessi.sed.report_json import ListedSed, SedListDocument

        listed = [ListedSed.of(row, lang, best.get(row.code)) for row in rows]
        print_json(SedListDocument(seds=listed).model_dump(), output, quiet=quiet)
        return
    cells = [(row.code, row.sector, best.get(row.code, "-"), row.title_in(lang) or "-", _few(row.bucs)) for row in rows]
    print_table(("code", "sector", "tree", "title", "processes"), cells, output, quiet=quiet)


def _few(codes: tuple[str, ...]) -> str:
    return ", ".join(codes[:3]) + (f", ... {len(codes)} in all" if len(codes) > 3 else "")


def _best_fidelity(registry: Registry) -> dict[str, Fidelity]:
    """SED -> how well the best package knows its tree; the sandbox does not count."""
    rank = ("exact", "observed", "mapped", "named")
    best: dict[str, Fidelity] = {}
    for package in registry.packages:
        for entry in package.entries():
            old = best.get(entry.sed)
            if entry.fidelity in rank and (old is None or rank.index(entry.fidelity) < rank.index(old)):
                best[str(entry.sed)] = entry.fidelity
    return best


@sed.command("show")
@common_options()
@click.argument("code")
@click.option(
    "--version", "version", metavar="VERSION", help="Show the elements of this version (4.4; 1.0 for the sandbox)."
)
@click.option("--package", metavar="NAME:VERSION", help="Take the tree of this package.")
def show_sed(
    code: str,
    version: str | None,
    package: str | None,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> None:
    """One SED: titles, processes, who sends it, which packages know it; with --version its elements."""
    from eessi.sed.catalogue import find_sed

    row = find_sed(code)
    registry = _registry()
    trees = _trees(registry, row.code)
    structure = _structure(registry, row.code, version, package) if version else None
    if format == "json":
        from eessi.sed.report_json import ElementModel, SedModel, SedShowDocument, TreeModel

        shown = SedShowDocument(
            sed=SedModel.of(row),
            trees=[TreeModel.model_validate(tree) for tree in trees],
            elements=ElementModel.all_of(structure) if structure is not None else None,
        )
        print_json(shown.model_dump(exclude=None if structure is not None else {"elements"}), output, quiet=quiet)
        return
    write("\n".join([*_show_lines(row, lang, trees), *_tree_lines(structure)]), output, quiet=quiet)


def _structure(registry: Registry, code: str, version: str, package: str | None) -> Structure:
    from eessi.ids import CdmVersion

    structure = registry.structure(code, CdmVersion.parse(version), package=package)
    if structure is None:
        known = sorted({f"{tree['version']} ({tree['package']})" for tree in _trees(registry, code)})
        raise UsageError(f"no package knows the tree of {code} {version}; known: {', '.join(known) or 'none'}")
    return structure


def _show_lines(row: SedRow, lang: str, trees: list[dict[str, object]]) -> list[str]:
    basis = row.titles["en"].basis if "en" in row.titles else None
    lines = [f"{row.code}  {row.title_in(lang) or 'title not known'}" + (f"  ({basis})" if basis else "")]
    facts = {
        "sector": row.sector,
        "titles": "; ".join(f"{key}: {title.text}" for key, title in row.titles.items() if key != "en"),
        "sent by": row.direction,
        "processes": ", ".join(row.bucs),
        "starts": ", ".join(row.starter_of),
        "may also be used in": _few(row.horizontal_in),
        "legal basis": "; ".join(row.legal_basis),
        "note": row.note,
        "trees": "; ".join(f"{tree['version']} {tree['fidelity']} ({tree['package']})" for tree in trees),
    }
    return lines + [f"  {name}: {value}" for name, value in facts.items() if value]


def _tree_lines(structure: Structure | None) -> list[str]:
    if structure is None:
        return []
    from eessi.sed.skeleton import describe

    order = "" if structure.order_known else "; order not known"
    lines = [f"  elements in {structure.version} ({structure.fidelity}{order}):"]
    for path, element in structure.walk():
        pad = "    " + "  " * path.count("/")
        lines.append(f"{pad}{element.name}  {describe(element)}")
    return lines


@sed.command("new")
@click.argument("code")
@click.option(
    "--version", "version", metavar="VERSION",
    help="4.4, or 1.0 and 1.1 for the sandbox; may be left out where only one version of the data model is known.",
)  # fmt: skip
@click.option("--package", metavar="NAME:VERSION", help="Take the tree of this package.")
@click.option("--required", "required", is_flag=True, help="Only what must be there.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def new_sed(
    code: str, version: str | None, package: str | None, required: bool, output: Path | None, quiet: bool
) -> None:
    """An empty SED to fill in: every element in its place, with what may stand there as a comment."""
    from eessi.sed.catalogue import find_sed
    from eessi.sed.skeleton import skeleton

    registry = _registry()
    row = find_sed(code)
    if version is None:
        version = _only_version(registry, row.code)
        if not quiet:
            click.echo(f"{row.code} in version {version}, the only one known", err=True)
    structure = _structure(registry, row.code, version, package)
    found = registry.find(row.code, structure.version, package=package)
    assert found is not None
    write(skeleton(structure, package=found.coordinates, required_only=required), output, quiet=quiet)


def _only_version(registry: Registry, code: str) -> str:
    """The one version of the data model that a package has a tree for; the sandbox does not count."""
    trees = [tree for tree in _trees(registry, code) if tree["fidelity"] not in ("sandbox", "named")]
    versions = sorted({str(tree["version"]) for tree in trees})
    if len(versions) == 1:
        return versions[0]
    known = ", ".join(versions) or "only those of the sandbox, 1.0 and 1.1"
    raise UsageError(f"say which version of {code} with --version; known are {known}")


@sed.command("convert")
@common_options()
@click.argument("path", metavar="FILE")
@click.option("--to", "target", type=click.Choice(["xml", "json"]), required=True, help="xml, or RINA JSON.")
@click.option("--version", "version", metavar="VERSION", help="CDM version of a document that names none.")
@click.option(
    "--part", type=click.Choice(["sed", "header"]), default="sed", show_default=True, help="Part of a message."
)
@click.option("--wrap-codes", is_flag=True, help="Write a code that stands as plain text as a code element.")
@click.option("--strict", is_flag=True, help="End with 1 when anything was lost or guessed.")
def convert_sed(
    path: str,
    target: Literal["xml", "json"],
    version: str | None,
    part: str,
    wrap_codes: bool,
    strict: bool,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """A document in another form: XML, RINA JSON or NAV JSON in, XML or RINA JSON out.

    What was dropped or guessed is listed on standard error, with --format json beside the document.
    """
    from eessi.sed.conversion import convert

    source = None if path == "-" else path
    data = read_source(path)
    result = convert(
        data, target, version=version, part=part, wrap_codes=wrap_codes, registry=_registry(), source=source
    )
    if format == "json":
        from eessi.sed.report_json import ConversionDocument

        print_json(ConversionDocument.of(result, target).model_dump(by_alias=True), output, quiet=quiet)
    else:
        if output is not None:
            write_bytes(result.data, output)
        elif not quiet:
            click.echo(result.data, nl=not result.data.endswith(b"\n"))
        if not quiet:
            _tell(result)
    return 1 if strict and not result.report.is_lossless else 0


_SHOWN = 3


def _tell(result: Converted) -> None:
    """Every loss by name; guesses of one kind together, in full only with ``--format json``."""
    report = result.report
    if report.lost:
        click.echo(f"lost ({len(report.lost)}):", err=True)
        for entry in report.lost:
            click.echo(f"  {entry}", err=True)
    guesses: dict[str, list[str]] = {}
    for entry in report.guessed:
        guesses.setdefault(f"{entry.kind}" + (f" ({entry.detail})" if entry.detail else ""), []).append(entry.path)
    if guesses:
        click.echo(f"guessed ({len(report.guessed)}):", err=True)
    for what, paths in guesses.items():
        more = f" and {len(paths) - _SHOWN} more; --format json lists all" if len(paths) > _SHOWN else ""
        click.echo(f"  {what}: {', '.join(paths[:_SHOWN])}{more}", err=True)

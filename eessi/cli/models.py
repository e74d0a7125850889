"""``eessi models``: typed classes as Python source."""

from __future__ import annotations

from pathlib import Path

import click

from eessi.cli.output import common_options, print_json, print_table
from eessi.errors import UnknownCode, UsageError

__all__ = ["models"]


@click.group()
def models() -> None:
    """Typed classes of SEDs, for editors and type checkers."""


@models.command("generate")
@click.argument("package", metavar="NAME:VERSION")
@click.option("--sed", "codes", multiple=True, required=True, metavar="CODE", help="A SED; may be given several times.")
@click.option("--cdm", metavar="VERSION", help="Version of the data model, where the package holds several.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.")
@common_options()
def generate(
    package: str,
    codes: tuple[str, ...],
    cdm: str | None,
    out: Path,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Write one Python file per SED: pydantic models with every facet and code list, checked by ``mypy --strict``."""
    written = [(code, str(path)) for code, path in _write(package, codes, cdm, out)]
    if format == "json":
        files = [{"sed": code, "file": path} for code, path in written]
        print_json({"package": package, "files": files}, output, quiet=quiet)
    else:
        print_table(("SED", "file"), written, output, quiet=quiet)
    return 0


def _write(coordinates: str, codes: tuple[str, ...], cdm: str | None, out: Path) -> list[tuple[str, Path]]:
    from eessi.ids import CdmVersion, SedType, nearest
    from eessi.schemas import Registry
    from eessi.sed.modelsource import module_source
    from eessi.sed.plan import plan_of

    registry = Registry.installed()
    package = registry.package(coordinates)
    entries = {str(entry.sed): entry for entry in package.entries()}
    sources = []
    for code in codes:
        sed = SedType(code.upper())
        if sed not in entries:
            raise UnknownCode(f"SED in {package.coordinates}", code, nearest(sed, entries))
        version = CdmVersion.parse(cdm) if cdm else entries[sed].version
        structure = registry.structure(sed, version, package=package.coordinates)
        if structure is None:
            raise UsageError(f"{package.coordinates} does not know {sed} in version {version}")
        name = f"{sed.lower()}_{version.major}_{version.minor}.py"
        sources.append((str(sed), out / name, module_source(plan_of(structure), package.coordinates)))
    try:
        out.mkdir(parents=True, exist_ok=True)
        for _, path, source in sources:
            path.write_text(source, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from None
    return [(code, path) for code, path, _ in sources]

"""Where the two sides of a comparison come from: installed packages, or folders and archives of XSD files."""

from __future__ import annotations

import tomllib
from pathlib import Path

from eessi.errors import DefinitionError, InputError
from eessi.schemas import CdmPackage, Registry

__all__ = ["open_package", "open_packages", "read_renames"]


def open_packages(old: str, new: str) -> tuple[CdmPackage, CdmPackage]:
    """Both sides; a word with a colon that is no path names an installed package.

    :raises UnknownCode: for a package that is not installed. :raises InputError: for a path that cannot be read.
    """
    registry = Registry.installed()
    return open_package(old, registry, name="old"), open_package(new, registry, name="new")


def open_package(source: str, registry: Registry, *, name: str) -> CdmPackage:
    """One side: ``NAME:VERSION``, or a folder or archive of schema files imported under ``name``."""
    path = Path(source)
    if path.exists():
        if (path / "manifest.json").is_file():
            return CdmPackage.load(path)
        return CdmPackage.import_from(path, name=name)
    if "/" in source or source.endswith((".zip", ".tar", ".gz", ".xsd")):
        raise InputError("no such file or folder", source=source)
    return registry.package(source)


def read_renames(file: Path) -> dict[str, str]:
    """A TOML table of names that changed: ``oldName = "newName"``.

    :raises DefinitionError: when the file is not such a table.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DefinitionError(f"not a TOML table: {error}", file=str(file)) from None
    for key, value in table.items():
        if not isinstance(value, str):
            raise DefinitionError("a new name was expected, as text", file=str(file), key=key)
    return {key: str(value) for key, value in table.items()}

"""The lock file: which content stood under which coordinates, so that a change is seen."""

from __future__ import annotations

import json
from collections.abc import Iterable

from eessi.errors import PackageError
from eessi.schemas.packages import CdmPackage

__all__ = ["differences", "lock_text"]


def lock_text(packages: Iterable[CdmPackage]) -> str:
    """A lock file for these packages: JSON, one row per package, sorted by coordinates."""
    rows = sorted((package.coordinates, package.hash) for package in packages)
    document = {"schema_version": 1, "packages": [{"package": name, "hash": digest} for name, digest in rows]}
    return json.dumps(document, indent=2) + "\n"


def differences(text: str, packages: Iterable[CdmPackage], *, source: str) -> tuple[str, ...]:
    """Where ``packages`` differ from the lock file, one line each: changed or missing. Further packages are no difference.

    :raises PackageError: when the text is no lock file.
    """
    try:
        document = json.loads(text)
        locked = {str(row["package"]): str(row["hash"]) for row in document["packages"]}
    except (ValueError, KeyError, TypeError) as error:
        raise PackageError(f"{source}: this is no lock file of packages: {error}") from None
    here = {package.coordinates: package.hash for package in packages}
    found = []
    for coordinates, digest in locked.items():
        if coordinates not in here:
            found.append(f"{coordinates}: locked as {digest[:12]}, and not here")
        elif here[coordinates] != digest:
            found.append(
                f"{coordinates}: locked as {digest[:12]}, here it is {here[coordinates][:12]}: the content changed"
            )
    return tuple(found)

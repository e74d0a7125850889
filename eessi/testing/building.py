"""From what a step says about a document to a SED: inline data, a template or a generated document, then changes."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from random import Random

import attrs

from eessi.errors import EessiError, UsageError
from eessi.ids import CdmVersion, SedType
from eessi.schemas import CdmPackage, Registry
from eessi.sed import Attachment, Sed, build, parse
from eessi.sed.catalogue import find_sed
from eessi.testing.scenario import SendOptions

__all__ = ["SANDBOX", "Builder"]

SANDBOX = "sandbox:1.0"
"""Package of the toolkit's own plain documents, for a SED that no other package knows in the wanted version."""


@functools.lru_cache(maxsize=1024)
def _versions(package: CdmPackage, sed: SedType) -> list[CdmVersion]:
    """The versions of a SED in a package."""
    return [entry.version for entry in package.entries() if entry.sed == sed]


@attrs.frozen(slots=True)
class Builder:
    """Makes the documents of a run.

    :param packages: package per SED, as the scenario chose it; otherwise the one that knows the SED in the version of
        the case, and the sandbox where none does.
    """

    registry: Registry
    version: CdmVersion
    packages: Mapping[str, str] = attrs.field(factory=dict)

    def build(self, sed: SedType, options: SendOptions, random: Random) -> Sed:
        """Make a document; it may be wrong on purpose, so it is not checked here.

        :raises EessiError: when the data does not make a document at all, or a change names no place in it.
        """
        package, version = self._choose(sed, options)
        if options.data is not None:
            made = build(sed, options.data, version=version, registry=self.registry, package=package, draft=True)
        else:
            made = self._generated(sed, version, package, random)
        for path, value in options.change.items():
            if value is None and path not in made:
                raise UsageError(f"{sed} has nothing at {path} that could be removed")
            made = made.replace(path, value, self.registry)
        return made

    def _choose(self, sed: SedType, options: SendOptions) -> tuple[str | None, CdmVersion]:
        """The package and the version of the document."""
        package = options.package or self.packages.get(sed)
        wanted = CdmVersion.parse(options.version) if options.version else None
        if package is not None:
            return package, wanted or self._version_in(package, sed)
        version = wanted or self.version
        if self.registry.structure(sed, version) is None:
            return SANDBOX, self._version_in(SANDBOX, sed)
        return None, version

    def _version_in(self, coordinates: str, sed: SedType) -> CdmVersion:
        for package in self.registry.packages:
            if package.coordinates == coordinates:
                versions = _versions(package, sed)
                if not versions:
                    find_sed(sed)  # a code that is none has a better answer
                    raise UsageError(f"the package {coordinates} does not know {sed}")
                same = [version for version in versions if version.same_minor(self.version)]
                return (same or sorted(versions))[-1]
        known = ", ".join(package.coordinates for package in self.registry.packages)
        raise UsageError(f"there is no package {coordinates}; known: {known}")

    def _generated(self, sed: SedType, version: CdmVersion, package: str | None, random: Random) -> Sed:
        from eessi.schemas.generator import generate  # only scenarios without data need it

        structure = self.registry.structure(sed, version, package=package)
        if structure is None:
            raise UsageError(f"no package knows the structure of {sed} {version}, so none can be generated")
        made = parse(generate(structure, random.getrandbits(32)).data)
        if not isinstance(made, Sed):
            raise EessiError(f"the generator made no {sed}")
        return made


def synthetic_attachment(name: str, media_type: str, size: int) -> Attachment:
    """An attachment of exactly ``size`` bytes, readable as what it says where that is a PDF."""
    head = b"%PDF-1.4\n% synthetic test attachment\n" if media_type == "application/pdf" else b""
    content = (head + b"synthetic test data\n" * (size // 20 + 1))[:size]
    return Attachment.of(content, name, limit=max(size, 1))

"""What a root element says: which SED, in which version, and whether its namespace is right."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

import attrs
from lxml import etree

from eessi import _xml
from eessi.findings import Finding, Fix, Phrase
from eessi.ids import CdmVersion, SedType

if TYPE_CHECKING:
    from eessi.schemas.registry import Registry

__all__ = ["SIGNATURE", "Recognised", "recognise"]

SIGNATURE: Final = "{http://www.w3.org/2000/09/xmldsig#}Signature"

_ROOT: Final = re.compile(r"(?P<code>(?:SYN|DA|[A-Z])[0-9]{3,5}(?:CB|[A-Z])?)(?:_[A-Za-z]\w*)?")
_CDM: Final = re.compile(r"http://ec\.europa\.eu/eessi/ns(?:/([0-9]{1,3})_([0-9]{1,3})/([A-Za-z0-9_]+))?")
_SANDBOX: Final = re.compile(r"urn:eessi-toolkit:sandbox:([0-9]{1,3})\.([0-9]{1,3}):([A-Za-z0-9_]+)")


@attrs.frozen(slots=True)
class Recognised:
    """A root element: its name, SED and version, or the faults that make it none. Faults have no line yet."""

    name: str
    sed: SedType | None = None
    version: CdmVersion | None = None
    faults: tuple[Finding, ...] = ()


def recognise(root: etree._Element, registry: Registry) -> Recognised:
    """Read SED and version from the root's name and namespace (CDM wire facts, sections 1 to 3).

    A namespace that is none of EESSI's counts when a package of the registry declares it (national additions).
    """
    name, namespace = _xml.local_name(root), _xml.namespace_of(root)
    found = _ROOT.fullmatch(name)
    if not found:
        fault = Finding("DOC-ROOT", path=name, got=name[:60], expected=(Phrase("a SED code"),))
        return Recognised(name, faults=(fault,))
    sed = SedType(found["code"])
    space = _CDM.fullmatch(namespace) or _SANDBOX.fullmatch(namespace)
    if space:
        major, minor, owner = space.groups()
        version = CdmVersion(int(major or 3), int(minor or 1))
        if owner is None or owner in (name, sed):
            return Recognised(name, sed, version)
    elif national := _declared(registry).get((namespace, str(sed))):
        return Recognised(name, sed, national)
    return Recognised(name, sed, None, (_wrong_namespace(root, name, sed, namespace, space),))


def _wrong_namespace(
    root: etree._Element, name: str, sed: SedType, namespace: str, space: re.Match[str] | None
) -> Finding:
    meant = _meant(root, sed, namespace, space)
    fix = Fix("rename", name, f"{{{meant}}}{name}", determined=True) if meant else None
    return Finding(
        "DOC-NAMESPACE",
        path=name,
        got=namespace[:120] or Phrase("none"),
        expected=(meant or CdmVersion(4, 4).namespace(sed),),
        fix=fix,
    )


def _meant(root: etree._Element, sed: SedType, namespace: str, space: re.Match[str] | None) -> str | None:
    """The namespace that follows from what else the root says: the version in a wrong namespace, or its attributes."""
    if space and namespace.startswith("urn:"):
        return f"urn:eessi-toolkit:sandbox:{space[1]}.{space[2]}:{sed}"
    if space:
        return CdmVersion(int(space[1]), int(space[2])).namespace(sed)
    major, minor = root.get("sedGVer", "").strip(), root.get("sedVer", "").strip()
    if major.isdecimal() and minor.isdecimal() and int(major) >= 4 and int(minor) < 100:
        return CdmVersion(int(major), int(minor)).namespace(sed)
    return None


@functools.lru_cache(maxsize=16)
def _declared(registry: Registry) -> dict[tuple[str, str], CdmVersion]:
    """Namespace and SED -> version, for namespaces that packages declare and EESSI's form does not cover."""
    return {
        (entry.namespace, str(entry.sed)): entry.version
        for package in registry.packages
        if package.origin == "official"
        for entry in package.entries()
        if not _CDM.fullmatch(entry.namespace)
    }

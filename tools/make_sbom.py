"""Write ``sbom.cdx.json``: the CycloneDX bill of materials that goes into the wheel (PEP 770).

The wheel brings no foreign code. Its bill names what it needs, each dependency with its declared bound, the extras that
ask for it and its licence, and the CDM packages it does bring, with their hashes. The same input gives the same bytes:
no time, and a serial number that follows from the content.

After a change of a dependency, a shipped package or the version: ``.venv/bin/python -m tools.make_sbom``.
"""

from __future__ import annotations

import json
import re
import tomllib
import uuid
from pathlib import Path
from typing import NamedTuple

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from eessi.schemas import Registry
from tools.licences import TABLE, normal

ROOT = Path(__file__).parent.parent
FILE = ROOT / "sbom.cdx.json"
NOT_FOR_USERS = frozenset({"all", "bench", "dev", "docs"})
"""Extras that gather others or serve the project's own developers."""


class Dependency(NamedTuple):
    name: str
    requirement: str
    extras: tuple[str, ...]
    """Who asks for it; empty: the core does."""


def declared() -> list[Dependency]:
    """The direct dependencies a user can get, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    found: dict[str, tuple[str, list[str]]] = {}
    for group, lines in groups.items():
        for line in lines if group not in NOT_FOR_USERS else ():
            name = normal(re.split(r"[\[<>=~! ;]", line, maxsplit=1)[0])
            if name != "eessi-toolkit":
                found.setdefault(name, (line, []))[1].append(group)
    return [Dependency(name, line, () if "" in by else tuple(sorted(by))) for name, (line, by) in sorted(found.items())]


def component(dependency: Dependency) -> Component:
    asked = [Property(name="eessi-toolkit:extra", value=extra) for extra in dependency.extras]
    return Component(
        name=dependency.name,
        bom_ref=f"needs:{dependency.name}",
        purl=PackageURL("pypi", None, dependency.name),
        scope=ComponentScope.OPTIONAL if dependency.extras else ComponentScope.REQUIRED,
        licenses=[LicenseFactory().make_from_string(TABLE["declared"][dependency.name])],
        properties=[Property(name="eessi-toolkit:requires", value=dependency.requirement), *asked],
    )


def shipped() -> list[Component]:
    """The CDM packages inside the wheel, as data with their content hashes."""
    return [
        Component(
            type=ComponentType.DATA,
            name=str(package.name),
            version=str(package.version),
            bom_ref=f"brings:{package.coordinates}",
            licenses=[LicenseFactory().make_from_string("EUPL-1.2")],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=package.hash)],
        )
        for package in Registry.default().packages
    ]


def bill() -> str:
    """The bill of materials as the wheel carries it, ending in a line break."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    subject = Component(
        name=project["name"],
        version=project["version"],
        bom_ref="eessi-toolkit",
        purl=PackageURL("pypi", None, project["name"], project["version"]),
        licenses=[LicenseFactory().make_from_string(project["license"])],
        description=project["description"],
    )
    needed = [component(dependency) for dependency in declared()]
    bom = Bom(components=[*needed, *shipped()])
    bom.metadata.component = subject
    bom.register_dependency(subject, needed)
    for one in needed:
        bom.register_dependency(one)
    return _without_chance(JsonV1Dot6(bom).output_as_string())


def _without_chance(text: str) -> str:
    """The bill without the time it was made, under a serial number that its content alone decides."""
    found = json.loads(text)
    del found["metadata"]["timestamp"], found["serialNumber"]
    found["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(found, sort_keys=True))}"
    return json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(bill(), encoding="utf-8")

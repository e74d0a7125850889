"""A kit that is a folder: requirements in a CSV, scenarios that name the requirements they test, and nothing else.

:func:`write_template` writes such a folder as a package to install; a country puts its own requirements and scenarios in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from eessi.directory import Directory
from eessi.errors import DefinitionError, StoreError, UsageError
from eessi.schemas import Registry
from eessi.testing.campaigns.kit import CheckRecord, Kit, Options, kits, played, read_requirements, step_records
from eessi.testing.scenario import Scenario, load_scenarios

__all__ = ["folder_kit", "write_template"]

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,40}")
_EXPECTED: Final = "every step as the scenario says"

_TEMPLATE: Final = {
    "pyproject.toml": "pyproject.toml.txt",
    "{module}/__init__.py": "kit.py.txt",
    "{module}/requirements.csv": "requirements.csv.txt",
    "{module}/answers-in-time.buc.yaml": "answers-in-time.buc.yaml.txt",
    "{module}/question-before-closing.buc.yaml": "question-before-closing.buc.yaml.txt",
}


def folder_kit(name: str, title: str, folder: Path) -> Kit:
    """The kit of a folder with ``requirements.csv`` and ``*.buc.yaml`` files; each scenario is one check.

    :raises DefinitionError: no requirements, no scenarios, or a scenario without the id of a requirement.
    """
    file = folder / "requirements.csv"
    if not file.is_file():
        raise DefinitionError("a kit has its requirements in this file", file=str(file))
    requirements = read_requirements(file.read_text(encoding="utf-8"), str(file))
    found = sorted(folder.rglob("*.buc.yaml"))
    if not found:
        raise DefinitionError("a kit has scenarios: there is no *.buc.yaml", file=str(folder))

    def checks(options: Options) -> Iterator[CheckRecord]:
        registry, directory = Registry.default(), Directory.synthetic()
        for path in found:
            for scenario in load_scenarios(path):
                id = path.name.removesuffix(".buc.yaml") + "".join(f"-{one}" for one in scenario.variables.values())
                if not options.only or id in options.only:
                    yield _check(id, scenario, options, registry, directory)

    return Kit(name, title, requirements, checks)


def _check(id: str, scenario: Scenario, options: Options, registry: Registry, directory: Directory) -> CheckRecord:
    if not scenario.requirements:
        raise DefinitionError(
            "a scenario of a kit names the requirements it tests", file=scenario.file, key="requirements"
        )
    run = played(scenario, options, registry, directory)
    failed = [failure for step in run.failures for failure in step.failures]
    return CheckRecord(
        id=id,
        scenario=scenario.title,
        group=str(scenario.buc),
        requirements=scenario.requirements,
        passed=run.passed,
        expected=_EXPECTED,
        observed="; ".join(failed) or _EXPECTED,
        steps=step_records([run]),
        undelivered=run.undelivered,
        not_checked=run.not_checked,
    )


def write_template(name: str, folder: Path) -> tuple[Path, ...]:
    """Write a kit to start from: a package with its entry point, two requirements and two scenarios.

    :raises UsageError: for a name that is taken or cannot be one. :raises StoreError: when the folder is not empty.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a kit: small letters, digits and '-', beginning with a letter")
    if name in kits():
        raise UsageError(f"a kit is called {name} already; give yours another name")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreError(f"{folder} is there already and not empty; name a new folder")
    module = name.replace("-", "_") + "_kit"
    source = files("eessi.testing.campaigns").joinpath("template")
    written = []
    for target, file in _TEMPLATE.items():
        path = folder / target.format(module=module)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = source.joinpath(file).read_text(encoding="utf-8")
        path.write_text(Template(text).safe_substitute(name=name, module=module), encoding="utf-8")
        written.append(path)
    return tuple(written)

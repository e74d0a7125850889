"""What a campaign is: requirements with ids, checks that cover them, and the record of how they went.

A national kit is a package with an entry point in the group ``eessi.campaigns`` that names a :class:`Kit`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from importlib.resources import files
from typing import TYPE_CHECKING

import attrs
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from eessi.errors import DefinitionError, UnknownCode
from eessi.ids import nearest

if TYPE_CHECKING:
    from eessi.directory import Directory
    from eessi.schemas import Registry
    from eessi.testing.against import Against
    from eessi.testing.record import Run
    from eessi.testing.scenario import Scenario

__all__ = [
    "CampaignRecord",
    "CheckRecord",
    "Kit",
    "Options",
    "Requirement",
    "RequirementRecord",
    "find_kit",
    "kits",
    "played",
    "read_requirements",
    "run_kit",
    "step_records",
]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CheckRecord(_Record):
    """One check of a campaign: what was tried, what had to come, what came."""

    id: str
    scenario: str = Field(description="what is tried, in one line")
    group: str = Field(description="level, process or channel it belongs to")
    requirements: tuple[str, ...]
    passed: bool
    expected: str
    observed: str
    steps: tuple[dict[str, JsonValue], ...] = ()
    coverage: dict[str, JsonValue] = Field(default_factory=dict)
    measures: dict[str, JsonValue] = Field(default_factory=dict)
    not_checked: tuple[str, ...] = ()
    undelivered: bool = Field(default=False, description="the transport did not bring its documents there")


class RequirementRecord(_Record):
    """A requirement with the checks that cover it; ``passed`` is empty while nothing covers it."""

    id: str
    text: str
    source: str
    checks: tuple[str, ...]
    passed: bool | None


class CampaignRecord(_Record):
    """A campaign, run: the JSON of ``eessi campaign``."""

    kit: str
    title: str
    transport: str
    against: str | None = Field(default=None, description="the real institution; our own stack where there is none")
    results: tuple[CheckRecord, ...]
    requirements: tuple[RequirementRecord, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed and every requirement is covered; of a real institution not everything can be seen."""
        return not self.failed and bool(self.results) and (self.against is not None or not self.uncovered)

    @property
    def uncovered(self) -> tuple[str, ...]:
        """Requirements that no check covers."""
        return tuple(one.id for one in self.requirements if one.passed is None)

    @property
    def failed(self) -> tuple[CheckRecord, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.results if not check.passed)


@attrs.frozen(slots=True)
class Requirement:
    """A row of a kit's ``requirements.csv``."""

    id: str
    text: str
    source: str


@attrs.frozen(slots=True)
class Options:
    """How a campaign is run.

    :param bucs: processes of the campaign *exit*; a few by default, ``all`` for every one.
    :param versions: CDM versions of the campaign *exit*; the newest whose rows are known by default, ``all`` for every one.
    :param transport: ``memory`` or ``as4``.
    :param messages: how many messages *moveit* sends for throughput.
    :param only: ids of the checks to run; all of them when empty.
    :param against: the way to a real institution that plays one of the parties.
    """

    bucs: tuple[str, ...] = ("S_BUC_01", "LA_BUC_01", "H_BUC_01")
    versions: tuple[str, ...] = ()
    transport: str = "memory"
    messages: int = 50
    only: tuple[str, ...] = ()
    against: Against | None = None


@attrs.frozen(slots=True)
class Kit:
    """A campaign kit. ``checks`` runs them one by one and gives the record of each."""

    name: str
    title: str
    requirements: tuple[Requirement, ...]
    checks: Callable[[Options], Iterator[CheckRecord]]


def read_requirements(text: str, name: str) -> tuple[Requirement, ...]:
    """Read a kit's requirements: CSV with the columns id, text and source, and a first line that tells its source.

    :raises DefinitionError: for a missing column or an id that stands twice.
    """
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    found: dict[str, Requirement] = {}
    for number, row in enumerate(rows, 3):
        values = {key: (row.get(key) or "").strip() for key in ("id", "text", "source")}
        if not all(values.values()):
            raise DefinitionError(
                "a requirement has id, text and source", file=f"{name}:{number}", key=values["id"] or None
            )
        if values["id"] in found:
            raise DefinitionError("this id stands twice", file=f"{name}:{number}", key=values["id"])
        found[values["id"]] = Requirement(**values)
    return tuple(found.values())


def shipped_requirements(name: str) -> tuple[Requirement, ...]:
    """The requirements of a kit of the toolkit's own."""
    file = files("eessi.testing.campaigns").joinpath("requirements", f"{name}.csv")
    return read_requirements(file.read_text(encoding="utf-8"), f"{name}.csv")


def kits() -> Mapping[str, Kit]:
    """All kits by name: those that ship, and those that other packages bring by entry point ``eessi.campaigns``.

    :raises DefinitionError: when a package names something that is no kit.
    """
    from eessi.testing.campaigns.exit import KIT as EXIT
    from eessi.testing.campaigns.moveit import KIT as MOVEIT
    from eessi.testing.campaigns.testit import KIT as TESTIT

    found = {kit.name: kit for kit in (MOVEIT, EXIT, TESTIT)}
    for entry in entry_points(group="eessi.campaigns"):
        kit = entry.load()
        if not isinstance(kit, Kit):
            raise DefinitionError(f"{entry.value} is no campaign kit", file=entry.name)
        found[kit.name] = kit
    return found


def find_kit(name: str) -> Kit:
    """A kit by its name.

    :raises UnknownCode: with the nearest known name.
    """
    known = kits()
    if name not in known:
        raise UnknownCode("campaign", name, nearest(name, known))
    return known[name]


def run_kit(kit: Kit, options: Options | None = None) -> CampaignRecord:
    """Run a campaign to its end.

    :raises DefinitionError: when a check names a requirement that the kit has not.
    """
    chosen = options or Options()
    results = tuple(kit.checks(chosen))
    known = {one.id for one in kit.requirements}
    strange = [id for check in results for id in check.requirements if id not in known]
    if strange:
        raise DefinitionError(f"a check names the requirement {strange[0]}, which the kit has not", file=kit.name)
    traced = tuple(_traced(one, results) for one in kit.requirements)
    way = chosen.against
    return CampaignRecord(
        kit=kit.name,
        title=kit.title,
        transport=chosen.transport if way is None else "as4",
        against=None if way is None else way.profile.real.institution,
        results=results,
        requirements=traced,
    )


def played(scenario: Scenario, options: Options, registry: Registry, directory: Directory) -> Run:
    """A scenario of a kit, as the options say: everybody simulated, or one party real."""
    if options.against is not None:
        return options.against.run(scenario)
    from eessi.testing.runner import run

    return run(scenario, registry=registry, directory=directory, transport=options.transport)


def step_records(runs: Iterable[Run]) -> tuple[dict[str, JsonValue], ...]:
    """The steps of runs, short, for the record of a check."""
    return tuple(
        {"text": step.text, "passed": step.passed, "failures": list(step.failures)}
        for run in runs
        for step in run.steps
    )


def _traced(requirement: Requirement, results: Iterable[CheckRecord]) -> RequirementRecord:
    checks = [check for check in results if requirement.id in check.requirements]
    return RequirementRecord(
        id=requirement.id,
        text=requirement.text,
        source=requirement.source,
        checks=tuple(check.id for check in checks),
        passed=all(check.passed for check in checks) if checks else None,
    )

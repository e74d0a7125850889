"""The pytest plugin: scenario files become test items, and fixtures give what tests of EESSI software need.

Loaded by every pytest run where the toolkit is installed, so it imports nothing of it until it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest._code.code import ExceptionInfo, TerminalRepr

    from eessi.directory import Directory
    from eessi.findings import Verdict
    from eessi.testing.clock import VirtualClock
    from eessi.testing.pair import BucPair
    from eessi.testing.record import Run
    from eessi.testing.scenario import Scenario
    from eessi.transport import InMemoryNetwork, Transport

__all__ = ["ScenarioFailed", "ScenarioFile", "ScenarioItem"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--requirement`` and ``--no-scenarios``."""
    group = parser.getgroup("eessi", "EESSI scenarios")
    group.addoption(
        "--requirement", action="append", default=[], metavar="ID", help="run only tests of this requirement"
    )
    group.addoption("--no-scenarios", action="store_true", help="do not collect *.buc.yaml files")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    config.addinivalue_line("markers", "requirement(*ids): ids of the requirements that a test covers")
    config.addinivalue_line("markers", "scenario: a scenario file (*.buc.yaml) run as a test")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect scenario files."""
    if file_path.name.endswith(".buc.yaml") and not parent.config.getoption("--no-scenarios"):
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note the requirements of each test for reports, and keep only the wanted ones."""
    wanted = set(config.getoption("--requirement"))
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        ids = [str(id) for marker in item.iter_markers("requirement") for id in marker.args]
        item.user_properties.extend(("requirement", id) for id in ids)
        (kept if not wanted or wanted & set(ids) else left).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


class ScenarioFile(pytest.File):
    """A ``*.buc.yaml`` file; one item for each scenario in it."""

    def collect(self) -> Iterator[pytest.Item]:
        """Read the file; what is wrong with it is a collection error of one line."""
        from eessi.errors import EessiError
        from eessi.testing.scenario import load_scenarios

        try:
            scenarios = load_scenarios(self.path)
        except EessiError as error:
            raise self.CollectError(str(error)) from None
        for scenario in scenarios:
            item = ScenarioItem.from_parent(self, name=scenario.title, scenario=scenario)
            item.add_marker("scenario")
            if scenario.requirements:
                item.add_marker(pytest.mark.requirement(*scenario.requirements))
            yield item


class ScenarioFailed(Exception):  # reads as what happened
    """Expectations of a scenario were not met."""

    def __init__(self, run: Run) -> None:
        self.run = run
        super().__init__(f"{len(run.failures)} steps not as expected")


class ScenarioItem(pytest.Item):
    """One scenario, run as a test."""

    def __init__(self, name: str, parent: pytest.Collector, scenario: Scenario) -> None:
        super().__init__(name, parent)
        self.scenario = scenario

    def runtest(self) -> None:
        """Play it.

        :raises ScenarioFailed: when an expectation was not met.
        """
        from eessi.testing.runner import run

        played = run(self.scenario)
        for name in played.undetermined:
            self.user_properties.append(("undetermined", name))
        if not played.passed:
            raise ScenarioFailed(played)

    def repr_failure(self, excinfo: ExceptionInfo[BaseException], style: object = None) -> str | TerminalRepr:
        """The failed steps with file and line; everything else as pytest shows it."""
        from eessi.errors import EessiError

        if isinstance(excinfo.value, EessiError):
            return str(excinfo.value)
        if not isinstance(excinfo.value, ScenarioFailed):
            return super().repr_failure(excinfo)
        played = excinfo.value.run
        lines = [f"{played.scenario} ({played.buc}, seed {played.seed})"]
        for step in played.failures:
            lines.append(f"{played.file}:{step.line}: {step.text}")
            lines += [f"    {failure}" for failure in step.failures]
        return "\n".join(lines)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the item stands."""
        return self.path, 0, f"scenario: {self.name}"


# ---- fixtures --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sed_validator() -> Callable[..., Verdict]:
    """Validates a SED, message, bytes or path by the packages that ship with the toolkit."""
    from eessi.schemas import Registry
    from eessi.sed import validate

    registry = Registry.default()

    def validator(document: object, **options: object) -> Verdict:
        return validate(document, registry, **options)  # type: ignore[arg-type]  # handed on as given

    return validator


@pytest.fixture
def buc_pair() -> Callable[[str, str], BucPair]:
    """Makes both copies of a case: ``buc_pair("LA_BUC_01", "4.3")``."""
    from eessi.testing.pair import BucPair

    return BucPair.of


@pytest.fixture(scope="session")
def directory() -> Directory:
    """The synthetic directory."""
    from eessi.directory import Directory

    return Directory.synthetic()


@pytest.fixture
def eessi_clock() -> VirtualClock:
    """A clock that stands at 2026-01-15 09:00 UTC until it is moved."""
    import datetime as dt

    from eessi.testing.clock import VirtualClock

    return VirtualClock(dt.datetime(2026, 1, 15, 9, tzinfo=dt.UTC))


@pytest.fixture
def access_points(eessi_clock: VirtualClock) -> Callable[..., tuple[Transport, ...]]:
    """Gives institutions a transport each on one network in memory: ``access_points("FR:TEST0001", "BE:TEST0001")``.

    The network runs on ``eessi_clock``; ``faults=[...]`` as :class:`eessi.transport.InMemoryNetwork` takes them.
    """
    from eessi.transport import InMemoryNetwork

    networks: list[InMemoryNetwork] = []

    def connect(*institutions: str, faults: tuple[object, ...] = ()) -> tuple[Transport, ...]:
        if not networks or faults:
            networks.append(InMemoryNetwork(faults=faults, clock=eessi_clock))  # type: ignore[arg-type]  # handed on
        return tuple(networks[-1].endpoint(institution) for institution in institutions)

    return connect

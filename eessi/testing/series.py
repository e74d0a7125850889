"""Many scenarios: in order or in parallel, kept on disk as they finish, so that a killed series goes on where it was."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import attrs

import eessi
from eessi import bulk
from eessi.directory import Directory
from eessi.schemas import Registry
from eessi.testing.record import Run
from eessi.testing.runner import run
from eessi.testing.scenario import Scenario

__all__ = ["Settings", "journal_of", "load_all", "run_all"]


@attrs.frozen(slots=True)
class Settings:
    """How the scenarios of a series are run; see :func:`eessi.testing.run`."""

    transport: str = "memory"
    seed: int | None = None
    show_values: bool = False
    lang: str = "en"


def journal_of(file: Path) -> bulk.Journal[Run]:
    """Finished runs in a file, so that a series killed at any moment goes on where it was."""
    return bulk.Journal(file, "replay", Run.document, Run.model_validate)


def key_of(scenario: Scenario, settings: Settings, registry: Registry) -> str:
    """What a run depends on, as one hash: the scenario with its templates, the settings, the packages, the toolkit."""
    packages = [f"{package.coordinates} {package.hash}" for package in registry.packages]
    text = repr((scenario, settings, packages, eessi.__version__))
    return hashlib.sha256(text.encode()).hexdigest()


def run_all(
    scenarios: Sequence[Scenario],
    settings: Settings = Settings(),  # frozen
    *,
    jobs: int = 1,
    journal: bulk.Journal[Run] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Run, ...]:
    """Run scenarios and return the records in their order; the same, however many jobs there are.

    :param jobs: processes. :param journal: finished runs are taken from it and kept in it.
    :param progress: told after each run how many are done, of how many.
    """
    registry = Registry.default()
    keys = [key_of(scenario, settings, registry) for scenario in scenarios]
    wanted = dict(zip(keys, scenarios, strict=True))
    done: dict[str, Run] = {}
    with _pool(min(jobs, len(wanted))) as executor:
        work = partial(_play, settings=settings)
        for key, finished in bulk.run(work, wanted, wanted.__getitem__, executor=executor, journal=journal, batch=1):
            if key in wanted:  # a journal may hold other runs too
                done[key] = finished
                progress(len(done), len(wanted))
    return tuple(done[key] for key in keys)


def _pool(jobs: int) -> AbstractContextManager[Executor | None]:
    if jobs < 2:
        return nullcontext()
    import multiprocessing

    context = multiprocessing.get_context("spawn")  # a forked child could inherit a lock that is held
    return ProcessPoolExecutor(jobs, mp_context=context)


def _play(scenario: Scenario, settings: Settings) -> Run:
    registry, directory = _surroundings()
    return run(
        scenario,
        registry=registry,
        directory=directory,
        transport=settings.transport,
        seed=settings.seed,
        show_values=settings.show_values,
        lang=settings.lang,
    )


@functools.cache
def _surroundings() -> tuple[Registry, Directory]:
    """Once in each process."""
    return Registry.default(), Directory.synthetic()


def load_all(paths: Iterable[Path], standard_input: Callable[[], str] | None = None) -> list[Scenario]:
    """The scenarios of several files, in order.

    :param standard_input: gives the text for the path ``-``; templates are then looked for in the current folder.
    """
    from eessi.testing.scenario import load_scenarios

    found: list[Scenario] = []
    for path in paths:
        text = standard_input() if standard_input is not None and str(path) == "-" else None
        found.extend(load_scenarios(path, text))
    return found

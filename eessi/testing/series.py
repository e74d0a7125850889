"""Many scenarios: in order or in parallel, kept on disk as they finish, so that a killed series goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import attrs
from pydantic import ValidationError

import eessi
from eessi.directory import Directory
from eessi.errors import StoreError
from eessi.schemas import Registry
from eessi.testing.record import Run
from eessi.testing.runner import run
from eessi.testing.scenario import Scenario

__all__ = ["Journal", "Settings", "run_all"]


@attrs.frozen(slots=True)
class Settings:
    """How the scenarios of a series are run; see :func:`eessi.testing.run`."""

    transport: str = "memory"
    seed: int | None = None
    show_values: bool = False
    lang: str = "en"


class Journal:
    """Finished runs in a file, one line each, written to disk before the next run begins.

    A line that a crash cut short is ignored and its scenario run again.

    :raises StoreError: when the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._runs: dict[str, Run] = {}
        try:
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"{path} cannot be read: {error}") from None
        for line in lines:
            entry = _entry(line)
            if entry is not None:
                self._runs[entry[0]] = entry[1]

    def __len__(self) -> int:
        return len(self._runs)

    def get(self, key: str) -> Run | None:
        """The finished run of that key."""
        return self._runs.get(key)

    def put(self, key: str, finished: Run) -> None:
        """Keep a run; it is on the disk when this returns.

        :raises StoreError: when it cannot be written.
        """
        self._runs[key] = finished
        line = json.dumps({"key": key, "run": finished.document()}, ensure_ascii=False)
        try:
            with self.path.open("a+b") as file:
                file.seek(0, os.SEEK_END)
                if file.tell() and not _ends_a_line(file.fileno(), file.tell()):
                    file.write(b"\n")  # after a line that a crash cut short
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error.strerror}") from None


def _ends_a_line(handle: int, size: int) -> bool:
    return os.pread(handle, 1, size - 1) == b"\n"


def _entry(line: str) -> tuple[str, Run] | None:
    try:
        entry = json.loads(line)
        return str(entry["key"]), Run.model_validate(entry["run"])
    except (ValueError, KeyError, TypeError, ValidationError):
        return None


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
    journal: Journal | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Run, ...]:
    """Run scenarios and return the records in their order; the same, however many jobs there are.

    :param jobs: processes. :param journal: finished runs are taken from it and kept in it.
    :param progress: told after each run how many are done, of how many.
    """
    registry = Registry.default()
    keys = [key_of(scenario, settings, registry) for scenario in scenarios]
    done = {key: found for key in keys if journal is not None and (found := journal.get(key)) is not None}
    missing = [(key, one) for key, one in dict(zip(keys, scenarios, strict=True)).items() if key not in done]
    for key, finished in _finished(missing, settings, jobs, registry):
        done[key] = finished
        if journal is not None:
            journal.put(key, finished)
        progress(len(done), len(keys))
    return tuple(done[key] for key in keys)


def _finished(
    missing: Sequence[tuple[str, Scenario]], settings: Settings, jobs: int, registry: Registry
) -> Iterator[tuple[str, Run]]:
    if jobs <= 1 or len(missing) < 2:
        directory = Directory.synthetic()
        for key, scenario in missing:
            yield key, _run(scenario, settings, registry, directory)
        return
    import multiprocessing

    context = multiprocessing.get_context("spawn")  # a forked child could inherit a lock that is held
    with ProcessPoolExecutor(min(jobs, len(missing)), mp_context=context) as pool:
        futures = [(key, pool.submit(_elsewhere, scenario, settings)) for key, scenario in missing]
        for key, future in futures:
            yield key, Run.model_validate_json(future.result())


def _run(scenario: Scenario, settings: Settings, registry: Registry, directory: Directory) -> Run:
    return run(
        scenario,
        registry=registry,
        directory=directory,
        transport=settings.transport,
        seed=settings.seed,
        show_values=settings.show_values,
        lang=settings.lang,
    )


def _elsewhere(scenario: Scenario, settings: Settings) -> str:
    """Run in a process of the pool; JSON travels back."""
    return _run(scenario, settings, Registry.default(), Directory.synthetic()).model_dump_json()


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

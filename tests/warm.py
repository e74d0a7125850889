"""Commands and scripts in processes of their own, forked from one that has loaded the libraries already.

Loading takes most of the time of a short command. What only a start from nothing shows is tried elsewhere: that a start
loads little (``tests/test_face.py``), that the installed command starts (the README's page, ``tests/cli``).
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

LOADED = (
    "eessi.cli.program", "eessi.sed.validation", "eessi.sed.builder", "eessi.schemas.compiled", "eessi.buc.case", "eessi.directory.store",
    "eessi.directory.lint", "eessi.directory.reports", "eessi.findings.report_json", "eessi.node.config", "eessi.node.operation",
    "eessi.pages.run", "eessi.pages.verdict", "eessi.release.compare", "eessi.release.impact", "eessi.release.stored",
    "eessi.stores.versions", "eessi.testing.runner", "eessi.testing.as4network", "eessi.testing.strategies",
    "eessi.transport.corners", "eessi.transport.http_client", "eessi.transport.http_server",
    "alembic.command", "alembic.config", "hypothesis", "openpyxl", "pytest", "rapidfuzz.fuzz", "rich.console", "rich.table", "rich.text", "uvicorn",
)  # fmt: skip
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(list(LOADED))


class Done(NamedTuple):
    """How a process ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def start(target: Callable[..., None], *given: object, folder: Path, environment: Mapping[str, str]) -> BaseProcess:
    """Start a function of a module in a process with that working folder and environment."""
    process = _CONTEXT.Process(target=_at, args=(folder, dict(environment), target, given))
    process.start()
    return process


def command(words: Sequence[str], *, folder: Path, environment: Mapping[str, str], timeout: float = 300) -> Done:
    """``eessi`` with these words."""
    return _done(_command, [*words], folder=folder, environment=environment, timeout=timeout)


def script(file: Path, *, folder: Path, environment: Mapping[str, str], timeout: float = 300) -> Done:
    """A Python file as a program, with warnings as errors."""
    return _done(_script, file, folder=folder, environment=environment, timeout=timeout)


def pipe() -> tuple[Connection, Connection]:
    """Two ends of a connection to a process."""
    return _CONTEXT.Pipe()


def _done(
    target: Callable[..., None], given: object, *, folder: Path, environment: Mapping[str, str], timeout: float
) -> Done:
    with TemporaryDirectory() as written:
        out, err = Path(written, "out"), Path(written, "err")
        process = start(_written, target, given, out, err, folder=folder, environment=environment)
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
        assert process.exitcode is not None
        return Done(process.exitcode, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


def _at(folder: Path, environment: dict[str, str], target: Callable[..., None], given: tuple[object, ...]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    target(*given)


def _written(target: Callable[..., None], given: object, out: Path, err: Path) -> None:
    for number, file in ((1, out), (2, err)):
        with file.open("wb") as opened:
            os.dup2(opened.fileno(), number)
    target(given)


def _command(words: list[str]) -> None:
    from eessi.cli import main

    sys.argv = ["eessi", *words]
    main()


def _script(file: Path) -> None:
    warnings.simplefilter("error")
    sys.argv = [str(file)]
    sys.path.insert(0, str(file.parent))
    runpy.run_path(str(file), run_name="__main__")

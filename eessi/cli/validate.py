"""``eessi validate`` and ``eessi explain``."""

from __future__ import annotations

import datetime as dt
import functools
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from eessi.cli.output import common_options, print_json, read_source, worst, write
from eessi.errors import InputError, LimitExceeded, UsageError
from eessi.findings import Finding, NotChecked, Outcome, Phrase, Severity, Verdict
from eessi.findings.report import Judged

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

    from lxml.etree import _Element

    from eessi.schemas import Registry

__all__ = ["explain", "validate"]

_SUFFIXES = frozenset({".xml", ".json"})
_PATIENCE = 2.0
"""Seconds of work before a progress bar appears."""


@attrs.frozen(slots=True)
class _Task:
    """What every input is judged by; small, because it goes to other processes."""

    package: str | None
    as_of: dt.date | None
    cdm: str | None
    rules: bool


@click.command
@common_options("junit", "sarif", "html", "ndjson")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--package", metavar="NAME:VERSION", help="Judge by this package alone.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Judge by the packages of that day.")
@click.option("--cdm", metavar="VERSION", help="Version of RINA JSON documents that name none.")
@click.option("--jobs", "-j", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes to use.")
@click.option(
    "--fail-on", type=click.Choice([level.value for level in Severity]), default="error", show_default=True,
    help="Findings from this severity on give exit code 1.",
)  # fmt: skip
@click.option("--rules/--no-rules", default=True, show_default=True, help="Also apply rules beyond the schema.")
@click.option("--show-values", is_flag=True, help="Show what stood there; this may be personal data.")
@click.option("--resume", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.ndjson",
              help="Go on after a broken-off run with this ndjson output; what it holds is told again, not judged again.")  # fmt: skip
def validate(
    paths: tuple[str, ...],
    package: str | None,
    as_of: dt.datetime | None,
    cdm: str | None,
    jobs: int,
    fail_on: str,
    rules: bool,
    show_values: bool,
    resume: Path | None,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Say of each document whether it is valid, invalid, or could not be checked.

    A PATH is a file, a folder (walked for .xml and .json files) or - for standard input. SEDs, SBDH messages and RINA JSON
    are recognised by their content.
    """
    task = _Task(package, as_of.date() if as_of else None, cdm, rules)
    level = Severity(fail_on)
    files = _files(paths)
    earlier = _earlier(resume, files, level, format, output) if resume else {}
    files = [file for file in files if file not in earlier]
    if package is not None:
        _registry().package(package)
    results: list[Judged] = []
    if not quiet:
        for line, _ in earlier.values():
            click.echo(line)
    for judged in _with_progress(_judge_all(files, task, jobs), len(files)):
        if judged.unreadable is not None:
            click.echo(f"eessi: {judged.unreadable}", err=True)
        results.append(judged)
        if format == "ndjson" and output is None and not quiet:
            _print_ndjson(judged, lang, show_values)
    _report(results, format, output, quiet, lang, show_values)
    return worst([*(code for _, code in earlier.values()), *(judged.exit_code(level) for judged in results)])


def _files(paths: Sequence[str]) -> list[str]:
    files: list[str] = []
    for path in paths:
        if path != "-" and Path(path).is_dir():
            found = sorted(
                str(file) for file in Path(path).rglob("*") if file.suffix.lower() in _SUFFIXES and file.is_file()
            )
            if not found:
                raise UsageError(f"{path}: no .xml or .json file in this folder")
            files += found
        else:
            files.append(path)
    return files


def _earlier(
    resume: Path, files: Sequence[str], level: Severity, format: str, output: Path | None
) -> dict[str, tuple[str, int]]:
    """Lines of an earlier output and their exit codes by file, for the files asked for; its last line may be cut off."""
    import json

    if format != "ndjson" or output is not None:
        raise UsageError("--resume needs --format ndjson on standard output, which a broken-off run leaves usable")
    wanted = set(files)
    found: dict[str, tuple[str, int]] = {}
    lines = resume.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            file, code = row["file"], _exit_code(row, level)
        except (ValueError, KeyError, TypeError):
            if number < len(lines):
                what = "this is not the ndjson output of eessi validate"
                raise InputError(what, source=str(resume), line=number) from None
        else:
            if file in wanted:
                found[file] = line, code
    return found


def _exit_code(row: Mapping[str, Any], level: Severity) -> int:
    """The exit code that a line of ndjson stands for."""
    findings = tuple(Finding(found["id"], Severity(found["severity"])) for found in row["findings"])
    unreadable = next(("unreadable" for found in findings if found.id == "DOC-UNREADABLE"), None)
    return Judged(row["file"], Verdict(Outcome(row["verdict"]), findings), unreadable).exit_code(level)


def _registry() -> Registry:
    from eessi.schemas import Registry

    return Registry.installed()


def _judge_all(files: Sequence[str], task: _Task, jobs: int) -> Iterator[Judged]:
    if jobs == 1 or len(files) < 2 or "-" in files:
        yield from map(_Judge(task), files)
        return
    from eessi import bulk

    batch = max(1, min(bulk.BATCH, len(files) // (jobs * 4)))
    judge = functools.partial(_judge_there, task)
    told = 0
    try:
        with _pool(min(jobs, len(files))) as pool:
            for _, judged in bulk.run(judge, files, str, executor=pool, batch=batch):
                yield judged
                told += 1
    except bulk.JobStopped:
        yield from _one_by_one(files[told:], task)


def _pool(jobs: int) -> ProcessPoolExecutor:
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(jobs, initializer=_leave_interrupts)


def _one_by_one(files: Sequence[str], task: _Task) -> Iterator[Judged]:
    """After a worker was ended from outside, as when memory runs out: find the files that do it, and judge the others."""
    from concurrent.futures.process import BrokenProcessPool

    rest = iter(files)
    file = next(rest, None)
    while file is not None:
        with _pool(1) as pool:
            while file is not None:
                try:
                    judged = pool.submit(_judge_there, task, file).result()
                except BrokenProcessPool:
                    why = Phrase("the system ended the process that checked it, perhaps for want of memory")
                    yield Judged(file, Verdict(Outcome.UNDETERMINED, (), (NotChecked(Phrase("document"), why),)))
                    file = next(rest, None)
                    break
                yield judged
                file = next(rest, None)


class _Judge:
    """Judges one file after another by one registry."""

    def __init__(self, task: _Task) -> None:
        self._task = task
        self._registry = _registry()

    def __call__(self, file: str) -> Judged:
        try:
            data = read_source(file)
            return Judged(file, self._verdict(data))
        except InputError as error:
            return Judged.refused(file, error)
        except RecursionError:
            return Judged.refused(file, LimitExceeded("the document is nested too deeply", limit="depth"))
        except MemoryError:
            return Judged(
                file,
                Verdict(Outcome.UNDETERMINED, (), (NotChecked(Phrase("document"), Phrase("the memory is used up")),)),
            )

    def _verdict(self, data: bytes) -> Verdict:
        from eessi.sed import validate as validate_document

        task = self._task
        verdict = validate_document(data, self._registry, package=task.package, as_of=task.as_of, cdm=task.cdm)
        return self._with_rules(verdict, data) if task.rules else verdict

    def _with_rules(self, verdict: Verdict, data: bytes) -> Verdict:
        if verdict.sed is None or verdict.cdm is None:
            return verdict
        from eessi.schemas.validation import with_rules

        structure = self._registry.structure(verdict.sed, verdict.cdm, self._task.as_of, self._task.package)
        root, source = self._root(data)
        return verdict if root is None else with_rules(verdict, root, structure, data=source, on=self._task.as_of)

    def _root(self, data: bytes) -> tuple[_Element | None, bytes | None]:
        """The SED's root element, in the tree of the whole document where there is one."""
        from eessi import _xml
        from eessi.sed import Kind, read_rina_json, recognise

        kind = recognise(data)
        if kind is Kind.RINA_JSON:
            return read_rina_json(data, version=self._task.cdm, registry=self._registry).root, None
        root = _xml.parse(data)
        if kind is not Kind.SBDH:
            return root, data
        parts = [part for part in _xml.elements(root) if _xml.local_name(part) != "StandardBusinessDocumentHeader"]
        return (parts[0] if parts else None), data


@functools.lru_cache(maxsize=1)
def _judge_of(task: _Task) -> _Judge:
    return _Judge(task)


def _leave_interrupts() -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends the pool


def _judge_there(task: _Task, file: str) -> Judged:
    return _judge_of(task)(file)


def _with_progress(results: Iterator[Judged], total: int) -> Iterator[Judged]:
    """Pass results on; on a terminal, with a bar on standard error once it takes longer."""
    if not sys.stderr.isatty() or total < 2:
        yield from results
        return
    from rich.console import Console
    from rich.progress import Progress

    began = time.monotonic()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("validating", total=total, visible=False)
        for judged in results:
            progress.update(bar, advance=1, visible=time.monotonic() - began > _PATIENCE)
            yield judged


def _print_ndjson(judged: Judged, lang: str, show_values: bool) -> None:
    from eessi.findings.report_json import as_ndjson

    click.echo(as_ndjson(judged, lang=lang, show_values=show_values))
    sys.stdout.flush()


def _report(results: list[Judged], format: str, output: Path | None, quiet: bool, lang: str, show_values: bool) -> None:
    if format == "ndjson" and output is None:
        return
    if format == "text" and output is None and sys.stdout.isatty() and not quiet:
        from rich.console import Console

        from eessi.findings.report_text import as_text

        Console(highlight=False, soft_wrap=True).print(as_text(results, lang=lang, show_values=show_values))
        return
    write(_FORMATS[format](results, lang, show_values), output, quiet=quiet)


def _text(results: list[Judged], lang: str, show_values: bool) -> str:
    from eessi.findings.report_text import as_text

    return as_text(results, lang=lang, show_values=show_values).plain


def _json(results: list[Judged], lang: str, show_values: bool) -> str:
    from eessi.findings.report_json import as_json

    return as_json(results, lang=lang, show_values=show_values)


def _ndjson(results: list[Judged], lang: str, show_values: bool) -> str:
    from eessi.findings.report_json import as_ndjson

    return "".join(as_ndjson(judged, lang=lang, show_values=show_values) + "\n" for judged in results)


def _junit(results: list[Judged], lang: str, show_values: bool) -> str:
    from eessi.findings.report_junit import as_junit

    return as_junit(results, lang=lang)


def _sarif(results: list[Judged], lang: str, show_values: bool) -> str:
    from eessi import __version__
    from eessi.findings.report_sarif import as_sarif

    return as_sarif(results, lang=lang, version=__version__)


def _html(results: list[Judged], lang: str, show_values: bool) -> str:
    from eessi.pages.verdict import verdict_report

    return verdict_report(results, lang=lang, show_values=show_values)


_FORMATS: dict[str, Callable[[list[Judged], str, bool], str]] = {
    "text": _text,
    "json": _json,
    "ndjson": _ndjson,
    "junit": _junit,
    "sarif": _sarif,
    "html": _html,
}


@click.command
@common_options()
@click.argument("id", metavar="ID")
def explain(id: str, format: str, output: Path | None, quiet: bool, lang: str) -> int:
    """Say what a finding or change id means, why the rule exists, and how to mend it."""
    from eessi.findings.texts import is_reviewed

    texts = _texts_of(id, lang)
    if format == "json":
        print_json(dict(texts), output, quiet=quiet)
        return 0
    names = {
        "message": Phrase("what"),
        "class": Phrase("class"),
        "direction": Phrase("who refuses"),
        "hint": Phrase("hint"),
        "why": Phrase("why"),
        "mend": Phrase("how to mend it"),
        "source": Phrase("source"),
    }
    lines = [texts["id"], *(f"  {label.said(lang)}: {texts[key]}" for key, label in names.items() if texts.get(key))]
    if not is_reviewed(lang):
        note = Phrase("the texts in {language} have not been reviewed by a person", language=lang)
        lines.append(f"  ({note.said(lang)})")
    write("\n".join(lines), output, quiet=quiet)
    return 0


def _texts_of(id: str, lang: str) -> dict[str, str]:
    if not id.upper().startswith("CHG-"):
        from eessi.findings import explain as texts_of

        return texts_of(id, lang)
    from eessi.release import kind_of

    kind = kind_of(id)
    direction = {"old": "receivers of the old version", "new": "receivers of the new version", "both": "both"}
    return {
        "id": kind.id,
        "message": kind.text,
        "class": str(kind.cls),
        "direction": direction.get(str(kind.direction), ""),
        "why": kind.why,
        "mend": kind.mend,
    }

"""``eessi replay``: run scenarios, all parties simulated, or one of them real."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.output import common_options, print_json, read_text, write
from eessi.errors import InputError, UsageError
from eessi.ids import CdmVersion

if TYPE_CHECKING:
    from pydantic import JsonValue

    from eessi.testing.comparison import Difference
    from eessi.testing.record import Run, SeriesCoverage
    from eessi.testing.scenario import Scenario
    from eessi.testing.series import Settings

__all__ = ["replay"]


@click.command()
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@click.option("--transport", type=click.Choice(["memory", "as4"]), default="memory", show_default=True)
@click.option(
    "--against",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Profile (TOML) of a real institution that plays one of the parties, over AS4; see the how-to page.",
)
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write the run as one HTML page.")
@click.option("--junit", "junit_file", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML as well.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the JSON record as well."
)
@click.option(
    "--compare", type=click.Path(dir_okay=False, path_type=Path), help="Compare with the JSON of an earlier run."
)
@click.option(
    "--review",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Comments and overrides of a reviewer (JSON); see the how-to page.",
)
@click.option("--strict", is_flag=True, help="End with 3 when a document could not be checked.")
@click.option("--seed", type=click.IntRange(min=0), help="Instead of the seed in the scenario.")
@click.option("--fail-under", type=click.FloatRange(0, 100), help="Least coverage of process steps, in percent.")
@click.option(
    "--cdm",
    "versions",
    multiple=True,
    metavar="VERSION",
    help="CDM versions that count for coverage; otherwise all that the process knows.",
)
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
@click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep finished runs in this file; what stands there already is not run again.",
)
@click.option("--show-values", is_flag=True, help="Do not mask the values of documents.")
@common_options("junit", "html")
def replay(
    scenarios: Sequence[str],
    transport: str,
    against: Path | None,
    report: Path | None,
    junit_file: Path | None,
    json_file: Path | None,
    compare: Path | None,
    review: Path | None,
    strict: bool,
    seed: int | None,
    fail_under: float | None,
    versions: Sequence[str],
    jobs: int,
    journal: Path | None,
    show_values: bool,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Run scenarios (files, or folders with *.buc.yaml), all parties simulated on this machine, or one of them real.

    With --against a run ends with 6 when the real institution gave no receipt or could not be reached.
    """
    from eessi.testing.coverage import joined
    from eessi.testing.series import Settings, journal_of, load_all, run_all

    earlier = _earlier(compare) if compare else None
    settings = Settings(transport, seed, show_values, lang)
    read = load_all(_files(scenarios), lambda: read_text("-"))
    with _progress(len(read), quiet) as told:
        if against is not None:
            _alone(jobs, journal)
            runs = _run_against(against, read, settings, told)
        else:
            runs = run_all(read, settings, jobs=jobs, journal=journal_of(journal) if journal else None, progress=told)
    if review is not None:
        from eessi.testing.review import read_review, reviewed

        runs = reviewed(runs, read_review(review))
    differences = _differences(earlier, runs) if earlier is not None else ()
    covered = joined(runs, [CdmVersion.parse(version) for version in versions])
    document = _document(runs, covered, differences, compare is not None)
    page = partial(_page, runs, covered, show_values)
    if report is not None:
        write(page(), report)
    if junit_file is not None:
        from eessi.testing.junit import junit

        write(junit(runs), junit_file)
    if json_file is not None:
        print_json(document, json_file)
    _print(runs, document, covered, differences, format, output, quiet, report, page)
    short = fail_under is not None and covered.share * 100 < fail_under
    if short:
        click.echo(f"coverage is {covered.share:.1%} of {covered.total} steps, under {fail_under}%", err=True)
        for row in covered.roles:
            click.echo(f"  {row.buc} {row.version} {row.role}: {row.covered} of {row.total}", err=True)
    if against is not None and any(run.undelivered for run in runs):
        return 6
    if differences or short or any(not run.passed for run in runs):
        return 1
    return 3 if strict and any(run.undetermined for run in runs) else 0


def _alone(jobs: int, journal: Path | None) -> None:
    """What a run against a real institution cannot do: it happens once, there is no second one like it."""
    if jobs > 1 or journal is not None:
        raise UsageError(
            f"{'--jobs' if jobs > 1 else '--journal'} does not go with --against: a real institution's cases go on, "
            "so its runs happen one after the other and are not taken up again"
        )


def _run_against(
    profile: Path, scenarios: Sequence[Scenario], settings: Settings, told: Callable[[int, int], None]
) -> tuple[Run, ...]:
    import os

    from eessi.testing.against import Against

    runs = []
    with Against(profile, password=os.environ.get("EESSI_KEY_PASSWORD")) as way:
        for scenario in scenarios:
            runs.append(way.run(scenario, seed=settings.seed, show_values=settings.show_values, lang=settings.lang))
            told(len(runs), len(scenarios))
    return tuple(runs)


@contextmanager
def _progress(total: int, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error for work over two seconds, only on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, count: None
        return
    import time

    from rich.console import Console
    from rich.progress import Progress

    begun = time.monotonic()
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("scenarios", total=total, visible=False)

        def told(done: int, count: int) -> None:
            bar.update(task, completed=done, total=count, visible=time.monotonic() - begun > 2)

        yield told


def _files(names: Sequence[str]) -> Iterator[Path]:
    for name in names:
        path = Path(name)
        if name == "-":
            yield path
        elif path.is_dir():
            found = sorted(path.rglob("*.buc.yaml"))
            if not found:
                raise InputError("no *.buc.yaml in this folder", source=name)
            yield from found
        elif path.is_file():
            yield path
        else:
            raise InputError("no such file", source=name)


def _earlier(path: Path) -> dict[str, dict[str, JsonValue]]:
    """The runs of an earlier record, by scenario."""
    from eessi.cli.output import read_source

    try:
        document = json.loads(read_source(str(path)))
        return {str(run["scenario"]): run for run in document["results"]}
    except (ValueError, KeyError, TypeError):
        raise InputError("this is not the JSON of a run", source=str(path)) from None


def _differences(earlier: dict[str, dict[str, JsonValue]], runs: Sequence[Run]) -> tuple[Difference, ...]:
    from eessi.testing.comparison import Difference, compare

    found: list[Difference] = []
    for run in runs:
        before = earlier.get(run.scenario)
        if before is None:
            found.append(Difference(run.scenario, None, "a scenario that the earlier run has not"))
        else:
            found += [
                Difference(f"{run.scenario}: {one.place}", one.old, one.new) for one in compare(before, run.document())
            ]
    names = {run.scenario for run in runs}
    found += [Difference(name, "a scenario of the earlier run", None) for name in earlier if name not in names]
    return tuple(found)


def _page(runs: Sequence[Run], covered: SeriesCoverage, show_values: bool) -> str:
    from eessi.pages import run_report

    return run_report(*runs, values_shown=show_values, coverage=covered.model_dump(mode="json"))


def _document(
    runs: Sequence[Run], covered: SeriesCoverage, differences: Sequence[Difference], compared: bool
) -> dict[str, object]:
    document: dict[str, object] = {
        "results": [run.document() for run in runs],
        "summary": {
            "passed": sum(run.passed for run in runs),
            "failed": sum(not run.passed for run in runs),
            "undetermined": sum(len(run.undetermined) for run in runs),
            "coverage": covered.model_dump(mode="json"),
        },
    }
    if compared:
        document["comparison"] = [{"place": one.place, "old": one.old, "new": one.new} for one in differences]
    return document


def _print(
    runs: Sequence[Run],
    document: dict[str, object],
    covered: SeriesCoverage,
    differences: Sequence[Difference],
    format: str,
    output: Path | None,
    quiet: bool,
    report: Path | None,
    page: Callable[[], str],
) -> None:
    if format == "json":
        print_json(document, output, quiet=quiet)
    elif format == "junit":
        from eessi.testing.junit import junit

        write(junit(runs), output, quiet=quiet)
    elif format == "html":
        write(page(), output, quiet=quiet)
    else:
        write(_text(runs, covered, differences, report, plain=output is not None), output, quiet=quiet)


def _text(
    runs: Sequence[Run],
    covered: SeriesCoverage,
    differences: Sequence[Difference],
    report: Path | None,
    *,
    plain: bool,
) -> str:
    import io
    import shutil

    from rich.console import Console

    from eessi.cli.timeline import print_closing, print_opening, print_run

    terminal = sys.stdout.isatty() and not plain
    width = min(shutil.get_terminal_size((100, 24)).columns, 110) if terminal else 100
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, force_terminal=terminal, highlight=False)
    print_opening(console)
    for run in runs:
        print_run(console, run)
    print_closing(console, runs, covered, str(report) if report else None)
    if differences:
        console.print(f"\nDifferent from the earlier run ({len(differences)}):", style="bold")
        for difference in differences:
            console.print(f"  {difference}", markup=False, soft_wrap=True)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())

"""``eessi campaign``: the three test campaigns, and kits of other packages."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from eessi.cli.output import common_options, print_json, write

if TYPE_CHECKING:
    from eessi.testing.against import Against
    from eessi.testing.campaigns import CampaignRecord

__all__ = ["campaign"]


@click.command()
@click.argument("kit", metavar="KIT")
@click.option(
    "--buc", "bucs", multiple=True, metavar="CODE", help="Processes of the campaign exit; 'all' for every one."
)
@click.option(
    "--cdm", "versions", multiple=True, metavar="VERSION", help="Versions of the campaign exit; 'all' for every one."
)
@click.option("--transport", type=click.Choice(["memory", "as4"]), default="memory", show_default=True)
@click.option(
    "--against",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Profile (TOML) of a real institution, as for replay: the campaign looks at it from outside, over AS4.",
)
@click.option(
    "--new",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Do not run: write a kit of this name into a new folder, to start your own from.",
)
@click.option("--messages", type=click.IntRange(1, 10_000), default=50, show_default=True, help="For moveit.")
@click.option("--only", multiple=True, metavar="ID", help="Run only these checks of moveit or testit.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write the campaign as one HTML page.")
@common_options("junit", "html")
def campaign(
    kit: str,
    bucs: Sequence[str],
    versions: Sequence[str],
    transport: str,
    against: Path | None,
    new: Path | None,
    messages: int,
    only: Sequence[str],
    report: Path | None,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Run a test campaign: moveit (transfer), exit (processes), testit (security), or a kit of your own.

    Against our own stack, or with --against a real institution; that ends with 6 when it gave no receipt or could not
    be reached. Kits of other packages are found by the entry point eessi.campaigns.
    """
    from eessi.testing.campaigns import Options, find_kit, run_kit, write_template

    if new is not None:
        for path in write_template(kit, new):
            write(str(path), None, quiet=quiet)
        return 0
    chosen = Options(tuple(bucs) or Options().bucs, tuple(versions), transport, messages, tuple(only))
    with _way(against) as way:
        record = run_kit(find_kit(kit), attrs.evolve(chosen, against=way))
    if report is not None:
        from eessi.pages import campaign_report

        write(campaign_report(record.model_dump(mode="json")), report)
    _print(record, format, output, quiet=quiet)
    if any(check.undelivered for check in record.failed):
        return 6
    return 0 if record.passed else 1


def _way(profile: Path | None) -> AbstractContextManager[Against | None]:
    if profile is None:
        return nullcontext()
    import os

    from eessi.testing.against import Against

    return Against(profile, password=os.environ.get("EESSI_KEY_PASSWORD"))


def _print(record: CampaignRecord, format: str, output: Path | None, *, quiet: bool) -> None:
    if format == "json":
        document = record.model_dump(mode="json")
        passed = sum(check.passed for check in record.results)
        summary = {"passed": passed, "failed": len(record.failed), "uncovered_requirements": list(record.uncovered)}
        print_json({**document, "summary": summary}, output, quiet=quiet)
    elif format == "html":
        from eessi.pages import campaign_report

        write(campaign_report(record.model_dump(mode="json")), output, quiet=quiet)
    elif format == "junit":
        from eessi.testing.junit import campaign_junit

        write(campaign_junit(record), output, quiet=quiet)
    else:
        write(_text(record), output, quiet=quiet)


def _text(record: CampaignRecord) -> str:
    whom = f", against {record.against}" if record.against else ""
    lines = [f"{record.title} ({record.kit}, transport {record.transport}{whom})", ""]
    width = max((len(check.id) for check in record.results), default=0)
    for check in record.results:
        sign = "✓" if check.passed else "✗"
        lines.append(f"{sign} {check.id:{width}}  {check.scenario}")
        if check.passed:
            lines.append(f"  {'':{width}}  {check.observed}")
        else:
            lines.append(f"  {'':{width}}  had to come: {check.expected}")
            lines.append(f"  {'':{width}}  came: {check.observed}")
    lines.append("")
    for one in record.requirements:
        sign = "?" if one.passed is None else "✓" if one.passed else "✗"
        lines.append(f"{sign} {one.id}  {one.text}")
    passed = sum(check.passed for check in record.results)
    lines += ["", f"{passed} of {len(record.results)} checks passed."]
    if record.uncovered:
        why = "Not to be seen from outside, so open" if record.against else "Nothing covers"
        lines.append(f"{why}: {', '.join(record.uncovered)}.")
    return "\n".join(lines)

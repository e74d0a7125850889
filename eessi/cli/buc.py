"""``eessi buc``: definitions, pictures, the model checker, two versions of a process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.output import common_options, print_json, print_table, read_text, worst, write

if TYPE_CHECKING:
    from eessi.buc import Buc, Case
    from eessi.buc.checking import CheckResult

__all__ = ["buc"]

_folder = click.option(
    "--definitions",
    type=click.Path(path_type=Path),
    help="Folder with national processes, beside those that ship.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def buc() -> None:
    """Processes: which SED may follow which, sent by whom."""


def _find(code: str, definitions: Path | None) -> Buc:
    from eessi.buc import buc as find
    from eessi.buc import load_definitions

    if definitions is not None:
        own = load_definitions(definitions)
        if code in own:
            return own[code]
    return find(code)


def _all(definitions: Path | None) -> tuple[Buc, ...]:
    from eessi.buc import all_bucs, load_definitions

    own = () if definitions is None else tuple(load_definitions(definitions).values())
    return (*all_bucs(), *own)


@buc.command("list")
@click.option("--sector", help="Only this sector: AW, FB, H, LA, M, P, R, S, UB or AD.")
@_folder
@common_options()
def list_bucs(
    sector: str | None, definitions: Path | None, format: str, output: Path | None, quiet: bool, lang: str
) -> int:
    """All processes, with who opens them."""
    found = [item for item in _all(definitions) if sector is None or item.sector == sector.upper()]
    if format == "json":
        rows = [
            {
                "code": item.code,
                "sector": item.sector,
                "title": item.titles.get(lang, item.title),
                "participants": item.participants,
                "starters": list(item.starters),
                "confidence": item.confidence,
            }
            for item in found
        ]
        print_json({"bucs": rows}, output, quiet=quiet)
    else:
        table = [
            (item.code, item.participants or "-", " ".join(item.starters), item.titles.get(lang, item.title))
            for item in found
        ]
        print_table(("BUC", "participants", "starters", "title"), table, output, quiet=quiet)
    return 0


@buc.command("show")
@click.argument("code")
@click.option("--version", "cdm", default="4.3", show_default=True, help="CDM version.")
@_folder
@common_options("md", "html")
def show(
    code: str, cdm: str, definitions: Path | None, format: str, output: Path | None, quiet: bool, lang: str
) -> int:
    """One process: who may send what after what, and how the case ends."""
    from eessi.buc import pages

    found = _find(code, definitions)
    if format == "json":
        print_json(pages.as_json(found, cdm), output, quiet=quiet)
    elif format == "md":
        write(pages.as_markdown(found, cdm), output, quiet=quiet)
    elif format == "html":
        from eessi.pages.process import process_page

        write(process_page(found, cdm), output, quiet=quiet)
    else:
        write(pages.as_text(found, cdm), output, quiet=quiet)
    return 0


@buc.command("diagram")
@click.argument("code", required=False)
@click.option("--version", "cdm", default="4.3", show_default=True, help="CDM version.")
@click.option("--kind", type=click.Choice(["state", "sequence", "map"]), default="state", show_default=True)
@click.option("--case", "case_file", type=click.Path(dir_okay=False), help="Draw in where this case stands.")
@_folder
@common_options("svg", "md", "html")
def diagram(
    code: str | None,
    cdm: str,
    kind: str,
    case_file: str | None,
    definitions: Path | None,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """A picture of a process (Mermaid text, or SVG), or the map of all processes."""
    from eessi.buc import pictures

    if kind == "map":
        bucs = _all(definitions) if code is None else (_find(code, definitions),)
        mermaid, svg = pictures.map_mermaid(bucs), pictures.map_svg(bucs)
    elif code is None:
        raise click.UsageError("name a process, or ask for --kind map")
    else:
        found, case = _find(code, definitions), None if case_file is None else _case(case_file, definitions)
        if case is not None and case.buc.code != found.code:
            raise click.UsageError(f"{case_file} is a case of {case.buc.code}, not of {found.code}")
        if kind == "state":
            mermaid = pictures.state_mermaid(found, cdm, case=case)
            svg = pictures.state_svg(found, cdm, case=case)
        else:
            mermaid = pictures.sequence_mermaid(found, cdm, case=case)
            svg = pictures.sequence_svg(found, cdm, case=case)
    if format == "json":
        print_json({"mermaid": mermaid, "svg": svg}, output, quiet=quiet)
    elif format == "svg":
        write(svg, output, quiet=quiet)
    elif format == "html":
        from eessi.pages.process import picture_page

        write(picture_page(code or "Processes", [(kind.capitalize(), svg)]), output, quiet=quiet)
    else:
        write(f"```{{mermaid}}\n{mermaid}```\n" if format == "md" else mermaid, output, quiet=quiet)
    return 0


def _case(path: str, definitions: Path | None) -> Case:
    from eessi.buc import record
    from eessi.cli.output import read_source

    return record.load(read_source(path), source=path, find=lambda code: _find(code, definitions))


@buc.command("check")
@click.argument("codes", nargs=-1)
@click.option("--version", "cdm", help="CDM version; the newest known one by default.")
@click.option("--states", default=40_000, show_default=True, help="Cut the search of a part after so many states.")
@click.option("--many", default=2, show_default=True, help="Documents of a kind from one author.")
@click.option("--flight", default=2, show_default=True, help="Messages on their way at the same time.")
@_folder
@common_options()
def check_bucs(
    codes: tuple[str, ...],
    cdm: str | None,
    states: int,
    many: int,
    flight: int,
    definitions: Path | None,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Prove that processes hang together, whatever order their messages arrive in; all of them without CODES."""
    from eessi.buc.checking import Bounds, check

    chosen = [_find(code, definitions) for code in codes] or [
        item for item in _all(definitions) if not item.is_administrative
    ]
    bounds = Bounds(many=many, flight=flight, states=states)
    results = [check(item, cdm, bounds) for item in chosen]
    if format == "json":
        print_json({"results": [_check_json(item) for item in results], "bounds": str(bounds)}, output, quiet=quiet)
    else:
        lines = [f"bounds: {bounds}"]
        for item in results:
            lines.extend(_check_lines(item))
        write("\n".join(lines), output, quiet=quiet)
    return worst({"valid": 0, "invalid": 1, "undetermined": 3}[item.outcome] for item in results)


def _check_lines(result: CheckResult) -> list[str]:
    extent = "complete" if result.complete else "cut"
    lines = [
        f"{result.code} {result.version}: {result.outcome}; {result.states} states in {len(result.parts)} parts,"
        f" {result.participants} participants, {extent}"
    ]
    for part in result.parts:
        if not part.complete:
            lines.append(f"  cut: {part.name} with {part.participants} participants after {part.states} states")
        for found in part.counterexamples:
            waived = f" (waived: {found.waiver.reason})" if found.waiver else ""
            lines.append(f"  {found.property} {found.subject}: {found.text}{waived}")
            if not found.waiver:
                lines.extend(f"    {number}. {step}" for number, step in enumerate(found.steps, 1))
    return lines


def _check_json(result: CheckResult) -> dict[str, object]:
    return {
        "code": result.code,
        "version": str(result.version),
        "outcome": str(result.outcome),
        "participants": result.participants,
        "states": result.states,
        "complete": result.complete,
        "parts": [
            {
                "name": part.name,
                "participants": part.participants,
                "seds": list(part.seds),
                "states": part.states,
                "complete": part.complete,
                "unreached": [item.subject for item in part.unreached],
                "counterexamples": [
                    {
                        "property": item.property,
                        "subject": item.subject,
                        "text": item.text,
                        "steps": list(item.steps),
                        "waiver": item.waiver.reason if item.waiver else None,
                    }
                    for item in part.counterexamples
                ],
            }
            for part in result.parts
        ],
    }


@buc.command("compare")
@click.argument("old")
@click.argument("new")
@click.option("--case", "case_file", type=click.Path(dir_okay=False), help="May this running case move to NEW?")
@_folder
@common_options()
def compare_bucs(
    old: str,
    new: str,
    case_file: str | None,
    definitions: Path | None,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """What changed between two definitions: a code with a version (UB_BUC_01@4.1) or a TOML file."""
    from eessi.buc.comparing import compare, compare_case

    before, before_version = _definition(old, definitions)
    after, after_version = _definition(new, definitions)
    changes = compare(before, after, before_version, after_version)
    rows = [{"kind": item.kind, "role": item.role, "sed": item.sed, "text": item.text} for item in changes]
    document: dict[str, object] = {"changes": rows, "summary": {"changes": len(rows)}}
    lines = [f"{item.kind:10} {item.text}" for item in changes] or ["no difference"]
    code = 0
    if case_file is not None:
        removal = compare_case(_case(case_file, definitions), after, after_version)
        against = None
        if removal.against is not None:
            event = removal.against.event
            against = {"number": removal.against.number, "sed": event.sed, "text": removal.against.text}
            lines.append(f"the case may not move: event {removal.against.number}, {removal.against.text}")
            code = 1
        else:
            lines.append("the case may move")
        lines.extend(f"  no longer possible now: {sed}" for sed in removal.lost)
        lines.extend(f"  possible in addition: {sed}" for sed in removal.gained)
        document["case"] = {
            "possible": removal.possible,
            "against": against,
            "lost": list(removal.lost),
            "gained": list(removal.gained),
        }
    if format == "json":
        print_json(document, output, quiet=quiet)
    else:
        write("\n".join(lines), output, quiet=quiet)
    return code


def _definition(word: str, definitions: Path | None) -> tuple[Buc, str | None]:
    from eessi.buc import load_definition

    if word.endswith(".toml"):
        return load_definition(read_text(word), file=word), None
    code, _, version = word.partition("@")
    return _find(code, definitions), version or None

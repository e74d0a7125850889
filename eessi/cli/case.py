"""``eessi case``: a stored or exported case, what may come next in it, and why something else may not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.output import common_options, print_json, read_source, write
from eessi.cli.store import store_options
from eessi.errors import UsageError
from eessi.findings import Phrase, said

if TYPE_CHECKING:
    from eessi.buc import Case, Remedy, WhyNot
    from eessi.buc.case import Misfit
    from eessi.buc.rina import NotUnderstood

__all__ = ["case"]


class _Keeping(click.Group):
    """The commands over the cases of a store live in modules of their own, loaded when one of them is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*self.commands, *self._others()])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self.commands.get(cmd_name) or self._others().get(cmd_name)

    def _others(self) -> dict[str, click.Command]:
        from eessi.cli import case_jobs, case_keeping

        return {**case_keeping.COMMANDS, **case_jobs.COMMANDS}


@click.group(cls=_Keeping, context_settings={"help_option_names": ["-h", "--help"]})
def case() -> None:
    """Cases: what happened, what may come next, and why something else may not."""


_day = click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day of the question.")
_facts = click.option(
    "--fact",
    "facts",
    multiple=True,
    metavar="NAME=yes|no",
    help="What the content of a document tells: R005.final=yes.",
)
_definitions = click.option("--definitions", type=click.Path(path_type=Path), help="Folder with national processes.")


def _load(path: str, definitions: Path | None = None) -> Case:
    from eessi.buc import buc, load_definitions, record

    own = {} if definitions is None else load_definitions(definitions)
    return record.load(read_source(path), source=path, find=lambda code: own.get(code) or buc(code))


def _stated(facts: tuple[str, ...]) -> dict[str, bool]:
    found = {}
    for item in facts:
        name, _, value = item.partition("=")
        if value.lower() not in ("yes", "no", "true", "false"):
            raise click.UsageError(f"{item!r}: write a fact as NAME=yes or NAME=no")
        found[name] = value.lower() in ("yes", "true")
    return found


def _date(on: dt.datetime | None) -> dt.date | None:
    return None if on is None else on.date()


@case.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--me", help="Our institution, where the history does not tell it.")
@click.option(
    "--key-file", type=click.Path(dir_okay=False, path_type=Path), help="The tenant's key; needed with --store."
)
@store_options
@common_options()
def import_case(
    paths: tuple[str, ...],
    me: str | None,
    key_file: Path | None,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Read RINA case histories.

    Without --store: of one file, write the case as JSON; what was not understood is listed on standard error or in JSON.
    With --store: all cases below PATHS (files or folders), with the documents and attachments beside them, into the store;
    one that is there already is left alone. Exit code 1: a case was refused or differs from the one in the store.
    """
    if store is None:
        if len(paths) != 1:
            raise UsageError("to read several cases, name the store they go to: --store")
        return _import_one(paths[0], me, format, output, quiet)
    if key_file is None:
        raise UsageError("documents are sealed with the tenant's key: give --key-file")
    return _import_all(paths, me, key_file, store, tenant, format, output, quiet)


def _import_one(file: str, me: str | None, format: str, output: Path | None, quiet: bool) -> int:
    from eessi.buc import record, rina

    found = rina.read_rina_case(read_source(file), me=me, source=file)
    notes, misfits = _notes(found.not_understood), _misfits(found.misfits)
    if format == "json":
        document: dict[str, object] = {"case": record.as_json(found.case), "misfits": misfits, "not_understood": notes}
        print_json(document, output, quiet=quiet)
    else:
        write(record.dump(found.case), output, quiet=quiet)
        for line in _told(notes, misfits):
            click.echo(line, err=True)
    return 0


def _import_all(
    paths: tuple[str, ...], me: str | None, key_file: Path, store: str, tenant: str, format: str, output: Path | None, quiet: bool
) -> int:  # fmt: skip
    from eessi.node import Vault
    from eessi.node.importing import import_cases
    from eessi.schemas import Registry
    from eessi.stores import Store

    now = dt.datetime.now(dt.UTC)
    rows: list[dict[str, object]] = []
    lines = []
    summary = dict.fromkeys(("imported", "unchanged", "different", "refused"), 0)
    with Store.open(store) as opened:
        places = [Path(path) for path in paths]
        vault = Vault.from_file(key_file)
        for one in import_cases(opened, vault, places, now, me=me, tenant=tenant, registry=Registry.installed()):
            summary[one.outcome] += 1
            notes, misfits = _notes(one.not_understood), _misfits(one.misfits)
            rows.append(
                {"source": one.source, "outcome": one.outcome, "case_id": one.case_id, "documents": one.documents,
                 "attachments": one.attachments, "why": one.why, "misfits": misfits, "not_understood": notes}
            )  # fmt: skip
            why = f": {one.why}" if one.why else ""
            lines.append(f"{one.outcome:9} {one.case_id or one.source}{why}")
            lines += [f"  {line}" for line in _told(notes, misfits)]
    if format == "json":
        print_json({"cases": rows, "summary": summary}, output, quiet=quiet)
    else:
        lines.append(", ".join(f"{count} {outcome}" for outcome, count in summary.items()))
        write("\n".join(lines), output, quiet=quiet)
    return 1 if summary["refused"] or summary["different"] else 0


def _notes(notes: Iterable[NotUnderstood]) -> list[dict[str, str]]:
    return [{"where": item.where, "what": item.what, "why": item.why} for item in notes]


def _misfits(misfits: Iterable[Misfit]) -> list[dict[str, object]]:
    return [{"number": item.number, "sed": item.event.sed, "rule": item.rule, "text": item.text} for item in misfits]


def _told(notes: Iterable[dict[str, str]], misfits: Iterable[dict[str, object]]) -> Iterator[str]:
    for misfit in misfits:
        yield f"event {misfit['number']}, not allowed by the process: {misfit['text']}"
    for note in notes:
        yield f"{note['where']}: {note['what']}: {note['why']}"


@case.command("show")
@click.argument("file")
@click.option("--as-of", "moment", type=click.DateTime(["%Y-%m-%d"]), help="The case as it was on this day.")
@_definitions
@common_options("html")
def show(
    file: str,
    moment: dt.datetime | None,
    definitions: Path | None,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Where a case stands, and its documents."""
    found = _load(file, definitions)
    if moment is not None:
        found = found.as_of(moment.date())
    if format == "json":
        print_json(_case_json(found), output, quiet=quiet)
    elif format == "html":
        from eessi.pages.process import case_page

        write(case_page(found), output, quiet=quiet)
    else:
        lines = [f"{found.buc.code} {found.version}, {found.role}: {found.state}"]
        lines += [f"  {item.role}: {item.institution or 'not named'}" for item in found.participants if item.active]
        for document in found.documents.values():
            answers = f" answers {document.parent_id}" if document.parent_id else ""
            at = f" {document.at:%Y-%m-%d}" if document.at else ""
            lines.append(f"  {document.sed:8} {document.id} {document.status} v{document.version}{at}{answers}")
        write("\n".join(lines), output, quiet=quiet)
    return 0


def _case_json(found: Case) -> dict[str, object]:
    return {
        "buc": found.buc.code,
        "version": str(found.version),
        "assumed": found.assumed,
        "role": found.role,
        "state": found.state,
        "participants": [
            {"role": item.role, "institution": item.institution, "active": item.active} for item in found.participants
        ],
        "documents": [
            {
                "id": item.id,
                "sed": item.sed,
                "status": item.status,
                "direction": item.direction,
                "version": item.version,
                "parent_id": item.parent_id,
                "at": None if item.at is None else item.at.isoformat(),
            }
            for item in found.documents.values()
        ],
    }


@case.command("allowed")
@click.argument("file")
@_day
@_facts
@_definitions
@common_options()
def allowed(
    file: str,
    on: dt.datetime | None,
    facts: tuple[str, ...],
    definitions: Path | None,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """What may come next, what depends on something, and what is not allowed, with reasons."""
    found = _load(file, definitions)
    moves = found.allowed(on=_date(on), facts=_stated(facts))
    rows = [
        {
            "sed": move.sed,
            "kind": move.kind,
            "answer": move.answer,
            "parent_id": move.parent_id,
            "document_id": move.document_id,
            "facts": list(move.facts),
            "earliest": None if move.earliest is None else move.earliest.isoformat(),
            "reasons": [said(reason, lang) for reason in move.reasons],
        }
        for move in moves
    ]
    if format == "json":
        print_json({"moves": rows, "assumed": moves.assumed}, output, quiet=quiet)
    else:
        assumed = Phrase("assumed: the rows of CDM {cdm} are not known", cdm=str(found.version))
        lines = [assumed.said(lang)] if moves.assumed else []
        for row in rows:
            to = f" to {row['parent_id']}" if row["parent_id"] else ""
            why = f"  {row['reasons'][0]}" if row["reasons"] else ""
            lines.append(f"{row['answer']:8} {row['kind']:7} {row['sed'] or ''}{to}{why}")
        write("\n".join(lines), output, quiet=quiet)
    return 0


@case.command("why-not")
@click.argument("file")
@click.argument("move")
@click.option("--parent", help="Id of the document it would answer or concern.")
@_day
@_facts
@_definitions
@common_options()
def why_not(
    file: str,
    move: str,
    parent: str | None,
    on: dt.datetime | None,
    facts: tuple[str, ...],
    definitions: Path | None,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Why MOVE (a SED, or close, reopen, archive, restore, delete) is not allowed, and what to do about it.

    Exit code 0 when it is allowed, 1 when it is not, 3 when that depends on something unknown.
    """
    found = _load(file, definitions)
    refused = found.why_not(move, on=_date(on), facts=_stated(facts), parent_id=parent)
    if format == "json":
        print_json(
            {"allowed": refused is None, **({} if refused is None else _refused_json(refused, lang))},
            output,
            quiet=quiet,
        )
    elif refused is None:
        write(Phrase("{move} is allowed", move=move).said(lang), output, quiet=quiet)
    else:
        lines = [f"{refused.rule}: {refused.said(lang)}"]
        lines += [f"  {_remedy_line(remedy, lang)}" for remedy in refused.remedies]
        write("\n".join(lines), output, quiet=quiet)
    return 0 if refused is None else 3 if refused.depends else 1


_VERBS = {
    "send": Phrase("send"),
    "receive": Phrase("receive"),
    "state": Phrase("state"),
    "wait": Phrase("wait"),
    "give": Phrase("give"),
    "act_as": Phrase("act as"),
    "do": Phrase("do"),
    "delete": Phrase("delete"),
}
"""What to do, for people; ``what`` behind it is a code, an action or a part of the event."""


def _remedy_line(remedy: Remedy, lang: str) -> str:
    to = f" {Phrase('for {document}', document=remedy.parent_id).said(lang)}" if remedy.parent_id else ""
    on_day = f" {remedy.on}" if remedy.on else ""
    by = f" ({remedy.role})" if remedy.role else ""
    text = f": {said(remedy.text, lang)}" if remedy.text else ""
    return f"{_VERBS[remedy.do].said(lang)} {remedy.what}{to}{on_day}{by}{text}"


def _refused_json(refused: WhyNot, lang: str) -> dict[str, object]:
    return {
        "rule": refused.rule,
        "text": refused.said(lang),
        "depends": refused.depends,
        "missing": list(refused.missing),
        "facts": list(refused.facts),
        "role": refused.role,
        "earliest": None if refused.earliest is None else refused.earliest.isoformat(),
        "assumed": refused.assumed,
        "remedies": [
            {
                "do": item.do,
                "what": item.what,
                "role": item.role,
                "on": None if item.on is None else item.on.isoformat(),
                "parent_id": item.parent_id,
                "text": said(item.text, lang),
                "facts": [{"document_id": number, "name": name, "value": value} for number, name, value in item.facts],
            }
            for item in refused.remedies
        ],
    }


@case.command("record")
@click.argument("file")
@click.option("--title", help="Title of the scenario.")
@_definitions
@common_options()
def record_case(
    file: str, title: str | None, definitions: Path | None, format: str, output: Path | None, quiet: bool, lang: str
) -> int:
    """A case as a scenario that can be replayed: roles, order and days stay; institutions and documents are invented."""
    from eessi.testing.recorded import scenario_of_case

    text = scenario_of_case(_load(file, definitions), title=title)
    if format == "json":
        print_json({"scenario": text}, output, quiet=quiet)
    else:
        write(text, output, quiet=quiet)
    return 0

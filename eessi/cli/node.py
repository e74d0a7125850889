"""``eessi node``: an institution at work over its access point."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.node_work import opened_node, work
from eessi.cli.output import common_options, print_json, read_source, write
from eessi.cli.store import opened_store, store_options
from eessi.errors import UsageError

if TYPE_CHECKING:
    from eessi.directory import Directory
    from eessi.node.operation import Status

__all__ = ["node"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_config = click.option(
    "--config", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The node's node.toml."
)


@click.group()
def node() -> None:
    """An institution at work over its access point."""


@node.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--access-point",
    "access_point",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="access-point.toml of a double.",
)
@click.option("--institution", required=True, metavar="ID")
@click.option("--url", default="http://127.0.0.1:8480", show_default=True, help="Where the double listens.")
def init(folder: Path, access_point: Path, institution: str, url: str) -> int:
    """Write the configuration and the tenant key of a node behind an access-point double."""
    from eessi.node.config import write_demo

    click.echo(str(write_demo(folder, access_point, institution, base_url=url)))
    return 0


@node.command("run")
@_config
@click.option("--once", is_flag=True, help="Stop when there is nothing left to do.")
@click.option("--pause", default=1.0, show_default=True, help="Seconds between two looks when there is nothing to do.")
def run(config: Path, once: bool, pause: float) -> int:
    """Send, pull and apply until stopped (Ctrl-C), or once: then exit code 6 says that the access point did not answer."""
    from eessi.errors import TransportError
    from eessi.node.log import log_to
    from eessi.node.loop import Loop

    handler = log_to()
    try:
        with opened_node(config) as opened:
            Loop(opened, pause=pause).run(once=once)
            if once and opened.engine.unreachable is not None:
                raise TransportError(f"the access point does not answer: {opened.engine.unreachable}")
    finally:
        logging.getLogger().removeHandler(handler)
    return 0


@node.command("send")
@click.argument("document")
@_config
@click.option("--case", "case_id", metavar="ID", help="The case; without it a new one is opened.")
@click.option("--buc", metavar="CODE", help="The process of a new case.")
@click.option("--to", "receivers", multiple=True, metavar="ID", help="Receiver; may be repeated.")
@click.option("--version", "version", metavar="V", help="CDM version of a new case; that of the document unless told.")
@click.option("--answers", "parent_id", metavar="ID", help="The document it answers.")
@click.option("--attach", multiple=True, type=_FILE, metavar="FILE", help="A file to send along; may be repeated.")
@click.option("--attach-medical", multiple=True, type=_FILE, metavar="FILE", help="The same, for medical staff only.")
@common_options()
def send(
    document: str,
    config: Path,
    case_id: str | None,
    buc: str | None,
    receivers: tuple[str, ...],
    version: str | None,
    parent_id: str | None,
    attach: tuple[Path, ...],
    attach_medical: tuple[Path, ...],
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Send DOCUMENT (a SED in XML) in a case. It is stored for sending; `eessi node run` carries it."""
    from eessi.sed import Attachment, Sed, parse

    files = [(path, path in attach_medical) for path in (*attach, *attach_medical)]
    attachments = [Attachment.read(path, medical=medical) for path, medical in files]
    sed = parse(read_source(document))
    if not isinstance(sed, Sed):
        raise UsageError(f"{document} has an envelope already; give the SED alone")
    with opened_node(config) as opened:
        if case_id is None:
            if buc is None or not receivers:
                raise UsageError("a new case needs --buc and --to; an open one --case")
            case_id = str(
                opened.start(buc, receivers, version=version or (sed.version if not sed.is_sandbox else "4.4"))
            )
        sent = opened.send(case_id, sed, parent_id=parent_id, receivers=receivers or None, attachments=attachments)
    found = {
        "case": str(sent.case_id),
        "document": sent.document_id,
        "messages": list(sent.message_ids),
        "verdict": str(sent.verdict.outcome),
    }
    if format == "json":
        print_json(dict(found), output, quiet=quiet)
    else:
        told = {**found, "messages": ", ".join(sent.message_ids)}
        write("\n".join(f"{key}: {value}" for key, value in told.items()), output, quiet=quiet)
    return 0


@node.command("status")
@click.option("--stuck-hours", default=24.0, show_default=True, help="How long a message may wait for its receipt.")
@click.option(
    "--certificates", is_flag=True, help="Also certificates of the store's directory that run out within 30 days."
)
@store_options
@common_options()
def status(
    stuck_hours: float,
    certificates: bool,
    store: str | None,
    tenant: str,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Backlog by partner and SED, what is stuck, dead, held or silent. Exit code 1 when something needs a person."""
    from eessi.node.operation import status_of

    directory = _directory(store, tenant) if certificates else None
    with opened_store(store) as opened:
        limit = dt.timedelta(hours=stuck_hours)
        found = status_of(opened, dt.datetime.now(dt.UTC), tenant=tenant, stuck_after=limit, directory=directory)
    if format == "json":
        print_json(_as_json(found), output, quiet=quiet)
    else:
        write(_as_text(found), output, quiet=quiet)
    return 0 if found.is_healthy else 1


def _directory(store: str | None, tenant: str) -> Directory:
    """The copy in force in a store."""
    from eessi.cli.directory_store import open_store

    with open_store(store, tenant) as kept:
        return kept.directory()


def _as_json(found: Status) -> dict[str, object]:
    return {
        "at": found.at.isoformat(),
        "healthy": found.is_healthy,
        "backlog": [
            {
                "partner": b.partner,
                "queued": b.queued,
                "taken": b.taken,
                "failed": b.failed,
                "oldest_seconds": round(b.oldest),
                "seds": dict(b.seds),
            }
            for b in found.backlog
        ],
        "stuck": list(found.stuck),
        "dead": found.dead,
        "waiting": found.waiting,
        "held": found.held,
        "untaken": found.untaken,
        "silent": list(found.silent),
        "unreceipted": list(found.unreceipted),
        "expiring": [
            {"owner": one.owner, "thumbprint": one.thumbprint, "valid_to": one.valid_to.isoformat()}
            for one in found.expiring
        ],
        "cases": found.cases,
    }


def _as_text(found: Status) -> str:
    lines = ["healthy" if found.is_healthy else "needs a person"]
    lines += [
        f"  to {b.partner}: {b.queued} queued, {b.taken} taken, {b.failed} failed; oldest {b.oldest / 3600:.1f} hours; "
        + ", ".join(f"{number} {sed}" for sed, number in b.seds.items())
        for b in found.backlog
    ]
    lines += [f"  stuck: {message_id}" for message_id in found.stuck]
    lines += [f"  silent: channel {name}" for name in found.silent]
    lines += [f"  silent: no receipt from {name}" for name in found.unreceipted]
    lines += [f"  certificate of {one.owner} runs out on {one.valid_to:%Y-%m-%d}" for one in found.expiring]
    lines += [f"  held by {rule}: {number}" for rule, number in found.held.items()]
    lines.append(
        f"  {found.waiting} messages to apply, {found.untaken} documents not taken by the application, {found.dead} dead"
    )
    if found.dead:
        lines.append("  which are dead and why: eessi node redrive --dry-run")
    lines += [f"  cases {state}: {number}" for state, number in found.cases.items()]
    return "\n".join(lines)


@node.command("ping")
@click.argument("institution", metavar="ID")
@_config
@click.option("--wait", default=60.0, show_default=True, help="Seconds to wait for the receipt.")
def ping(institution: str, config: Path, wait: float) -> int:
    """Send a test message to the institution ID and wait until it is receipted; nobody there sees it.

    Exit code 6 when no receipt comes in time: the last step says how far the message got.
    """
    import time

    from eessi.errors import TransportError
    from eessi.ids import InstitutionId
    from eessi.transport import State

    with opened_node(config) as opened:
        engine, until = opened.engine, time.monotonic() + wait
        message_id = engine.outbox.ping(InstitutionId(institution), opened.clock())
        while (
            engine.outbox.status(message_id).state not in {State.RECEIPTED, State.FAILED} and time.monotonic() < until
        ):
            if not engine.step(opened.clock()):
                time.sleep(0.2)
        ended, steps = engine.outbox.status(message_id), engine.timeline(message_id)
    for step in steps:
        click.echo(f"{step.at}  {step.step}{f': {step.detail}' if step.detail else ''}")
    if ended.state is not State.RECEIPTED:
        raise TransportError(
            f"{institution} did not answer within {wait:g} s: {ended.reason or f'the message is {ended.state}'}"
        )
    click.echo(f"{institution} answered")
    return 0


@node.command("redrive")
@_config
@click.option("--message", "ids", multiple=True, metavar="ID", help="Only this message; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Only say which, and why they were given up.")
def redrive(config: Path, ids: tuple[str, ...], dry_run: bool) -> int:
    """Send messages again that were given up, the same bytes under the same id.

    With --dry-run one line per message: id, since when, and why it was given up. Nothing is delivered twice: the far side
    knows a message by its id.
    """
    with opened_node(config) as opened:
        why = {one.message_id: one for one in opened.engine.outbox.dead()}
        done = opened.engine.outbox.redrive(dt.datetime.now(dt.UTC), ids or None, dry_run=dry_run)
    for message_id in done:
        given_up = why[message_id]
        click.echo(f"{message_id}  {given_up.since:%Y-%m-%d %H:%M}  {given_up.reason}" if dry_run else message_id)
    click.echo(f"{len(done)} messages {'would be' if dry_run else 'are'} queued again", err=True)
    return 0


@node.command("held")
@_config
@click.option("--retry", "message_id", metavar="ID", help="Try this held message again, after its cause was mended.")
def held(config: Path, message_id: str | None) -> int:
    """Messages that could not be applied, with the reason. Exit code 1 while there are any."""
    with opened_node(config) as opened:
        if message_id is not None:
            applied = opened.retry(message_id)
            click.echo("applied" if applied else "still held")
        rows = opened.held()
    for row in rows:
        answer = f" (answer with {row.answer})" if row.answer else ""
        click.echo(f"{row.message_id} from {row.sender}: {row.rule}: {row.reason}{answer}")
    return 1 if rows else 0


node.add_command(work)

"""``eessi message``: one message or case, every step and its evidence."""

from __future__ import annotations

import json
from pathlib import Path

import click

from eessi.cli.output import common_options, print_json, print_table, write
from eessi.cli.store import opened_store, store_options

__all__ = ["message"]


@click.group()
def message() -> None:
    """Where every message is, and the proof."""


@message.command("list")
@click.option("--state", "states", multiple=True, help="Only messages in this state; may be repeated.")
@store_options
@common_options()
def list_(
    states: tuple[str, ...], store: str | None, tenant: str, format: str, output: Path | None, quiet: bool, lang: str
) -> int:
    """Every message that went out or came in, with its state."""
    from eessi.stores.mail import MailRows

    with opened_store(store) as opened, opened.read(tenant) as unit:
        mail = MailRows(unit)
        every = ("queued", "sending", "taken", "receipted", "failed")
        rows = [
            ("out", row.message_id, row.receiver, row.state, row.since, row.conversation_id)
            for row in mail.outs(*every)
            if row.kind == "user"
        ]
        rows += [("in", row.message_id, row.sender, row.state, row.since, row.conversation_id) for row in mail.ins()]
    rows = [row for row in rows if not states or row[3] in states]
    names = ("direction", "message", "partner", "state", "since", "case")
    if format == "json":
        print_json({"messages": [dict(zip(names, row, strict=True)) for row in rows]}, output, quiet=quiet)
    else:
        print_table(names, rows, output, quiet=quiet)
    return 0


@message.command("timeline")
@click.argument("subject")
@store_options
@common_options("html")
def timeline(
    subject: str, store: str | None, tenant: str, format: str, output: Path | None, quiet: bool, lang: str
) -> int:
    """Every step of the message or case SUBJECT (its id), in order of time."""
    from eessi.node.evidence import timeline as steps_of

    with opened_store(store) as opened:
        steps = steps_of(opened, subject, tenant=tenant)
    rows = [(step.at.isoformat(), step.message_id or "", step.step, step.detail, step.proof or "") for step in steps]
    names = ("at", "message", "step", "detail", "proof")
    if format == "json":
        print_json(
            {"subject": subject, "steps": [dict(zip(names, row, strict=True)) for row in rows]}, output, quiet=quiet
        )
    elif format == "html":
        from eessi.pages.rendering import render

        write(render("timeline.html.j2", {"subject": subject, "steps": steps}), output, quiet=quiet)
    else:
        print_table(names, [(*row[:-1], row[-1][:12]) for row in rows], output, quiet=quiet)
    return 0


@message.command("show")
@click.argument("message_id")
@store_options
@common_options()
def show(
    message_id: str, store: str | None, tenant: str, format: str, output: Path | None, quiet: bool, lang: str
) -> int:
    """The last known state of one message, and whether its receipt is at hand."""
    from eessi.node.evidence import timeline as steps_of

    with opened_store(store) as opened:
        steps = steps_of(opened, message_id, tenant=tenant)
    receipt = next((step for step in steps if step.step == "receipted"), None)
    found: dict[str, object] = {
        "message": message_id,
        "state": steps[-1].step,
        "since": steps[-1].at.isoformat(),
        "detail": steps[-1].detail or None,
        "receipted_at": receipt.at.isoformat() if receipt else None,
        "receipt_sha256": receipt.proof if receipt else None,
        "steps": len(steps),
    }
    if format == "json":
        print_json(found, output, quiet=quiet)
    else:
        write("\n".join(f"{name}: {value}" for name, value in found.items() if value is not None), output, quiet=quiet)
    return 0


@message.command("export")
@click.option("--case", "cases", multiple=True, metavar="ID", help="With the history of this case; may be repeated.")
@click.option("--output", "-o", required=True, type=click.Path(dir_okay=False, path_type=Path))
@store_options
def export(cases: tuple[str, ...], output: Path, store: str | None, tenant: str) -> int:
    """Write the evidence to a file that can be verified elsewhere, without network."""
    from eessi.node.evidence import export as evidence_of

    with opened_store(store) as opened:
        found = evidence_of(opened, cases=cases, tenant=tenant)
    write(json.dumps(found.model_dump(mode="json"), ensure_ascii=False, indent=1), output)
    click.echo(f"{len(found.journal)} steps and {len(found.events)} events written to {output}")
    return 0


@message.command("verify")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@store_options
def verify(file: Path | None, store: str | None, tenant: str) -> int:
    """Verify the chains of an exported FILE, or of the store. Exit code 1 when a row was changed, added or left out."""
    from eessi.node.evidence import check_store, verify_file

    if file is not None:
        troubles = verify_file(file)
    else:
        with opened_store(store) as opened:
            troubles = check_store(opened, tenant=tenant)
    for trouble in troubles:
        click.echo(trouble, err=True)
    click.echo("every chain is whole" if not troubles else "not whole")
    return 1 if troubles else 0

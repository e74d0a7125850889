"""A run on the terminal: a timeline for people who know nothing of EESSI."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from eessi.testing.record import ExchangeRecord, PartyRecord, Run, SeriesCoverage, StepRecord, VerdictRecord

__all__ = ["print_closing", "print_opening", "print_run"]

_OPENING = (
    ("EESSI", "is how social security institutions of 32 European countries exchange documents about people who move."),
    ("SED", "a structured electronic document: one form with fixed fields, such as S071."),
    ("BUC", "a process: who sends which SED to whom, after what. One run through it is a case."),
    ("A check", "ends valid, invalid, or could not be checked (no exact schema at hand); never guessed."),
)
_SIGN = {"valid": "✓", "invalid": "✗", "undetermined": "?"}
_WORD = {"valid": "valid", "invalid": "invalid", "undetermined": "could not be checked"}
_STYLE = {"valid": "green", "invalid": "red", "undetermined": "yellow"}


def print_opening(console: Console) -> None:
    """Explain the words of the timeline."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    for word, meaning in _OPENING:
        grid.add_row(word, meaning)
    console.print(grid)


def print_run(console: Console, run: Run) -> None:
    """One scenario: the story, who takes part, step by step, what is possible next, what was not checked."""
    console.print()
    console.rule(Text(run.scenario, style="bold"), align="left")
    console.print(Text(f"Process {run.buc}: {run.buc_title}. Case under CDM {run.version}.", style="dim"))
    if run.about:
        console.print(run.about)
    console.print()
    for party in run.parties:
        role = "owns the case" if party.role == "CaseOwner" else "is the counterparty"
        console.print(
            Text.assemble("  ", (party.name, "bold"), f"  {party.institution_name} ({party.institution}) {role}")
        )
    console.print()
    _steps(console, run.steps)
    console.print(Text("What each institution may do next", style="bold"))
    for party in run.parties:
        _next(console, party)
    console.print()
    console.print(Text("What this run did not check", style="bold yellow"))
    for line in run.not_checked:
        console.print(Padding(Text(f"· {line}"), (0, 0, 0, 2)))


def _steps(console: Console, steps: Sequence[StepRecord]) -> None:
    grid = Table.grid(padding=(0, 2), pad_edge=False)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(justify="right", style="bold cyan", no_wrap=True)
    grid.add_column()
    day = ""
    for step in steps:
        here = step.at.strftime("%d %b %Y")
        grid.add_row(here if here != day else "", str(step.number), _step(step))
        day = here
    console.print(grid)
    console.print()


def _step(step: StepRecord) -> Text:
    text = Text()
    if step.exchange is None:
        text.append(step.says)
    else:
        text.append_text(_exchange(step.exchange))
    for note in step.notes:
        text.append(f"\n{note}")
    for failure in step.failures:
        text.append(f"\n✗ not as expected: {failure}", style="bold red")
    for review in step.reviews:
        word = "accepted" if review.accepted else "comment"
        text.append(f"\n  {word} by {review.by}: {review.text}", style="cyan")
    return text


def _exchange(exchange: ExchangeRecord) -> Text:
    document = exchange.document
    refused = exchange.ending == "refused"
    arrow = "──✗ " if refused else "──▶ "
    text = Text.assemble(
        (exchange.sender, "bold"), " ── ", (document.sed, "bold"), f" {arrow}", (", ".join(exchange.receivers), "bold"),
        f"   {document.title}",
    )  # fmt: skip
    if exchange.reply_to:
        text.append(f" (answers {exchange.reply_to})", style="dim")
    if exchange.before is not None:
        _check(text, exchange.before, f"before it leaves {exchange.sender}")
    for receiver, check in exchange.after.items():
        _check(text, check, f"on arrival at {receiver}")
    if refused:
        text.append(f"\n✗ refused, it never leaves {exchange.sender}", style="red")
        if exchange.before is None or exchange.before.verdict != "invalid":
            text.append(f": {exchange.reason}")
    for receiver, why in exchange.rejections.items():
        text.append(f"\n✗ {receiver} does not take it: {why}", style="red")
    if exchange.ending in ("lost", "late"):
        text.append(f"\n✗ {exchange.reason}", style="red")
    return text


def _check(text: Text, check: VerdictRecord, who: str) -> None:
    by = f", by {check.package} ({check.fidelity})" if check.package else ""
    text.append(f"\n{_SIGN[check.verdict]} {_WORD[check.verdict]}", style=_STYLE[check.verdict])
    text.append(f" {who}{by}", style="dim")
    for finding in check.findings:
        if check.verdict == "invalid" and finding.severity == "error":
            place = f"line {finding.line}, " if finding.line else ""
            hint = f" ({finding.hint})" if finding.hint else ""
            text.append(f"\n    {place}{finding.path}: {finding.message}{hint}")


def _next(console: Console, party: PartyRecord) -> None:
    may = [move for move in party.moves if move.answer == "yes"]
    depends = sum(1 for move in party.moves if move.answer == "depends")
    no = sum(1 for move in party.moves if move.answer == "no")
    names = _names(move.sed or f"{move.kind} the case" for move in may)
    more = f"; {depends} more depend on a fact" if depends else ""
    text = Text.assemble(
        "  ", (party.name, "bold"), f"  case {party.state}. May: {names or 'nothing'}{more}. ",
        (f"{no} not now (the report says why)." if no else "", "dim"),
    )  # fmt: skip
    console.print(text)


def _names(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def print_closing(console: Console, runs: Sequence[Run], covered: SeriesCoverage, report: str | None) -> None:
    """What all runs together came to and covered, and where the page is."""
    failed = [run for run in runs if not run.passed]
    sent = [exchange for run in runs for exchange in run.exchanges]
    delivered = [exchange for exchange in sent if exchange.ending == "delivered"]
    valid = sum(1 for exchange in delivered if exchange.before is not None and exchange.before.verdict == "valid")
    opened = sum(
        1 for exchange in delivered if exchange.before is not None and exchange.before.verdict == "undetermined"
    )
    refused = sum(1 for exchange in sent if exchange.ending == "refused")
    console.print()
    console.rule()
    head = (
        Text("✓ Everything went as the scenarios expect" + _but(runs) + ".", style="bold green")
        if not failed
        else Text(f"✗ {len(failed)} of {len(runs)} scenarios did not go as expected.", style="bold red")
    )
    console.print(head)
    console.print(
        f"{len(delivered)} documents delivered: {valid} proved valid, {opened} could not be checked. "
        f"{refused} refused before sending."
    )
    versions = len({(row.buc, row.version) for row in covered.roles})
    console.print(
        f"Coverage: {covered.covered} of {covered.total} steps ({covered.share:.0%}) of both roles, "
        f"in {versions} version{'' if versions == 1 else 's'} of the processes; --report and --json name those left out."
    )
    if report:
        console.print(f"The whole run as a page: {report}")


def _but(runs: Sequence[Run]) -> str:
    accepted = sum(1 for run in runs for step in run.steps if not step.passed and step.accepted)
    return f", but for {accepted} that a reviewer has accepted" if accepted else ""

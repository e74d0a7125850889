"""The public types as a user sees them; read by mypy, never run."""

from __future__ import annotations

import datetime as dt

import eessi
from eessi import CdmVersion, Directory, Message, Registry, Sed, Verdict


def check_documents(data: bytes) -> Verdict:
    parsed: Sed | Message = eessi.parse(data)
    sed = parsed.sed if isinstance(parsed, Message) else parsed
    version: CdmVersion = sed.version
    written: bytes = eessi.serialise(sed)
    verdict: Verdict = eessi.validate(sed, Registry.default())
    for finding in verdict.findings:
        text: str = finding.message("fr")
        print(finding.id, finding.path, finding.line, text, version, len(written))
    return verdict


def check_processes(today: dt.date) -> None:
    from eessi.buc import Case, buc

    case: Case = buc("LA_BUC_01").start(as_="CaseOwner", version="4.3")
    for move in case.allowed(on=today, facts={}):
        print(move.sed, move.answer)


def check_directory(data: bytes, today: dt.date) -> None:
    directory = Directory.load(data)
    found = directory.find(buc="LA_BUC_01", role="Counterparty", country="BE", on=today)
    for match in found.matches:
        print(match)
    for left in found.left_out:
        print(left.reason)

"""Verdicts as SARIF 2.1.0 (OASIS), the form that code scanners and editors read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote

from eessi.findings.finding import Finding, Severity
from eessi.findings.report import Judged
from eessi.findings.texts import explain

__all__ = ["as_sarif"]

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def as_sarif(results: Iterable[Judged], *, lang: str = "en", version: str = "0") -> str:
    """One run; every finding is a result with a region, what was not checked is a notification.

    :param version: of the toolkit, named as the tool's version.
    """
    results = list(results)
    ids = sorted({finding.id for judged in results for finding in judged.verdict.findings})
    places = {id: number for number, id in enumerate(ids)}
    run = {
        "tool": {"driver": {
            "name": "eessi-toolkit", "version": version,
            "rules": [_rule(id, lang) for id in ids],
        }},
        "columnKind": "unicodeCodePoints",
        "artifacts": [{"location": {"uri": _uri(judged.file)}} for judged in results],
        "invocations": [{
            "executionSuccessful": all(judged.unreadable is None for judged in results),
            "toolExecutionNotifications": [
                _notification(number, judged, entry.what, entry.why)
                for number, judged in enumerate(results) for entry in judged.verdict.not_checked
            ],
        }],
        "results": [
            _result(number, judged, finding, places[finding.id], lang)
            for number, judged in enumerate(results) for finding in judged.verdict.findings
        ],
    }  # fmt: skip
    document = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(document, ensure_ascii=False, indent=2)


def _uri(file: str) -> str:
    return "stdin" if file == "-" else quote(file.replace("\\", "/"), safe="/:")


def _rule(id: str, lang: str) -> dict[str, object]:
    texts = explain(id, lang)
    return {
        "id": id,
        "shortDescription": {"text": texts.get("why") or texts["message"]},
        "fullDescription": {"text": texts["message"]},
        "help": {"text": texts.get("mend") or texts.get("hint") or texts["message"]},
    }


def _result(number: int, judged: Judged, finding: Finding, rule: int, lang: str) -> dict[str, object]:
    region: dict[str, int] = {"startLine": finding.line or 1}
    if finding.column is not None:
        region["startColumn"] = finding.column
    location: dict[str, object] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(judged.file), "index": number}, "region": region}
    }
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path, "kind": "element"}]
    hint = finding.hint(lang)
    text = finding.message(lang) + (f" ({hint})" if hint else "")
    return {"ruleId": finding.id, "ruleIndex": rule, "level": _LEVELS[finding.severity], "message": {"text": text},
            "locations": [location]}  # fmt: skip


def _notification(number: int, judged: Judged, what: str, why: str) -> dict[str, object]:
    place = {"physicalLocation": {"artifactLocation": {"uri": _uri(judged.file), "index": number}}}
    return {"level": "note", "message": {"text": f"not checked: {what}: {why}"}, "locations": [place]}

"""Verdicts as SARIF 2.1.0 (OASIS), the form that code scanners and editors read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from eessi.findings.finding import Finding, Severity
from eessi.findings.phrases import Phrase
from eessi.findings.report import Judged
from eessi.findings.texts import explain
from eessi.findings.verdict import NotChecked

__all__ = ["as_sarif"]

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def as_sarif(results: Iterable[Judged], *, lang: str = "en", version: str = "0") -> str:
    """One run; every finding is a result with a region, what was not checked is a notification.

    :param version: of the toolkit, named as the tool's version.
    """
    results = list(results)
    rules = _numbered(sorted({finding.id for judged in results for finding in judged.verdict.findings}))
    files = _numbered(_uri(judged.file) for judged in results)
    run = {
        "tool": {"driver": {
            "name": "eessi-toolkit", "version": version,
            "rules": [_rule(id, lang) for id in rules],
        }},
        "columnKind": "unicodeCodePoints",
        "artifacts": [{"location": {"uri": uri}} for uri in files],
        "invocations": [{
            "executionSuccessful": all(judged.unreadable is None for judged in results),
            "toolExecutionNotifications": [
                _notification(_place(judged, files), entry, lang)
                for judged in results for entry in judged.verdict.not_checked
            ],
        }],
        "results": [
            _result(_place(judged, files), finding, rules[finding.id], lang)
            for judged in results for finding in judged.verdict.findings
        ],
    }  # fmt: skip
    document = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(document, ensure_ascii=False, indent=2)


def _numbered(names: Iterable[str]) -> dict[str, int]:
    """Each name once, with its place: the same input may have been judged twice."""
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


def _uri(file: str) -> str:
    if file == "-":
        return "stdin"
    path = quote(file.replace("\\", "/"), safe="/", errors="surrogateescape")
    drive = re.match("([A-Za-z])%3A/", path)
    if drive is not None:
        return f"file:///{drive[1]}:/{path[drive.end() :]}"
    return f"file://{path}" if path.startswith("/") else path


def _place(judged: Judged, files: Mapping[str, int]) -> dict[str, object]:
    uri = _uri(judged.file)
    return {"artifactLocation": {"uri": uri, "index": files[uri]}}


def _rule(id: str, lang: str) -> dict[str, object]:
    texts = explain(id, lang)
    return {
        "id": id,
        "shortDescription": {"text": texts.get("why") or texts["message"]},
        "fullDescription": {"text": texts["message"]},
        "help": {"text": texts.get("mend") or texts.get("hint") or texts["message"]},
    }


def _result(place: dict[str, object], finding: Finding, rule: int, lang: str) -> dict[str, object]:
    region: dict[str, int] = {"startLine": finding.line or 1}
    if finding.column is not None:
        region["startColumn"] = finding.column
    location: dict[str, object] = {"physicalLocation": {**place, "region": region}}
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path, "kind": "element"}]
    hint = finding.hint(lang)
    text = finding.message(lang) + (f" ({hint})" if hint else "")
    return {"ruleId": finding.id, "ruleIndex": rule, "level": _LEVELS[finding.severity], "message": {"text": text},
            "locations": [location]}  # fmt: skip


def _notification(place: dict[str, object], entry: NotChecked, lang: str) -> dict[str, object]:
    text = Phrase("not checked: {what}: {why}", what=entry.what, why=entry.why).said(lang)
    return {"level": "note", "message": {"text": text}, "locations": [{"physicalLocation": place}]}

"""Verdicts as JSON: the shape that scripts rely on, with its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from eessi.findings.finding import Finding
from eessi.findings.phrases import said
from eessi.findings.report import Judged, count

__all__ = ["ExplainDocument", "FindingModel", "ResultModel", "VerdictDocument", "VerdictLine", "as_json", "as_ndjson"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FixModel(_Shape):
    """A change that a machine may apply; its value only with ``--show-values`` unless it is a name or a code."""

    action: str
    path: str
    value: str | None = None
    determined: bool = Field(description="whether the original follows from the damaged document")
    count: int | None = Field(default=None, description="of a wrap: how many elements from `path` on go inside")


class FindingModel(_Shape):
    """One problem."""

    id: str = Field(description="stable id; `eessi explain ID` says more")
    severity: Literal["error", "warning", "info"]
    path: str | None
    line: int | None = Field(description="counted from 1")
    column: int | None = Field(description="counted from 1, in characters")
    message: str
    got: str | None = Field(description="what stood there, masked")
    expected: list[str] = Field(description="what would have been right, nearest first")
    hint: str | None
    reference: str | None = None
    fix: FixModel | None = None
    value: str | None = Field(default=None, description="what stood there; only with --show-values")


class NotCheckedModel(_Shape):
    """A part that was not checked."""

    what: str
    why: str


class ResultModel(_Shape):
    """The verdict on one input."""

    file: str
    sed: str | None
    cdm: str | None
    package: str | None
    fidelity: Literal["exact", "observed", "mapped", "named", "sandbox"] | None
    verdict: Literal["valid", "invalid", "undetermined"]
    findings: list[FindingModel]
    not_checked: list[NotCheckedModel]


class VerdictLine(ResultModel):
    """One line of ``eessi validate --format ndjson``."""

    schema_version: Literal[1] = 1


class SummaryModel(_Shape):
    """How many inputs ended which way."""

    valid: int
    invalid: int
    undetermined: int
    unreadable: int = Field(description="of the undetermined ones, those that could not be read at all")


class VerdictDocument(_Shape):
    """Output of ``eessi validate --format json``."""

    schema_version: Literal[1] = 1
    results: list[ResultModel]
    summary: SummaryModel


class ExplainDocument(_Shape):
    """Output of ``eessi explain --format json``; place holders stand in braces."""

    schema_version: Literal[1] = 1
    id: str
    message: str
    hint: str | None = None
    why: str
    mend: str
    source: str


_SHOWN_FIXES = frozenset({"rename", "move", "remove", "unwrap"})


def _finding(finding: Finding, lang: str, show_values: bool) -> FindingModel:
    fix = finding.fix
    told = show_values or (fix is not None and (fix.action in _SHOWN_FIXES or finding.got == finding.value))
    shown = told or (fix is not None and fix.value in finding.expected)
    return FindingModel(
        id=finding.id,
        severity=finding.severity.value,
        path=finding.path,
        line=finding.line,
        column=finding.column,
        message=finding.message(lang),
        got=None if finding.got is None else said(finding.got, lang),
        expected=[said(text, lang) for text in finding.expected],
        hint=finding.hint(lang),
        reference=finding.reference,
        fix=FixModel(
            action=fix.action, path=fix.path, value=fix.value if shown else None, determined=fix.determined, count=fix.count
        ) if fix else None,
        value=finding.value if show_values else None,
    )  # fmt: skip


def result_of(judged: Judged, *, lang: str = "en", show_values: bool = False) -> ResultModel:
    """The JSON model of one result."""
    verdict = judged.verdict
    return ResultModel.model_validate(
        {
            "file": judged.file,
            "sed": verdict.sed,
            "cdm": verdict.cdm,
            "package": verdict.package,
            "fidelity": verdict.fidelity,
            "verdict": verdict.outcome.value,
            "findings": [_finding(finding, lang, show_values) for finding in verdict.findings],
            "not_checked": [
                NotCheckedModel(what=str(entry.what), why=said(entry.why, lang)) for entry in verdict.not_checked
            ],
        }
    )


def _dump(model: BaseModel, show_values: bool) -> dict[str, object]:
    leave_out = None if show_values else {"value"}
    document: dict[str, object] = model.model_dump(mode="json")
    _drop_values(document, leave_out)
    return document


def _drop_values(result: dict[str, object], leave_out: set[str] | None) -> None:
    findings = result.get("findings")
    if leave_out and isinstance(findings, list):
        for finding in findings:
            finding.pop("value", None)


def as_json(results: Iterable[Judged], *, lang: str = "en", show_values: bool = False) -> str:
    """One JSON document for all results."""
    results = list(results)
    rows = [_dump(result_of(judged, lang=lang, show_values=show_values), show_values) for judged in results]
    document = {"schema_version": 1, "results": rows, "summary": count(results)}
    return json.dumps(document, ensure_ascii=False, indent=2)


def as_ndjson(judged: Judged, *, lang: str = "en", show_values: bool = False) -> str:
    """One line of JSON for one result, so that long runs can be read while they go on."""
    row = _dump(result_of(judged, lang=lang, show_values=show_values), show_values)
    return json.dumps({"schema_version": 1, **row}, ensure_ascii=False, separators=(",", ":"))

"""``eessi schema``: the published JSON Schema of an output of this command."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.output import common_options, write
from eessi.errors import UnknownCode
from eessi.ids import nearest

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["OUTPUTS", "schema"]

OUTPUTS = {
    "verdict": ("eessi.findings.report_json", "VerdictDocument", "eessi validate --format json"),
    "explain": ("eessi.findings.report_json", "ExplainDocument", "eessi explain --format json"),
    "sed-list": ("eessi.sed.report_json", "SedListDocument", "eessi sed list --format json"),
    "sed-show": ("eessi.sed.report_json", "SedShowDocument", "eessi sed show --format json"),
    "sed-convert": ("eessi.sed.report_json", "ConversionDocument", "eessi sed convert --format json"),
    "packages-list": ("eessi.schemas.report_json", "PackageListDocument", "eessi packages list --format json"),
    "packages-show": ("eessi.schemas.report_json", "PackageShowDocument", "eessi packages show --format json"),
    "packages-import": ("eessi.schemas.report_json", "PackageImportDocument", "eessi packages import --format json"),
    "packages-export": ("eessi.schemas.report_json", "PackageWrittenDocument", "eessi packages export --format json"),
    "packages-verify": ("eessi.schemas.report_json", "PackageVerifyDocument", "eessi packages verify --format json"),
    "case": ("eessi.buc.record", "CaseForm", "a case as JSON: eessi case import, eessi.buc.record.dump"),
    "replay": ("eessi.testing.report_json", "ReplayDocument", "eessi replay --format json"),
    "campaign": ("eessi.testing.report_json", "CampaignDocument", "eessi campaign KIT --format json"),
    "scenario": ("eessi.testing.report_json", "ScenarioDocument", "scenario files, *.buc.yaml"),
    "review": ("eessi.testing.review", "Review", "comments and overrides of a reviewer, for eessi replay --review"),
    "directory-find": ("eessi.directory.reports", "FindDocument", "eessi directory find --format json"),
    "directory-show": ("eessi.directory.reports", "ShowDocument", "eessi directory show --format json"),
    "directory-diff": ("eessi.directory.reports", "DiffDocument", "eessi directory diff --format json"),
    "directory-lint": ("eessi.directory.reports", "LintDocument", "eessi directory lint --format json"),
    "directory-history": ("eessi.directory.reports", "HistoryDocument", "eessi directory history --format json"),
    "directory-import": ("eessi.directory.reports", "ImportDocument", "eessi directory import --format json"),
    "directory-proposals": ("eessi.directory.reports", "ProposalsDocument", "eessi directory approve --format json"),
    "as4-inspect": ("eessi.transport.report_json", "InspectionDocument", "eessi as4 inspect --format json"),
    "verdict-line": ("eessi.findings.report_json", "VerdictLine", "one line of eessi validate --format ndjson"),
}
"""Name -> (module, pydantic model, what writes it). A room that publishes another output adds a row."""


@click.command
@common_options()
@click.argument("name", required=False)
def schema(name: str | None, format: str, output: Path | None, quiet: bool, lang: str) -> int:
    """Print the JSON Schema of an output; without NAME, list the outputs."""
    if name is None:
        rows = {key: what for key, (_, _, what) in OUTPUTS.items()}
        text = "\n".join(f"{key}  {what}" for key, what in rows.items())
        document = {"schema_version": 1, "schemas": [{"name": key, "of": what} for key, what in rows.items()]}
        write(json.dumps(document, indent=2) if format == "json" else text, output, quiet=quiet)
        return 0
    if name not in OUTPUTS:
        raise UnknownCode("schema", name, nearest(name, OUTPUTS))
    module, model, _ = OUTPUTS[name]
    shape: type[BaseModel] = getattr(importlib.import_module(module), model)
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **shape.model_json_schema(mode="serialization"),
    }
    write(json.dumps(described, ensure_ascii=False, indent=2), output, quiet=quiet)
    return 0

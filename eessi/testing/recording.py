"""From values of the toolkit to records of a run; personal values are masked here and nowhere later.

The small records are made without validation: they are many, and what goes in is typed already.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator
from typing import Final

from eessi.errors import UnknownCode
from eessi.findings import Finding, Verdict
from eessi.schemas import Registry, Structure
from eessi.sed import Header, Sed
from eessi.testing.record import DocumentRecord, FindingRecord, GapRecord, ValueRecord, VerdictRecord

__all__ = ["document_record", "header_record", "masked", "title_of", "verdict_record"]

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:Z|[+-]\d{2}:\d{2})?")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?")


def masked(text: str) -> str:
    """What kind of value it is and how long, without the value: ``text of 10 characters``."""
    if _DATE.fullmatch(text):
        return "a date"
    if _NUMBER.fullmatch(text):
        return f"a number of {len(text)} characters"
    return f"text of {len(text)} character{'' if len(text) == 1 else 's'}"


@functools.lru_cache(maxsize=1024)
def title_of(sed: str) -> str:
    """Title of a SED by the catalogue; empty for a code that it does not know."""
    from eessi.sed.catalogue import find_sed

    try:
        return find_sed(sed).title or ""
    except UnknownCode:
        return ""


def document_record(
    name: str, sed: Sed, check: Verdict | None, registry: Registry, *, show_values: bool
) -> DocumentRecord:
    """Describe a document; its values masked unless they are asked for. Codes and structure always show."""
    package = check.package if check else None

    def values() -> tuple[ValueRecord, ...]:
        return tuple(_values(sed, registry.structure(sed.type, sed.version, package=package), show_values))

    return DocumentRecord.late(
        values,
        name=name,
        sed=sed.type,
        title=title_of(sed.type),
        namespace=sed.namespace,
        version=str(sed.version),
        package=package,
        fidelity=check.fidelity if check else None,
        size=len(sed.data),
        sha256=hashlib.sha256(sed.data).hexdigest(),
    )


def _values(sed: Sed, structure: Structure | None, show_values: bool) -> Iterator[ValueRecord]:
    from eessi.sed.paths import is_code, leaves

    for path, leaf in leaves(sed.root):
        text = leaf.text or ""
        parent = leaf.getparent()
        code = parent is not None and is_code(parent)
        open_value = show_values or not text or code
        yield ValueRecord.model_construct(
            path=path,
            value=text if open_value else masked(text),
            masked=not open_value,
            label=_label(structure, path, text) if code and structure is not None else None,
        )


def _label(structure: Structure, path: str, code: str) -> str | None:
    """The English text of a code."""
    element = structure.find(path) or structure.find(path.rpartition("/")[0])
    codes = element.codes.codes if element is not None and element.codes is not None else ()
    return next((one.labels.get("en") for one in codes if one.value == code), None)


def verdict_record(check: Verdict, *, show_values: bool, lang: str = "en") -> VerdictRecord:
    """Describe a verdict in the shape of ``eessi validate``."""
    return VerdictRecord(
        verdict=check.outcome.value,
        sed=check.sed,
        cdm=check.cdm,
        package=check.package,
        fidelity=check.fidelity,
        findings=tuple(_finding(finding, show_values, lang) for finding in check.findings),
        not_checked=tuple(_gap(gap.what, gap.why) for gap in check.not_checked),
    )


@functools.lru_cache(maxsize=256)
def _gap(what: str, why: str) -> GapRecord:
    return GapRecord(what=what, why=why)


def _finding(finding: Finding, show_values: bool, lang: str) -> FindingRecord:
    return FindingRecord(
        id=finding.id,
        severity=finding.severity.value,
        path=finding.path,
        line=finding.line,
        column=finding.column,
        message=finding.message(lang),
        got=finding.value if show_values and finding.value is not None else finding.got,
        expected=finding.expected,
        hint=finding.hint(lang),
    )


def header_record(header: Header) -> dict[str, str]:
    """The header of a message by the names of its fields; empty ones left out."""
    values = {
        "sender": _party(header.sender.id, header.sender.role),
        "receiver": ", ".join(_party(party.id, party.role) for party in header.receivers),
        "type": header.sed,
        "type_version": header.sed_version,
        "action": header.action,
        "document_version": header.document_version,
        "buc": header.buc,
        "buc_version": header.buc_version,
        "case_id": header.case_id,
        "instance_id": header.instance_id,
        "set_id": header.set_id,
        "related_set_id": header.related_set_id,
        "created": header.created,
        "attachments": ", ".join(entry.file_name for entry in header.attachments) or None,
        "header_version": header.header_version,
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def _party(institution: str, role: object) -> str:
    return f"{institution} ({role})" if role else institution

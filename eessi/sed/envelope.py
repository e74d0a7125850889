"""What can be said about an envelope: parts that are missing, and header and document that disagree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs
from lxml import etree

from eessi import _xml
from eessi.errors import BrokenData, UsageError
from eessi.findings import Finding, NotChecked, Phrase, Severity
from eessi.sed.header import Header, Party, same_id
from eessi.sed.message import Message

if TYPE_CHECKING:
    from eessi.schemas import Registry

__all__ = ["about_header", "about_message", "against_schema", "placed"]

_HEADER = "StandardBusinessDocument/StandardBusinessDocumentHeader"


def about_message(message: Message) -> tuple[list[Finding], list[NotChecked]]:
    """Findings about header and envelope, and what was not checked.

    That header and SED name the same type and version holds without any tree, so a difference is an error.
    """
    header, sed = message.header, message.sed
    findings = list(about_header(header))
    if header.sed is not None and header.sed != sed.type and header.sed != sed.name:
        findings.append(_disagree(Phrase("the type of the document"), header.sed, sed.type, "Type"))
    if header.sed_version is not None and not sed.is_sandbox and not header.sed_version.same_minor(sed.version):
        findings.append(_disagree(Phrase("the version"), str(header.sed_version), str(sed.version), "TypeVersion"))
    findings.extend(_location(header))
    listed = {entry.identifier for entry in header.attachments}
    here = {part.identifier for part in message.attachments}
    not_checked = []
    if header.attachments and not any(same_id(a, b) for a in listed for b in here):
        not_checked.append(
            NotChecked(Phrase("attachments"), Phrase("they travel beside the message and were not given"))
        )
    if header.attachments and header.header_version in ("1.0", "1.1"):
        why = Phrase(
            "header {version} has no known XML element for it; the list is not in the message",
            version=header.header_version,
        )
        not_checked.append(NotChecked(Phrase("list of attachments"), why))
    return findings, not_checked


def against_schema(
    message: Message, registry: Registry, root: etree._Element | None = None
) -> tuple[list[Finding], list[NotChecked]]:
    """Judge the whole envelope by its transaction schema, where a package has it.

    The schema is that of the message's own ``xsi:schemaLocation``, else the one that the header's words name.

    :param root: the parsed message, when there is one already.
    """
    named = (message.header.schema_location or message.header.transaction or "").split()
    name = named[-1].rpartition("/")[2] if named else ""
    try:
        schema = registry.transaction_schema(name) if name else None
    except UsageError:
        schema = None
    except BrokenData as error:
        return [], [NotChecked(Phrase("envelope schema"), str(error))]
    if schema is None:
        why = Phrase("no package has the transaction schema of this message")
        if name:
            why = Phrase("no package has the transaction schema {name}", name=name)
        return [], [NotChecked(Phrase("envelope schema"), why)]
    tree = root if root is not None else _xml.parse(message.data)
    if schema.validate(tree):
        return [], []
    entries = [entry for entry in schema.error_log if "StandardBusinessDocumentHeader" in (entry.path or "")]
    findings = [
        Finding("MSG-SCHEMA", Severity.ERROR, _readable(entry.path), entry.line, params={"schema": name})
        for entry in entries or list(schema.error_log)[:1]
    ]
    return findings, []


def _readable(path: str | None) -> str:
    steps = [re.sub(r"^[^/:]*:", "", step) for step in (path or "").strip("/").split("/")]
    return "/".join(steps)


def placed(finding: Finding, root: etree._Element, data: bytes) -> Finding:
    """The finding with the line and column of its node in the message, or of the nearest part around it that is there."""
    here = root
    for step in (finding.path or "").split("/")[1:]:
        below = next((child for child in _xml.elements(here) if _xml.local_name(child) == step), None)
        if below is None:
            break
        here = below
    line, column = _xml.place_of(here, data)
    return attrs.evolve(finding, line=line, column=column)


def _disagree(what: str, got: str, expected: str, name: str) -> Finding:
    return Finding(
        "DOC-VERSION",
        Severity.ERROR,
        f"{_HEADER}/DocumentIdentification/{name}",
        got=got,
        expected=(expected,),
        params={"what": what},
        reference="CDM wire facts, section 8",
    )


def about_header(header: Header) -> Iterator[Finding]:
    """Findings about a header alone."""
    required = {
        "Sender/Identifier": header.sender.id,
        "Receiver/Identifier": header.receivers[0].id if header.receivers else None,
        "DocumentIdentification/Type": header.sed,
        "DocumentIdentification/InstanceIdentifier": header.instance_id,
        "CaseId": header.case_id,
        "BusinessServiceName": header.buc,
    }
    for path, value in required.items():
        if not value and not any(part.path == path for part in header.kept):
            yield Finding("MSG-MISSING", Severity.WARNING, f"{_HEADER}/{path}")
    for path, party in (("Sender", header.sender), *(("Receiver", one) for one in header.receivers)):
        if party.id and not _is_institution(party):
            yield Finding("MSG-PARTY", Severity.WARNING, f"{_HEADER}/{path}/Identifier")
    if header.created and header.created_at is None:
        yield Finding("MSG-TIME", Severity.WARNING, f"{_HEADER}/DocumentIdentification/CreationDateAndTime")
    for part in header.kept:
        yield Finding("MSG-UNKNOWN", Severity.INFO, f"{_HEADER}/{part.path}")


def _is_institution(party: Party) -> bool:
    try:
        return bool(party.institution)
    except UsageError:
        return False


def _location(header: Header) -> Iterator[Finding]:
    """The transaction schema named in ``xsi:schemaLocation`` against the header's own words."""
    named = (header.schema_location or "").split()
    wanted = header.transaction
    if wanted and len(named) >= 2 and named[-1].rpartition("/")[2] != wanted:
        yield Finding(
            "MSG-LOCATION",
            Severity.WARNING,
            "StandardBusinessDocument/@schemaLocation",
            got=named[-1].rpartition("/")[2],
            expected=(wanted,),
        )

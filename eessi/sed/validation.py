"""Verdicts on what institutions exchange: a SED, a message, or a file that holds one in any form."""

from __future__ import annotations

import datetime as dt
import enum
import os
from typing import TYPE_CHECKING

import attrs
from lxml import etree

from eessi import _xml
from eessi.errors import InputError
from eessi.findings import Finding, NotChecked, Outcome, Severity, Verdict
from eessi.sed.codec import read_bytes
from eessi.sed.document import ROOT_ATTRIBUTES, Sed, recognise_root
from eessi.sed.losses import LossKind, LossReport
from eessi.sed.message import Message, read_message
from eessi.sed.trees import default_registry

if TYPE_CHECKING:
    from eessi.schemas import Registry

__all__ = ["Kind", "recognise", "validate"]


class Kind(enum.StrEnum):
    """What a file holds, told by its content."""

    SBDH = "sbdh"
    SED = "sed"
    RINA_JSON = "rina-json"
    RINA_HEADER = "rina-header"
    RINA_SUBDOCUMENTS = "rina-subdocuments"
    NAV_JSON = "nav-json"
    NEESSI_JSON = "neessi-json"
    OTHER_XML = "xml"
    OTHER_JSON = "json"


def recognise(data: bytes, *, source: str | None = None) -> Kind:
    """What the bytes hold. The name of a file plays no part.

    :raises InputError: when they are neither XML nor JSON, or broken.
    :raises LimitExceeded: when they are too large or too deep.
    """
    if _is_json(data):
        from eessi.sed.json_forms import kind_of_json
        from eessi.sed.json_text import load_json

        return Kind(kind_of_json(load_json(data, source=source)))
    root = _xml.parse(data, source=source)
    if _xml.local_name(root) == "StandardBusinessDocument":
        return Kind.SBDH
    row = recognise_root(root)
    return Kind.SED if row else Kind.OTHER_XML


def _is_json(data: bytes) -> bool:
    head = data[:64].lstrip(b"\xef\xbb\xbf\xfe\xff \t\r\n\x00")
    return head[:1] in (b"{", b"[")


@attrs.frozen(slots=True)
class _Face:
    """What a check is made with; the options are those of :func:`validate`."""

    registry: Registry
    package: str | None
    as_of: dt.date | None
    rules: bool
    thorough: bool

    def tree(self, root: etree._Element, data: bytes | None, source: str | None = None) -> Verdict:
        from eessi.schemas import validate_tree

        return validate_tree(
            root,
            self.registry,
            data=data,
            package=self.package,
            as_of=self.as_of,
            source=source,
            rules=self.rules,
            thorough=self.thorough,
        )


def validate(
    document: Sed | Message | bytes | str | os.PathLike[str],
    registry: Registry | None = None,
    *,
    package: str | None = None,
    as_of: dt.date | None = None,
    cdm: str | None = None,
    rules: bool = False,
    thorough: bool = False,
) -> Verdict:
    """What is known about a document: valid, invalid or undetermined, with findings and what was not checked.

    :param document: a SED or message, the bytes of one, or the path of a file: XML, SBDH or RINA JSON.
    :param registry: the packages to judge by; default :meth:`Registry.default`.
    :param package: coordinates ``name:version`` of the one package to judge by.
    :param as_of: the day whose packages count.
    :param cdm: version of a RINA JSON document that names none.
    :param rules: also apply the rules beyond the schema. :param thorough: let both gears look at every document.
    :raises InputError: when the input cannot be read at all, or is neither a SED nor a message.
    """
    face = _Face(registry or default_registry(), package, as_of, rules, thorough)
    if isinstance(document, Sed):
        return _more(face.tree(document.root, document.data), *_about_sed(document))
    if isinstance(document, Message):
        return _of_message(document, face)
    data, name = read_bytes(document)
    if _is_json(data):
        return _of_json(data, name, face, cdm)
    root = _xml.parse(data, source=name)
    if _xml.local_name(root) == "StandardBusinessDocument":
        bodies = [child for child in _xml.elements(root) if not _xml.local_name(child).endswith("DocumentHeader")]
        if len(bodies) == 1 and recognise_root(bodies[0]) is None:
            return face.tree(bodies[0], data, name)  # root or namespace settle it
        return _of_message(read_message(root, data, source=name), face)
    verdict = face.tree(root, data, name)
    if recognise_root(root) is None:
        return verdict
    return _more(verdict, *_about_sed(Sed(root, data, source=name)))


def _more(verdict: Verdict, findings: list[Finding], not_checked: list[NotChecked]) -> Verdict:
    """The verdict with further findings; a new error makes it invalid, and a part is listed once, as the later says."""
    said = {entry.what for entry in not_checked}
    kept = (entry for entry in verdict.not_checked if entry.what not in said)
    seen = {(finding.id, finding.path) for finding in verdict.findings}
    found = (*verdict.findings, *(finding for finding in findings if (finding.id, finding.path) not in seen))
    outcome = verdict.outcome
    if any(finding.severity is Severity.ERROR for finding in found):
        outcome = Outcome.INVALID
    return attrs.evolve(verdict, outcome=outcome, findings=found, not_checked=(*kept, *not_checked))


def _about_sed(sed: Sed) -> tuple[list[Finding], list[NotChecked]]:
    findings = []
    stated = tuple(sed.attributes[key].strip() for key in ROOT_ATTRIBUTES[1:] if key in sed.attributes)
    meant = (str(sed.version.major), str(sed.version.minor))
    if sed.version.major >= 4 and len(stated) == 2 and stated != meant:
        finding = Finding(
            "DOC-ATTRIBUTES",
            Severity.WARNING,
            sed.name,
            sed.root.sourceline,
            got=" and ".join(stated),
            expected=(" and ".join(meant),),
        )
        findings.append(finding)
    return findings, [NotChecked("process", "whether the document may be sent now depends on its case")]


def _of_message(message: Message, face: _Face) -> Verdict:
    from eessi.sed.envelope import about_message, against_schema

    verdict = face.tree(message.sed.root, None)
    whole: etree._Element | None = None
    if verdict.findings:  # once more inside its envelope, for lines and columns of the file
        whole = _xml.parse(message.data)
        inside = [child for child in _xml.elements(whole) if child.tag == message.sed.root.tag]
        verdict = face.tree(inside[0], message.data) if inside else verdict
    findings, not_checked = about_message(message)
    more, unchecked = against_schema(message, face.registry, whole)
    verdict = _more(verdict, *_about_sed(message.sed))
    return _more(verdict, [*findings, *more], [*not_checked, *unchecked])


def _of_json(data: bytes, name: str | None, face: _Face, cdm: str | None) -> Verdict:
    from eessi.sed.rina_json import read_rina_json

    kind = recognise(data, source=name)
    if kind is not Kind.RINA_JSON:
        raise InputError(f"this is {kind}, not a SED in XML or RINA JSON", source=name)
    sed = read_rina_json(data, version=cdm, registry=face.registry, source=name)
    verdict = _more(face.tree(sed.root, None), *_about_sed(sed))
    found = tuple(attrs.evolve(finding, line=None, column=None) for finding in verdict.findings)
    report = sed.report or LossReport()
    empty = [Finding("DOC-EMPTY", Severity.WARNING, entry.path) for entry in report.of(LossKind.EMPTY, LossKind.NULL)]
    order = NotChecked("order of elements", "RINA JSON has none; that of the tree was used")
    return _more(attrs.evolve(verdict, findings=found), empty, [order])

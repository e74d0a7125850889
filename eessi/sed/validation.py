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
from eessi.findings import Finding, NotChecked, Phrase, Severity, Verdict
from eessi.sed.codec import read_bytes
from eessi.sed.document import Sed, recognise_root
from eessi.sed.judging import about_sed, with_findings

if TYPE_CHECKING:
    from eessi.schemas import Registry
    from eessi.sed.message import Message

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
    if registry is None:
        from eessi.sed.trees import default_registry

        registry = default_registry()
    face = _Face(registry, package, as_of, rules, thorough)
    if isinstance(document, Sed):
        return with_findings(face.tree(document.root, document.data), *about_sed(document))
    if not isinstance(document, bytes | str | os.PathLike):
        from eessi.sed.message import Message

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
        from eessi.sed.message import read_message

        return _of_message(read_message(root, data, source=name), face)
    verdict = face.tree(root, data, name)
    if recognise_root(root) is None:
        return verdict
    return with_findings(verdict, *about_sed(Sed(root, data, source=name)))


def _of_message(message: Message, face: _Face) -> Verdict:
    from eessi.sed.envelope import about_message, against_schema, placed

    verdict = face.tree(message.sed.root, None)
    about, depends = about_sed(message.sed)
    findings, not_checked = about_message(message)
    whole: etree._Element | None = None
    if verdict.findings or about or findings:  # once more inside its envelope, for lines and columns of the file
        whole = _xml.parse(message.data)
        inside = [child for child in _xml.elements(whole) if child.tag == message.sed.root.tag]
        if inside and verdict.findings:
            verdict = face.tree(inside[0], message.data)
        if inside and about:
            about, depends = about_sed(message.sed, inside[0], message.data)
        findings = [placed(finding, whole, message.data) for finding in findings]
    more, unchecked = against_schema(message, face.registry, whole)
    verdict = with_findings(verdict, about, depends)
    return with_findings(verdict, [*findings, *more], [*not_checked, *unchecked])


def _of_json(data: bytes, name: str | None, face: _Face, cdm: str | None) -> Verdict:
    from eessi.sed.losses import LossKind
    from eessi.sed.rina_json import read_rina_json

    kind = recognise(data, source=name)
    if kind is not Kind.RINA_JSON:
        raise InputError(f"this is {kind}, not a SED in XML or RINA JSON", source=name)
    sed = read_rina_json(data, version=cdm, registry=face.registry, source=name)
    verdict = with_findings(face.tree(sed.root, None), *about_sed(sed))
    found = tuple(attrs.evolve(finding, line=None, column=None) for finding in verdict.findings)
    said = sed.report.of(LossKind.EMPTY, LossKind.NULL) if sed.report else ()
    empty = [Finding("DOC-EMPTY", Severity.WARNING, entry.path) for entry in said]
    order = NotChecked(Phrase("order of elements"), Phrase("RINA JSON has none; that of the tree was used"))
    return with_findings(attrs.evolve(verdict, findings=found), empty, [order])
